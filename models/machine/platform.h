// SPDX-License-Identifier: MIT
//
// The model machine's address map. The device tree that it is started with says the same
// (host/vmm/model.py writes it); what the tree leaves out of the GICv5 is not there.
#pragma once

#include "lib/fdt/fdt.h"

#include <cstdint>

namespace machine::platform {

// Host memory, mapped where the guest expects it: translation is the identity. AddressSanitizer's
// shadow begins at 0x7fff8000.
inline constexpr fdt::Region ram{.base = 0x4000'0000, .size = 256U << 20};
// Where the tree is put before the CPUs start.
inline constexpr std::uint64_t device_tree = ram.base;
inline constexpr std::uint64_t device_tree_limit = 2U << 20;

// Devices. Nothing is mapped there: what accesses them without <arch/io.h> gets a data abort.
inline constexpr fdt::Region uart{.base = 0x0900'0000, .size = 0x1000};
inline constexpr fdt::Region stimulus{.base = 0x0a00'0000, .size = 0x1000};
inline constexpr fdt::Region iwb{.base = 0x2f00'0000, .size = 0x1'0000};
inline constexpr fdt::Region its{.base = 0x2f12'0000, .size = 0x1'0000};
inline constexpr fdt::Region translate{.base = 0x2f13'0000, .size = 0x1'0000};
inline constexpr fdt::Region irs{.base = 0x2f1a'0000, .size = 0x1'0000};
inline constexpr fdt::Region setlpi{.base = 0x2f1b'0000, .size = 0x1'0000};

inline constexpr unsigned uart_spi = 1;
inline constexpr std::uint64_t counter_frequency = 1'000'000'000;  // of CLOCK_MONOTONIC

}  // namespace machine::platform
