// SPDX-License-Identifier: MIT
//
// A registered test, as it lies in the section .assay.tests. TEST in test.h makes them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace test {

// The host reads the same array from the ELF (host/image.py): 48 bytes, little endian.
struct Case {
    const char* id;       // "group.name"
    const char* summary;  // one sentence
    const char* needs;    // the expression's text, "" for none
    const char* file;
    std::uint32_t line;
    std::uint32_t flags;
    void (*run)();

    static constexpr std::uint32_t on_request = 1U << 0;  // not in the default selection
};
static_assert(sizeof(void*) != 8 || sizeof(Case) == 48);

// The cases linked into this image, in link order.
[[nodiscard]] std::span<const Case> linked_cases();

}  // namespace test
