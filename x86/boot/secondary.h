// SPDX-License-Identifier: MIT
//
// How CPUs other than the boot CPU get into the image.
#pragma once

#include <arch/cpu.h>

#include <cstdint>

namespace secondary {

// Takes the page below 1 MiB that CPUs start in: before anybody else takes memory.
void reserve_page();

// Writes the trampoline to it, once the final page tables are in use.
void prepare();

// The page's number; 0: there is none.
[[nodiscard]] std::uint8_t page();

// The next CPU that starts is this one. taken(): it has started.
void announce(arch::CpuData& cpu);
[[nodiscard]] bool taken();

}  // namespace secondary
