// SPDX-License-Identifier: MIT
//
// Architecture seam, model machine: system registers are the CPU's (models/machine/core.h), those
// of the interrupt controller the model's.
#pragma once

#include <cstdint>

namespace arch {

namespace detail {

[[nodiscard]] std::uint64_t read_system_register(unsigned op0, unsigned op1, unsigned crn,
                                                 unsigned crm, unsigned op2);
void write_system_register(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2,
                           std::uint64_t value);

}  // namespace detail

template <unsigned Op0, unsigned Op1, unsigned CRn, unsigned CRm, unsigned Op2>
[[nodiscard]] inline std::uint64_t read_system_register()
{
    return detail::read_system_register(Op0, Op1, CRn, CRm, Op2);
}

template <unsigned Op0, unsigned Op1, unsigned CRn, unsigned CRm, unsigned Op2>
inline void write_system_register(std::uint64_t value)
{
    detail::write_system_register(Op0, Op1, CRn, CRm, Op2, value);
}

// Takes the interrupts that are pending.
void synchronize_context();

}  // namespace arch
