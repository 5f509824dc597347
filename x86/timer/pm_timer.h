// SPDX-License-Identifier: MIT
//
// The power management timer (ACPI Specification 6.5, 4.8.2.1): a counter of 24 or 32 bits.
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace timer {

inline constexpr std::uint64_t pm_timer_frequency = 3'579'545;

struct TMR_VAL : Register<TMR_VAL, std::uint32_t, 0> {};

template <typename Io>
class PmTimer {
public:
    constexpr PmTimer(Io io, bool is_32_bits)
        : io_{io}, mask_{is_32_bits ? 0xffff'ffffU : 0xff'ffffU}
    {
    }

    [[nodiscard]] std::uint64_t count() const { return io_.template read<TMR_VAL>().raw & mask_; }
    [[nodiscard]] std::uint64_t mask() const { return mask_; }

private:
    Io io_;
    std::uint32_t mask_;
};

}  // namespace timer
