// SPDX-License-Identifier: MIT
//
// System registers: layouts carry their encoding, so no assembler needs to know their names.
//
//     struct CNTV_CTL_EL0 : SystemRegister<CNTV_CTL_EL0, 3, 3, 14, 3, 1> {
//         static constexpr Field ENABLE{0};
//     };
//     if (sysreg::read<CNTV_CTL_EL0>()[CNTV_CTL_EL0::ENABLE] != 0) ...
//
// A layout is declared by the header of the device or block it belongs to.
#pragma once

#include "lib/base/register.h"

#include <cstdint>

// op0, op1, CRn, CRm, op2 of MRS and MSR: Arm ARM (DDI 0487) C5.1.2.
template <typename Self, unsigned Op0, unsigned Op1, unsigned CRn, unsigned CRm, unsigned Op2>
struct SystemRegister : Bits<Self, std::uint64_t> {
    static constexpr unsigned op0 = Op0;
    static constexpr unsigned op1 = Op1;
    static constexpr unsigned crn = CRn;
    static constexpr unsigned crm = CRm;
    static constexpr unsigned op2 = Op2;
};

namespace sysreg {

#ifdef __aarch64__

template <typename R>
[[nodiscard]] inline R read()
{
    std::uint64_t value;
    asm volatile("mrs %0, S%c1_%c2_C%c3_C%c4_%c5"
                 : "=r"(value)
                 : "i"(R::op0), "i"(R::op1), "i"(R::crn), "i"(R::crm), "i"(R::op2)
                 : "memory");
    return R::from(value);
}

template <typename R>
inline void write(R value)
{
    asm volatile("msr S%c1_%c2_C%c3_C%c4_%c5, %x0" ::"rZ"(value.raw), "i"(R::op0), "i"(R::op1),
                 "i"(R::crn), "i"(R::crm), "i"(R::op2)
                 : "memory");
}

// Context synchronization event: earlier writes to system registers take effect.
inline void synchronize()
{
    asm volatile("isb" ::: "memory");
}

// The I/O provider for drivers that are templates: the system registers of this CPU.
struct Provider {
    template <typename R>
    [[nodiscard]] R read() const
    {
        return sysreg::read<R>();
    }
    template <typename R>
    void write(R value) const
    {
        sysreg::write(value);
    }
    void synchronize() const { sysreg::synchronize(); }
};

#endif

}  // namespace sysreg
