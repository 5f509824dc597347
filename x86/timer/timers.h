// SPDX-License-Identifier: MIT
//
// This machine's clocks and timers, as arch::discover_timers() found them. What is not there has
// its capability missing: tsc_deadline, hpet, pm_timer, pit, rtc.
#pragma once

#include "lib/base/mmio.h"
#include "x86/cpu/port_io.h"
#include "x86/timer/hpet.h"
#include "x86/timer/pit.h"
#include "x86/timer/pm_timer.h"
#include "x86/timer/rtc.h"
#include "x86/timer/tsc.h"

#include <cstdint>

namespace timer {

// Not ordered with anything: arch::counter() is.
[[nodiscard]] std::uint64_t read_tsc();

// Who told the counter's frequency: "CPUID 0x15", "kvmclock", "HPET".
[[nodiscard]] const char* frequency_source();

// What the local APIC's timer counts in a second with divisor 1; 0: not measured.
[[nodiscard]] std::uint64_t local_timer_frequency();

// Those whose capability is offered.
[[nodiscard]] Hpet<Mmio> hpet();
[[nodiscard]] PmTimer<PortIo> pm_timer();
[[nodiscard]] constexpr Pit<PortIo> pit()
{
    return Pit{PortIo{pit_port}};
}
[[nodiscard]] constexpr Rtc<PortIo> rtc()
{
    return Rtc{PortIo{rtc_port}};
}

}  // namespace timer
