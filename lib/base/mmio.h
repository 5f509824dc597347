// SPDX-License-Identifier: MIT
//
// The I/O provider for devices whose registers are memory: one frame of them.
#pragma once

#include "lib/base/register.h"

#include <arch/io.h>

#include <cstddef>
#include <cstdint>

class Mmio {
public:
    constexpr explicit Mmio(std::uintptr_t base = 0) : base_{base} {}

    // Element `index` of a register (array): one access of exactly the register's width.
    template <typename R>
    [[nodiscard]] R read(std::size_t index = 0) const
    {
        using Raw = typename R::raw_type;
        const std::uintptr_t address = base_ + R::offset + index * R::stride;
        if constexpr (sizeof(Raw) == 1) {
            return R::from(arch::io_read8(address));
        } else if constexpr (sizeof(Raw) == 2) {
            return R::from(arch::io_read16(address));
        } else if constexpr (sizeof(Raw) == 4) {
            return R::from(arch::io_read32(address));
        } else {
            return R::from(arch::io_read64(address));
        }
    }

    template <typename R>
    void write(R value, std::size_t index = 0) const
    {
        using Raw = typename R::raw_type;
        const std::uintptr_t address = base_ + R::offset + index * R::stride;
        if constexpr (sizeof(Raw) == 1) {
            arch::io_write8(address, value.raw);
        } else if constexpr (sizeof(Raw) == 2) {
            arch::io_write16(address, value.raw);
        } else if constexpr (sizeof(Raw) == 4) {
            arch::io_write32(address, value.raw);
        } else {
            arch::io_write64(address, value.raw);
        }
    }

    [[nodiscard]] constexpr std::uintptr_t base() const { return base_; }

private:
    std::uintptr_t base_;
};
