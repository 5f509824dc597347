// SPDX-License-Identifier: MIT
//
// Architecture seam, host: what CPUID says is the test's.
#pragma once

#include <cstdint>

namespace arch {

struct CpuidResult {
    std::uint32_t eax, ebx, ecx, edx;
    friend constexpr bool operator==(const CpuidResult&, const CpuidResult&) = default;
};

}  // namespace arch
