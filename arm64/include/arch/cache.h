// SPDX-License-Identifier: MIT
//
// Architecture seam, of arm64 only: memory that is shared with something that does not look into
// the caches (Arm ARM D7.5), or that does and must not be overtaken.
#pragma once

#include "arm64/cpu/control_registers.h"
#include "arm64/cpu/sysreg.h"

#include <cstdint>

namespace arch {

// Calls `operate` with an address in every cache line of [address, address + size).
template <typename Operation>
inline void for_each_cache_line(std::uint64_t address, std::uint64_t size, Operation operate)
{
    const std::uint64_t line = std::uint64_t{4} << sysreg::read<CTR_EL0>()[CTR_EL0::DminLine];
    for (std::uint64_t at = address & ~(line - 1); at < address + size; at += line) {
        operate(at);
    }
}

// What was written is in memory: to the point of coherency.
inline void clean_to_coherency(std::uint64_t address, std::uint64_t size)
{
    for_each_cache_line(address, size, [](std::uint64_t at) {
        asm volatile("dc cvac, %0" ::"r"(at) : "memory");
    });
    asm volatile("dsb sy" ::: "memory");
}

// Reads after this see memory. What is still in the caches and was not cleaned is lost.
inline void invalidate_to_coherency(std::uint64_t address, std::uint64_t size)
{
    for_each_cache_line(address, size, [](std::uint64_t at) {
        asm volatile("dc ivac, %0" ::"r"(at) : "memory");
    });
    asm volatile("dsb sy" ::: "memory");
}

// Writes before this are seen before writes after it, by CPUs and by coherent devices.
inline void write_barrier()
{
    asm volatile("dsb ishst" ::: "memory");
}

}  // namespace arch
