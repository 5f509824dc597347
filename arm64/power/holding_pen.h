// SPDX-License-Identifier: MIT
//
// Where secondary CPUs wait when there is no firmware: all CPUs come to the image's entry, and
// those that do not boot spin in start.S until their affinity is written here.
#pragma once

#include <cstdint>

struct alignas(16) PenRelease {  // in one cache line
    std::uint64_t affinity;      // MPIDR affinity of the CPU to go on; none has ~0
    const void* cpu;             // its arch::CpuData
};
extern "C" PenRelease pen_release;
