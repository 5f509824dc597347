// SPDX-License-Identifier: MIT
//
// Architecture seam, host: a CPU is a thread of the unit tests' process.
#pragma once

#include <cstdint>
#include <thread>

namespace arch {

inline constexpr const char* name = "host";

struct InterruptState {
    bool masked;
};

// Nothing interrupts a host thread; the state is kept so that guards can be tested.
InterruptState mask_interrupts();
InterruptState unmask_interrupts();
void restore_interrupts(InterruptState state);
[[nodiscard]] bool interrupts_masked();

inline void relax()
{
    std::this_thread::yield();
}
inline void wait_for_interrupt()
{
    std::this_thread::yield();
}
inline void wait_for_event()
{
    std::this_thread::yield();
}
inline void send_event() {}

[[nodiscard]] const char* privilege_name();  // "user"

struct Frame;

struct CpuData {
    std::uintptr_t stack_high = 0;
    std::uintptr_t exception_stack_high = 0;
    std::uintptr_t exception_stack_low = 0;
    const Frame* interrupted = nullptr;
};

// Of the calling thread.
void set_cpu_data(CpuData* data);
[[nodiscard]] CpuData* cpu_data();

}  // namespace arch
