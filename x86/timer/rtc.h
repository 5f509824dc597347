// SPDX-License-Identifier: MIT
//
// The MC146818 real-time clock of a PC (Motorola MC146818A data sheet): registers behind two ports,
// and ISA interrupt 8.
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace timer {

inline constexpr std::uint16_t rtc_port = 0x70;
inline constexpr unsigned rtc_isa_interrupt = 8;

struct RTC_INDEX : Register<RTC_INDEX, std::uint8_t, 0> {
    static constexpr Field NMI_OFF{7};  // of old PCs
    static constexpr Field INDEX{6, 0};
};
struct RTC_DATA : Register<RTC_DATA, std::uint8_t, 1> {};

// Registers by their index.
struct RTC_A : Bits<RTC_A, std::uint8_t> {
    static constexpr std::uint8_t index = 0x0a;
    static constexpr Field UIP{7};    // an update of the time is near
    static constexpr Field DV{6, 4};  // 2: the oscillator runs
    static constexpr Field RS{3, 0};  // periodic rate: 32768 Hz >> (RS - 1), from 3 on; 0: none
};
struct RTC_B : Bits<RTC_B, std::uint8_t> {
    static constexpr std::uint8_t index = 0x0b;
    static constexpr Field SET{7};
    static constexpr Field PIE{6};  // periodic interrupt
    static constexpr Field AIE{5};
    static constexpr Field UIE{4};
    static constexpr Field BINARY{2};
    static constexpr Field HOURS24{1};
};
// Reading it takes back the interrupt.
struct RTC_C : Bits<RTC_C, std::uint8_t> {
    static constexpr std::uint8_t index = 0x0c;
    static constexpr Field IRQF{7};
    static constexpr Field PF{6};
    static constexpr Field AF{5};
    static constexpr Field UF{4};
};
struct RTC_D : Bits<RTC_D, std::uint8_t> {
    static constexpr std::uint8_t index = 0x0d;
    static constexpr Field VRT{7};  // the battery is good; the other bits are 0
};

template <typename Io>
class Rtc {
public:
    constexpr explicit Rtc(Io io) : io_{io} {}

    template <typename R>
    [[nodiscard]] R get() const
    {
        io_.write(RTC_INDEX::from(R::index));
        return R::from(io_.template read<RTC_DATA>().raw);
    }
    template <typename R>
    void set(R value) const
    {
        io_.write(RTC_INDEX::from(R::index));
        io_.write(RTC_DATA::from(value.raw));
    }

    // The oscillator runs and the time is valid: what no port without a device says.
    [[nodiscard]] bool there() const
    {
        return get<RTC_A>()[RTC_A::DV] == 2 && get<RTC_D>().raw == RTC_D::VRT.mask();
    }

    // A periodic interrupt at 32768 Hz >> (rate - 1), rate 3 to 15; 0 turns it off.
    void set_periodic(unsigned rate) const
    {
        set(get<RTC_B>().with(RTC_B::PIE, 0));
        set(get<RTC_A>().with(RTC_A::RS, rate));
        static_cast<void>(get<RTC_C>());
        if (rate != 0) {
            set(get<RTC_B>().with(RTC_B::PIE, 1));
        }
    }
    // Which interrupts there were; the next one can come.
    [[nodiscard]] RTC_C acknowledge() const { return get<RTC_C>(); }

    [[nodiscard]] static constexpr std::uint64_t periodic_frequency(unsigned rate)
    {
        return 32768U >> (rate - 1);
    }

private:
    Io io_;
};

}  // namespace timer
