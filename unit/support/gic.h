// SPDX-License-Identifier: MIT
//
// What the tests of the interrupt controllers share.
#pragma once

#include "arm64/gic/interrupt_bank.h"
#include "unit/arch/host.h"
#include "unit/support/mock_io.h"

#include <cstdint>

namespace unit {

// The writes of InterruptBank::reset() and its read-back.
inline void expect_reset(MockIo& bank, unsigned word,
                         std::uint8_t read_back = gic::default_priority)
{
    bank.expect_write(gic::ICENABLER::from(0xffff'ffff), word);
    bank.expect_write(gic::ICPENDR::from(0xffff'ffff), word);
    bank.expect_write(gic::ICACTIVER::from(0xffff'ffff), word);
    for (unsigned i = 0; i < 8; ++i) {
        bank.expect_write(gic::IPRIORITYR_WORD::from(0x8080'8080), std::size_t{8} * word + i);
    }
    bank.expect_read(gic::IPRIORITYR::from(read_back), std::size_t{32} * word);
}

// A device whose registers all hold one value and that takes a while to say so: its handshakes
// never end.
template <std::uint64_t Value>
struct StuckIo {
    template <typename R>
    [[nodiscard]] R read(std::size_t = 0) const
    {
        host::advance_counter(100'000);
        return R::from(static_cast<R::raw_type>(Value));
    }
    template <typename R>
    void write(R, std::size_t = 0) const
    {
    }
    void synchronize() const {}
};

}  // namespace unit
