// SPDX-License-Identifier: MIT
//
// Builds the page tables and turns them on; <arch/mmu.h> changes them later.
#pragma once

#include "lib/base/result.h"

#include <cstdint>

namespace mmu {

// Maps all RAM (mem::use() must have run) and the image with its access rights, and loads the
// tables. Errors: no memory for the tables, a CPU without pages that are not executable.
[[nodiscard]] Result<> enable();

// What CR3 of every CPU is; below 4 GiB.
[[nodiscard]] std::uint64_t root();

}  // namespace mmu
