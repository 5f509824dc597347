// SPDX-License-Identifier: MIT
//
// What start.S found at the entry, before anything was changed.
#pragma once

#include <cstdint>

// Registers at the first instruction of the boot CPU. The boot protocol wants x0 = device tree,
// x1 = x2 = x3 = 0, DAIF masked, MMU off.
struct EntryState {
    std::uint64_t x0, x1, x2, x3;
    std::uint64_t level;  // exception level: 1, 2 or 3
    std::uint64_t daif;
    std::uint64_t sctlr;  // of that level
};

extern "C" EntryState entry_state;
