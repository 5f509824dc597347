// SPDX-License-Identifier: MIT
//
// The interrupt descriptor table, which all CPUs share.
#pragma once

#include "x86/cpu/descriptors.h"

#include <cstdint>
#include <span>

namespace x86 {

// The interrupt stack table: exceptions get a stack of their own, and those that can come at any
// time, or in the middle of another one, one each.
namespace ist {
inline constexpr unsigned none = 0;
inline constexpr unsigned exceptions = 1;
inline constexpr unsigned nmi = 2;
inline constexpr unsigned vmm_communication = 3;
inline constexpr unsigned fatal = 4;  // double fault, machine check
}  // namespace ist

// Fills the table in and loads it on this CPU; load_idt() on the others.
void make_idt();
void load_idt();

// What it holds: a test may change an entry, and put it back.
[[nodiscard]] std::span<Gate> idt();

}  // namespace x86
