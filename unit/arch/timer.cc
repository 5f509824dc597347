// SPDX-License-Identifier: MIT
#include "lib/irq/irq.h"
#include "unit/arch/host.h"

#include <arch/timer.h>

#include <atomic>

namespace {

constinit std::atomic<std::uint64_t> ticks{0};
constinit std::optional<std::uint64_t> current_deadline;

}  // namespace

namespace arch {

Result<> discover_timers(const boot::Info&)
{
    return {};
}

std::uint64_t counter()
{
    return ++ticks;
}

std::uint64_t counter_frequency()
{
    return 1'000'000;
}

Result<irq::Id> deadline_timer_irq()
{
    return irq::Id{30};
}

void set_deadline(std::uint64_t counter_value)
{
    current_deadline = counter_value;
}

void cancel_deadline()
{
    current_deadline.reset();
}

}  // namespace arch

namespace host {

void advance_counter(std::uint64_t count)
{
    ticks += count;
}

std::optional<std::uint64_t> deadline()
{
    return current_deadline;
}

}  // namespace host
