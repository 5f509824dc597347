// SPDX-License-Identifier: MIT
//
// Architecture seam, of arm64 only: the accesses that arm64/cpu/sysreg.h makes typed. Its other
// implementations let arm64's drivers run on the host.
#pragma once

#include <cstdint>

namespace arch {

// Encodings of MRS and MSR: Arm ARM (DDI 0487) C5.1.2.
template <unsigned Op0, unsigned Op1, unsigned CRn, unsigned CRm, unsigned Op2>
[[nodiscard]] inline std::uint64_t read_system_register()
{
    std::uint64_t value;
    asm volatile("mrs %0, S%c1_%c2_C%c3_C%c4_%c5"
                 : "=r"(value)
                 : "i"(Op0), "i"(Op1), "i"(CRn), "i"(CRm), "i"(Op2)
                 : "memory");
    return value;
}

template <unsigned Op0, unsigned Op1, unsigned CRn, unsigned CRm, unsigned Op2>
inline void write_system_register(std::uint64_t value)
{
    asm volatile("msr S%c1_%c2_C%c3_C%c4_%c5, %x0" ::"rZ"(value), "i"(Op0), "i"(Op1), "i"(CRn),
                 "i"(CRm), "i"(Op2)
                 : "memory");
}

inline void synchronize_context()
{
    asm volatile("isb" ::: "memory");
}

}  // namespace arch
