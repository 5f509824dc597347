// SPDX-License-Identifier: MIT
//
// Architecture seam: the CPU itself. Every architecture has this header with these names.
#pragma once

#include "x86/cpu/descriptors.h"

#include <cstddef>
#include <cstdint>

namespace nmi {
class Guard;
}

namespace arch {

inline constexpr const char* name = "x86_64";

// RFLAGS as they were.
struct InterruptState {
    std::uint64_t rflags;
};

namespace detail {
inline constexpr std::uint64_t interrupt_flag = 1U << 9;

[[nodiscard]] inline std::uint64_t rflags()
{
    std::uint64_t flags;
    asm volatile("pushfq\n\tpopq %0" : "=r"(flags)::"memory");
    return flags;
}
}  // namespace detail

// Masks interrupts on this CPU; NMIs and machine checks cannot be masked.
inline InterruptState mask_interrupts()
{
    const InterruptState state{detail::rflags()};
    asm volatile("cli" ::: "memory");
    return state;
}

inline InterruptState unmask_interrupts()
{
    const InterruptState state{detail::rflags()};
    asm volatile("sti" ::: "memory");
    return state;
}

inline void restore_interrupts(InterruptState state)
{
    if ((state.rflags & detail::interrupt_flag) != 0) {
        asm volatile("sti" ::: "memory");
    } else {
        asm volatile("cli" ::: "memory");
    }
}

[[nodiscard]] inline bool interrupts_masked()
{
    return (detail::rflags() & detail::interrupt_flag) == 0;
}

// A hint for loops that wait for another CPU.
inline void relax()
{
    asm volatile("pause" ::: "memory");
}

// Sleeps until an interrupt. HLT does not wake for one that is masked: with interrupts masked it is
// taken here, right behind the STI and so never before the HLT, and they are masked again on
// return.
inline void wait_for_interrupt()
{
    if (interrupts_masked()) {
        asm volatile("sti\n\thlt\n\tcli" ::: "memory");
    } else {
        asm volatile("hlt" ::: "memory");
    }
}

// There are no events: the wait is a short one, and its caller's loop looks again.
inline void wait_for_event()
{
    relax();
}

inline void send_event() {}

// The exception level or ring the code runs in, as the reports print it: "ring0".
[[nodiscard]] const char* privilege_name();

struct RecoveryPoint;
struct Frame;

// What the architecture keeps for each CPU; smp::Cpu derives from it. The assembly files know some
// of the offsets (checked in exceptions.cc).
struct CpuData {
    CpuData* self = nullptr;  // what GS points to is found through it
    std::uintptr_t stack_high = 0;
    // Divided into the stacks of the interrupt stack table, so that a broken stack never breaks the
    // report. Interrupts stay on the interrupted stack.
    std::uintptr_t exception_stack_high = 0;
    std::uintptr_t exception_stack_low = 0;
    RecoveryPoint* recovery = nullptr;   // where an expected exception continues
    const Frame* interrupted = nullptr;  // what the interrupt being handled interrupted
    // The vector of the interrupt being handled: no interrupt controller of x86 tells it, the CPU
    // knows it from the gate it took. For irq::Controller::acknowledge().
    unsigned vector = 0;
    unsigned flush_wanted = 0;  // x86/mmu/shootdown.h
    unsigned parked = 0;        // stop_this_cpu() has stopped it
    const nmi::Guard* nmi_guard = nullptr;
    x86::TaskState task_state;
    x86::DescriptorTable descriptors;
};

// Makes `data` the calling CPU's: its descriptor table, task state and exception stacks from now
// on, and what GS points to.
void set_cpu_data(CpuData* data);

[[nodiscard]] inline CpuData* cpu_data()
{
    CpuData* data;
    asm("movq %%gs:0, %0" : "=r"(data));
    return data;
}

}  // namespace arch
