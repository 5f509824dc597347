// SPDX-License-Identifier: MIT
//
// QEMU's firmware configuration device, read through its ports (QEMU docs/specs/fw_cfg.rst).
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace fw_cfg {

inline constexpr std::uint16_t first_port = 0x510;

// Chooses an item and goes to its first byte.
struct SELECTOR : Register<SELECTOR, std::uint16_t, 0> {};
// The next byte of the item; 0 behind its end.
struct DATA : Register<DATA, std::uint8_t, 1> {};

inline constexpr std::uint16_t signature = 0x0000;
inline constexpr std::uint16_t cpu_count = 0x0005;

template <typename Io>
class FwCfg {
public:
    constexpr explicit FwCfg(Io io) : io_{io} {}

    [[nodiscard]] bool there() const
    {
        return number(signature, 4) == ('Q' | 'E' << 8 | 'M' << 16 | std::uint32_t{'U'} << 24);
    }
    [[nodiscard]] unsigned cpus() const { return number(cpu_count, 2); }

    // The first `bytes` (up to 4) of an item as a little-endian number.
    [[nodiscard]] std::uint32_t number(std::uint16_t item, unsigned bytes) const
    {
        io_.write(SELECTOR::from(item));
        std::uint32_t value = 0;
        for (unsigned i = 0; i < bytes; ++i) {
            value |= std::uint32_t{io_.template read<DATA>().raw} << (8 * i);
        }
        return value;
    }

private:
    Io io_;
};

}  // namespace fw_cfg
