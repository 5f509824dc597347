// SPDX-License-Identifier: MIT
//
// KVM's clock and wall clock. Linux Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW,
// MSR_KVM_WALL_CLOCK_NEW; hypercalls.rst, KVM_HC_CLOCK_PAIRING.

#include "lib/pv/clock.h"
#include "lib/time/calibrate.h"
#include "tests/support/x86/pv.h"
#include "x86/pv/discover.h"

#include <arch/timer.h>

#include <atomic>

using namespace pv;

namespace {

using ClockGuard = RegisterGuard<MSR_KVM_SYSTEM_TIME_NEW>;
using WallClockGuard = RegisterGuard<MSR_KVM_WALL_CLOCK_NEW>;

constexpr std::uint64_t second = nanoseconds_per_second;
constexpr std::uint32_t start_of_2020 = 1'577'836'800;

MSR_KVM_SYSTEM_TIME_NEW clock_at(ClockInfo& area)
{
    return enabled_at<MSR_KVM_SYSTEM_TIME_NEW>(address_of(area));
}

// The host describes the clock before the CPU runs on.
Versioned<ClockReading> described(const ClockInfo& area)
{
    const auto reading = read(area);
    EXPECT_TRUE(reading);
    return reading.value_or(Versioned<ClockReading>{});
}

std::uint64_t difference(std::uint64_t a, std::uint64_t b)
{
    return a > b ? a - b : b - a;
}

// What the host writes when it is given the area; all 0 when it does not.
TimeOfDay boot_time(WallClock& area)
{
    const WallClockGuard guard{MSR_KVM_WALL_CLOCK_NEW::from(address_of(area))};
    const auto reading = read(area);
    EXPECT_TRUE(reading);
    return reading ? reading->value : TimeOfDay{};
}

}  // namespace

TEST(pv, clock_is_described,
     .summary =
         "the host describes each CPU's clock: a version that is even and not 0, a usable scale",
     .needs = pv_clock)
{
    smp::on_all_cpus([] {
        ClockInfo area{};
        const ClockGuard guard{clock_at(area)};
        EXPECT_EQ(msr::read<MSR_KVM_SYSTEM_TIME_NEW>().raw, clock_at(area).raw);
        const auto reading = described(area);
        EXPECT_NE(reading.version, 0);
        EXPECT_NE(reading.value.scale.mul, 0);
        EXPECT_LE(static_cast<int>(reading.value.scale.shift), 31);
        EXPECT_GE(static_cast<int>(reading.value.scale.shift), -31);
        EXPECT_NE(reading.value.system_time, 0);
        EXPECT_LE(reading.value.tsc_timestamp, arch::counter());
    });
}

TEST(pv, clock_same_scale, .summary = "clocks that are stable count alike on every CPU",
     .needs = pv_clock && cpus(2))
{
    ClockInfo first{};
    const ClockGuard guard{clock_at(first)};
    const ClockReading expected = described(first).value;
    if (!expected.is_stable()) {
        return test::skip("the clock does not say that it is stable");
    }
    smp::on_all_cpus([&] {
        ClockInfo area{};
        const ClockGuard own{clock_at(area)};
        const ClockReading reading = described(area).value;
        EXPECT_TRUE(reading.is_stable());
        EXPECT_EQ(reading.scale.mul, expected.scale.mul);
        EXPECT_EQ(static_cast<int>(reading.scale.shift), static_cast<int>(expected.scale.shift));
    });
}

TEST(pv, clock_frequency,
     .summary = "the clock's scale is that of the counter, within half a percent",
     .needs = pv_clock)
{
    ClockInfo area{};
    const ClockGuard guard{clock_at(area)};
    const std::uint64_t frequency = described(area).value.scale.frequency();
    test::note("{} Hz, the counter {} Hz", frequency, arch::counter_frequency());
    EXPECT_TRUE(timer::agree(frequency, arch::counter_frequency()));
}

TEST(pv, clock_monotonic, .summary = "the clock never goes back on a CPU", .needs = pv_clock)
{
    smp::on_all_cpus([] {
        ClockInfo area{};
        const ClockGuard guard{clock_at(area)};
        unsigned steps_back = 0;
        unsigned unreadable = 0;
        std::uint64_t last = 0;
        const timer::Ticks start = timer::now();
        while (timer::now() - start < timer::milliseconds(40)) {
            const auto now = time(area, arch::counter);
            unreadable += now ? 0 : 1;
            steps_back += now.value_or(last) < last ? 1 : 0;
            last = now.value_or(last);
        }
        EXPECT_EQ(unreadable, 0);
        EXPECT_EQ(steps_back, 0);
    });
}

TEST(pv, clock_monotonic_across_cpus,
     .summary = "a time that another CPU read before is not in the future when clocks are stable",
     .needs = pv_clock && cpus(2))
{
    constexpr unsigned rounds = 300;
    alignas(64) std::atomic<unsigned> turn{0};
    std::uint64_t last = 0;
    unsigned steps_back = 0;
    std::atomic<bool> stable{true};
    const auto play = [&](unsigned first_turn) {
        ClockInfo area{};
        const ClockGuard guard{clock_at(area)};
        for (unsigned mine = first_turn; mine < 2 * rounds; mine += 2) {
            if (!timer::wait_until([&] { return turn.load() == mine; })) {
                return;
            }
            if (!described(area).value.is_stable()) {
                stable = false;
            }
            const std::uint64_t now = time(area, arch::counter).value_or(0);
            steps_back += now < last ? 1 : 0;
            last = now;
            turn.store(mine + 1);
        }
    };
    const auto other = [&] { play(1); };
    {
        const smp::Task task{1, other};
        play(0);
    }
    if (!stable) {
        return test::skip("the clock does not say that it is stable");
    }
    EXPECT_EQ(turn.load(), 2 * rounds);
    EXPECT_EQ(steps_back, 0);
}

TEST(pv, clock_moves,
     .summary =
         "registered elsewhere, the clock is described there, and the old place is left alone",
     .needs = pv_clock)
{
    ClockInfo old_area{};
    ClockInfo new_area{};
    const ClockGuard guard{clock_at(old_area)};
    const std::uint64_t before = time(old_area, arch::counter).value_or(0);
    guard.set(clock_at(new_area));
    const Snapshot left{old_area};
    const std::uint64_t after = time(new_area, arch::counter).value_or(0);
    EXPECT_NE(described(new_area).version, 0);
    EXPECT_GE(after, before);
    timer::delay(timer::milliseconds(20));
    EXPECT_TRUE(left.same());
}

TEST(pv, clock_disabled, .summary = "a clock that is not registered is not written any more",
     .needs = pv_clock && cpus(2))
{
    ClockInfo area{};
    smp::on_cpu(1, [&] { const ClockGuard guard{clock_at(area)}; });
    const Snapshot left{area};
    for (unsigned i = 0; i < 5; ++i) {
        let_cpu1_sleep();
    }
    EXPECT_TRUE(left.same());
}

TEST(pv, clock_keeps_to_its_place,
     .summary = "the host writes nothing around a clock, at the end of a page either",
     .needs = pv_clock)
{
    for (const std::size_t offset : {std::size_t{0x40}, mem::page_size - sizeof(ClockInfo)}) {
        HostMemory memory;
        ASSERT_TRUE(memory.ready());
        auto& area = memory.place<ClockInfo>(offset);
        const ClockGuard guard{clock_at(area)};
        EXPECT_NE(described(area).version, 0);
        EXPECT_TRUE(memory.untouched_around(area));
    }
}

TEST(pv, clock_old_register, .summary = "the clock's old register does what the new one does",
     .needs = pv_clock)
{
    if (leaves()->features[Features::CLOCKSOURCE] == 0) {
        return test::skip("KVM does not offer CLOCKSOURCE");
    }
    ClockInfo area{};
    const RegisterGuard<MSR_KVM_SYSTEM_TIME> guard{
        enabled_at<MSR_KVM_SYSTEM_TIME>(address_of(area))};
    EXPECT_EQ(msr::read<MSR_KVM_SYSTEM_TIME>().raw, clock_at(area).raw);
    EXPECT_NE(described(area).version, 0);
    EXPECT_NE(described(area).value.scale.mul, 0);
}

TEST(pv, wall_clock,
     .summary = "the wall clock is filled when it is asked for, with a time of this century",
     .needs = pv_clock)
{
    HostMemory memory;
    ASSERT_TRUE(memory.ready());
    auto& area = memory.place<WallClock>(mem::page_size - sizeof(WallClock));
    const TimeOfDay time = boot_time(area);
    const std::uint32_t version = load(area.version);
    test::note("the clock's 0 is second {}", time.sec);
    EXPECT_NE(version, 0);
    EXPECT_EQ(version % 2, 0);
    EXPECT_GE(time.sec, start_of_2020);
    EXPECT_LT(time.nsec, 1'000'000'000);
    EXPECT_TRUE(memory.untouched_around(area));
}

TEST(pv, wall_clock_once,
     .summary = "the wall clock is written once for each write of its register", .needs = pv_clock)
{
    WallClock area{};
    static_cast<void>(boot_time(area));
    const Snapshot left{area};
    timer::delay(timer::milliseconds(20));
    EXPECT_TRUE(left.same());
    const std::uint32_t version = load(area.version);
    static_cast<void>(boot_time(area));
    EXPECT_EQ(load(area.version) - version, 2);
}

TEST(pv, wall_clock_same_everywhere,
     .summary =
         "the time at which the clock was 0 is the same within a second, whoever asks and when",
     .needs = pv_clock)
{
    WallClock first{};
    const std::uint64_t expected = boot_time(first).nanoseconds();
    smp::on_all_cpus([&] {
        for (unsigned round = 0; round < 3; ++round) {
            WallClock area{};
            EXPECT_LE(difference(boot_time(area).nanoseconds(), expected), second);
            timer::delay(timer::milliseconds(5));
        }
    });
}

TEST(pv, clock_pairing,
     .summary =
         "CLOCK_PAIRING tells the host's time and the counter at that moment, or is not supported",
     .needs = pv_clock)
{
    if (!hypercalls_work()) {
        return;
    }
    HostMemory memory;
    ASSERT_TRUE(memory.ready());
    auto& pairing = memory.place<ClockPairing>(mem::page_size - sizeof(ClockPairing));
    EXPECT_EQ(hypercalls.clock_pairing(address_of(pairing), 1), answer::eopnotsupp);
    ClockInfo clock{};
    const ClockGuard guard{clock_at(clock)};
    const ClockReading reading = described(clock).value;
    const std::uint64_t before = arch::counter();
    const std::int64_t done = hypercalls.clock_pairing(address_of(pairing), 0);
    const std::uint64_t after = arch::counter();
    EXPECT_TRUE(memory.untouched_around(pairing));
    if (done == answer::eopnotsupp || done == answer::enosys) {
        test::note("not supported: {}", done);
        EXPECT_EQ(pairing.tsc, 0);
        return;
    }
    ASSERT_EQ(done, 0);
    EXPECT_GE(pairing.tsc, before);
    EXPECT_LE(pairing.tsc, after);
    EXPECT_GE(pairing.sec, std::int64_t{start_of_2020});
    EXPECT_GE(pairing.nsec, 0);
    EXPECT_LT(pairing.nsec, std::int64_t{1'000'000'000});
    EXPECT_EQ(pairing.flags, 0);

    WallClock wall{};
    const std::uint64_t wall_time = boot_time(wall).nanoseconds() + reading.at(pairing.tsc);
    const std::uint64_t host_time =
        static_cast<std::uint64_t>(pairing.sec) * second + static_cast<std::uint64_t>(pairing.nsec);
    EXPECT_LE(difference(wall_time, host_time), second);
}
