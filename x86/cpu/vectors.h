// SPDX-License-Identifier: MIT
//
// Vectors of exceptions (Intel SDM volume 3, 6.3.1, table 6-1; AMD64 APM volume 2, 8.2), and which
// of the others the runtime itself needs. Those of interrupts: x86/apic/vectors.h.
#pragma once

#include <cstdint>

namespace x86 {

enum Vector : std::uint8_t {
    divide_error = 0,
    debug = 1,
    nmi = 2,
    breakpoint = 3,
    overflow = 4,
    bound_range = 5,
    invalid_opcode = 6,
    device_not_available = 7,
    double_fault = 8,
    invalid_tss = 10,
    segment_not_present = 11,
    stack_fault = 12,
    general_protection = 13,
    page_fault = 14,
    x87_error = 16,
    alignment_check = 17,
    machine_check = 18,
    simd_error = 19,
    virtualization = 20,
    control_protection = 21,
    hypervisor_injection = 28,
    vmm_communication = 29,
    security = 30,

    first_interrupt = 32,
    // Open to ring 3: how a function that run_in_user() runs comes back.
    system_call = 0xf0,
};

inline constexpr unsigned vector_count = 256;

// The error code of a page fault: volume 3, 4.7.
namespace page_fault_code {
inline constexpr std::uint64_t present = 1U << 0;  // a protection violation
inline constexpr std::uint64_t write = 1U << 1;
inline constexpr std::uint64_t user = 1U << 2;
inline constexpr std::uint64_t reserved_bit = 1U << 3;
inline constexpr std::uint64_t instruction = 1U << 4;
inline constexpr std::uint64_t protection_key = 1U << 5;
inline constexpr std::uint64_t shadow_stack = 1U << 6;
}  // namespace page_fault_code

}  // namespace x86
