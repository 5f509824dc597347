// SPDX-License-Identifier: MIT
//
// CPUs that run together: found, reached, and ordered as the memory model says.

#include "lib/smp/smp.h"
#include "lib/base/spinlock.h"
#include "lib/boot/boot.h"
#include "lib/test/test.h"
#include "lib/time/time.h"

#include <arch/cpu.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace {

// Few: where the host has fewer CPUs than the VM, each turn of a CPU costs a time slice.
constexpr unsigned rounds = 20;

// Each CPU gives the next one the work to go on, and waits for it.
void visit_from(unsigned index, std::atomic<unsigned>& visited)
{
    visited.fetch_add(1);
    EXPECT_EQ(smp::this_cpu().index, index);
    if (index + 1 < smp::online_count()) {
        smp::on_cpu(index + 1, [&] { visit_from(index + 1, visited); });
    }
}

}  // namespace

TEST(smp, all_online, .summary = "every CPU that the machine describes is online")
{
    for (const smp::Cpu& cpu : smp::cpus()) {
        EXPECT_TRUE(cpu.online.load());
    }
    EXPECT_EQ(smp::online_count(), static_cast<unsigned>(smp::cpus().size()));
}

TEST(smp, tree_lists_cpus,
     .summary = "there is one CPU for every enabled cpu node of the device tree",
     .needs = device_tree)
{
    const fdt::Tree& tree = *boot::info().tree;
    std::size_t nodes = 0;
    for (auto node = tree.find_device_type("cpu"); node;
         node = tree.find_device_type("cpu", node)) {
        nodes += node->enabled() ? 1 : 0;
    }
    EXPECT_EQ(smp::cpus().size(), nodes);
}

TEST(smp, distinct_ids, .summary = "no two CPUs have the same hardware ID", .needs = cpus(2))
{
    for (const smp::Cpu& a : smp::cpus()) {
        for (const smp::Cpu& b : smp::cpus().subspan(a.index + 1)) {
            EXPECT_NE(a.hardware_id, b.hardware_id);
        }
    }
}

TEST(smp, on_cpu, .summary = "work for a CPU runs there, once, before the giver goes on")
{
    for (unsigned index = 0; index < smp::online_count(); ++index) {
        unsigned runs = 0;
        unsigned ran_on = smp::Cpu::none;
        smp::on_cpu(index, [&] {
            ++runs;
            ran_on = smp::this_cpu().index;
        });
        EXPECT_EQ(runs, 1);
        EXPECT_EQ(ran_on, index);
    }
}

TEST(smp, on_all_cpus, .summary = "work for all CPUs runs once on each")
{
    std::atomic<std::uint64_t> seen{0};
    std::atomic<unsigned> runs{0};
    smp::on_all_cpus([&] {
        seen.fetch_or(std::uint64_t{1} << (smp::this_cpu().index % 64));
        runs.fetch_add(1);
    });
    EXPECT_EQ(runs.load(), smp::online_count());
    EXPECT_EQ(static_cast<unsigned>(__builtin_popcountll(seen.load())),
              smp::online_count() < 64 ? smp::online_count() : 64U);
}

TEST(smp, nested_work, .summary = "a CPU can give work to the next one while it works",
     .needs = cpus(2))
{
    std::atomic<unsigned> visited{0};
    visit_from(0, visited);
    EXPECT_EQ(visited.load(), smp::online_count());
}

TEST(smp, tasks_run_beside, .summary = "a task runs while its giver goes on", .needs = cpus(2))
{
    std::atomic<unsigned> step{0};
    const auto answer = [&] {
        if (timer::wait_until([&] { return step.load() == 1; })) {
            step.store(2);
        }
    };
    const smp::Task task{1, answer};
    step.store(1);
    EXPECT_TRUE(timer::wait_until([&] { return step.load() == 2; }));
}

TEST(smp, disjoint_stacks, .summary = "the stacks of the CPUs do not overlap")
{
    for (const smp::Cpu& a : smp::cpus()) {
        EXPECT_LT(a.stack_low, a.stack_high);
        for (const smp::Cpu& b : smp::cpus().subspan(a.index + 1)) {
            EXPECT_TRUE(a.stack_high <= b.stack_low || b.stack_high <= a.stack_low);
        }
    }
}

TEST(smp, barrier, .summary = "no CPU leaves a barrier before the last one has come",
     .needs = cpus(2))
{
    // A round costs in proportion to the CPUs, and more where the host has fewer.
    const unsigned turns = std::max(3U, 2 * rounds / smp::online_count());
    smp::Barrier barrier{smp::online_count()};
    std::atomic<unsigned> arrivals{0};
    std::atomic<unsigned> early{0};
    smp::on_all_cpus([&] {
        for (unsigned round = 1; round <= turns; ++round) {
            arrivals.fetch_add(1);
            barrier.wait();
            if (arrivals.load() < round * smp::online_count()) {
                early.fetch_add(1);
            }
            barrier.wait();
        }
    });
    EXPECT_EQ(early.load(), 0);
    EXPECT_EQ(arrivals.load(), turns * smp::online_count());
}

TEST(smp, message_passing,
     .summary =
         "what is written before a store-release is seen after the load-acquire that reads it",
     .needs = cpus(2))
{
    constexpr std::uint64_t messages = 20'000;
    alignas(64) std::atomic<std::uint64_t> data{0};
    alignas(64) std::atomic<std::uint64_t> flag{0};
    const auto send = [&] {
        for (std::uint64_t i = 1; i <= messages; ++i) {
            data.store(i, std::memory_order_relaxed);
            flag.store(i, std::memory_order_release);
        }
    };
    std::uint64_t stale = 0;
    const smp::Task sender{1, send};
    EXPECT_TRUE(timer::wait_until([&] {
        const std::uint64_t seen = flag.load(std::memory_order_acquire);
        stale += data.load(std::memory_order_relaxed) < seen ? 1 : 0;
        return seen == messages;
    }));
    EXPECT_EQ(stale, 0);
}

TEST(
    smp, store_buffering,
    .summary = "with a full barrier between store and load, one of two CPUs sees the other's store",
    .needs = cpus(2))
{
    smp::Barrier barrier{2};
    alignas(64) std::atomic<unsigned> x{0};
    alignas(64) std::atomic<unsigned> y{0};
    unsigned seen_x = 0;
    unsigned seen_y = 0;
    const auto other = [&] {
        for (unsigned round = 1; round <= rounds; ++round) {
            barrier.wait();
            y.store(round, std::memory_order_relaxed);
            std::atomic_thread_fence(std::memory_order_seq_cst);
            seen_x = x.load(std::memory_order_relaxed);
            barrier.wait();
        }
    };
    const smp::Task task{1, other};
    unsigned both_missed = 0;
    for (unsigned round = 1; round <= rounds; ++round) {
        barrier.wait();
        x.store(round, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        seen_y = y.load(std::memory_order_relaxed);
        barrier.wait();
        both_missed += seen_x != round && seen_y != round ? 1 : 0;
    }
    EXPECT_EQ(both_missed, 0);
}

TEST(smp, atomic_add, .summary = "atomic additions of all CPUs are all counted")
{
    constexpr std::uint64_t additions = 5'000;
    alignas(64) std::atomic<std::uint64_t> sum{0};
    smp::on_all_cpus([&] {
        for (std::uint64_t i = 0; i < additions; ++i) {
            sum.fetch_add(1, std::memory_order_relaxed);
        }
    });
    EXPECT_EQ(sum.load(), additions * smp::online_count());
}

TEST(smp, compare_exchange,
     .summary = "of all CPUs that claim a value by compare and exchange, one gets it")
{
    constexpr std::uint64_t claims = 2'000;
    alignas(64) std::atomic<std::uint64_t> next{0};
    std::atomic<std::uint64_t> won{0};
    smp::on_all_cpus([&] {
        std::uint64_t mine = 0;
        for (std::uint64_t i = next.load(); i < claims; i = next.load()) {
            mine += next.compare_exchange_strong(i, i + 1) ? 1 : 0;
        }
        won.fetch_add(mine);
    });
    EXPECT_EQ(won.load(), claims);
}

TEST(smp, mutual_exclusion, .summary = "a spinlock lets one CPU in at a time")
{
    constexpr std::uint64_t entries = 2'000;
    Spinlock lock;
    std::uint64_t count = 0;
    smp::on_all_cpus([&] {
        for (std::uint64_t i = 0; i < entries; ++i) {
            const SpinlockGuard guard{lock};
            count = count + 1;
        }
    });
    EXPECT_EQ(count, entries * smp::online_count());
}

TEST(smp, events, .summary = "a CPU that waits for an event goes on when another one sends it",
     .needs = cpus(2))
{
    constexpr unsigned most_sent = 100;  // that each one arrives is a case of its own
    std::atomic<unsigned> wanted{0};
    std::atomic<unsigned> reached{0};
    const auto follow = [&] {
        for (unsigned round = 1; round <= rounds; ++round) {
            while (wanted.load() < round) {
                arch::wait_for_event();
            }
            reached.store(round);
        }
    };
    const smp::Task task{1, follow};
    bool woken = true;
    for (unsigned round = 1; round <= rounds && woken; ++round) {
        timer::delay(timer::microseconds(100));  // it has time to fall asleep
        wanted.store(round);
        woken = false;
        for (unsigned sent = 0; sent < most_sent && !woken; ++sent) {
            arch::send_event();
            woken =
                timer::wait_until([&] { return reached.load() == round; }, timer::milliseconds(20));
        }
        EXPECT_TRUE(woken);
    }
    wanted.store(rounds);  // the harness's own wake-up ends the sleep then
}
