// SPDX-License-Identifier: MIT
#include "lib/test/watchdog.h"

#include "lib/test/fatal.h"
#include "lib/time/time.h"

#include <arch/cpu.h>
#include <arch/timer.h>

#include <atomic>

namespace test {

namespace {

constexpr std::uint64_t never = ~std::uint64_t{0};

constinit std::atomic<std::uint64_t> deadline{never};  // in ticks of the counter
constinit std::atomic<std::uint32_t> limit_seconds{0};

[[noreturn]] void expire(const arch::Frame* frame)
{
    deadline = never;  // one report is enough
    TextBuffer<40> why;
    format_to(why, "no end after {} s", limit_seconds.load());
    hang(why.text(), frame);
}

constexpr auto on_interrupt = [](irq::Id) {
    arch::cancel_deadline();
    expire(arch::cpu_data()->interrupted);
};

}  // namespace

Watchdog::Watchdog(std::uint32_t seconds)
{
    if (seconds == 0) {
        return;
    }
    limit_seconds = seconds;
    deadline = (timer::now() + timer::seconds(seconds)).value;
    const auto timer_irq = arch::deadline_timer_irq();
    if (irq::controller() == nullptr || !timer_irq) {
        return;
    }
    arch::set_deadline(deadline);
    guard_.emplace(*timer_irq, on_interrupt);
}

Watchdog::~Watchdog()
{
    deadline = never;
    if (guard_) {
        arch::cancel_deadline();
    }
}

void check_deadline()
{
    if (arch::counter() > deadline) {
        expire(nullptr);
    }
}

}  // namespace test
