// SPDX-License-Identifier: MIT
//
// The high precision event timer: IA-PC HPET Specification 1.0a, 2.3.
#pragma once

#include "lib/base/register.h"
#include "lib/base/result.h"

#include <cstdint>

namespace timer {

struct GCAP_ID : Register<GCAP_ID, std::uint64_t, 0x000> {
    static constexpr Field COUNTER_CLK_PERIOD{63, 32};  // in femtoseconds
    static constexpr Field VENDOR_ID{31, 16};
    static constexpr Field LEG_RT_CAP{15};
    static constexpr Field COUNT_SIZE_CAP{13};  // 1: the counter has 64 bits
    static constexpr Field NUM_TIM_CAP{12, 8};  // timers, minus 1
    static constexpr Field REV_ID{7, 0};
};
struct GEN_CONF : Register<GEN_CONF, std::uint64_t, 0x010> {
    static constexpr Field LEG_RT_CNF{1};  // timers 0 and 1 instead of the PIT and the RTC
    static constexpr Field ENABLE_CNF{0};
};
struct GINTR_STA : Register<GINTR_STA, std::uint64_t, 0x020> {
};  // one bit a timer, written to clear
struct MAIN_CNT : Register<MAIN_CNT, std::uint64_t, 0x0f0> {};
struct TIM_CONF : Register<TIM_CONF, std::uint64_t, 0x100, 0x20> {
    static constexpr Field INT_ROUTE_CAP{63, 32};  // the GSIs it can raise
    static constexpr Field FSB_INT_DEL_CAP{15};
    static constexpr Field FSB_EN_CNF{14};
    static constexpr Field INT_ROUTE_CNF{13, 9};
    static constexpr Field MODE32_CNF{8};
    static constexpr Field VAL_SET_CNF{6};
    static constexpr Field SIZE_CAP{5};
    static constexpr Field PER_INT_CAP{4};
    static constexpr Field TYPE_CNF{3};  // 1: periodic
    static constexpr Field INT_ENB_CNF{2};
    static constexpr Field INT_TYPE_CNF{1};  // 1: level
};
struct TIM_COMP : Register<TIM_COMP, std::uint64_t, 0x108, 0x20> {};

template <typename Io>
class Hpet {
public:
    constexpr explicit Hpet(Io io) : io_{io} {}

    // The counter runs, every timer is off and no interrupt of another device is replaced. Errors:
    // no HPET there; a period that the specification does not allow; it does not run.
    [[nodiscard]] Result<> start() const
    {
        const auto capabilities = this->capabilities();
        const std::uint64_t period = capabilities[GCAP_ID::COUNTER_CLK_PERIOD];
        if (period == 0 || period > longest_period) {
            return fail("the HPET's period is not one", period);
        }
        io_.write(GEN_CONF{});
        for (unsigned timer = 0; timer < timer_count(); ++timer) {
            io_.write(TIM_CONF{}, timer);
        }
        io_.write(GEN_CONF{}.with(GEN_CONF::ENABLE_CNF, 1));
        if (const auto control = io_.template read<GEN_CONF>();
            control[GEN_CONF::ENABLE_CNF] == 0) {
            return fail("GEN_CONF.ENABLE_CNF of the HPET does not stick", control.raw);
        }
        return {};
    }

    [[nodiscard]] const Io& io() const { return io_; }
    [[nodiscard]] GCAP_ID capabilities() const { return io_.template read<GCAP_ID>(); }
    [[nodiscard]] unsigned timer_count() const
    {
        return static_cast<unsigned>(capabilities()[GCAP_ID::NUM_TIM_CAP]) + 1;
    }
    // In Hz.
    [[nodiscard]] std::uint64_t frequency() const
    {
        return femtoseconds_per_second / capabilities()[GCAP_ID::COUNTER_CLK_PERIOD];
    }

    [[nodiscard]] std::uint64_t count() const { return io_.template read<MAIN_CNT>().raw; }
    // What of the count is kept: all 64 bits or 32 of them.
    [[nodiscard]] std::uint64_t mask() const
    {
        return capabilities()[GCAP_ID::COUNT_SIZE_CAP] != 0 ? ~std::uint64_t{0} : 0xffff'ffff;
    }

    void set_enabled(bool on) const
    {
        io_.write(io_.template read<GEN_CONF>().with(GEN_CONF::ENABLE_CNF, on ? 1 : 0));
    }
    // Only while the counter is halted.
    void set_count(std::uint64_t count) const { io_.write(MAIN_CNT::from(count)); }

    [[nodiscard]] TIM_CONF configuration(unsigned timer) const
    {
        return io_.template read<TIM_CONF>(timer);
    }
    // One interrupt on GSI `gsi` (one of INT_ROUTE_CAP), edge-triggered, when the count is `count`.
    void arm(unsigned timer, unsigned gsi, std::uint64_t count) const
    {
        io_.write(TIM_CONF{}.with(TIM_CONF::INT_ROUTE_CNF, gsi), timer);
        io_.write(TIM_COMP::from(count), timer);
        io_.write(TIM_CONF{}.with(TIM_CONF::INT_ROUTE_CNF, gsi).with(TIM_CONF::INT_ENB_CNF, 1),
                  timer);
    }
    void disarm(unsigned timer) const { io_.write(TIM_CONF{}, timer); }

private:
    static constexpr std::uint64_t femtoseconds_per_second = 1'000'000'000'000'000;
    static constexpr std::uint64_t longest_period = 100'000'000;  // 10 MHz, 2.3.4

    Io io_;
};

}  // namespace timer
