// SPDX-License-Identifier: MIT
//
// Inter-processor interrupts, through whatever controller the machine has.

#include "lib/smp/ipi.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace {

using smp::ipi::first_free;

constexpr unsigned max_cpus = 64;

// Interrupts taken, by receiver and number. Only the receiver writes its row.
struct Counts {
    static constexpr unsigned numbers = 8;
    std::array<std::array<std::atomic<unsigned>, numbers>, max_cpus> taken{};
};

// Counts IPI `number` on this CPU while it exists.
class CountedIpi {
public:
    CountedIpi(Counts& counts, unsigned number)
        : handler_{counts.taken[smp::this_cpu().index][number]},
          guard_{irq::controller()->ipi(number), handler_}
    {
    }

private:
    struct Handler {
        std::atomic<unsigned>& taken;
        void operator()(irq::Id) const { taken.fetch_add(1); }
    };
    Handler handler_;
    irq::Guard guard_;
};

// Sleeps until the next interrupt, and takes it. Masked between the look and the sleep, so that no
// interrupt slips in between.
template <typename Condition>
void sleep_unless(Condition condition)
{
    const irq::Masked masked;
    if (!condition()) {
        arch::wait_for_interrupt();
    }
    const irq::Unmasked unmasked;
}

void send(unsigned cpu, unsigned number)
{
    irq::controller()->send_ipi(cpu, number);
}

}  // namespace

TEST(ipi, self, .summary = "a CPU takes an IPI that it sends to itself, once", .needs = ipi)
{
    smp::on_all_cpus([] {
        std::atomic<unsigned> taken{0};
        const auto count = [&](irq::Id) { taken.fetch_add(1); };
        const irq::Guard guard{irq::controller()->ipi(first_free), count};
        for (unsigned round = 1; round <= 20; ++round) {
            send(smp::this_cpu().index, first_free);
            ASSERT_TRUE(timer::wait_until([&] { return taken.load() == round; }));
        }
        timer::delay(timer::milliseconds(1));
        EXPECT_EQ(taken.load(), 20);
    });
}

TEST(ipi, all_to_all,
     .summary = "every CPU reaches every CPU, and each IPI is taken once and by its receiver alone",
     .needs = ipi)
{
    constexpr unsigned rounds = 4;
    constexpr unsigned next_turn = first_free + 1;
    const unsigned cpus = smp::online_count();
    if (cpus > max_cpus) {
        return test::skip("{} CPUs, the case counts for {}", cpus, max_cpus);
    }
    Counts counts;
    std::atomic<unsigned> turn{0};
    std::atomic<unsigned> ready{0};
    // The CPUs send one after the other; those whose turn it is not sleep. Each is woken for its
    // turn and at the end, and stays until it has taken both: none arrives when its handler is
    // gone.
    const auto all_wakes = [](unsigned cpu) { return cpu == 0 ? 1U : 2U; };
    smp::on_all_cpus([&] {
        const unsigned self = smp::this_cpu().index;
        const CountedIpi data{counts, first_free};
        const CountedIpi wake{counts, next_turn};
        const auto& woken = counts.taken[self][next_turn];
        ready.fetch_add(1);
        EXPECT_TRUE(timer::wait_until([&] { return ready.load() == cpus; }));
        while (turn.load() != cpus) {
            if (turn.load() != self) {
                sleep_unless([&] { return turn.load() == self || turn.load() == cpus; });
                continue;
            }
            EXPECT_TRUE(timer::wait_until([&] { return woken.load() == all_wakes(self) - 1; }));
            for (unsigned receiver = 0; receiver < cpus; ++receiver) {
                const auto& taken = counts.taken[receiver][first_free];
                for (unsigned round = 1; round <= rounds; ++round) {
                    send(receiver, first_free);
                    EXPECT_TRUE(
                        timer::wait_until([&] { return taken.load() == self * rounds + round; }));
                }
            }
            turn.store(self + 1);
            if (self + 1 < cpus) {
                send(self + 1, next_turn);
            }
        }
        const unsigned last = cpus - 1;
        if (self == last) {
            for (unsigned receiver = 0; receiver < last; ++receiver) {
                send(receiver, next_turn);
            }
        } else {
            EXPECT_TRUE(timer::wait_until([&] { return woken.load() == all_wakes(self); }));
        }
    });
    for (unsigned receiver = 0; receiver < cpus; ++receiver) {
        EXPECT_EQ(counts.taken[receiver][first_free].load(), rounds * cpus);
    }
}

TEST(ipi, carries_data,
     .summary = "what the sender wrote before an IPI is seen by the receiver's handler",
     .needs = ipi && cpus(2))
{
    constexpr std::uint64_t rounds = 25;
    alignas(64) std::atomic<std::uint64_t> data{0};
    alignas(64) std::atomic<std::uint64_t> seen{0};
    std::atomic<bool> ready{false};
    const auto receive = [&] {
        const auto handler = [&](irq::Id) { seen.store(data.load(std::memory_order_relaxed)); };
        const irq::Guard guard{irq::controller()->ipi(first_free), handler};
        ready.store(true);
        static_cast<void>(timer::wait_until([&] { return seen.load() == rounds; }));
    };
    const smp::Task task{1, receive};
    ASSERT_TRUE(timer::wait_until([&] { return ready.load(); }));
    for (std::uint64_t round = 1; round <= rounds; ++round) {
        data.store(round, std::memory_order_relaxed);
        send(1, first_free);
        ASSERT_TRUE(timer::wait_until([&] { return seen.load() == round; }));
    }
}

TEST(ipi, numbers_are_distinct,
     .summary = "IPIs with different numbers arrive as different interrupts", .needs = ipi)
{
    Counts counts;
    const unsigned numbers = irq::controller()->ipi_count();
    ASSERT_GE(numbers, first_free + 2);
    const CountedIpi first{counts, first_free};
    const CountedIpi second{counts, first_free + 1};
    const auto& taken = counts.taken[smp::this_cpu().index];
    send(smp::this_cpu().index, first_free);
    EXPECT_TRUE(timer::wait_until([&] { return taken[first_free].load() == 1; }));
    EXPECT_EQ(taken[first_free + 1].load(), 0);
    send(smp::this_cpu().index, first_free + 1);
    EXPECT_TRUE(timer::wait_until([&] { return taken[first_free + 1].load() == 1; }));
    EXPECT_EQ(taken[first_free].load(), 1);
}

TEST(ipi, held_while_masked,
     .summary = "an IPI to a CPU that masks interrupts is taken when it unmasks them", .needs = ipi)
{
    Counts counts;
    const unsigned self = smp::this_cpu().index;
    const auto& taken = counts.taken[self][first_free];
    const CountedIpi ipi{counts, first_free};
    {
        const irq::Masked masked;
        send(self, first_free);
        timer::delay(timer::milliseconds(1));
        EXPECT_EQ(taken.load(), 0);
        EXPECT_TRUE(irq::controller()->pending(irq::controller()->ipi(first_free)));
    }
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() == 1; }));
    EXPECT_FALSE(irq::controller()->pending(irq::controller()->ipi(first_free)));
}

TEST(ipi, wakes, .summary = "an IPI wakes a CPU from WFI", .needs = ipi && cpus(2))
{
    constexpr unsigned rounds = 20;
    Counts counts;
    const auto& taken = counts.taken[1][first_free];
    std::atomic<unsigned> asleep{0};
    std::atomic<bool> given_up{false};
    const auto sleeper = [&] {
        const CountedIpi ipi{counts, first_free};
        for (unsigned round = 1; round <= rounds; ++round) {
            asleep.store(round);
            while (taken.load() < round && !given_up.load()) {
                sleep_unless([&] { return taken.load() >= round || given_up.load(); });
            }
        }
    };
    const smp::Task task{1, sleeper};
    for (unsigned round = 1; round <= rounds && !given_up.load(); ++round) {
        EXPECT_TRUE(timer::wait_until([&] { return asleep.load() == round; }));
        // Right at the WFI, and some time into it.
        timer::delay(timer::microseconds(round % 2 == 0 ? 0 : 200));
        send(1, first_free);
        const bool woken = timer::wait_until([&] { return taken.load() == round; });
        EXPECT_TRUE(woken);
        given_up.store(!woken);  // the harness's own IPI ends the sleep then
    }
}
