// SPDX-License-Identifier: MIT
//
// Getting from the exception level at entry to the one the image runs at. The decision and all
// register values are computed once, in C++; leave_entry_level in start.S writes them on each CPU.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"

#include <cstdint>

// Where to run when the image is entered at EL2 or EL3.
enum class RunLevel : std::uint8_t {
    el1,
    el2,  // needs the Virtualization Host Extensions: EL1's register names then reach EL2's
};

// Values for leave_entry_level. Flags are 0 or 1.
struct PrivilegeSettings {
    std::uint64_t scr_el3, cptr_el3, mdcr_el3, spsr_el3;
    std::uint64_t hcr_el2, cptr_el2, cnthctl_el2, mdcr_el2;
    std::uint64_t gic_system_registers;  // ID_AA64PFR0_EL1.GIC
    std::uint64_t fine_grained_traps;    // FEAT_FGT
    std::uint64_t extended_hcr;          // FEAT_HCX
    std::uint64_t stay_at_el2;
};

extern "C" PrivilegeSettings privilege_settings;

// Computes privilege_settings for a CPU that is at `entry_level` now. EL2 without FEAT_VHE: EL1.
void choose_privilege(unsigned entry_level, RunLevel wanted);

// What firmware would have done before a Non-secure world starts: hands all interrupts of a GIC
// with two security states to it. Called at EL3. `tree` is null when there is none.
void act_as_firmware(const fdt::Tree* tree);
