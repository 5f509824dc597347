// SPDX-License-Identifier: MIT
//
// The I/O provider for 8-bit registers that a system on chip has put into memory at a distance and
// with an access width of its own: `reg-shift` and `reg-io-width` of the device tree.
#pragma once

#include <arch/io.h>

#include <cstddef>
#include <cstdint>

class SpacedMmio {
public:
    // Register n is at base + (n << shift) and is accessed `width` bytes wide: 1, 2 or 4.
    constexpr SpacedMmio(std::uintptr_t base, unsigned shift, unsigned width)
        : base_{base}, shift_{shift}, width_{width}
    {
    }

    template <typename R>
    [[nodiscard]] R read() const
    {
        static_assert(sizeof(typename R::raw_type) == 1);
        switch (width_) {
        case 4:
            return R::from(static_cast<std::uint8_t>(arch::io_read32(address(R::offset))));
        case 2:
            return R::from(static_cast<std::uint8_t>(arch::io_read16(address(R::offset))));
        default:
            return R::from(arch::io_read8(address(R::offset)));
        }
    }

    template <typename R>
    void write(R value) const
    {
        static_assert(sizeof(typename R::raw_type) == 1);
        switch (width_) {
        case 4:
            arch::io_write32(address(R::offset), value.raw);
            break;
        case 2:
            arch::io_write16(address(R::offset), value.raw);
            break;
        default:
            arch::io_write8(address(R::offset), value.raw);
            break;
        }
    }

private:
    [[nodiscard]] std::uintptr_t address(std::size_t number) const
    {
        return base_ + (number << shift_);
    }

    std::uintptr_t base_;
    unsigned shift_;
    unsigned width_;
};
