// SPDX-License-Identifier: MIT
#include "lib/time/calibrate.h"
#include "unit/support/mock_io.h"
#include "x86/timer/hpet.h"
#include "x86/timer/pit.h"
#include "x86/timer/pm_timer.h"
#include "x86/timer/rtc.h"
#include "x86/timer/tsc.h"

#include <gtest/gtest.h>

#include <map>

namespace {

using namespace timer;
using arch::CpuidResult;

static_assert(IA32_TSC_DEADLINE::index == 0x6e0 && IA32_TSC_ADJUST::index == 0x3b);
static_assert(MAIN_CNT::offset == 0xf0 && TIM_CONF::offset == 0x100 && TIM_COMP::offset == 0x108);
static_assert(TIM_CONF::stride == 0x20 && TIM_COMP::stride == 0x20);
static_assert(sizeof(PvClockInfo) == 64 && alignof(PvClockInfo) == 64);

// A CPU whose leaves are these; one beyond the maximum shows the last basic leaf.
struct FakeCpuid {
    std::map<std::uint32_t, CpuidResult> leaves;
    CpuidResult operator()(std::uint32_t leaf, std::uint32_t) const
    {
        const auto found = leaves.find(leaf);
        return found != leaves.end() ? found->second : leaves.at(leaves.at(0).eax);
    }
};

constexpr CpuidResult garbage{3'000'000, 2, 24'000'000, 1};
constexpr CpuidResult hypervisor{0, 0, 1U << 31, 0};
constexpr CpuidResult kvm_signature(std::uint32_t last)
{
    return {last, 0x4b4d'564b, 0x564b'4d56, 0x4d};
}

TEST(TscFrequency, ComesFromTheCrystal)
{
    const Leaves leaves{FakeCpuid{
        {{0, {0x16, 0, 0, 0}}, {1, {}}, {0x15, {2, 250, 24'000'000, 0}}, {0x16, {3100, 0, 0, 0}}}}};
    const auto found = stated_frequency(leaves);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->hertz, 3'000'000'000U);
    EXPECT_STREQ(found->source, "CPUID 0x15");
    EXPECT_EQ(nominal_frequency(leaves)->hertz, 3'100'000'000U);
}

TEST(TscFrequency, LeavesBeyondTheMaximumAreNotAsked)
{
    const Leaves leaves{FakeCpuid{{{0, {0xd, 0, 0, 0}},
                                   {1, hypervisor},
                                   {0xd, garbage},
                                   {0x4000'0000, {0x4000'0001, 1, 2, 3}}}}};
    EXPECT_FALSE(stated_frequency(leaves));
    EXPECT_FALSE(nominal_frequency(leaves));
    EXPECT_FALSE(leaves.kvm_base());
}

TEST(TscFrequency, ZeroOrNonsenseIsNotBelieved)
{
    const Leaves zero{FakeCpuid{{{0, {0x16, 0, 0, 0}}, {1, {}}, {0x15, {}}, {0x16, {}}}}};
    EXPECT_FALSE(stated_frequency(zero));
    EXPECT_FALSE(nominal_frequency(zero));
    const Leaves no_crystal{FakeCpuid{{{0, {0x15, 0, 0, 0}}, {1, {}}, {0x15, {2, 250, 0, 0}}}}};
    EXPECT_FALSE(stated_frequency(no_crystal));
    const Leaves absurd{
        FakeCpuid{{{0, {0x15, 0, 0, 0}}, {1, {}}, {0x15, {1, 0xffff'ffff, 24'000'000, 0}}}}};
    EXPECT_FALSE(stated_frequency(absurd));
}

TEST(TscFrequency, ComesFromTheHypervisor)
{
    const Leaves leaves{FakeCpuid{{{0, {0xd, 0, 0, 0}},
                                   {1, hypervisor},
                                   {0xd, garbage},
                                   {0x4000'0000, kvm_signature(0x4000'0010)},
                                   {0x4000'0010, {2'500'000, 1'000'000, 0, 0}}}}};
    EXPECT_EQ(stated_frequency(leaves)->hertz, 2'500'000'000U);
    EXPECT_EQ(leaves.kvm_base(), 0x4000'0000U);
}

TEST(TscFrequency, WithoutAHypervisorItsLeavesAreNotAsked)
{
    const Leaves leaves{FakeCpuid{{{0, {0xd, 0, 0, 0}},
                                   {1, {}},
                                   {0xd, garbage},
                                   {0x4000'0000, kvm_signature(0x4000'0010)},
                                   {0x4000'0010, {2'500'000, 0, 0, 0}}}}};
    EXPECT_FALSE(stated_frequency(leaves));
    EXPECT_FALSE(leaves.kvm_base());
}

TEST(TscFrequency, KvmMayBeBehindHyperV)
{
    const Leaves leaves{
        FakeCpuid{{{0, {0xd, 0, 0, 0}},
                   {1, hypervisor},
                   {0xd, garbage},
                   {0x4000'0000, {0x4000'0005, 0x7263'694d, 0x666f'736f, 0x7668'2074}},
                   {0x4000'0100, kvm_signature(0)}}}};
    EXPECT_EQ(leaves.kvm_base(), 0x4000'0100U);
}

TEST(TscFrequency, EarlyKvmMeansItsOneLeaf)
{
    const Leaves leaves{FakeCpuid{{{0, {0xd, 0, 0, 0}},
                                   {1, hypervisor},
                                   {0xd, garbage},
                                   {0x4000'0000, kvm_signature(0)},
                                   {0x4000'0001, {8, 0, 0, 0}}}}};
    EXPECT_EQ(leaves.get(0x4000'0001)->eax, 8U);
    EXPECT_FALSE(leaves.get(0x4000'0010));
}

TEST(PvClock, FrequencyFollowsFromScale)
{
    // ns = ticks * mul / 2^32: half a nanosecond a tick.
    EXPECT_EQ(pv_clock_frequency(0x8000'0000, 0), 2'000'000'000U);
    EXPECT_EQ(pv_clock_frequency(0x8000'0000, -1), 4'000'000'000U);
    EXPECT_EQ(pv_clock_frequency(0x8000'0000, 1), 1'000'000'000U);
    EXPECT_EQ(pv_clock_frequency(0, 0), 0U);
    EXPECT_EQ(pv_clock_frequency(1, 100), 0U);
    EXPECT_EQ(pv_clock_frequency(1, -100), 0U);
}

// Two clocks on one time, in picoseconds; every reading costs 100 ns.
struct Clocks {
    std::uint64_t now = 0;
    std::uint64_t reads = 0;
    std::uint64_t counter_hertz = 2'500'000'000;
    std::uint64_t clock_hertz = 14'318'180;
    std::uint64_t mask = ~std::uint64_t{0};
    std::uint64_t stolen_every = 0;  // readings; then the CPU is away for a millisecond

    static std::uint64_t ticks(std::uint64_t picoseconds, std::uint64_t hertz)
    {
        constexpr std::uint64_t per_second = 1'000'000'000'000;
        const std::uint64_t ns = picoseconds / 1000;
        return ns * (hertz / 1'000'000) / 1000 + picoseconds % 1000 * hertz / per_second +
               ns * (hertz % 1'000'000) / 1'000'000'000;
    }
    void pass()
    {
        now += 100'000;
        if (stolen_every != 0 && ++reads % stolen_every == 0) {
            now += 1'000'000'000;
        }
    }
    Result<std::uint64_t> measure()
    {
        const auto count = [this] {
            pass();
            return (ticks(now, clock_hertz) + 0xfff0) & mask;
        };
        const auto counter = [this] {
            pass();
            return ticks(now, counter_hertz);
        };
        return calibrate({.name = "test", .frequency = clock_hertz, .mask = mask, .count = count},
                         counter);
    }
};

void expect_near(const Result<std::uint64_t>& found, std::uint64_t hertz)
{
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_GT(*found, hertz - hertz / 200);
    EXPECT_LT(*found, hertz + hertz / 200);
}

TEST(Calibration, FindsTheFrequency)
{
    for (const std::uint64_t hertz : {100'000'000ULL, 1'000'000'000ULL, 5'000'000'000ULL}) {
        Clocks clocks{.counter_hertz = hertz};
        expect_near(clocks.measure(), hertz);
    }
}

TEST(Calibration, ClockMayWrap)
{
    Clocks pit{.clock_hertz = pit_frequency, .mask = 0xffff};
    expect_near(pit.measure(), 2'500'000'000);
    Clocks pm{.clock_hertz = pm_timer_frequency, .mask = 0xff'ffff};
    expect_near(pm.measure(), 2'500'000'000);
}

TEST(Calibration, LostTimeDoesNotMatter)
{
    Clocks clocks{.stolen_every = 1001};
    expect_near(clocks.measure(), 2'500'000'000);
}

TEST(Calibration, ClockThatStandsStillIsAnError)
{
    const auto still = [] { return std::uint64_t{42}; };
    std::uint64_t ticks = 0;
    const auto counter = [&] { return ++ticks; };
    const auto found = calibrate(
        {.name = "still", .frequency = 1'000'000, .mask = 0xffff, .count = still}, counter);
    ASSERT_FALSE(found);
    EXPECT_STREQ(found.error().what, "a clock to calibrate with stands still");
}

TEST(Calibration, ClockWithoutARateIsAnError)
{
    std::uint64_t time = 0;
    std::uint64_t step = 1;
    // Every window another rate.
    const auto clock = [&] { return ++time; };
    std::uint64_t ticks = 0;
    const auto counter = [&] {
        step += step / 64 + 1;
        return ticks += step;
    };
    const auto found = calibrate(
        {.name = "wild", .frequency = 250'000, .mask = ~std::uint64_t{0}, .count = clock}, counter);
    ASSERT_FALSE(found);
    EXPECT_STREQ(found.error().what, "no two measurements of a frequency agree");
}

class PitTest : public testing::Test {
protected:
    unit::IoScript script;
    unit::MockIo io = script.frame("PIT");
    Pit<unit::MockIo> pit{io};

    void expect_start(std::uint8_t control, std::uint8_t low, std::uint8_t high)
    {
        io.expect_write(PIT_CONTROL::from(control));
        io.expect_write(PIT_COUNTER::from(low), control >> 6);
        io.expect_write(PIT_COUNTER::from(high), control >> 6);
    }
    void expect_status(std::uint8_t status)
    {
        io.expect_write(PIT_CONTROL::from(0xe2));
        io.expect_read(PIT_COUNTER::from(status), 0);
    }
};

TEST_F(PitTest, StartsLowByteFirst)
{
    expect_start(0xb0, 0x34, 0x12);
    pit.start(2, PitMode::interrupt_on_terminal_count, 0x1234);
    expect_start(0x34, 0, 0);
    pit.start_clock();
}

TEST_F(PitTest, CountIsLatched)
{
    io.expect_write(PIT_CONTROL::from(0x00));
    io.expect_read(PIT_COUNTER::from(0xff), 0);
    io.expect_read(PIT_COUNTER::from(0x7f), 0);
    EXPECT_EQ(pit.count(0), 0x7fff);
    io.expect_write(PIT_CONTROL::from(0x00));
    io.expect_read(PIT_COUNTER::from(0), 0);
    io.expect_read(PIT_COUNTER::from(0), 0);
    EXPECT_EQ(pit.clock(), 0x1'0000U);
}

TEST_F(PitTest, IsThereWhenItKeepsAMode)
{
    expect_start(0x30, 0, 0);
    expect_status(0x70);
    expect_start(0x34, 0, 0);
    expect_status(0x34);
    EXPECT_TRUE(pit.there());
    expect_start(0x30, 0, 0);
    expect_status(0xff);
    expect_start(0x34, 0, 0);
    EXPECT_FALSE(pit.there());
}

TEST_F(PitTest, GateLeavesTheSpeakerOff)
{
    io.expect_read(PIT_GATE::from(0x32));
    io.expect_write(PIT_GATE::from(0x31));
    pit.set_gate2(true);
    io.expect_read(PIT_GATE::from(0x20));
    EXPECT_TRUE(pit.output2());
}

TEST(PmTimerTest, Has24Or32Bits)
{
    unit::IoScript script;
    unit::MockIo io = script.frame("PM");
    io.expect_read(TMR_VAL::from(0xff12'3456));
    EXPECT_EQ((PmTimer{io, false}.count()), 0x12'3456U);
    io.expect_read(TMR_VAL::from(0xff12'3456));
    EXPECT_EQ((PmTimer{io, true}.count()), 0xff12'3456U);
}

class HpetTest : public testing::Test {
protected:
    // QEMU's: 100 MHz, three timers, 64 bits.
    static constexpr std::uint64_t capabilities = 0x0098'9680'8086'a201;

    unit::IoScript script;
    unit::MockIo io = script.frame("HPET");
    Hpet<unit::MockIo> hpet{io};
};

TEST_F(HpetTest, SaysItsFrequency)
{
    io.always_read(GCAP_ID::from(capabilities));
    EXPECT_EQ(hpet.frequency(), 100'000'000U);
    EXPECT_EQ(hpet.timer_count(), 3U);
    EXPECT_EQ(hpet.mask(), ~std::uint64_t{0});
}

TEST_F(HpetTest, StartsWithEveryTimerOff)
{
    io.always_read(GCAP_ID::from(capabilities));
    io.expect_write(GEN_CONF::from(0));
    for (unsigned timer = 0; timer < 3; ++timer) {
        io.expect_write(TIM_CONF::from(0), timer);
    }
    io.expect_write(GEN_CONF::from(1));
    io.expect_read(GEN_CONF::from(1));
    EXPECT_TRUE(hpet.start());
}

TEST_F(HpetTest, PeriodOutOfBoundsIsAnError)
{
    io.expect_read(GCAP_ID::from(0));
    EXPECT_STREQ(hpet.start().error().what, "the HPET's period is not one");
    io.expect_read(GCAP_ID::from(~std::uint64_t{0}));
    EXPECT_STREQ(hpet.start().error().what, "the HPET's period is not one");
}

TEST_F(HpetTest, ArmsWhileTheTimerIsOff)
{
    io.expect_write(TIM_CONF::from(2U << 9), 0);
    io.expect_write(TIM_COMP::from(1234), 0);
    io.expect_write(TIM_CONF::from(2U << 9 | 4), 0);
    hpet.arm(0, 2, 1234);
}

class RtcTest : public testing::Test {
protected:
    unit::IoScript script;
    unit::MockIo io = script.frame("RTC");
    Rtc<unit::MockIo> rtc{io};

    void expect_get(std::uint8_t index, std::uint8_t value)
    {
        io.expect_write(RTC_INDEX::from(index));
        io.expect_read(RTC_DATA::from(value));
    }
    void expect_set(std::uint8_t index, std::uint8_t value)
    {
        io.expect_write(RTC_INDEX::from(index));
        io.expect_write(RTC_DATA::from(value));
    }
};

TEST_F(RtcTest, IsThereWhenItsOscillatorRuns)
{
    expect_get(0xa, 0x26);
    expect_get(0xd, 0x80);
    EXPECT_TRUE(rtc.there());
    expect_get(0xa, 0xff);
    EXPECT_FALSE(rtc.there());
}

TEST_F(RtcTest, PeriodicInterruptIsOffWhileItsRateChanges)
{
    expect_get(0xb, 0x42);
    expect_set(0xb, 0x02);
    expect_get(0xa, 0x26);
    expect_set(0xa, 0x2d);
    expect_get(0xc, 0xc0);
    expect_get(0xb, 0x02);
    expect_set(0xb, 0x42);
    rtc.set_periodic(13);
    EXPECT_EQ(rtc.periodic_frequency(13), 8U);
    EXPECT_EQ(rtc.periodic_frequency(6), 1024U);
}

}  // namespace
