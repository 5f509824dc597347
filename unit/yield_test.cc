// SPDX-License-Identifier: MIT
#include "lib/yield/locks.h"
#include "lib/yield/lost_time.h"
#include "lib/yield/preemption.h"

#include "unit/arch/host.h"

#include <arch/cpu.h>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

constexpr auto spin_on = [] {
    arch::relax();
    return true;
};
constexpr auto give_up = [] { return false; };

// The same shape for both. A place is one thread's.
struct Ticket {
    struct Place {};
    yield::TicketLock lock;

    template <typename Spin>
    bool enter(Place&, Spin spin)
    {
        return lock.lock(spin);
    }
    template <typename Spin>
    bool leave(Place&, Spin)
    {
        lock.unlock();
        return true;
    }
};

struct Queued {
    using Place = yield::McsLock::Node;
    yield::McsLock lock;

    template <typename Spin>
    bool enter(Place& place, Spin spin)
    {
        return lock.lock(place, spin);
    }
    template <typename Spin>
    bool leave(Place& place, Spin spin)
    {
        return lock.unlock(place, spin);
    }
};

template <typename Lock>
class YieldLock : public testing::Test {};
using Locks = testing::Types<Ticket, Queued>;
TYPED_TEST_SUITE(YieldLock, Locks);

TYPED_TEST(YieldLock, LetsOneThreadInAtATime)
{
    constexpr unsigned threads = 4;
    constexpr unsigned entries = 5'000;
    TypeParam lock;
    std::array<typename TypeParam::Place, threads> places;
    unsigned count = 0;
    std::atomic<unsigned> inside{0};
    std::atomic<unsigned> intruders{0};
    std::vector<std::thread> running;
    running.reserve(threads);
    for (auto& place : places) {
        running.emplace_back([&] {
            for (unsigned entry = 0; entry < entries; ++entry) {
                ASSERT_TRUE(lock.enter(place, spin_on));
                intruders += inside.fetch_add(1);
                const unsigned before = count;
                if (entry % 64 == 0) {
                    std::this_thread::yield();
                }
                count = before + 1;
                inside.fetch_sub(1);
                ASSERT_TRUE(lock.leave(place, spin_on));
            }
        });
    }
    for (auto& thread : running) {
        thread.join();
    }
    EXPECT_EQ(count, threads * entries);
    EXPECT_EQ(intruders, 0U);
}

TYPED_TEST(YieldLock, GoesToThoseWhoWaitInTheOrderInWhichTheyCame)
{
    constexpr unsigned threads = 6;
    TypeParam lock;
    typename TypeParam::Place own;
    std::array<typename TypeParam::Place, threads> places;
    std::vector<unsigned> order;
    std::atomic<unsigned> queued{0};
    std::vector<std::thread> running;
    running.reserve(threads);
    ASSERT_TRUE(lock.enter(own, spin_on));
    for (unsigned index = 0; index < threads; ++index) {
        running.emplace_back([&, index] {
            // Who spins is in the queue; only then the next one starts.
            const auto wait = [&, came = false]() mutable {
                queued += came ? 0 : 1;
                came = true;
                return spin_on();
            };
            ASSERT_TRUE(lock.enter(places[index], wait));
            order.push_back(index);
            ASSERT_TRUE(lock.leave(places[index], spin_on));
        });
        while (queued != index + 1) {
            std::this_thread::yield();
        }
    }
    EXPECT_TRUE(order.empty());
    ASSERT_TRUE(lock.leave(own, spin_on));
    for (auto& thread : running) {
        thread.join();
    }
    EXPECT_EQ(order, (std::vector<unsigned>{0, 1, 2, 3, 4, 5}));
}

TYPED_TEST(YieldLock, FreeLockIsTakenWithoutASpin)
{
    TypeParam lock;
    typename TypeParam::Place place;
    for (unsigned round = 0; round < 3; ++round) {
        EXPECT_TRUE(lock.enter(place, give_up));
        EXPECT_TRUE(lock.leave(place, give_up));
    }
}

TYPED_TEST(YieldLock, WaitCanBeGivenUp)
{
    TypeParam lock;
    typename TypeParam::Place holder;
    typename TypeParam::Place other;
    ASSERT_TRUE(lock.enter(holder, spin_on));
    unsigned turns = 0;
    EXPECT_FALSE(lock.enter(other, [&] { return ++turns < 10; }));
    EXPECT_EQ(turns, 10U);
}

TEST(YieldMcsLock, LeaverWaitsForTheOneWhoHasNotLinkedItself)
{
    yield::McsLock lock;
    yield::McsLock::Node holder;
    yield::McsLock::Node other;
    ASSERT_TRUE(lock.lock(holder, give_up));
    EXPECT_FALSE(lock.lock(other, give_up));
    // As it was just before `other` linked itself.
    holder.next = nullptr;
    EXPECT_FALSE(lock.unlock(holder, give_up));
    EXPECT_TRUE(other.waiting);
    EXPECT_TRUE(lock.unlock(holder, [&] {
        holder.next = &other;
        return true;
    }));
    EXPECT_FALSE(other.waiting);
}

// A tick is a microsecond, and each look takes one.
constexpr timer::Ticks threshold{50};

TEST(YieldLostTime, CountsStepsLongerThanTheThreshold)
{
    yield::LostTime lost{threshold};
    host::advance_counter(1'000);
    lost.look();  // begins
    EXPECT_EQ(lost.gaps(), 0U);
    lost.look();
    host::advance_counter(49);
    lost.look();
    EXPECT_EQ(lost.gaps(), 0U);
    EXPECT_EQ(lost.total(), timer::Ticks{0});
    host::advance_counter(50);
    lost.look();
    host::advance_counter(999);
    lost.look();
    lost.look();
    EXPECT_EQ(lost.gaps(), 2U);
    EXPECT_EQ(lost.total(), timer::Ticks{51 + 1'000});
}

TEST(YieldLostTime, RemembersWhenItLooked)
{
    yield::LostTime lost{threshold};
    lost.look();
    const timer::Ticks first = lost.last_look();
    lost.look();
    EXPECT_EQ(lost.last_look() - first, timer::Ticks{1});
}

TEST(YieldPreemption, HintsAreThoseThatWereOffered)
{
    EXPECT_EQ(yield::hints().steal_ns, nullptr);
    EXPECT_EQ(yield::hints().is_preempted, nullptr);
    yield::offer_hints({.steal_ns = [](unsigned cpu) { return std::uint64_t{cpu} * 1'000; }});
    ASSERT_NE(yield::hints().steal_ns, nullptr);
    EXPECT_EQ(yield::hints().steal_ns(3), 3'000U);
    EXPECT_EQ(yield::hints().is_preempted, nullptr);
    yield::offer_hints({});
}

}  // namespace
