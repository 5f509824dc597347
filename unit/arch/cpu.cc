// SPDX-License-Identifier: MIT
#include <arch/cpu.h>

namespace arch {

namespace {

thread_local bool masked = true;
thread_local CpuData* current = nullptr;

}  // namespace

InterruptState mask_interrupts()
{
    const InterruptState state{masked};
    masked = true;
    return state;
}

InterruptState unmask_interrupts()
{
    const InterruptState state{masked};
    masked = false;
    return state;
}

void restore_interrupts(InterruptState state)
{
    masked = state.masked;
}

bool interrupts_masked()
{
    return masked;
}

const char* privilege_name()
{
    return "user";
}

void set_cpu_data(CpuData* data)
{
    current = data;
}

CpuData* cpu_data()
{
    return current;
}

}  // namespace arch
