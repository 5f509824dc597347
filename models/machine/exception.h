// SPDX-License-Identifier: MIT
//
// Exceptions of the guest: raised by the machine, or by the host where guest code accesses what is
// not there.
#pragma once

#include "models/machine/core.h"

#include <arch/exception.h>

#include <cstdint>

namespace machine {

// Syndromes, with IL: Arm ARM D24.2.40.
inline constexpr std::uint64_t undefined_instruction = 1U << 25;
inline constexpr std::uint64_t write_not_read = 1U << 6;  // of an abort
[[nodiscard]] constexpr std::uint64_t data_abort(std::uint64_t fault_status, bool write)
{
    return std::uint64_t{0x25} << 26 | 1U << 25 | (write ? write_not_read : 0U) | fault_status;
}
[[nodiscard]] constexpr std::uint64_t external_abort(bool write)
{
    return data_abort(0x10, write);
}
[[nodiscard]] constexpr std::uint64_t translation_fault(bool write)
{
    return data_abort(0x07, write);
}

// A frame of code at EL1 on SP_EL1, without its registers: the host's mean nothing to the guest.
[[nodiscard]] inline arch::Frame frame_of(Masks masks)
{
    constexpr std::uint64_t el1h = 5;
    arch::Frame frame{};
    frame.spsr = el1h | (masks.irq ? 1U << 7 : 0U);
    return frame;
}

// What the calling CPU was doing goes on at arch::raised(), or the boot ends with a report.
struct Raised {
    std::uint64_t esr;
    std::uint64_t far;
};
[[noreturn]] void raise(Raised what);

// The calling thread runs the machine's own code, whose faults are not the guest's.
class InMachine {
public:
    InMachine();
    ~InMachine();
    InMachine(const InMachine&) = delete;
    InMachine& operator=(const InMachine&) = delete;
};

// Wrong accesses of guest code become data aborts from now on; on each thread that runs some.
void catch_host_faults();

}  // namespace machine
