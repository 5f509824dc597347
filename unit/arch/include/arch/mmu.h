// SPDX-License-Identifier: MIT
//
// Architecture seam, host: every address is accessible, and stays so.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"

#include <cstdint>

namespace arch {

enum class Access : std::uint8_t {
    none,
    read,
    read_write,
    read_execute,
    user_read,
    user_read_write,
    user_execute,
};

[[nodiscard]] Result<> map_device(fdt::Region registers);
[[nodiscard]] Result<> prepare_pages(std::uintptr_t address, std::uint64_t size);
[[nodiscard]] Result<> protect(std::uintptr_t address, std::uint64_t size, Access access);

}  // namespace arch
