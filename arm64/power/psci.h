// SPDX-License-Identifier: MIT
//
// Power State Coordination Interface: Arm DEN 0022. Calls go by HVC or SMC, as the device tree's
// psci node says.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"

#include <cstdint>

namespace psci {

enum class Conduit : std::uint8_t { none, hvc, smc };

// Function identifiers (DEN 0022 5.2). Those with a 64-bit variant are that one, unless named _32.
enum class Function : std::uint32_t {
    version = 0x8400'0000,
    cpu_suspend = 0xc400'0001,
    cpu_off = 0x8400'0002,
    cpu_on_32 = 0x8400'0003,
    cpu_on = 0xc400'0003,
    affinity_info_32 = 0x8400'0004,
    affinity_info = 0xc400'0004,
    migrate = 0xc400'0005,
    migrate_info_type = 0x8400'0006,
    migrate_info_up_cpu = 0xc400'0007,
    system_off = 0x8400'0008,
    system_reset = 0x8400'0009,
    features = 0x8400'000a,
    cpu_freeze = 0x8400'000b,
    cpu_default_suspend = 0xc400'000c,
    node_hw_state = 0xc400'000d,
    system_suspend = 0xc400'000e,
    set_suspend_mode = 0x8400'000f,
    stat_residency = 0xc400'0010,
    stat_count = 0xc400'0011,
    system_reset2 = 0xc400'0012,
    mem_protect = 0x8400'0013,
    mem_protect_check_range = 0xc400'0014,
    system_off2 = 0xc400'0015,
};

// Return values (DEN 0022 5.2.2).
enum class Status : std::int32_t {
    success = 0,
    not_supported = -1,
    invalid_parameters = -2,
    denied = -3,
    already_on = -4,
    on_pending = -5,
    internal_failure = -6,
    not_present = -7,
    disabled = -8,
    invalid_address = -9,
};

// What AFFINITY_INFO answers.
enum class AffinityState : std::int32_t { on = 0, off = 1, on_pending = 2 };

// Finds the psci node. Errors: no such node, unknown method, a 0.1 node without its identifiers.
[[nodiscard]] Result<> discover(const fdt::Tree& tree);

[[nodiscard]] Conduit conduit();
// Whether the node promises the standard identifiers (PSCI 0.2 or later).
[[nodiscard]] bool has_standard_functions();

// x0 after the call: all 64 bits of what was returned. Function identifiers of PSCI 0.1 nodes are
// translated for cpu_on, cpu_off; other functions answer not_supported there.
[[nodiscard]] std::uint64_t call(Function function, std::uint64_t argument1 = 0,
                                 std::uint64_t argument2 = 0, std::uint64_t argument3 = 0);
// The same for any SMC calling convention identifier, through a given conduit.
[[nodiscard]] std::uint64_t call_raw(Conduit through, std::uint64_t function,
                                     std::uint64_t argument1 = 0, std::uint64_t argument2 = 0,
                                     std::uint64_t argument3 = 0);

// The low 32 bits, which are what 32-bit identifiers return.
[[nodiscard]] constexpr Status status(std::uint64_t returned)
{
    return static_cast<Status>(static_cast<std::int32_t>(returned));
}

}  // namespace psci
