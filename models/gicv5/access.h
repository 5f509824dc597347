// SPDX-License-Identifier: MIT
//
// How software reaches a GICv5: by system registers and instructions, and by frames of registers.
#pragma once

#include "models/core/access.h"

#include <cstdint>

namespace model::gicv5 {

// Of a system register, as in MRS, MSR, SYS and SYSL.
struct Encoding {
    unsigned op0;
    unsigned op1;
    unsigned crn;
    unsigned crm;
    unsigned op2;

    template <typename R>
    [[nodiscard]] static constexpr Encoding of()
    {
        return {.op0 = R::op0, .op1 = R::op1, .crn = R::crn, .crm = R::crm, .op2 = R::op2};
    }
    // One number for it: bits [20:5] of the MRS instruction.
    [[nodiscard]] constexpr unsigned key() const
    {
        return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
    }
};

template <typename R>
inline constexpr unsigned key = Encoding::of<R>().key();

enum class FrameKind : std::uint8_t { irs, setlpi, its, translate, iwb };
inline constexpr std::uint64_t frame_bytes = 0x1'0000;

// The rules of a frame: registers are 32 bits wide; those that `device.wide(offset)` names are 64
// and may be accessed in halves. A 64-bit access to 32-bit registers reads as zero and writes
// nothing (assumed: it is an error, and this is what QEMU makes of it).
inline void check_access(std::uint64_t offset, unsigned width)
{
    if (offset + width > frame_bytes || (width != 4 && width != 8) || offset % width != 0) {
        throw ExternalAbort{"access of a wrong size or alignment, or outside the frame"};
    }
}

template <typename Device>
[[nodiscard]] std::uint64_t read_registers(Device& device, std::uint64_t offset, unsigned width)
{
    check_access(offset, width);
    const std::uint64_t whole = offset & ~std::uint64_t{7};
    if (!device.wide(whole)) {
        return width == 4 ? device.read(offset) : 0;
    }
    const std::uint64_t value = device.read(whole);
    if (width == 8) {
        return value;
    }
    return offset == whole ? value & 0xffff'ffff : value >> 32;
}

template <typename Device>
void write_registers(Device& device, std::uint64_t offset, unsigned width, std::uint64_t value)
{
    check_access(offset, width);
    const std::uint64_t whole = offset & ~std::uint64_t{7};
    if (!device.wide(whole)) {
        if (width == 4) {
            device.write(offset, value & 0xffff'ffff);
        }
    } else if (width == 8) {
        device.write(whole, value);
    } else if (offset == whole) {
        device.write(whole, (device.read(whole) & ~0xffff'ffffULL) | (value & 0xffff'ffff));
    } else {
        device.write(whole, (device.read(whole) & 0xffff'ffff) | value << 32);
    }
}

}  // namespace model::gicv5
