// SPDX-License-Identifier: MIT
#pragma once

#include <arch/cpuid.h>

#include <cstdint>

// The calling CPU's APIC ID, as CPUID has it: all 32 bits where there is a leaf for them (Intel SDM
// volume 2, CPUID leaves 01H and 0BH).
[[nodiscard]] inline std::uint32_t apic_id()
{
    constexpr std::uint32_t topology = 0xb;
    if (arch::cpuid(0).eax >= topology) {
        const auto leaf = arch::cpuid(topology);
        if (leaf.ebx != 0) {
            return leaf.edx;
        }
    }
    return arch::cpuid(1).ebx >> 24;
}
