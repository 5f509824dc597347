// SPDX-License-Identifier: MIT
//
// Hypercalls about other CPUs: wake them, interrupt them, let them run. Linux
// Documentation/virt/kvm/x86/hypercalls.rst.

#include "tests/support/x86/apic.h"
#include "tests/support/x86/pv.h"
#include "x86/cpu/nmi.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>

using namespace pv;

namespace {

constexpr unsigned max_cpus = 64;
constexpr std::uint8_t vector = low_vector;

using Ids = std::array<std::uint32_t, max_cpus>;

std::uint32_t id_of(unsigned cpu)
{
    return static_cast<std::uint32_t>(smp::cpus()[cpu].hardware_id);
}

std::span<const std::uint32_t> online_ids(Ids& ids)
{
    std::size_t count = 0;
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (cpu.online && count != ids.size()) {
            ids[count++] = id_of(cpu.index);
        }
    }
    return std::span{ids}.first(count);
}

// An ID that no CPU has, and above those of all.
std::uint32_t absent_id()
{
    std::uint32_t highest = 0;
    for (const smp::Cpu& cpu : smp::cpus()) {
        highest = std::max(highest, id_of(cpu.index));
    }
    return highest + 1;
}

IpiCommand fixed_ipi()
{
    return IpiCommand{}.with(IpiCommand::VECTOR, vector);
}

// Every CPU counts what it takes while `body` runs on CPU 0, which gets the counts.
using Counts = std::array<std::atomic<unsigned>, max_cpus>;
void with_counts(FunctionRef<void(const Counts&)> body)
{
    if (smp::online_count() > max_cpus) {
        return test::skip("more than {} CPUs", max_cpus);
    }
    Counts counts{};
    smp::Barrier ready{smp::online_count()};
    smp::Barrier done{smp::online_count()};
    smp::on_all_cpus([&] {
        const unsigned self = smp::this_cpu().index;
        const auto count = [&](irq::Id) { counts[self].fetch_add(1); };
        const irq::Guard guard{irq::Id{vector}, count};
        ready.wait();
        if (self == 0) {
            body(counts);
        }
        done.wait();
    });
}

unsigned total(const Counts& counts)
{
    unsigned sum = 0;
    for (const auto& count : counts) {
        sum += count.load();
    }
    return sum;
}

// CPU 1 halts with interrupts masked; an NMI gets it out when nothing else does.
class Halted {
public:
    // `wait` is called between the masking and the HLT.
    template <typename Wait>
    void run(Wait wait)
    {
        const auto rescue = [this](const arch::Frame&) { rescued_ = true; };
        const nmi::Guard guard{rescue};
        const irq::Masked masked;
        wait();
        asleep_ = true;
        asm volatile("hlt" ::: "memory");
        awake_ = true;
    }
    [[nodiscard]] bool awake() const { return awake_; }
    [[nodiscard]] bool wait_until_asleep() const
    {
        return timer::wait_until([this] { return asleep_.load(); });
    }
    // True when it woke by itself.
    [[nodiscard]] bool wakes()
    {
        if (timer::wait_until([this] { return awake_.load(); })) {
            return !rescued_;
        }
        send(apic::nmi().to(id_of(1)));
        return false;
    }

private:
    std::atomic<bool> asleep_{false};
    std::atomic<bool> awake_{false};
    std::atomic<bool> rescued_{false};
};

}  // namespace

TEST(pv, kick_wakes, .summary = "KICK_CPU wakes a CPU that halts with interrupts masked",
     .needs = pv_unhalt && apic && cpus(2))
{
    if (!hypercalls_work()) {
        return;
    }
    for (unsigned round = 0; round < 10; ++round) {
        Halted cpu1;
        const auto halt = [&] { cpu1.run([] {}); };
        const smp::Task task{1, halt};
        ASSERT_TRUE(cpu1.wait_until_asleep());
        timer::delay(timer::milliseconds(round % 2 == 0 ? 2 : 0));
        if (round % 2 == 0) {
            EXPECT_FALSE(cpu1.awake());
        }
        EXPECT_EQ(hypercalls.kick_cpu(id_of(1)), 0);
        const bool woken = cpu1.wakes();
        EXPECT_TRUE(woken);
        if (!woken) {
            return;
        }
    }
}

TEST(pv, kick_is_not_lost, .summary = "a CPU that was kicked before it halts does not sleep",
     .needs = pv_unhalt && apic && cpus(2))
{
    if (!hypercalls_work()) {
        return;
    }
    Halted cpu1;
    std::atomic<bool> ready{false};
    std::atomic<bool> kicked{false};
    const auto halt = [&] {
        cpu1.run([&] {
            ready = true;
            static_cast<void>(timer::wait_until([&] { return kicked.load(); }));
        });
    };
    const smp::Task task{1, halt};
    ASSERT_TRUE(timer::wait_until([&] { return ready.load(); }));
    EXPECT_EQ(hypercalls.kick_cpu(id_of(1)), 0);
    kicked = true;
    EXPECT_TRUE(cpu1.wakes());
}

TEST(pv, kick_nobody, .summary = "KICK_CPU of an ID that no CPU has is answered with 0",
     .needs = pv_unhalt)
{
    if (!hypercalls_work()) {
        return;
    }
    EXPECT_EQ(hypercalls.kick_cpu(absent_id()), 0);
    EXPECT_EQ(hypercalls.kick_cpu(0xffff'fffe), 0);
}

TEST(pv, send_ipi_all, .summary = "SEND_IPI to all CPUs counts them, and each takes it once",
     .needs = pv_send_ipi && apic)
{
    if (!hypercalls_work()) {
        return;
    }
    with_counts([](const Counts& counts) {
        Ids ids;
        const auto all = online_ids(ids);
        for (unsigned round = 1; round <= 10; ++round) {
            EXPECT_EQ(hypercalls.send_ipi(all, fixed_ipi()),
                      static_cast<std::int64_t>(smp::online_count()));
            for (unsigned cpu = 0; cpu < smp::cpus().size(); ++cpu) {
                if (smp::cpus()[cpu].online) {
                    EXPECT_TRUE(timer::wait_until([&] { return counts[cpu].load() == round; }));
                }
            }
        }
        let_pass();
        EXPECT_EQ(total(counts), 10 * smp::online_count());
    });
}

TEST(pv, send_ipi_one,
     .summary = "SEND_IPI to one CPU reaches it and no other, wherever the bitmap begins",
     .needs = pv_send_ipi && apic)
{
    if (!hypercalls_work()) {
        return;
    }
    with_counts([](const Counts& counts) {
        unsigned sent = 0;
        for (const smp::Cpu& cpu : smp::cpus()) {
            if (!cpu.online) {
                continue;
            }
            const std::uint32_t id = id_of(cpu.index);
            // As the lowest one, and as the highest that one and two words reach.
            unsigned own = 0;
            for (const std::uint32_t below : {0U, 1U, 63U, 64U, 127U}) {
                if (below > id) {
                    continue;
                }
                const std::uint64_t bit = std::uint64_t{1} << below % 64;
                const Multicast receiver{.low = below < 64 ? bit : 0,
                                         .high = below < 64 ? 0 : bit,
                                         .lowest = id - below};
                EXPECT_EQ(hypercalls.send_ipi(receiver, fixed_ipi()), 1);
                ++sent;
                ++own;
                EXPECT_TRUE(timer::wait_until([&] { return counts[cpu.index].load() == own; }));
            }
        }
        let_pass();
        EXPECT_EQ(total(counts), sent);
    });
}

TEST(pv, send_ipi_nobody,
     .summary = "SEND_IPI counts no CPU that is not there, and delivers nothing to others",
     .needs = pv_send_ipi && apic)
{
    if (!hypercalls_work()) {
        return;
    }
    with_counts([](const Counts& counts) {
        const std::uint64_t every = ~std::uint64_t{0};
        const std::uint32_t above = absent_id();
        EXPECT_EQ(hypercalls.send_ipi(Multicast{}, fixed_ipi()), 0);
        EXPECT_EQ(hypercalls.send_ipi(Multicast{1, 0, above}, fixed_ipi()), 0);
        EXPECT_EQ(hypercalls.send_ipi(Multicast{every, every, above}, fixed_ipi()), 0);
        EXPECT_EQ(hypercalls.send_ipi(Multicast{every, 0, 0xffff'ffff}, fixed_ipi()), 0);
        EXPECT_EQ(hypercalls.send_ipi(Multicast{every, every, 0x8000'0000}, fixed_ipi()), 0);
        let_pass();
        EXPECT_EQ(total(counts), 0);
    });
}

TEST(pv, send_ipi_does_not_wrap,
     .summary = "the bitmap's second word ends with ID 2^32 - 1: what follows is not CPU 0",
     .needs = pv_send_ipi && apic)
{
    if (!hypercalls_work()) {
        return;
    }
    with_counts([](const Counts& counts) {
        const std::uint64_t every = ~std::uint64_t{0};
        EXPECT_EQ(hypercalls.send_ipi(Multicast{0, every, 0xffff'ffc0}, fixed_ipi()), 0);
        let_pass();
        EXPECT_EQ(total(counts), 0);
    });
}

TEST(pv, send_ipi_refused,
     .summary = "SEND_IPI with a shorthand or a logical destination is refused and sends nothing",
     .needs = pv_send_ipi && apic)
{
    if (!hypercalls_work()) {
        return;
    }
    with_counts([](const Counts& counts) {
        Ids ids;
        const auto all = online_ids(ids);
        for (const std::uint64_t shorthand : {1U, 2U, 3U}) {
            EXPECT_EQ(hypercalls.send_ipi(all, fixed_ipi().with(IpiCommand::SHORTHAND, shorthand)),
                      answer::einval);
        }
        EXPECT_EQ(hypercalls.send_ipi(all, fixed_ipi().with(IpiCommand::DESTINATION_MODE, 1)),
                  answer::einval);
        let_pass();
        EXPECT_EQ(total(counts), 0);
    });
}

TEST(pv, send_ipi_nmi, .summary = "SEND_IPI sends NMIs, too",
     .needs = pv_send_ipi && apic && cpus(2))
{
    if (!hypercalls_work()) {
        return;
    }
    std::atomic<bool> ready{false};
    std::atomic<bool> over{false};
    std::atomic<unsigned> taken{0};
    const auto receive = [&] {
        const auto on_nmi = [&](const arch::Frame&) { taken.fetch_add(1); };
        const nmi::Guard guard{on_nmi};
        const irq::Masked masked;
        ready = true;
        static_cast<void>(timer::wait_until([&] { return over.load(); }, timer::seconds(8)));
    };
    const smp::Task task{1, receive};
    ASSERT_TRUE(timer::wait_until([&] { return ready.load(); }));
    const auto command =
        IpiCommand{}.with(IpiCommand::DELIVERY, static_cast<std::uint64_t>(apic::Delivery::nmi));
    EXPECT_EQ(hypercalls.send_ipi(Multicast{1, 0, id_of(1)}, command), 1);
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() != 0; }));
    let_pass();
    over = true;
    EXPECT_EQ(taken.load(), 1);
}

TEST(
    pv, sched_yield_answers,
    .summary = "SCHED_YIELD is answered with 0, whether the CPU is there or not, or is the own one",
    .needs = pv_sched_yield)
{
    if (!hypercalls_work()) {
        return;
    }
    smp::on_all_cpus([] {
        for (const std::uint64_t id :
             {std::uint64_t{id_of(smp::this_cpu().index)}, std::uint64_t{id_of(0)},
              std::uint64_t{absent_id()}, std::uint64_t{0xffff'ffff}, std::uint64_t{1} << 32,
              ~std::uint64_t{0}}) {
            EXPECT_EQ(hypercalls.sched_yield(id), 0);
        }
    });
}

TEST(pv, sched_yield_goes_on, .summary = "CPUs that yield to each other all the time both go on",
     .needs = pv_sched_yield && cpus(2))
{
    if (!hypercalls_work()) {
        return;
    }
    constexpr std::uint64_t rounds = 500;
    alignas(64) std::atomic<std::uint64_t> turn{0};
    std::atomic<unsigned> refused{0};
    const auto play = [&](std::uint64_t mine) {
        const std::uint32_t other = id_of(mine == 0 ? 1 : 0);
        for (; mine < 2 * rounds; mine += 2) {
            const bool came = timer::wait_until([&] {
                if (turn.load() == mine) {
                    return true;
                }
                refused += hypercalls.sched_yield(other) != 0 ? 1 : 0;
                return false;
            });
            if (!came) {
                return;
            }
            turn.store(mine + 1);
        }
    };
    const auto other = [&] { play(1); };
    {
        const smp::Task task{1, other};
        play(0);
    }
    EXPECT_EQ(turn.load(), 2 * rounds);
    EXPECT_EQ(refused.load(), 0);
}
