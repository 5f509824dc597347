// SPDX-License-Identifier: MIT
//
// What interrupts cost on a GICv5, in nanoseconds of the counter: figures to compare, never a
// verdict. That each round worked is checked.

#include "lib/smp/ipi.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/timers_under_test.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

using namespace gicv5;

namespace {

constexpr unsigned rounds = 200;
using Samples = std::array<std::uint64_t, rounds>;

std::uint64_t nanoseconds(timer::Ticks ticks)
{
    return ticks.value * 1'000'000'000 / arch::counter_frequency();
}

// The handler of an interrupt: when it began, and how often.
struct Arrival {
    std::atomic<std::uint64_t> time{0};
    std::atomic<unsigned> count{0};

    void note()
    {
        time.store(timer::now().value);
        count.fetch_add(1);
    }
    [[nodiscard]] bool wait_for(unsigned expected) const
    {
        return timer::wait_until([&] { return count.load() >= expected; });
    }
};

// From `pend()` to the handler of `id` on this CPU.
template <typename Pend>
void measure_to_handler(std::string_view name, irq::Id id, Pend pend)
{
    Arrival arrival;
    const auto handler = [&](irq::Id) { arrival.note(); };
    const irq::Guard guard{id, handler};
    Samples samples{};
    for (unsigned round = 0; round < rounds; ++round) {
        const timer::Ticks start = timer::now();
        pend();
        ASSERT_TRUE(arrival.wait_for(round + 1));
        samples[round] = nanoseconds(timer::Ticks{arrival.time.load()} - start);
    }
    EXPECT_EQ(arrival.count.load(), rounds);
    test::report_benchmark(name, "ns", samples);
}

}  // namespace

TEST(gicv5_bench, cycle,
     .summary = "cost of acknowledge, priority drop and deactivation of a PPI that is pending",
     .needs = gicv5)
{
    // The counter may be slow: so many at a time.
    constexpr unsigned batch = 16;
    const PpiUnderTest under_test;
    Samples samples{};
    for (std::uint64_t& sample : samples) {
        timer::Ticks cost{0};
        for (unsigned n = 0; n < batch; ++n) {
            interface.set_pending(sw_ppi);
            const timer::Ticks start = timer::now();
            const irq::Id id = acknowledged();
            interface.drop_priority();
            interface.deactivate(id);
            sysreg::synchronize();
            cost = cost + (timer::now() - start);
            ASSERT_EQ(id, sw_ppi_id());
        }
        sample = nanoseconds(cost) / batch;
    }
    EXPECT_EQ(candidate(), nothing);
    test::report_benchmark("gicv5.cycle", "ns", samples);
}

TEST(gicv5_bench, ppi, .summary = "time from pending a PPI to its handler", .needs = gicv5)
{
    measure_to_handler("gicv5.ppi", sw_ppi_id(), [] { interface.set_pending(sw_ppi); });
}

TEST(gicv5_bench, lpi, .summary = "time from pending an LPI of this CPU to its handler",
     .needs = gicv5_lpi)
{
    const Lpis lpis{1};
    measure_to_handler("gicv5.lpi", lpis[0], [&] { commands().set_pending(lpis[0]); });
}

TEST(gicv5_bench, spi, .summary = "time from pending an SPI of this CPU to its handler",
     .needs = gicv5_spi)
{
    const Spis spis{1};
    measure_to_handler("gicv5.spi", spis[0], [&] { commands().set_pending(spis[0]); });
}

TEST(gicv5_bench, ipi_round_trip,
     .summary = "time from sending an IPI to the handler of the other CPU's answer",
     .needs = gicv5 && ipi && cpus(2))
{
    constexpr unsigned number = smp::ipi::first_free;
    std::atomic<bool> ready{false};
    std::atomic<bool> finished{false};
    const auto answer = [](irq::Id) { irq::controller()->send_ipi(0, number); };
    const auto partner = [&] {
        const irq::Guard guard{irq::controller()->ipi(number), answer};
        ready.store(true);
        sleep_until([&] { return finished.load(); });
    };
    const smp::Task task{1, partner};
    EXPECT_TRUE(timer::wait_until([&] { return ready.load(); }));
    measure_to_handler("gicv5.ipi_round_trip", irq::controller()->ipi(number),
                       [] { irq::controller()->send_ipi(1, number); });
    finished.store(true);
}

TEST(gicv5_bench, timer, .summary = "time from a timer's deadline to its handler",
     .needs = gicv5 && timer_virt)
{
    const timer::Timer& timer = timer::virtual_timer;
    const auto id = timer::interrupt(timer.kind());
    ASSERT_TRUE(id.has_value());
    const timer::Guard saved{timer};
    Samples samples{};
    for (std::uint64_t& sample : samples) {
        const TimerIrq irq{timer, *id};
        const std::uint64_t deadline = timer.count() + timer::microseconds(20).value;
        timer.arm(deadline);
        ASSERT_TRUE(irq.wait());
        ASSERT_GE(irq.count(), deadline);
        sample = nanoseconds(timer::Ticks{irq.count() - deadline});
    }
    test::report_benchmark("gicv5.timer", "ns", samples);
}
