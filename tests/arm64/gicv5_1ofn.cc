// SPDX-License-Identifier: MIT
//
// 1-of-N targeting: an SPI or LPI that goes to any one of the CPUs that take part (AES 0070). The
// driver takes all CPUs out when they start: nothing else of Assay wants it.

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"

#include <array>
#include <atomic>
#include <cstdint>

using namespace gicv5;

namespace {

constexpr unsigned max_cpus = 64;

// Selects the CPU at its IRS and has it take part or not.
void let_share(unsigned cpu, bool share)
{
    const std::uint16_t iaffid = iaffid_of(cpu);
    for (const Irs<Mmio>& irs : routing_services()) {
        if (irs.serves(iaffid).value_or(false)) {
            const auto done = share ? irs.let_selected_pe_share() : irs.keep_selected_pe_targeted();
            EXPECT_TRUE(done.has_value());
        }
    }
}

// CPUs [0, count) take part for a scope.
class Sharing {
public:
    explicit Sharing(unsigned count) : count_{count} { all(true); }
    ~Sharing() { all(false); }
    Sharing(const Sharing&) = delete;
    Sharing& operator=(const Sharing&) = delete;

private:
    void all(bool share) const
    {
        for (unsigned cpu = 0; cpu < count_; ++cpu) {
            let_share(cpu, share);
        }
    }
    unsigned count_;
};

// Who took the interrupt, how often.
struct Takers {
    std::array<std::atomic<unsigned>, max_cpus> taken{};
    std::atomic<unsigned> total{0};
};

// Runs `body` on CPU 0 while all CPUs have a handler of the interrupt.
template <typename Body>
void with_takers(irq::Id id, Takers& takers, Body body)
{
    const unsigned cpus = smp::online_count();
    std::atomic<bool> finished{false};
    smp::Barrier ready{cpus};
    smp::Barrier ended{cpus};
    smp::on_all_cpus([&] {
        const unsigned self = smp::this_cpu().index;
        const auto handler = [&](irq::Id) {
            takers.taken[self].fetch_add(1);
            takers.total.fetch_add(1);
        };
        const irq::Guard guard{id, handler};
        ready.wait();
        if (self == 0) {
            commands().target_one_of_n(id);
            body();
            commands().target(id, interface.iaffid());
            finished.store(true);
        }
        while (!finished.load()) {
            arch::relax();
        }
        ended.wait();  // the first guard that goes disables the interrupt
    });
}

template <typename Interrupts>
void check_each_taken_once()
{
    const unsigned cpus = smp::online_count();
    if (cpus > max_cpus) {
        return test::skip("{} CPUs, the case counts for {}", cpus, max_cpus);
    }
    constexpr unsigned rounds = 200;
    const Sharing sharing{cpus};
    const Interrupts interrupts{1};
    const irq::Id id = interrupts[0];
    Takers takers;
    with_takers(id, takers, [&] {
        for (unsigned round = 1; round <= rounds; ++round) {
            commands().set_pending(id);
            ASSERT_TRUE(timer::wait_until([&] { return takers.total.load() >= round; }));
            ASSERT_EQ(takers.total.load(), round);
        }
        stay_quiet();
        EXPECT_EQ(takers.total.load(), rounds);
    });
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        test::note("cpu{}: {}", cpu, takers.taken[cpu].load());
    }
    EXPECT_EQ(state_of(id), State::idle);
}

}  // namespace

TEST(gicv5_1ofn, mode_reads_back,
     .summary = "an interrupt is one of N, or targeted, as it was told last",
     .needs = gicv5_one_n && gicv5_lpi)
{
    const irq::Masked masked;
    const Lpis lpis{1};
    for (unsigned round = 0; round < 2; ++round) {
        commands().target_one_of_n(lpis[0]);
        const auto shared = commands().state(lpis[0]);
        ASSERT_TRUE(shared.has_value());
        EXPECT_TRUE(shared->one_of_n);
        commands().target(lpis[0], interface.iaffid());
        const auto targeted = commands().state(lpis[0]);
        ASSERT_TRUE(targeted.has_value());
        EXPECT_FALSE(targeted->one_of_n);
        EXPECT_EQ(targeted->iaffid, interface.iaffid());
    }
}

TEST(gicv5_1ofn, lpi, .summary = "each event of a 1-of-N LPI is taken by exactly one CPU",
     .needs = gicv5_one_n && gicv5_lpi && ipi)
{
    check_each_taken_once<Lpis>();
}

TEST(gicv5_1ofn, spi, .summary = "each event of a 1-of-N SPI is taken by exactly one CPU",
     .needs = gicv5_one_n && gicv5_spi && ipi)
{
    check_each_taken_once<Spis>();
}

TEST(gicv5_1ofn, nobody_shares,
     .summary = "a 1-of-N LPI waits while no CPU takes part, and is taken by the first that does",
     .needs = gicv5_one_n && gicv5_lpi)
{
    const LpiUnderTest interrupt;
    const irq::Id id = interrupt.id();
    commands().target_one_of_n(id);
    commands().set_pending(id);
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
    EXPECT_EQ(state_of(id), State::pending);
    const Sharing this_cpu{1};
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(acknowledged(), id);
    finish(id);
    EXPECT_EQ(state_of(id), State::idle);
}

TEST(gicv5_1ofn, only_who_shares,
     .summary = "a 1-of-N LPI goes to none but the CPUs that take part",
     .needs = gicv5_one_n && gicv5_lpi && ipi && cpus(2))
{
    const unsigned cpus = smp::online_count();
    if (cpus > max_cpus) {
        return test::skip("{} CPUs, the case counts for {}", cpus, max_cpus);
    }
    constexpr unsigned rounds = 20;
    const Sharing this_cpu{1};
    const Lpis lpis{1};
    const irq::Id id = lpis[0];
    Takers takers;
    with_takers(id, takers, [&] {
        for (unsigned round = 1; round <= rounds; ++round) {
            commands().set_pending(id);
            ASSERT_TRUE(timer::wait_until([&] { return takers.total.load() >= round; }));
        }
    });
    EXPECT_EQ(takers.taken[0].load(), rounds);
    EXPECT_EQ(takers.total.load(), rounds);
}
