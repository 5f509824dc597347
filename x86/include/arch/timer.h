// SPDX-License-Identifier: MIT
//
// Architecture seam: the counter, and one timer for the framework's watchdog.
#pragma once

#include "lib/base/result.h"

#include <cstdint>

namespace boot {
struct Info;
}
namespace irq {
struct Id;
}

namespace arch {

// Finds the timers: which interrupts they raise, and a frequency that overrides the
// counter's own. Needs the interrupt controller. Offers the timers' capabilities, or says why not.
// Error: nothing tells the frequency.
[[nodiscard]] Result<> discover_timers(const boot::Info& info);

// The free-running counter all CPUs share, ordered after everything before the call.
[[nodiscard]] std::uint64_t counter();
// Its frequency in Hz, never 0.
[[nodiscard]] std::uint64_t counter_frequency();

// A one-shot timer of this CPU for the watchdog (arm64: the physical timer). It is an ordinary
// timer: a test that wants it saves its state and puts it back, which pauses the watchdog.
// Returns the interrupt it raises.
[[nodiscard]] Result<irq::Id> deadline_timer_irq();
void set_deadline(std::uint64_t counter_value);
void cancel_deadline();

}  // namespace arch
