// SPDX-License-Identifier: MIT
//
// CPUs that wait for each other, and what their waiting says about the host: how much they got
// done, how long each wait was, the time each CPU lost, and, where a hypervisor offers them, its
// steal time and whether its preempted flag told which waits would be long.
//
//     Workload workload{"yield.example"};
//     ASSERT_TRUE(workload.ready());
//     workload.run([&](Participant& self) {
//         const Session session{workload, self};
//         while (workload.goes_on(self)) {
//             Wait wait{workload, self, partner.late};
//             while (!condition()) {
//                 if (!wait.turn([&] { return is_preempted(partner.cpu); })) {
//                     return;
//                 }
//             }
//             wait.end();
//             self.finish_round();
//         }
//     });
//     EXPECT_FALSE(workload.given_up());
//     workload.report();
#pragma once

#include "lib/mem/memory.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "lib/yield/lost_time.h"
#include "lib/yield/preemption.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace yield {

constexpr unsigned max_participants = 64;

// Both bounds of a workload, whichever comes first. Without KVM it only shows that it works: on an
// emulator whose CPUs are threads on a few host CPUs each hand-over may cost time slices.
struct Limits {
    unsigned cpus;
    unsigned rounds;  // of each CPU; as many waits are kept
    timer::Ticks time;
};

[[nodiscard]] inline Limits limits()
{
    const bool measures = test::has(test::Capability::kvm);
    const unsigned cpus = std::min(smp::online_count(), measures ? max_participants : 8U);
    return {.cpus = cpus,
            .rounds = (measures ? 100'000 : 2'000) / cpus,
            .time = timer::milliseconds(measures ? 1'000 : 30)};
}

// The hint, false where there is none.
[[nodiscard]] inline bool is_preempted(unsigned cpu)
{
    return hints().is_preempted != nullptr && hints().is_preempted(cpu);
}

// One CPU of a workload. Its figures are written by that CPU.
struct alignas(64) Participant {
    unsigned number = 0;  // 0, 1, ... without holes
    unsigned cpu = 0;     // index in smp::cpus()
    LostTime lost;
    std::span<std::uint64_t> waits;  // in ticks; the first ones
    std::size_t waited = 0;
    std::uint64_t stolen_ns = 0;
    // Waits during which the CPU waited for was late: its flag was seen, or not; and waits in which
    // the flag was seen and the CPU was not late.
    std::uint32_t predicted = 0;
    std::uint32_t unpredicted = 0;
    std::uint32_t false_alarms = 0;
    std::atomic<std::uint32_t> rounds{0};
    std::atomic<std::uint32_t> late{0};  // times it kept others waiting because it did not run

    void finish_round() { rounds.fetch_add(1, std::memory_order_relaxed); }
};

class Workload {
public:
    explicit Workload(std::string_view name) : name_{name}, limits_{limits()}
    {
        const std::size_t samples = std::size_t{limits_.cpus} * limits_.rounds;
        auto pages = mem::allocate(limits_.cpus * sizeof(Participant) + samples * sizeof(Sample));
        if (!pages) {
            test::error("no memory for {} samples", samples);
            return;
        }
        pages_ = std::move(*pages);
        auto* const first = reinterpret_cast<Participant*>(pages_.data());
        auto* const first_sample = reinterpret_cast<Sample*>(first + limits_.cpus);
        unsigned number = 0;
        for (const smp::Cpu& cpu : smp::cpus()) {
            if (cpu.online.load() && number != limits_.cpus) {
                Sample* const waits = first_sample + std::size_t{number} * limits_.rounds;
                ::new (&first[number]) Participant{.number = number,
                                                   .cpu = cpu.index,
                                                   .lost = LostTime{timer::microseconds(gap_us)},
                                                   .waits = {waits, limits_.rounds}};
                ++number;
            }
        }
        participants_ = {first, number};
        start_.emplace(number);
        finish_.emplace(number);
    }

    [[nodiscard]] bool ready() const { return !participants_.empty(); }
    [[nodiscard]] std::span<Participant> participants() const { return participants_; }
    [[nodiscard]] unsigned size() const { return static_cast<unsigned>(participants_.size()); }

    // Runs `body(participant)` on each CPU that takes part; it begins with a Session.
    template <typename Body>
    void run(Body body)
    {
        smp::on_all_cpus([&] {
            for (Participant& participant : participants_) {
                if (participant.cpu == smp::this_cpu().index) {
                    body(participant);
                }
            }
        });
    }

    // Whether `self` has another round to do. Each does some, however late it is; and until all
    // have, those who are early go on, so that there is somebody to wait for.
    [[nodiscard]] bool goes_on(const Participant& self) const
    {
        if (given_up() || !has_done(self, least_rounds)) {
            return !given_up();
        }
        const bool in_time = timer::now().value < end_.load(std::memory_order_relaxed);
        return in_time && !(has_done(self, limits_.rounds) &&
                            std::ranges::all_of(participants_, [](const Participant& other) {
                                return has_done(other, least_rounds);
                            }));
    }

    // Of all CPUs together.
    [[nodiscard]] std::uint64_t rounds() const
    {
        std::uint64_t sum = 0;
        for (const Participant& participant : participants_) {
            sum += participant.rounds.load(std::memory_order_relaxed);
        }
        return sum;
    }

    // Ends all waits: what somebody waited for did not happen.
    void give_up() { given_up_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool given_up() const { return given_up_.load(std::memory_order_relaxed); }

    // Prints the figures; once, behind run().
    void report()
    {
        std::uint64_t duration = 1;
        PerCpu rounds{};
        PerCpu lost{};
        PerCpu stolen{};
        std::uint32_t predicted = 0;
        std::uint32_t unpredicted = 0;
        std::uint32_t false_alarms = 0;
        Sample* const samples = participants_.front().waits.data();
        std::size_t count = 0;
        for (const Participant& participant : participants_) {
            rounds[participant.number] = participant.rounds.load();
            lost[participant.number] = timer::to_microseconds(participant.lost.total());
            stolen[participant.number] = participant.stolen_ns / 1'000;
            duration = std::max(duration, participant.lost.last_look().value - started_.load());
            predicted += participant.predicted;
            unpredicted += participant.unpredicted;
            false_alarms += participant.false_alarms;
            for (const Sample ticks : participant.waits.first(participant.waited)) {
                samples[count++] = nanoseconds(ticks);
            }
        }
        std::uint64_t rate = this->rounds() * arch::counter_frequency() / duration;
        print("throughput", "1/s", {&rate, 1});
        print("rounds", "per_cpu", {rounds.data(), size()});
        print("wait", "ns", {samples, count});
        print("lost", "us", {lost.data(), size()});
        if (hints().steal_ns != nullptr) {
            print("steal", "us", {stolen.data(), size()});
        }
        if (hints().is_preempted != nullptr) {
            test::note("preempted flag: {} waits for a late CPU predicted, {} not; {} false alarms",
                       predicted, unpredicted, false_alarms);
        }
        if (hints().steal_ns == nullptr || hints().is_preempted == nullptr) {
            test::note("this machine offers no {}{}{}: left out",
                       hints().steal_ns == nullptr ? "steal time" : "",
                       hints().steal_ns == nullptr && hints().is_preempted == nullptr ? ", no "
                                                                                      : "",
                       hints().is_preempted == nullptr ? "preempted flag" : "");
        }
    }

private:
    friend class Session;
    friend class Wait;

    using Sample = std::uint64_t;
    using PerCpu = std::array<std::uint64_t, max_participants>;

    // A host's scheduler takes a CPU away for hundreds of microseconds; a turn of a loop takes a
    // few, an interrupt ten.
    static constexpr std::uint64_t gap_us = 50;

    static constexpr std::uint32_t least_rounds = 1;

    [[nodiscard]] static bool has_done(const Participant& participant, std::uint32_t rounds)
    {
        return participant.rounds.load(std::memory_order_relaxed) >= rounds;
    }

    [[nodiscard]] static std::uint64_t nanoseconds(Sample ticks)
    {
        return ticks * 1'000'000'000 / arch::counter_frequency();
    }

    void print(std::string_view figure, std::string_view unit,
               std::span<std::uint64_t> samples) const
    {
        TextBuffer<64> name;
        format_to(name, "{}.{}", name_, figure);
        test::report_benchmark(name.text(), unit, samples);
    }

    std::string_view name_;
    Limits limits_;
    timer::Ticks patience_{timer::patience().value / 2};
    mem::Pages pages_;
    std::span<Participant> participants_;
    std::optional<smp::Barrier> start_;
    std::optional<smp::Barrier> finish_;
    std::atomic<std::uint64_t> started_{0};
    std::atomic<std::uint64_t> end_{0};
    std::atomic<bool> given_up_{false};
};

// The time between the CPUs' meeting at the start and that at the end.
class Session {
public:
    Session(Workload& workload, Participant& self) : workload_{workload}, self_{self}
    {
        workload_.start_->wait();
        const std::uint64_t now = timer::now().value;
        std::uint64_t not_started = 0;
        workload_.started_.compare_exchange_strong(not_started, now);
        std::uint64_t no_end = 0;
        workload_.end_.compare_exchange_strong(no_end, now + workload_.limits_.time.value);
        stolen_before_ = stolen();
        self_.lost.look();
    }
    ~Session()
    {
        self_.lost.look();
        self_.stolen_ns = stolen() - stolen_before_;
        workload_.finish_->wait();
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

private:
    [[nodiscard]] std::uint64_t stolen() const
    {
        return hints().steal_ns != nullptr ? hints().steal_ns(self_.cpu) : 0;
    }

    Workload& workload_;
    Participant& self_;
    std::uint64_t stolen_before_ = 0;
};

// One wait for another CPU. `late` counts how often that one did not run when it was needed.
class Wait {
public:
    Wait(Workload& workload, Participant& self, const std::atomic<std::uint32_t>& late)
        : workload_{workload}, self_{self}, late_{late}, late_before_{late.load()}
    {
        self_.lost.look();
        begin_ = since_ = self_.lost.last_look();
    }

    // A turn of the loop that waits; `preempted()` says what the flag of the CPU waited for is.
    // False: give up. That is when nobody got anything done for seconds.
    template <typename Flag>
    [[nodiscard]] bool turn(Flag preempted)
    {
        arch::relax();
        self_.lost.look();
        flagged_ = flagged_ || preempted();
        const timer::Ticks now = self_.lost.last_look();
        if (now - since_ > workload_.patience_) {
            const std::uint64_t progress = workload_.rounds();
            if (progress == progress_) {
                workload_.give_up();
            }
            since_ = now;
            progress_ = progress;
        }
        return !workload_.given_up();
    }

    // It has come.
    void end()
    {
        self_.lost.look();
        if (self_.waited < self_.waits.size()) {
            self_.waits[self_.waited++] = (self_.lost.last_look() - begin_).value;
        }
        if (late_.load() != late_before_) {
            ++(flagged_ ? self_.predicted : self_.unpredicted);
        } else {
            self_.false_alarms += flagged_ ? 1 : 0;
        }
    }

private:
    Workload& workload_;
    Participant& self_;
    const std::atomic<std::uint32_t>& late_;
    std::uint32_t late_before_;
    timer::Ticks begin_{0};
    timer::Ticks since_{0};
    std::uint64_t progress_ = ~std::uint64_t{0};  // not asked yet
    bool flagged_ = false;
};

// Says of a CPU that it was late when it lost time in this scope.
class LateWhenLost {
public:
    LateWhenLost(const LostTime& lost, std::atomic<std::uint32_t>& late)
        : lost_{lost}, late_{late}, gaps_{lost.gaps()}
    {
    }
    ~LateWhenLost()
    {
        if (lost_.gaps() != gaps_) {
            late_.fetch_add(1);
        }
    }
    LateWhenLost(const LateWhenLost&) = delete;
    LateWhenLost& operator=(const LateWhenLost&) = delete;

private:
    const LostTime& lost_;
    std::atomic<std::uint32_t>& late_;
    std::uint32_t gaps_;
};

}  // namespace yield
