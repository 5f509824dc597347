// SPDX-License-Identifier: MIT
//
// Many interrupts on all CPUs at once, with exact accounts: nothing is lost, nothing is taken
// twice, nothing by the wrong CPU. Which LPI goes where follows from the run's seed.
//
// CPUs take interrupts by acknowledging them with interrupts masked, and sleep while there are
// none: the work is bounded in all, so that it takes about as long on 64 CPUs as on two.

#include "lib/mem/memory.h"
#include "lib/smp/ipi.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/register_guard.h"

#include <arch/cache.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <numeric>
#include <optional>
#include <utility>

using namespace gicv5;

namespace {

// Better than the harness's interrupts: while one of these is the candidate an acknowledge takes
// one of these.
constexpr std::uint8_t test_priority = default_priority / 2;

constexpr unsigned max_cpus = 512;

// A T in pages of its own: the CPUs' stacks are small.
template <typename T>
class InPages {
public:
    InPages()
    {
        if (auto pages = mem::allocate(sizeof(T))) {
            pages_ = std::move(*pages);
            object_ = new (pages_.data()) T{};
        } else {
            test::error("{}", pages.error().what);
        }
    }
    explicit operator bool() const { return object_ != nullptr; }
    T& operator*() const { return *object_; }
    T* operator->() const { return object_; }

private:
    mem::Pages pages_;
    T* object_ = nullptr;
};

// The next one of a run of LPIs that is signalled to this CPU, taken: its index. What wakes an idle
// CPU has done so when it is taken; everything else is left for the vector.
std::optional<unsigned> take_one(const Lpis& lpis, unsigned count)
{
    const auto index_of = [&](irq::Id id) { return id.value - lpis[0].value; };
    const irq::Id best = candidate();
    if (index_of(best) >= count && best != irq::controller()->ipi(smp::ipi::wake)) {
        return {};
    }
    const auto id = interface.acknowledge();
    if (!id) {
        return {};  // it was retargeted at the last moment
    }
    finish(*id);
    return index_of(*id) < count ? std::optional{index_of(*id)} : std::nullopt;
}

// Takes them, with interrupts masked, until `done()`, which becomes true by what `take(index)` is
// told alone. False: patience ended.
template <typename Take, typename Done>
bool take_until(const Lpis& lpis, unsigned count, Take take, Done done)
{
    const timer::Ticks start = timer::now();
    while (!done()) {
        if (const auto index = take_one(lpis, count)) {
            take(*index);
            continue;
        }
        if (timer::now() - start > timer::patience()) {
            return false;
        }
        // Where one is lost nobody wakes CPU 0. CPU 0 wakes the others now and then.
        if (smp::this_cpu().index != 0) {
            arch::wait_for_interrupt();
        }
    }
    return true;
}

// One account for each LPI of a run.
constexpr unsigned max_lpis = 10'000;
struct Accounts {
    std::array<std::atomic<std::uint16_t>, max_lpis> taken;
    std::array<std::uint16_t, max_lpis> owner;     // the CPU it is targeted at
    std::array<std::uint16_t, max_lpis> order;     // in which they are made pending
    std::array<std::uint16_t, max_cpus> expected;  // by the owner
    std::array<std::uint16_t, max_cpus> iaffid;
    std::atomic<unsigned> strays;  // taken by another CPU than the owner
};

void note_iaffids(Accounts& accounts)
{
    smp::on_all_cpus([&] { accounts.iaffid[smp::this_cpu().index] = interface.iaffid(); });
}

// The index of a CPU that is online, by chance.
unsigned any_cpu(test::Random& random)
{
    for (;;) {
        const auto cpu = static_cast<unsigned>(random.below(smp::cpus().size()));
        if (smp::cpus()[cpu].online) {
            return cpu;
        }
    }
}

void expect_each_taken_once(const Lpis& lpis, unsigned count, const Accounts& accounts)
{
    EXPECT_EQ(accounts.strays.load(), 0);
    for (unsigned n = 0; n < count; ++n) {
        if (accounts.taken[n].load() != 1 || state_of(lpis[n]) != State::idle) {
            test::note("LPI {:#x} of cpu{}", lpis[n].value, accounts.owner[n]);
        }
        ASSERT_EQ(accounts.taken[n].load(), 1);
        ASSERT_EQ(state_of(lpis[n]), State::idle);
    }
}

enum class Meanwhile : std::uint8_t { nothing, masked_by_priority, priorities_change };

// LPIs, each targeted at any CPU, are made pending by all CPUs in any order, each once; all are
// taken once, by their CPUs.
void pend_each_once(unsigned count, Meanwhile meanwhile)
{
    if (smp::cpus().size() > max_cpus) {
        return test::skip("accounts are for {} CPUs", max_cpus);
    }
    const InPages<Accounts> accounts;
    const Lpis lpis{count};
    ASSERT_TRUE(bool{accounts});
    note_iaffids(*accounts);
    test::Random random;
    for (unsigned n = 0; n < count; ++n) {
        const unsigned cpu = any_cpu(random);
        accounts->owner[n] = static_cast<std::uint16_t>(cpu);
        ++accounts->expected[cpu];
        accounts->order[n] = static_cast<std::uint16_t>(n);
        std::swap(accounts->order[n], accounts->order[random.below(n + 1)]);
        commands().set_priority(
            lpis[n], meanwhile == Meanwhile::masked_by_priority ? default_priority : test_priority);
        commands().target(lpis[n], accounts->iaffid[cpu]);
        commands().enable(lpis[n]);
    }
    const std::uint64_t seed = random.next();
    const unsigned cpus = smp::online_count();
    std::atomic<unsigned> rank{0};
    std::atomic<unsigned> early{0};  // signalled in spite of the mask
    smp::Barrier ready{cpus};
    smp::Barrier all_pending{cpus};
    smp::on_all_cpus([&] {
        const irq::Masked masked;
        const unsigned self = smp::this_cpu().index;
        const unsigned share = rank.fetch_add(1);
        test::Random own{seed + self};
        unsigned taken = 0;
        const auto take = [&](unsigned index) {
            accounts->taken[index].fetch_add(1);
            if (accounts->owner[index] != self) {
                accounts->strays.fetch_add(1);
            }
            ++taken;
        };
        RegisterGuard<ICC_PCR_EL1> mask;
        if (meanwhile == Meanwhile::masked_by_priority) {
            mask.set(ICC_PCR_EL1::PRIORITY, test_priority);
        }
        ready.wait();
        for (unsigned n = share; n < count; n += cpus) {
            commands().set_pending(lpis[accounts->order[n]]);
            if (meanwhile == Meanwhile::priorities_change) {
                constexpr std::uint8_t priorities[]{2, 4, 6, 8};
                commands().set_priority(lpis[static_cast<unsigned>(own.below(count))],
                                        priorities[own.below(std::size(priorities))]);
            }
            if (const auto index = take_one(lpis, count)) {
                take(*index);
            }
        }
        commands().synchronize();
        if (meanwhile == Meanwhile::masked_by_priority) {
            all_pending.wait();
            stay_quiet();
            early.fetch_add(taken);
            mask.set(ICC_PCR_EL1::PRIORITY, interface.lowest_priority());
        }
        EXPECT_TRUE(
            take_until(lpis, count, take, [&] { return taken == accounts->expected[self]; }));
    });
    EXPECT_EQ(early.load(), 0);
    expect_each_taken_once(lpis, count, *accounts);
}

}  // namespace

TEST(gicv5_stress, sw_ppi,
     .summary = "of 100,000 SW_PPIs that all CPUs raise, each is taken once, before the next",
     .needs = gicv5)
{
    constexpr unsigned total = 100'000;
    const unsigned each = (total + smp::online_count() - 1) / smp::online_count();
    std::atomic<unsigned> all_taken{0};
    smp::on_all_cpus([&] {
        const SwPpiCounter counter;
        for (unsigned raised = 1; raised <= each; ++raised) {
            interface.set_pending(sw_ppi);
            if (counter.taken() != raised) {
                ASSERT_TRUE(counter.wait_for(raised));
            }
            ASSERT_EQ(counter.taken(), raised);
        }
        stay_quiet();
        ASSERT_EQ(counter.taken(), each);
        all_taken.fetch_add(counter.taken());
    });
    EXPECT_EQ(all_taken.load(), each * smp::online_count());
}

TEST(gicv5_stress, lpis,
     .summary = "10,000 LPIs of all CPUs, pended by all in any order, are each taken once",
     .needs = gicv5_lpi && ipi)
{
    pend_each_once(max_lpis, Meanwhile::nothing);
}

TEST(gicv5_stress, priority_masked,
     .summary = "LPIs pended while all CPUs mask their priority are each taken once afterwards",
     .needs = gicv5_lpi && ipi)
{
    pend_each_once(4000, Meanwhile::masked_by_priority);
}

TEST(gicv5_stress, priorities_change,
     .summary = "LPIs whose priorities change all the time are each taken once",
     .needs = gicv5_lpi && ipi)
{
    pend_each_once(4000, Meanwhile::priorities_change);
}

TEST(gicv5_stress, ipi_storm,
     .summary = "every CPU and every CPU answer each other at once; no message is lost or doubled",
     .needs = gicv5_lpi && ipi)
{
    // Between two CPUs there is one message, which goes back and forth: what is pending never
    // collapses, and the counts are exact. A CPU sends to itself as well.
    constexpr unsigned most_cpus = 64;
    constexpr unsigned pairs = most_cpus * most_cpus;
    constexpr unsigned messages = 4096;  // in all, or one for each two CPUs
    struct Storm {
        std::array<std::atomic<std::uint32_t>, pairs> mail;  // [receiver][sender]
        std::array<std::uint32_t, pairs> taken;
    };
    const InPages<Storm> storm;
    ASSERT_TRUE(bool{storm});
    const unsigned cpus = std::min(smp::online_count(), most_cpus);
    const unsigned rounds = std::max(1U, messages / (cpus * cpus));
    const unsigned count = cpus * cpus;
    const Lpis lpis{count};
    std::atomic<unsigned> next_rank{0};
    std::atomic<unsigned> stale{0};
    std::atomic<unsigned> strays{0};
    std::atomic<unsigned> all_taken{0};
    smp::Barrier ready{smp::online_count()};
    smp::on_all_cpus([&] {
        const irq::Masked masked;
        const unsigned self = next_rank.fetch_add(1);
        if (self < cpus) {
            for (unsigned sender = 0; sender < cpus; ++sender) {
                const irq::Id id = lpis[self * cpus + sender];
                commands().set_priority(id, test_priority);
                commands().target(id, interface.iaffid());
                commands().enable(id);
            }
            commands().synchronize();
        }
        ready.wait();
        if (self >= cpus) {
            return;
        }
        const auto send = [&](unsigned receiver, std::uint32_t message) {
            const unsigned index = receiver * cpus + self;
            storm->mail[index].store(message, std::memory_order_relaxed);
            arch::write_barrier();
            commands().set_pending(lpis[index]);
        };
        unsigned taken = 0;
        const auto take = [&](unsigned index) {
            const unsigned sender = index % cpus;
            const std::uint32_t message = ++storm->taken[index];
            strays.fetch_add(index / cpus != self ? 1 : 0);
            stale.fetch_add(storm->mail[index].load(std::memory_order_relaxed) != message ? 1 : 0);
            ++taken;
            if (sender < self) {
                send(sender, message);
            } else if (message < rounds) {
                send(sender, message + 1);
            }
        };
        for (unsigned receiver = self; receiver < cpus; ++receiver) {
            send(receiver, 1);
        }
        EXPECT_TRUE(take_until(lpis, count, take, [&] { return taken == cpus * rounds; }));
        all_taken.fetch_add(taken);
    });
    EXPECT_EQ(all_taken.load(), count * rounds);
    EXPECT_EQ(strays.load(), 0);
    EXPECT_EQ(stale.load(), 0);
    for (unsigned index = 0; index < count; ++index) {
        ASSERT_EQ(storm->taken[index], rounds);
        ASSERT_EQ(state_of(lpis[index]), State::idle);
    }
}

TEST(gicv5_stress, retargeted,
     .summary = "LPIs moved from CPU to CPU while pending are each taken once by one of them",
     .needs = gicv5_lpi && ipi && cpus(2))
{
    constexpr unsigned moving = 32;
    constexpr std::uint16_t rounds = 40;
    constexpr unsigned moves = 3;
    if (smp::cpus().size() > max_cpus) {
        return test::skip("accounts are for {} CPUs", max_cpus);
    }
    const InPages<Accounts> accounts;
    ASSERT_TRUE(bool{accounts});
    note_iaffids(*accounts);
    // Behind those that move there is one for each CPU that ends its part.
    const auto cpus = static_cast<unsigned>(smp::cpus().size());
    const unsigned count = moving + cpus;
    const Lpis lpis{count};
    for (unsigned n = 0; n < count; ++n) {
        commands().set_priority(lpis[n], test_priority);
        commands().target(lpis[n], accounts->iaffid[n < moving ? 0 : n - moving]);
        commands().enable(lpis[n]);
    }
    test::Random random;
    const auto take = [&](unsigned index) { accounts->taken[index].fetch_add(1); };
    const auto lead = [&] {
        for (std::uint16_t round = 1; round <= rounds; ++round) {
            for (unsigned n = 0; n < moving; ++n) {
                commands().set_pending(lpis[n]);
                for (unsigned move = 0; move < moves; ++move) {
                    commands().target(lpis[n], accounts->iaffid[any_cpu(random)]);
                }
            }
            const bool all_taken = take_until(lpis, count, take, [&] {
                return std::all_of(accounts->taken.begin(), accounts->taken.begin() + moving,
                                   [&](const auto& taken) { return taken.load() >= round; });
            });
            ASSERT_TRUE(all_taken);
        }
    };
    smp::Barrier ready{smp::online_count()};
    smp::on_all_cpus([&] {
        const irq::Masked masked;
        const unsigned self = smp::this_cpu().index;
        ready.wait();
        if (self == 0) {
            lead();
            for (const smp::Cpu& cpu : smp::cpus()) {
                if (cpu.index != 0 && cpu.online) {
                    commands().set_pending(lpis[moving + cpu.index]);
                }
            }
            return;
        }
        bool ended = false;
        EXPECT_TRUE(take_until(
            lpis, count,
            [&](unsigned index) {
                take(index);
                ended = ended || index == moving + self;
            },
            [&] { return ended; }));
    });
    for (unsigned n = 0; n < moving; ++n) {
        ASSERT_EQ(accounts->taken[n].load(), rounds);
        ASSERT_EQ(state_of(lpis[n]), State::idle);
    }
}
