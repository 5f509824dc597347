// SPDX-License-Identifier: MIT
//
// The I/O provider for devices whose registers are ports: Mmio's counterpart.
#pragma once

#include "lib/base/register.h"

#include <arch/port.h>

#include <cstddef>
#include <cstdint>

class PortIo {
public:
    constexpr explicit PortIo(std::uint16_t base = 0) : base_{base} {}

    // Element `index` of a register (array): one access of exactly the register's width.
    template <typename R>
    [[nodiscard]] R read(std::size_t index = 0) const
    {
        using Raw = typename R::raw_type;
        static_assert(sizeof(Raw) <= 4);
        if constexpr (sizeof(Raw) == 1) {
            return R::from(arch::port_read8(port<R>(index)));
        } else if constexpr (sizeof(Raw) == 2) {
            return R::from(arch::port_read16(port<R>(index)));
        } else {
            return R::from(arch::port_read32(port<R>(index)));
        }
    }

    template <typename R>
    void write(R value, std::size_t index = 0) const
    {
        using Raw = typename R::raw_type;
        static_assert(sizeof(Raw) <= 4);
        if constexpr (sizeof(Raw) == 1) {
            arch::port_write8(port<R>(index), value.raw);
        } else if constexpr (sizeof(Raw) == 2) {
            arch::port_write16(port<R>(index), value.raw);
        } else {
            arch::port_write32(port<R>(index), value.raw);
        }
    }

    [[nodiscard]] constexpr std::uint16_t base() const { return base_; }

private:
    template <typename R>
    [[nodiscard]] constexpr std::uint16_t port(std::size_t index) const
    {
        return static_cast<std::uint16_t>(base_ + R::offset + index * R::stride);
    }

    std::uint16_t base_;
};
