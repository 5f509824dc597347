// SPDX-License-Identifier: MIT
//
// Architecture seam, of x86 only: the accesses that x86/cpu/msr.h makes typed. Its other
// implementations let x86's drivers run on the host.
#pragma once

#include <cstdint>

namespace arch {

[[nodiscard]] inline std::uint64_t read_msr(std::uint32_t index)
{
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index) : "memory");
    return std::uint64_t{high} << 32 | low;
}

inline void write_msr(std::uint32_t index, std::uint64_t value)
{
    asm volatile("wrmsr" ::"c"(index), "a"(static_cast<std::uint32_t>(value)),
                 "d"(static_cast<std::uint32_t>(value >> 32))
                 : "memory");
}

}  // namespace arch
