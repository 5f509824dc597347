// SPDX-License-Identifier: MIT
//
// Architecture seam, host: a counter that only moves when a test says so, and a timer that only
// remembers its deadline.
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

[[nodiscard]] Result<> discover_timers(const boot::Info& info);
[[nodiscard]] std::uint64_t counter();
[[nodiscard]] std::uint64_t counter_frequency();  // 1 MHz

[[nodiscard]] Result<irq::Id> deadline_timer_irq();
void set_deadline(std::uint64_t counter_value);
void cancel_deadline();

}  // namespace arch
