// SPDX-License-Identifier: MIT
//
// Inter-processor interrupts, through whatever controller the machine has. The framework keeps
// numbers 0 and 1; tests use the others.

#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace {

constexpr unsigned first_free = 2;
constexpr unsigned max_cpus = 16;

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

unsigned taking_part()
{
    return smp::online_count() < max_cpus ? smp::online_count() : max_cpus;
}

void send(unsigned cpu, unsigned number)
{
    irq::controller()->send_ipi(cpu, number);
}

}  // namespace

TEST(ipi, self, .summary = "a CPU takes an IPI that it sends to itself, once", .needs = ipi)
{
    smp::on_all_cpus([] {
        Counts counts;
        const unsigned self = smp::this_cpu().index;
        if (self >= max_cpus) {
            return;
        }
        const auto& taken = counts.taken[self][first_free];
        const CountedIpi ipi{counts, first_free};
        for (unsigned round = 1; round <= 20; ++round) {
            send(self, first_free);
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
    Counts counts;
    smp::Barrier barrier{smp::online_count()};
    smp::on_all_cpus([&] {
        const unsigned self = smp::this_cpu().index;
        const bool receives = self < max_cpus;
        std::optional<CountedIpi> ipi;
        if (receives) {
            ipi.emplace(counts, first_free);
        }
        barrier.wait();
        for (unsigned sender = 0; sender < smp::online_count(); ++sender) {
            if (sender == self) {
                for (unsigned receiver = 0; receiver < taking_part(); ++receiver) {
                    for (unsigned round = 1; round <= rounds; ++round) {
                        const auto& taken = counts.taken[receiver][first_free];
                        const unsigned before = taken.load();
                        send(receiver, first_free);
                        EXPECT_TRUE(timer::wait_until([&] { return taken.load() == before + 1; }));
                    }
                }
            }
            barrier.wait();
        }
    });
    for (unsigned receiver = 0; receiver < taking_part(); ++receiver) {
        EXPECT_EQ(counts.taken[receiver][first_free].load(), rounds * smp::online_count());
    }
}

TEST(ipi, carries_data,
     .summary = "what the sender wrote before an IPI is seen by the receiver's handler",
     .needs = ipi && cpus(2))
{
    constexpr std::uint64_t rounds = 50;
    alignas(64) std::atomic<std::uint64_t> data{0};
    alignas(64) std::atomic<std::uint64_t> seen{0};
    std::atomic<bool> ready{false};
    const auto receive = [&] {
        const auto handler = [&](irq::Id) { seen.store(data.load(std::memory_order_relaxed)); };
        const irq::Guard guard{irq::controller()->ipi(first_free), handler};
        ready.store(true);
        static_cast<void>(timer::wait_until([&] { return seen.load() == rounds; }));
    };
    const smp::Work work{receive};
    const smp::Task task{1, work};
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
    std::atomic<unsigned> asleep{0};
    const auto sleeper = [&] {
        const CountedIpi ipi{counts, first_free};
        const auto& taken = counts.taken[1][first_free];
        for (unsigned round = 1; round <= rounds; ++round) {
            const irq::Masked masked;
            asleep.store(round);
            while (taken.load() < round) {
                arch::wait_for_interrupt();
                const irq::Unmasked unmasked;
            }
        }
    };
    const smp::Work work{sleeper};
    const smp::Task task{1, work};
    for (unsigned round = 1; round <= rounds; ++round) {
        ASSERT_TRUE(timer::wait_until([&] { return asleep.load() == round; }));
        send(1, first_free);
        ASSERT_TRUE(timer::wait_until([&] { return counts.taken[1][first_free].load() == round; }));
    }
}
