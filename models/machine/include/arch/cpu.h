// SPDX-License-Identifier: MIT
//
// Architecture seam, model machine: a CPU is a thread. It takes interrupts when it looks for them:
// wherever this header or <arch/sysreg.h> is asked to wait, to unmask or to synchronize.
#pragma once

#include <cstdint>

namespace arch {

inline constexpr const char* name = "arm64";

struct InterruptState {
    bool masked;  // PSTATE.I
};

InterruptState mask_interrupts();
InterruptState unmask_interrupts();
void restore_interrupts(InterruptState state);
[[nodiscard]] bool interrupts_masked();

void relax();
void wait_for_interrupt();
void wait_for_event();
void send_event();

[[nodiscard]] const char* privilege_name();  // "EL1"

struct RecoveryPoint;
struct Frame;

struct CpuData {
    std::uintptr_t stack_high = 0;
    std::uintptr_t exception_stack_high = 0;
    std::uintptr_t exception_stack_low = 0;
    RecoveryPoint* recovery = nullptr;   // where an expected exception continues
    const Frame* interrupted = nullptr;  // what the interrupt being handled interrupted
};

// Of the calling thread.
void set_cpu_data(CpuData* data);
[[nodiscard]] CpuData* cpu_data();

}  // namespace arch
