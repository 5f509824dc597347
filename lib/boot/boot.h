// SPDX-License-Identifier: MIT
//
// From a machine with memory and an MMU, which the architecture's start code has made of it, to the
// first test: the same steps on every architecture.
#pragma once

#include "lib/fdt/fdt.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace boot {

// What the architecture's start code found.
struct Info {
    const fdt::Tree* tree;  // never null: empty where the machine has none
    std::string_view command_line;
    std::optional<fdt::Region> initrd;
    std::string_view description;  // how the machine was described: "dt=linux,dummy-virt"
    unsigned entry_level;          // privilege at entry; arm64: the exception level
    unsigned level;                // and the one the tests run at
};

// What a device tree that outlives everything says.
[[nodiscard]] Info info_from(const fdt::Tree& tree, unsigned entry_level, unsigned level);

[[nodiscard]] const Info& info();

// Console, options, power interface, interrupts, timers, CPUs, tests; then ends the VM.
[[noreturn]] void main(const Info& info);

}  // namespace boot
