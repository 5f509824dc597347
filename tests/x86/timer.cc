// SPDX-License-Identifier: MIT
//
// The local APIC's timer (Intel SDM volume 3, "APIC Timer"), the time stamp counter ("Time-Stamp
// Counter"), and the clocks of a PC, whose rates have to agree. Nothing is measured in seconds:
// what is compared are two counts of one machine.

#include "lib/time/calibrate.h"
#include "tests/support/x86/apic.h"
#include "x86/cpu/vectors.h"

using namespace apic;

namespace {

constexpr std::uint32_t most = 0xffff'ffff;

// Counts of the local timer at divisor 1 that take about 2 ms, as it turns out: TCG and KVM count
// at 1 GHz, other machines slower.
constexpr std::uint32_t some_counts = 2'000'000;

// How many ticks of the TSC `counts` of the timer take at the present divisor.
std::uint64_t ticks_for(const LocalTimer& timer, std::uint32_t counts)
{
    timer->set_timer_count(most);
    const std::uint64_t begin = arch::counter();
    static_cast<void>(timer::wait_until([&] { return most - timer->timer_count() >= counts; }));
    const std::uint64_t end = arch::counter();
    const std::uint64_t counted = most - timer->timer_count();
    timer->set_timer_count(0);
    return counted != 0 ? (end - begin) * counts / counted : 0;
}

// A clock's frequency by the TSC agrees with the one it should have: 2 %, since calibration itself
// is off by half a percent on each side.
void expect_rate(const timer::ReferenceClock& clock)
{
    const auto counter = [] { return arch::counter(); };
    const auto found = timer::calibrate(clock, counter);
    if (!found) {
        return test::error("{}: {}", clock.name, found.error().what);
    }
    const std::uint64_t expected = arch::counter_frequency();
    EXPECT_GE(*found, expected - expected / 50);
    EXPECT_LE(*found, expected + expected / 50);
}

// Which adjustments of the TSC a test has made is taken back.
class TscRestored {
public:
    TscRestored() = default;
    ~TscRestored() { msr::write(adjust_); }
    TscRestored(const TscRestored&) = delete;
    TscRestored& operator=(const TscRestored&) = delete;
    [[nodiscard]] std::uint64_t adjust() const { return adjust_.raw; }

private:
    timer::IA32_TSC_ADJUST adjust_ = msr::read<timer::IA32_TSC_ADJUST>();
};

}  // namespace

TEST(apic_timer, one_shot, .summary = "a one-shot timer raises its interrupt once, and stands at 0",
     .needs = apic)
{
    smp::on_all_cpus([] {
        const LocalTimer timer;
        const CountedVector counted{LocalTimer::vector()};
        timer->set_timer_divisor(0);
        timer->set_timer_count(some_counts);
        EXPECT_TRUE(counted.wait());
        EXPECT_EQ(timer->timer_count(), 0);
        EXPECT_EQ(timer->initial_timer_count(), some_counts);
        let_pass();
        EXPECT_EQ(counted.taken(), 1);
    });
}

TEST(apic_timer, counts_down, .summary = "the current count goes down from the initial one",
     .needs = apic)
{
    const irq::Masked masked;
    const LocalTimer timer;
    timer->set_timer_divisor(0);
    timer->set_timer_count(most);
    std::uint32_t before = most;
    for (unsigned i = 0; i < 1000; ++i) {
        const std::uint32_t now = timer->timer_count();
        ASSERT_LE(now, before);
        before = now;
    }
    EXPECT_TRUE(timer::wait_until([&] { return timer->timer_count() < most; }));
}

TEST(apic_timer, periodic, .summary = "a periodic timer raises its interrupt again and again",
     .needs = apic)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer.set_mode(TimerMode::periodic);
    timer->set_timer_divisor(0);
    timer->set_timer_count(some_counts);
    EXPECT_TRUE(counted.wait(10));
    timer->set_timer_count(0);
    let_pass();
    const unsigned stopped = counted.taken();
    let_pass();
    EXPECT_EQ(counted.taken(), stopped);
}

TEST(apic_timer, not_early, .summary = "the interrupt does not come before its time", .needs = apic)
{
    const LocalTimer timer;
    timer->set_timer_divisor(0);
    // What the counts take is measured first and last: the rate is that of this machine.
    const std::uint64_t expected = ticks_for(timer, some_counts);
    const CountedVector counted{LocalTimer::vector()};
    const std::uint64_t begin = arch::counter();
    timer->set_timer_count(some_counts);
    ASSERT_TRUE(counted.wait());
    EXPECT_GE(arch::counter() - begin, expected - expected / 20);
}

TEST(apic_timer, masked, .summary = "a masked timer counts and raises nothing", .needs = apic)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer->set_timer_mode(TimerMode::one_shot, LocalTimer::vector(), true);
    timer->set_timer_divisor(0);
    timer->set_timer_count(some_counts);
    EXPECT_TRUE(timer::wait_until([&] { return timer->timer_count() == 0; }));
    let_pass();
    EXPECT_EQ(counted.taken(), 0);
    EXPECT_FALSE(timer->requested(LocalTimer::vector()));
}

TEST(apic_timer, unmasked_late, .summary = "what ran out while it was masked is not made up for",
     .needs = apic)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer->set_timer_mode(TimerMode::one_shot, LocalTimer::vector(), true);
    timer->set_timer_count(1000);
    EXPECT_TRUE(timer::wait_until([&] { return timer->timer_count() == 0; }));
    let_pass();
    timer->set_timer_mode(TimerMode::one_shot, LocalTimer::vector(), false);
    let_pass();
    EXPECT_EQ(counted.taken(), 0);
}

TEST(apic_timer, stopped, .summary = "an initial count of 0 stops the timer", .needs = apic)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    for (const TimerMode mode : {TimerMode::one_shot, TimerMode::periodic}) {
        timer.set_mode(mode);
        timer->set_timer_divisor(7);
        timer->set_timer_count(most);
        timer->set_timer_count(0);
        EXPECT_EQ(timer->timer_count(), 0);
        EXPECT_EQ(timer->initial_timer_count(), 0);
    }
    let_pass();
    EXPECT_EQ(counted.taken(), 0);
}

TEST(apic_timer, shortest, .summary = "an initial count of 1 raises the interrupt", .needs = apic)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer->set_timer_divisor(0);
    for (unsigned round = 1; round <= 20; ++round) {
        timer->set_timer_count(1);
        ASSERT_TRUE(counted.wait(round));
    }
    let_pass();
    EXPECT_EQ(counted.taken(), 20);
}

TEST(apic_timer, longest,
     .summary = "an initial count of 0xffffffff does not overflow to a short one", .needs = apic)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer->set_timer_divisor(7);
    timer->set_timer_count(most);
    let_pass();
    EXPECT_EQ(counted.taken(), 0);
    EXPECT_GT(timer->timer_count(), most / 2);
}

TEST(apic_timer, restarted, .summary = "a new initial count starts the timer anew", .needs = apic)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer->set_timer_divisor(7);
    timer->set_timer_count(most);
    timer->set_timer_divisor(0);
    timer->set_timer_count(some_counts);
    EXPECT_LE(timer->timer_count(), some_counts);
    EXPECT_TRUE(counted.wait());
    EXPECT_EQ(counted.taken(), 1);
}

TEST(apic_timer, divisors, .summary = "each divisor makes the timer that much slower",
     .needs = apic)
{
    const irq::Masked masked;
    const LocalTimer timer;
    timer->set_timer_divisor(0);
    test::Items items{7};
    for (unsigned log2 = 1; log2 <= 7; ++log2) {
        constexpr const char* names[]{"/1", "/2", "/4", "/8", "/16", "/32", "/64", "/128"};
        items.run(names[log2], [&] {
            // The CPU may be away in one of them: the ratio has to be right once.
            bool right = false;
            for (unsigned attempt = 0; attempt < 10 && !right; ++attempt) {
                timer->set_timer_divisor(0);
                const std::uint64_t fast = ticks_for(timer, some_counts);
                timer->set_timer_divisor(log2);
                const std::uint64_t slow = ticks_for(timer, some_counts >> log2);
                right = slow >= fast - fast / 20 && slow <= fast + fast / 20;
            }
            EXPECT_TRUE(right);
        });
    }
}

TEST(apic_timer, divisor_keeps, .summary = "the divide configuration keeps its three bits",
     .needs = apic)
{
    const irq::Masked masked;
    const LocalTimer timer;
    for (unsigned log2 = 0; log2 <= 7; ++log2) {
        timer->set_timer_divisor(log2);
        EXPECT_EQ(timer->io().read<DIVIDE>().raw & 0xb, divide_encoding(log2));
    }
}

TEST(apic_timer, mode_change,
     .summary = "from periodic to one-shot, the timer raises one more at most", .needs = apic)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer.set_mode(TimerMode::periodic);
    timer->set_timer_divisor(0);
    timer->set_timer_count(some_counts);
    ASSERT_TRUE(counted.wait(2));
    timer.set_mode(TimerMode::one_shot);
    const unsigned before = counted.taken();
    EXPECT_TRUE(timer::wait_until([&] { return timer->timer_count() == 0; }));
    let_pass();
    let_pass();
    // The period that ran out at the change itself, and the one under way.
    EXPECT_LE(counted.taken(), before + 2);
}

TEST(apic_timer, deadline, .summary = "the interrupt comes when the TSC reaches the deadline, once",
     .needs = tsc_deadline)
{
    smp::on_all_cpus([] {
        const LocalTimer timer;
        const CountedVector counted{LocalTimer::vector()};
        timer.set_mode(TimerMode::tsc_deadline);
        asm volatile("mfence" ::: "memory");
        const std::uint64_t deadline = arch::counter() + timer::milliseconds(2).value;
        msr::write(timer::IA32_TSC_DEADLINE::from(deadline));
        ASSERT_TRUE(counted.wait());
        EXPECT_GE(arch::counter(), deadline);
        EXPECT_EQ(msr::read<timer::IA32_TSC_DEADLINE>().raw, 0);
        let_pass();
        EXPECT_EQ(counted.taken(), 1);
    });
}

TEST(apic_timer, deadline_past, .summary = "a deadline in the past raises the interrupt at once",
     .needs = tsc_deadline)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer.set_mode(TimerMode::tsc_deadline);
    asm volatile("mfence" ::: "memory");
    msr::write(timer::IA32_TSC_DEADLINE::from(1));
    EXPECT_TRUE(counted.wait());
    EXPECT_EQ(msr::read<timer::IA32_TSC_DEADLINE>().raw, 0);
    EXPECT_EQ(counted.taken(), 1);
}

TEST(apic_timer, deadline_disarmed, .summary = "a deadline of 0 disarms the timer",
     .needs = tsc_deadline)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer.set_mode(TimerMode::tsc_deadline);
    asm volatile("mfence" ::: "memory");
    {
        const irq::Masked masked;
        msr::write(timer::IA32_TSC_DEADLINE::from(arch::counter() + timer::seconds(2).value));
        EXPECT_NE(msr::read<timer::IA32_TSC_DEADLINE>().raw, 0);
        msr::write(timer::IA32_TSC_DEADLINE{});
        EXPECT_EQ(msr::read<timer::IA32_TSC_DEADLINE>().raw, 0);
    }
    let_pass();
    EXPECT_EQ(counted.taken(), 0);
}

TEST(apic_timer, deadline_mode_alone,
     .summary = "the deadline is ignored in the other modes, and the count in this one",
     .needs = tsc_deadline)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    msr::write(timer::IA32_TSC_DEADLINE::from(1));
    EXPECT_EQ(msr::read<timer::IA32_TSC_DEADLINE>().raw, 0);
    timer.set_mode(TimerMode::tsc_deadline);
    timer->set_timer_count(1000);
    EXPECT_EQ(timer->timer_count(), 0);
    let_pass();
    EXPECT_EQ(counted.taken(), 0);
}

TEST(apic_timer, deadline_mode_change, .summary = "a change of mode disarms a deadline",
     .needs = tsc_deadline)
{
    const LocalTimer timer;
    const CountedVector counted{LocalTimer::vector()};
    timer.set_mode(TimerMode::tsc_deadline);
    asm volatile("mfence" ::: "memory");
    msr::write(timer::IA32_TSC_DEADLINE::from(arch::counter() + timer::milliseconds(500).value));
    timer.set_mode(TimerMode::one_shot);
    EXPECT_EQ(msr::read<timer::IA32_TSC_DEADLINE>().raw, 0);
    timer.set_mode(TimerMode::tsc_deadline);
    EXPECT_EQ(msr::read<timer::IA32_TSC_DEADLINE>().raw, 0);
    let_pass();
    EXPECT_EQ(counted.taken(), 0);
}

TEST(tsc, monotonic, .summary = "the counter of a CPU never goes backwards")
{
    smp::on_all_cpus([] {
        std::uint64_t before = arch::counter();
        for (unsigned i = 0; i < 10'000; ++i) {
            const std::uint64_t now = arch::counter();
            ASSERT_GE(now, before);
            before = now;
        }
    });
}

TEST(tsc, synchronised, .summary = "what a CPU reads is not before what another one read earlier",
     .needs = cpus(2))
{
    for (const smp::Cpu& other : smp::cpus().subspan(1)) {
        if (!other.online) {
            continue;
        }
        constexpr unsigned rounds = 50;
        // Who sees an even turn is CPU 0, an odd one the other; each reads behind the other's read.
        std::atomic<unsigned> turn{0};
        std::atomic<std::uint64_t> last{0};
        std::atomic<unsigned> backwards{0};
        const auto play = [&](unsigned parity) {
            for (unsigned round = 0; round < rounds; ++round) {
                if (!timer::wait_until([&] { return turn.load() >= 2 * round + parity; })) {
                    turn = 2 * rounds + 1;  // the other one need not wait any more
                    return;
                }
                const std::uint64_t now = arch::counter();
                backwards.fetch_add(now < last.load() ? 1 : 0);
                last = now;
                turn.fetch_add(1);
            }
        };
        const auto play_second = [&] { play(1); };
        smp::Task task{other.index, play_second};
        play(0);
        task.wait();
        EXPECT_EQ(turn.load(), 2 * rounds);
        EXPECT_EQ(backwards.load(), 0);
    }
}

TEST(tsc, msr, .summary = "IA32_TIME_STAMP_COUNTER is what RDTSC reads")
{
    const std::uint64_t before = arch::counter();
    const std::uint64_t read = msr::read<timer::IA32_TIME_STAMP_COUNTER>().raw;
    const std::uint64_t after = arch::counter();
    EXPECT_GE(read, before);
    EXPECT_LE(read, after);
}

TEST(tsc, adjust, .summary = "writing IA32_TSC_ADJUST moves the counter by the difference",
     .needs = tsc_adjust && cpus(2))
{
    smp::on_cpu(1, [] {
        const irq::Masked masked;
        const TscRestored restored;
        constexpr std::uint64_t distance = std::uint64_t{1} << 40;
        const std::uint64_t before = timer::read_tsc();
        msr::write(timer::IA32_TSC_ADJUST::from(restored.adjust() + distance));
        const std::uint64_t after = timer::read_tsc();
        EXPECT_EQ(msr::read<timer::IA32_TSC_ADJUST>().raw, restored.adjust() + distance);
        EXPECT_GE(after - before, distance);
        EXPECT_LT(after - before, distance + timer::seconds(4).value);
    });
}

TEST(tsc, write_adjusts, .summary = "writing the counter moves IA32_TSC_ADJUST by the difference",
     .needs = tsc_adjust && cpus(2))
{
    smp::on_cpu(1, [] {
        const irq::Masked masked;
        const TscRestored restored;
        constexpr std::uint64_t distance = std::uint64_t{1} << 40;
        const std::uint64_t read = timer::read_tsc();
        msr::write(timer::IA32_TIME_STAMP_COUNTER::from(read + distance));
        const std::uint64_t moved = msr::read<timer::IA32_TSC_ADJUST>().raw - restored.adjust();
        // Less what passed between the read and the write.
        EXPECT_LE(moved, distance);
        EXPECT_GT(moved, distance - timer::seconds(4).value);
    });
}

TEST(tsc, plausible, .summary = "the counter's frequency is known, and that of a CPU")
{
    test::note("{} Hz, from {}", arch::counter_frequency(), timer::frequency_source());
    EXPECT_TRUE(timer::is_plausible(arch::counter_frequency()));
}

TEST(clock, hpet_rate, .summary = "the HPET runs at the rate it states", .needs = hpet)
{
    const auto count = [] { return timer::hpet().count(); };
    expect_rate({.name = "HPET",
                 .frequency = timer::hpet().frequency(),
                 .mask = timer::hpet().mask(),
                 .count = count});
}

TEST(clock, pm_timer_rate, .summary = "the power management timer runs at 3.579545 MHz",
     .needs = pm_timer)
{
    const auto count = [] { return timer::pm_timer().count(); };
    expect_rate({.name = "PM timer",
                 .frequency = timer::pm_timer_frequency,
                 .mask = timer::pm_timer().mask(),
                 .count = count});
}

TEST(clock, pit_rate, .summary = "the PIT runs at 1.193182 MHz", .needs = pit)
{
    timer::pit().start_clock();
    const auto count = [] { return timer::pit().clock(); };
    expect_rate({.name = "PIT",
                 .frequency = timer::pit_frequency,
                 .mask = timer::Pit<PortIo>::clock_mask,
                 .count = count});
}

TEST(clock, hpet_halts,
     .summary = "the HPET's counter stands while it is disabled and can be set then", .needs = hpet)
{
    const auto hpet = timer::hpet();
    hpet.set_enabled(false);
    const std::uint64_t halted = hpet.count();
    let_pass();
    EXPECT_EQ(hpet.count(), halted);
    hpet.set_count(halted + 0x1000);
    EXPECT_EQ(hpet.count(), halted + 0x1000);
    hpet.set_enabled(true);
    EXPECT_TRUE(timer::wait_until([&] { return hpet.count() != halted + 0x1000; }));
}

TEST(clock, pit_status, .summary = "the PIT's read-back shows the mode a channel was set to",
     .needs = pit)
{
    const auto pit = timer::pit();
    for (const auto mode : {timer::PitMode::interrupt_on_terminal_count,
                            timer::PitMode::rate_generator, timer::PitMode::square_wave}) {
        pit.start(0, mode, 0);
        EXPECT_EQ(pit.status(0)[timer::PitStatus::MODE], static_cast<std::uint8_t>(mode));
        EXPECT_EQ(pit.status(0)[timer::PitStatus::ACCESS], 3);
    }
    pit.start_clock();
}

TEST(clock, pit_gate,
     .summary = "channel 2 of the PIT counts to its end only while its gate is open", .needs = pit)
{
    const auto pit = timer::pit();
    pit.set_gate2(false);
    pit.start(2, timer::PitMode::interrupt_on_terminal_count, 1193);
    if (pit.output2()) {
        return test::skip("bit 5 of port 0x61 is a constant");
    }
    let_pass();
    EXPECT_FALSE(pit.output2());
    pit.set_gate2(true);
    EXPECT_TRUE(timer::wait_until([&] { return pit.output2(); }));
    pit.set_gate2(false);
}
