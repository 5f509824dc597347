// SPDX-License-Identifier: MIT
//
// CPUs that wait for each other: what suffers when a host has fewer CPUs than its guests, and what
// directed yield is for. Figures to compare, never a verdict; that nothing was lost is checked.

#include "lib/base/spinlock.h"
#include "lib/irq/irq.h"
#include "lib/smp/ipi.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "lib/yield/locks.h"
#include "lib/yield/preemption.h"
#include "tests/support/yield/workload.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

using namespace yield;

namespace {

// The locks in one shape. A place is one CPU's; all of them live as long as the lock.

struct TestAndSet {
    struct Place {};
    Spinlock lock;

    template <typename Spin>
    bool enter(Place&, Spin spin)
    {
        while (!lock.try_lock()) {
            if (!spin()) {
                return false;
            }
        }
        return true;
    }
    template <typename Spin>
    bool leave(Place&, Spin)
    {
        lock.unlock();
        return true;
    }
};

struct Ticket {
    struct Place {};
    TicketLock lock;

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
    using Place = McsLock::Node;
    McsLock lock;

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

// What the lock is for: nothing here but the lock keeps the CPUs apart.
struct Protected {
    static constexpr std::size_t lines = 4;
    struct alignas(64) Line {
        std::uint64_t entries = 0;
    };
    std::array<Line, lines> line{};

    [[nodiscard]] bool consistent() const
    {
        return std::ranges::all_of(line,
                                   [&](const Line& one) { return one.entries == line[0].entries; });
    }
};

// All CPUs want the lock all the time, each for a random time (in us).
template <typename Lock>
void contend(std::string_view name, std::uint64_t shortest, std::uint64_t longest)
{
    constexpr unsigned nobody = ~0U;
    Lock lock;
    std::array<typename Lock::Place, max_participants> places{};
    Protected data;
    unsigned last_holder = nobody;  // protected, too
    std::uint64_t handed_over = 0;
    alignas(64) std::atomic<unsigned> holder{nobody};
    std::atomic<std::uint32_t> holder_late{0};
    std::atomic<unsigned> intrusions{0};
    std::atomic<unsigned> torn{0};
    const std::uint64_t seed = test::Random{}.next();
    Workload workload{name};
    ASSERT_TRUE(workload.ready());
    workload.run([&](Participant& self) {
        typename Lock::Place& place = places[self.number];
        const auto holder_is_preempted = [&] {
            const unsigned cpu = holder.load(std::memory_order_relaxed);
            return cpu != nobody && is_preempted(cpu);
        };
        test::Random random{seed + self.number};
        const Session session{workload, self};
        while (workload.goes_on(self)) {
            const timer::Ticks length =
                timer::microseconds(shortest + random.below(longest - shortest + 1));
            Wait wait{workload, self, holder_late};
            if (!lock.enter(place, [&] { return wait.turn(holder_is_preempted); })) {
                return;
            }
            wait.end();
            {
                const LateWhenLost late{self.lost, holder_late};
                intrusions.fetch_add(holder.exchange(self.cpu) != nobody ? 1 : 0);
                torn.fetch_add(data.consistent() ? 0 : 1);
                const Protected before = data;
                handed_over += last_holder != self.cpu ? 1 : 0;
                last_holder = self.cpu;
                const timer::Ticks begin = self.lost.last_look();
                do {
                    arch::relax();
                    self.lost.look();
                } while (self.lost.last_look() - begin < length);
                for (std::size_t i = 0; i < Protected::lines; ++i) {
                    data.line[i].entries = before.line[i].entries + 1;
                }
                intrusions.fetch_add(holder.exchange(nobody) != self.cpu ? 1 : 0);
            }
            Wait hand_over{workload, self, holder_late};
            if (!lock.leave(place, [&] { return hand_over.turn(holder_is_preempted); })) {
                return;
            }
            self.finish_round();
        }
    });
    EXPECT_FALSE(workload.given_up());
    EXPECT_EQ(intrusions.load(), 0);
    EXPECT_EQ(torn.load(), 0);
    EXPECT_TRUE(data.consistent());
    EXPECT_EQ(data.line[0].entries, workload.rounds());
    workload.report();
    test::note("{} of {} times it went to another CPU", handed_over, workload.rounds());
}

constexpr unsigned ipi_number = smp::ipi::first_free;

// The IPI's handler on this CPU for a workload; made before its Session. When that is over nobody
// sends, but an interrupt may still be on its way: one whose request another one has answered.
class Receiver {
public:
    template <typename Handler>
    explicit Receiver(Handler& handler)
        : id_{irq::controller()->ipi(ipi_number)}, guard_{id_, handler}
    {
    }
    ~Receiver()
    {
        timer::delay(timer::microseconds(100));
        EXPECT_TRUE(timer::wait_until([&] { return !irq::controller()->pending(id_); }));
    }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

private:
    irq::Id id_;
    irq::Guard guard_;
};

// What a handler does first: a CPU that lost time finds the interrupt when it runs again.
void note_lateness(Participant& self)
{
    const LateWhenLost late{self.lost, self.late};
    self.lost.look();
}

// One side of a ping-pong. Both sides write to it, never at the same time.
struct alignas(64) Side {
    std::atomic<std::uint32_t> ball{0};  // its number, by the one who sends it here
    std::atomic<std::uint32_t> taken{0};
    std::atomic<std::uint32_t> wrong{0};  // balls out of turn
    std::atomic<bool> finished{false};

    void take()
    {
        const std::uint32_t expected = taken.load(std::memory_order_relaxed) + 1;
        if (ball.load(std::memory_order_relaxed) != expected) {
            wrong.fetch_add(1);
        }
        taken.store(expected);
    }
};

// A request to another CPU, by the one who waits for the answer.
struct alignas(64) Request {
    std::atomic<unsigned> target{0};
    std::atomic<std::uint64_t> question{0};
    std::atomic<std::uint32_t> number{0};  // 1, 2, ...: written last
    std::atomic<std::uint64_t> answer{0};
    std::atomic<std::uint32_t> answered{0};  // number of the last one; written last
};

// What one CPU was asked.
struct alignas(64) Asked {
    std::atomic<std::uint32_t> requests{0};
    std::atomic<std::uint32_t> answers{0};
    std::atomic<std::uint32_t> interrupts{0};
};

}  // namespace

TEST(yield, lock_holder,
     .summary = "a lock whose holder may lose its CPU keeps the others out and is handed over",
     .needs = cpus(2))
{
    contend<TestAndSet>("yield.lock_holder", 5, 50);
}

TEST(yield, ticket_lock,
     .summary = "a ticket lock that all CPUs want keeps the others out and is handed over",
     .needs = cpus(2))
{
    contend<Ticket>("yield.ticket_lock", 0, 2);
}

TEST(yield, queued_lock,
     .summary = "a queued lock that all CPUs want keeps the others out and is handed over",
     .needs = cpus(2))
{
    contend<Queued>("yield.queued_lock", 0, 2);
}

TEST(yield, ipi_ping_pong,
     .summary = "two CPUs that answer each other's IPIs take each one once and in turn",
     .needs = ipi && cpus(2))
{
    Workload workload{"yield.ipi_ping_pong"};
    ASSERT_TRUE(workload.ready());
    std::array<Side, max_participants> sides{};
    const unsigned players = workload.size() / 2 * 2;
    workload.run([&](Participant& self) {
        Side& here = sides[self.number];
        const auto on_ball = [&](irq::Id) {
            note_lateness(self);
            here.take();
        };
        const Receiver receiver{on_ball};
        const Session session{workload, self};
        if (self.number >= players) {
            return;
        }
        const bool serves = self.number % 2 == 0;
        const Participant& partner = workload.participants()[self.number ^ 1U];
        Side& there = sides[partner.number];
        const auto partner_is_preempted = [&] { return is_preempted(partner.cpu); };
        const auto play = [&](std::uint32_t ball) {
            there.ball.store(ball, std::memory_order_relaxed);
            irq::controller()->send_ipi(partner.cpu, ipi_number);
        };
        for (std::uint32_t ball = 1; !serves || workload.goes_on(self); ++ball) {
            if (serves) {
                play(ball);
            }
            Wait wait{workload, self, partner.late};
            while (here.taken.load() < ball) {
                if (there.finished.load() || !wait.turn(partner_is_preempted)) {
                    return;
                }
            }
            wait.end();
            if (!serves) {
                play(ball);
            }
            self.finish_round();
        }
        here.finished.store(true);
    });
    EXPECT_FALSE(workload.given_up());
    for (unsigned number = 0; number < players; ++number) {
        const Participant& player = workload.participants()[number];
        const Participant& partner = workload.participants()[number ^ 1U];
        EXPECT_EQ(sides[number].taken.load(), partner.rounds.load());
        EXPECT_EQ(player.rounds.load(), partner.rounds.load());
        EXPECT_EQ(sides[number].wrong.load(), 0);
    }
    workload.report();
}

TEST(yield, ipi_and_wait,
     .summary = "CPUs that ask each other by IPI and spin until the answer comes all get theirs",
     .needs = ipi && cpus(2))
{
    Workload workload{"yield.ipi_and_wait"};
    ASSERT_TRUE(workload.ready());
    std::array<Request, max_participants> requests{};
    std::array<Asked, max_participants> asked{};
    std::atomic<unsigned> wrong{0};
    const unsigned cpus = workload.size();
    const std::uint64_t seed = test::Random{}.next();
    workload.run([&](Participant& self) {
        // One interrupt may stand for several senders: whoever has asked by then is answered.
        const auto on_request = [&](irq::Id) {
            note_lateness(self);
            asked[self.number].interrupts.fetch_add(1);
            for (Request& request : std::span{requests}.first(cpus)) {
                const std::uint32_t number = request.number.load();
                if (request.target.load() == self.number && number != request.answered.load()) {
                    request.answer.store(~request.question.load());
                    asked[self.number].answers.fetch_add(1);
                    request.answered.store(number);
                }
            }
        };
        const Receiver receiver{on_request};
        test::Random random{seed + self.number};
        Request& request = requests[self.number];
        const Session session{workload, self};
        for (std::uint32_t number = 1; workload.goes_on(self); ++number) {
            const unsigned distance = 1 + number % (cpus - 1);
            const Participant& target = workload.participants()[(self.number + distance) % cpus];
            const std::uint64_t question = random.next();
            asked[target.number].requests.fetch_add(1);
            request.target.store(target.number);
            request.question.store(question);
            request.number.store(number);
            Wait wait{workload, self, target.late};
            irq::controller()->send_ipi(target.cpu, ipi_number);
            while (request.answered.load() != number) {
                if (!wait.turn([&] { return is_preempted(target.cpu); })) {
                    return;
                }
            }
            wait.end();
            wrong.fetch_add(request.answer.load() != ~question ? 1 : 0);
            self.finish_round();
        }
    });
    EXPECT_FALSE(workload.given_up());
    EXPECT_EQ(wrong.load(), 0);
    for (const Asked& one : std::span{asked}.first(cpus)) {
        EXPECT_EQ(one.answers.load(), one.requests.load());
        EXPECT_LE(one.interrupts.load(), one.requests.load());
    }
    workload.report();
}

TEST(yield, barrier_storm,
     .summary = "CPUs that meet at a barrier again and again never leave before the last has come",
     .needs = cpus(2))
{
    Workload workload{"yield.barrier_storm"};
    ASSERT_TRUE(workload.ready());
    struct alignas(64) Place {
        std::atomic<std::uint32_t> round{0};  // the one the CPU has come to
    };
    std::array<Place, max_participants> places{};
    alignas(64) std::atomic<unsigned> arrived{0};
    alignas(64) std::atomic<std::uint32_t> opened{0};  // rounds that all have come to
    std::atomic<bool> stop{false};
    std::atomic<std::uint32_t> late_comers{0};
    std::atomic<unsigned> early{0};
    workload.run([&](Participant& self) {
        const Session session{workload, self};
        // Those that ended before anybody waited for this CPU again.
        std::uint32_t harmless_gaps = 0;
        for (std::uint32_t round = 1; !stop.load(std::memory_order_relaxed); ++round) {
            const auto somebody_is_preempted = [&] {
                return hints().is_preempted != nullptr &&
                       std::ranges::any_of(workload.participants(), [&](const Participant& other) {
                           return places[other.number].round.load(std::memory_order_relaxed) <
                                      round &&
                                  is_preempted(other.cpu);
                       });
            };
            self.lost.look();
            late_comers.fetch_add(self.lost.gaps() != harmless_gaps ? 1 : 0);
            harmless_gaps = self.lost.gaps();
            Wait wait{workload, self, late_comers};
            places[self.number].round.store(round, std::memory_order_relaxed);
            if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == workload.size()) {
                stop.store(!workload.goes_on(self), std::memory_order_relaxed);
                arrived.store(0, std::memory_order_relaxed);
                opened.store(round, std::memory_order_release);
            }
            while (opened.load(std::memory_order_acquire) < round) {
                harmless_gaps = self.lost.gaps();
                if (!wait.turn(somebody_is_preempted)) {
                    return;
                }
            }
            wait.end();
            const bool all_came = std::ranges::all_of(
                std::span{places}.first(workload.size()), [&](const Place& place) {
                    return place.round.load(std::memory_order_relaxed) >= round;
                });
            early.fetch_add(all_came ? 0 : 1);
            self.finish_round();
        }
    });
    EXPECT_FALSE(workload.given_up());
    EXPECT_EQ(early.load(), 0);
    for (const Participant& participant : workload.participants()) {
        EXPECT_EQ(participant.rounds.load(), workload.participants().front().rounds.load());
    }
    EXPECT_EQ(opened.load(), workload.participants().front().rounds.load());
    workload.report();
}

TEST(yield, hints,
     .summary = "steal time does not go back, and a CPU that runs is not marked as preempted")
{
    if (hints().steal_ns == nullptr && hints().is_preempted == nullptr) {
        return test::skip("this machine offers no steal time and no preempted flag");
    }
    smp::on_all_cpus([] {
        const unsigned self = smp::this_cpu().index;
        std::uint64_t before = 0;
        unsigned backwards = 0;
        unsigned marked = 0;
        const timer::Ticks begin = timer::now();
        while (timer::now() - begin < timer::milliseconds(5)) {
            marked += is_preempted(self) ? 1 : 0;
            if (hints().steal_ns != nullptr) {
                const std::uint64_t stolen = hints().steal_ns(self);
                backwards += stolen < before ? 1 : 0;
                before = stolen;
            }
        }
        EXPECT_EQ(marked, 0);
        EXPECT_EQ(backwards, 0);
    });
}
