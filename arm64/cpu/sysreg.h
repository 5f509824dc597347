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

#include <arch/sysreg.h>

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

template <typename R>
[[nodiscard]] inline R read()
{
    return R::from(arch::read_system_register<R::op0, R::op1, R::crn, R::crm, R::op2>());
}

template <typename R>
inline void write(R value)
{
    arch::write_system_register<R::op0, R::op1, R::crn, R::crm, R::op2>(value.raw);
}

// Context synchronization event: earlier writes to system registers take effect.
inline void synchronize()
{
    arch::synchronize_context();
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

}  // namespace sysreg
