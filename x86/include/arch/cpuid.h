// SPDX-License-Identifier: MIT
//
// Architecture seam, of x86 only: the CPUID instruction, which x86/cpu/cpuid.h gives names.
#pragma once

#include <cstdint>

namespace arch {

struct CpuidResult {
    std::uint32_t eax, ebx, ecx, edx;
    friend constexpr bool operator==(const CpuidResult&, const CpuidResult&) = default;
};

[[nodiscard]] inline CpuidResult cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0)
{
    CpuidResult result;
    asm volatile("cpuid"
                 : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                 : "a"(leaf), "c"(subleaf));
    return result;
}

}  // namespace arch
