// SPDX-License-Identifier: MIT
//
// The counter that all CPUs share.

#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"

#include <arch/timer.h>

#include <atomic>
#include <cstdint>

TEST(timer, counts, .summary = "the counter counts on every CPU")
{
    smp::on_all_cpus([] {
        const std::uint64_t start = arch::counter();
        std::uint64_t now = start;
        for (unsigned i = 0; i < 100'000'000 && now == start; ++i) {
            now = arch::counter();
        }
        EXPECT_NE(now, start);
    });
}

TEST(timer, monotonic, .summary = "the counter never goes back on a CPU")
{
    smp::on_all_cpus([] {
        std::uint64_t steps_back = 0;
        std::uint64_t last = arch::counter();
        for (unsigned i = 0; i < 20'000; ++i) {
            const std::uint64_t now = arch::counter();
            steps_back += now < last ? 1 : 0;
            last = now;
        }
        EXPECT_EQ(steps_back, 0);
    });
}

TEST(timer, monotonic_across_cpus,
     .summary = "a counter value that another CPU read before is not in the future",
     .needs = cpus(2))
{
    constexpr unsigned rounds = 40;
    alignas(64) std::atomic<unsigned> turn{0};
    std::uint64_t stamp = arch::counter();
    std::uint64_t steps_back = 0;
    // Both CPUs take turns: each reads after it has seen what the other one read.
    const auto play = [&](unsigned first_turn) {
        for (unsigned mine = first_turn; mine < 2 * rounds; mine += 2) {
            if (!timer::wait_until([&] { return turn.load(std::memory_order_acquire) == mine; })) {
                return;
            }
            const std::uint64_t now = arch::counter();
            steps_back += now < stamp ? 1 : 0;
            stamp = now;
            turn.store(mine + 1, std::memory_order_release);
        }
    };
    const auto other = [&] { play(1); };
    {
        const smp::Task task{1, other};
        play(0);
    }
    EXPECT_EQ(turn.load(), 2 * rounds);
    EXPECT_EQ(steps_back, 0);
}

TEST(timer, frequency, .summary = "the counter's frequency is between 100 kHz and 10 GHz")
{
    test::note("{} Hz", arch::counter_frequency());
    EXPECT_GE(arch::counter_frequency(), 100'000);
    EXPECT_LE(arch::counter_frequency(), std::uint64_t{10'000'000'000});
}

TEST(timer, delay, .summary = "a delay lasts at least as long as it was asked to")
{
    for (const std::uint64_t duration : {1U, 10U, 100U, 1'000U}) {
        const timer::Ticks start = timer::now();
        timer::delay(timer::microseconds(duration));
        EXPECT_GE((timer::now() - start).value, timer::microseconds(duration).value);
    }
}
