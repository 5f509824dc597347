// SPDX-License-Identifier: MIT
//
// This machine's timers: those of the exception level the code runs at.
//
//     const auto& timer = timer::virtual_timer;
//     timer::Guard saved{timer};
//     const auto on_irq = [&](irq::Id) { timer.disable(); fired = true; };
//     irq::Guard handler{*timer::interrupt(timer.kind()), on_irq};
//     timer.arm(timer.count() + timer::milliseconds(1).value);
#pragma once

#include "arm64/timer/generic_timer.h"
#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/irq/irq.h"
#include "lib/time/time.h"

namespace timer {

using Timer = GenericTimer<sysreg::Provider>;

inline constexpr Timer virtual_timer{Kind::virt};
inline constexpr Timer physical_timer{Kind::phys};  // the watchdog's: see <arch/timer.h>

// The interrupt of a timer at this exception level. At EL2: that of CNTHV or CNTHP.
[[nodiscard]] Result<irq::Id> interrupt(Kind kind);

}  // namespace timer
