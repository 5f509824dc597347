// SPDX-License-Identifier: MIT
//
// Architecture seam: the CPU itself. Every architecture has this header with these names.
#pragma once

#include <cstdint>

namespace arch {

inline constexpr const char* name = "arm64";

// PSTATE.DAIF as it was.
struct InterruptState {
    std::uint64_t daif;
};

// Masks IRQ and FIQ on this CPU; SError and debug exceptions stay as they are.
inline InterruptState mask_interrupts()
{
    InterruptState state;
    asm volatile("mrs %0, daif\n\tmsr daifset, #3" : "=r"(state.daif)::"memory");
    return state;
}

inline InterruptState unmask_interrupts()
{
    InterruptState state;
    asm volatile("mrs %0, daif\n\tmsr daifclr, #3" : "=r"(state.daif)::"memory");
    return state;
}

inline void restore_interrupts(InterruptState state)
{
    asm volatile("msr daif, %0" ::"r"(state.daif) : "memory");
}

[[nodiscard]] inline bool interrupts_masked()
{
    std::uint64_t daif;
    asm volatile("mrs %0, daif" : "=r"(daif));
    return (daif & (1U << 7)) != 0;
}

// SErrors are taken from now on: they end the boot with a report.
inline void unmask_system_errors()
{
    asm volatile("msr daifclr, #4" ::: "memory");
}

// A hint for loops that wait for another CPU.
inline void relax()
{
    asm volatile("yield" ::: "memory");
}

// Sleeps until an interrupt is pending, masked or not.
inline void wait_for_interrupt()
{
    asm volatile("dsb sy\n\twfi" ::: "memory");
}

// Sleeps until an event (send_event on any CPU since the last wait), or an interrupt.
inline void wait_for_event()
{
    asm volatile("wfe" ::: "memory");
}

inline void send_event()
{
    asm volatile("dsb ishst\n\tsev" ::: "memory");
}

// The exception level or ring the code runs in, as the reports print it: "EL1".
[[nodiscard]] const char* privilege_name();

struct RecoveryPoint;
struct Frame;

// What the architecture keeps for each CPU; smp::Cpu derives from it. start.S and vectors.S know
// the offsets of the first three (checked in exceptions.cc).
struct CpuData {
    std::uintptr_t stack_high = 0;            // code runs on SP_EL0, exceptions on SP_ELx,
    std::uintptr_t exception_stack_high = 0;  // so a broken stack never breaks the report
    std::uintptr_t exception_stack_low = 0;
    RecoveryPoint* recovery = nullptr;   // where an expected exception continues
    const Frame* interrupted = nullptr;  // what the interrupt being handled interrupted
};

// The pointer kept in the CPU itself (TPIDR_EL1).
inline void set_cpu_data(CpuData* data)
{
    asm volatile("msr tpidr_el1, %0" ::"r"(data) : "memory");
}

[[nodiscard]] inline CpuData* cpu_data()
{
    CpuData* data;
    asm("mrs %0, tpidr_el1" : "=r"(data));
    return data;
}

}  // namespace arch
