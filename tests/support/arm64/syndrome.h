// SPDX-License-Identifier: MIT
//
// Values of ESR_ELx that tests expect. Arm ARM (DDI 0487) D24.2.40.
#pragma once

#include "arm64/cpu/sysreg.h"

#include <arch/exception.h>

#include <cstdint>

namespace syndrome {

enum class Class : unsigned {
    unknown = 0x00,
    wfx = 0x01,
    floating_point = 0x07,
    illegal_state = 0x0e,
    svc = 0x15,
    hvc = 0x16,
    system_register = 0x18,
    instruction_abort_lower = 0x20,
    instruction_abort = 0x21,
    pc_alignment = 0x22,
    data_abort_lower = 0x24,
    data_abort = 0x25,
    sp_alignment = 0x26,
    brk = 0x3c,
};

// ESR_ELx of a 32-bit instruction (IL = 1).
[[nodiscard]] constexpr std::uint64_t esr(Class exception_class, std::uint32_t iss = 0)
{
    return std::uint64_t{static_cast<unsigned>(exception_class)} << 26 | 1U << 25 | iss;
}

// An UNDEFINED instruction.
inline constexpr std::uint64_t undefined = esr(Class::unknown);

enum class Direction : std::uint32_t { write = 0, read = 1 };

// A trapped MSR or MRS of register R with X<rt>.
template <typename R>
[[nodiscard]] constexpr std::uint64_t trapped(Direction direction, std::uint32_t rt)
{
    return esr(Class::system_register, R::op0 << 20 | R::op2 << 17 | R::op1 << 14 | R::crn << 10 |
                                           rt << 5 | R::crm << 1 |
                                           static_cast<std::uint32_t>(direction));
}

// Bits of the ISS of aborts.
inline constexpr std::uint32_t write_not_read = 1U << 6;
inline constexpr std::uint32_t alignment_fault = 0x21;
inline constexpr std::uint32_t level_mask = 0x3;  // of the two kinds below

enum class Fault : std::uint32_t { translation = 0x04, permission = 0x0c };

// Whether an abort's ISS is this fault at any level, and nothing else is set but `flags`.
[[nodiscard]] inline bool is_fault(const arch::Exception& exception, Fault fault,
                                   std::uint32_t flags = 0)
{
    return (exception.iss() & ~level_mask) == (static_cast<std::uint32_t>(fault) | flags);
}

[[nodiscard]] inline bool is_class(const arch::Exception& exception, Class exception_class)
{
    return exception.exception_class() == static_cast<unsigned>(exception_class);
}

}  // namespace syndrome
