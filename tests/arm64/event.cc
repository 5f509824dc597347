// SPDX-License-Identifier: MIT
//
// WFE and SEV: Arm ARM D1.7.1, "Wait for Event". The event register keeps an event that comes
// before the wait.

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
