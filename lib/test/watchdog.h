// SPDX-License-Identifier: MIT
//
// The limit of a case's time. It ends a wait that would never end; it measures nothing.
#pragma once

#include "lib/irq/irq.h"

#include <cstdint>
#include <optional>

namespace test {

// While this exists the case has so many seconds; then hang(). 0: no limit. The interrupt of the
// architecture's deadline timer finds a case that runs with interrupts unmasked; where the machine
// has no such interrupt, and where interrupts are masked, only check_deadline() does.
class Watchdog {
public:
    explicit Watchdog(std::uint32_t seconds);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    std::optional<irq::Guard> guard_;
};

// For the waits of the harness itself (barriers, on_cpu), on any CPU: does not return when the
// running case's time is over.
void check_deadline();

}  // namespace test
