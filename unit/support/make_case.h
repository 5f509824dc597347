// SPDX-License-Identifier: MIT
//
// A descriptor for tests that only look at its ID.
#pragma once

#include "lib/test/case.h"

namespace unit {

constexpr test::Case make_case(const char* id, std::uint32_t flags = 0)
{
    return {.id = id,
            .summary = "",
            .needs = "",
            .file = "",
            .line = 0,
            .flags = flags,
            .run = nullptr};
}

}  // namespace unit
