// SPDX-License-Identifier: MIT
//
// From a machine with memory and an MMU, which the architecture's start code has made of it, to the
// first test: the same steps on every architecture.
#pragma once

#include "lib/fdt/fdt.h"

#include <cstdint>
#include <string_view>

namespace boot {

// What the architecture's start code found.
struct Info {
    const fdt::Tree* tree;  // never null: an architecture without one builds an empty tree
    std::string_view command_line;
    std::string_view machine;  // how the machine is described: root `compatible`
    unsigned entry_level;      // arm64: the exception level at entry
    unsigned level;            // and the one the tests run at
};

[[nodiscard]] const Info& info();

// Console, options, power interface, interrupts, timers, CPUs, tests; then ends the VM.
[[noreturn]] void main(const Info& info);

}  // namespace boot
