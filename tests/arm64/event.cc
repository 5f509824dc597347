// SPDX-License-Identifier: MIT
//
// WFE and SEV: Arm ARM D1.7.1, "Wait for Event". The event register keeps an event that comes
// before the wait.

#include "arm64/timer/timers.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"

#include <arch/cpu.h>

#include <atomic>

TEST(smp, event_is_not_lost,
     .summary = "an event that another CPU sends just before a WFE ends that WFE at once",
     .needs = cpus(2))
{
    constexpr unsigned rounds = 500;
    alignas(64) std::atomic<unsigned> sent{0};
    alignas(64) std::atomic<unsigned> seen{0};
    const auto wait = [&] {
        for (unsigned round = 1; round <= rounds; ++round) {
            while (sent.load(std::memory_order_acquire) < round) {
                arch::wait_for_event();
            }
            seen.store(round, std::memory_order_release);
        }
    };
    // One lost event is enough: finding it takes the whole second.
    unsigned lost = 0;
    const smp::Task waiter{1, wait};
    for (unsigned round = 1; round <= rounds && lost == 0; ++round) {
        const auto has_seen = [&] { return seen.load(std::memory_order_acquire) >= round; };
        sent.store(round, std::memory_order_release);
        arch::send_event();
        if (!timer::wait_until(has_seen, timer::seconds(1))) {
            lost = round;
        }
    }
    sent.store(rounds, std::memory_order_release);
    while (!waiter.done()) {
        arch::send_event();
    }
    EXPECT_EQ(lost, 0U);  // number of the event that was
}

// Runs `send`, then a WFE that a timer would end after a while. Whether the timer had to.
template <typename Send>
static bool sleeps_after(irq::Id timer_interrupt, Send send)
{
    const timer::Guard saved{timer::virtual_timer};
    std::atomic<bool> slept{false};
    const auto wake = [&](irq::Id) {
        timer::virtual_timer.disable();
        slept = true;
    };
    const irq::Guard guard{timer_interrupt, wake};
    timer::virtual_timer.arm(timer::virtual_timer.count() + timer::milliseconds(300).value);
    send();
    arch::wait_for_event();
    return slept;
}

TEST(smp, own_event,
     .summary = "an event that a CPU sends itself, by SEV or SEVL, ends its next WFE at once",
     .needs = timer_virt)
{
    const auto interrupt = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(interrupt.has_value());
    EXPECT_FALSE(sleeps_after(*interrupt, [] { arch::send_event(); }));
    EXPECT_FALSE(sleeps_after(*interrupt, [] { asm volatile("sevl" ::: "memory"); }));
}
