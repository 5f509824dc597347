// SPDX-License-Identifier: MIT
//
// The threads that are the machine's CPUs.
#pragma once

#include "lib/base/result.h"
#include "lib/smp/smp.h"

namespace machine {

// Turns on the CPU of that hardware ID: `function` runs on its thread, with a stack of its own.
[[nodiscard]] Result<> start_thread(smp::Cpu& cpu, void (*function)(smp::Cpu& cpu));
[[noreturn]] void stop_this_thread();
[[nodiscard]] bool is_on(const smp::Cpu& cpu);

}  // namespace machine
