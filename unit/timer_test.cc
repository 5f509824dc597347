// SPDX-License-Identifier: MIT
#include "arm64/timer/generic_timer.h"
#include "lib/time/time.h"
#include "unit/arch/host.h"
#include "unit/support/mock_io.h"

#include <gtest/gtest.h>

namespace {

using namespace timer;

static_assert(CNTP_CTL_EL0::op1 == 3 && CNTP_CTL_EL0::crm == 2 && CNTP_CTL_EL0::op2 == 1);
static_assert(CNTV_CVAL_EL0::op1 == 3 && CNTV_CVAL_EL0::crm == 3 && CNTV_CVAL_EL0::op2 == 2);
static_assert(CNTKCTL_EL1::op1 == 0 && CNTKCTL_EL1::crm == 1 && CNTKCTL_EL1::op2 == 0);

using MockTimer = GenericTimer<unit::MockIo>;

class GenericTimerTest : public testing::Test {
protected:
    unit::IoScript script;
    unit::MockIo cnt = script.frame("CNT");
    MockTimer virt{Kind::virt, cnt};
    MockTimer phys{Kind::phys, cnt};
};

TEST_F(GenericTimerTest, CountIsOrderedAfterWhatWasBefore)
{
    cnt.expect_synchronize();
    cnt.expect_read(CNTVCT_EL0::from(1234));
    EXPECT_EQ(virt.count(), 1234U);
    cnt.expect_synchronize();
    cnt.expect_read(CNTPCT_EL0::from(5678));
    EXPECT_EQ(phys.count(), 5678U);
}

TEST_F(GenericTimerTest, ArmSetsTheCompareValueFirst)
{
    cnt.expect_write(CNTP_CVAL_EL0::from(1000));
    cnt.expect_synchronize();
    cnt.expect_write(CNTP_CTL_EL0::from(1));
    cnt.expect_synchronize();
    phys.arm(1000);
}

TEST_F(GenericTimerTest, ControlHasTheSameFieldsInBothTimers)
{
    cnt.expect_write(CNTV_CTL_EL0::from(3));
    cnt.expect_synchronize();
    virt.mask();
    cnt.expect_read(CNTV_CTL_EL0::from(7));
    EXPECT_TRUE(virt.condition_met());
    cnt.expect_read(CNTP_CTL_EL0::from(3));
    EXPECT_FALSE(phys.condition_met());
}

TEST_F(GenericTimerTest, TimerValueIsPassedWhole)
{
    cnt.expect_write(CNTV_TVAL_EL0::from(0x1'ffff'ffff));
    cnt.expect_synchronize();
    virt.set_timer_value(0x1'ffff'ffff);
    cnt.expect_read(CNTV_TVAL_EL0::from(0xffff'fffe));
    EXPECT_EQ(virt.timer_value(), 0xffff'fffeU);
}

TEST_F(GenericTimerTest, GuardPutsBackCompareValueBeforeControl)
{
    cnt.expect_read(CNTV_CTL_EL0::from(0x5));
    cnt.expect_read(CNTV_CVAL_EL0::from(42));
    cnt.expect_write(CNTV_CTL_EL0::from(0));
    cnt.expect_synchronize();
    {
        const timer::Guard guard{virt};
        script.verify();
        cnt.expect_write(CNTV_CTL_EL0::from(0));
        cnt.expect_synchronize();
        cnt.expect_write(CNTV_CVAL_EL0::from(42));
        cnt.expect_synchronize();
        cnt.expect_write(CNTV_CTL_EL0::from(0x1));
        cnt.expect_synchronize();
    }
}

TEST(Time, ConvertsByTheCountersFrequency)
{
    EXPECT_EQ(microseconds(3).value, 3U);
    EXPECT_EQ(milliseconds(3).value, 3'000U);
    EXPECT_EQ(seconds(3).value, 3'000'000U);
    EXPECT_EQ(to_microseconds(Ticks{1'234'567}), 1'234'567U);
}

TEST(Time, LongTimesDoNotOverflow)
{
    constexpr std::uint64_t century_us = 100ULL * 365 * 24 * 3600 * 1'000'000;
    EXPECT_EQ(microseconds(century_us).value, century_us);
    EXPECT_EQ(to_microseconds(Ticks{~std::uint64_t{0}}), ~std::uint64_t{0});
}

TEST(Time, SinceStartCountsFromTheStart)
{
    start_clock();
    host::advance_counter(1'000);
    EXPECT_GE(since_start(), milliseconds(1));
    EXPECT_LT(since_start(), milliseconds(2));
}

TEST(Time, WaitEndsWithTheConditionOrTheLimit)
{
    unsigned looks = 0;
    EXPECT_TRUE(wait_until([&] { return ++looks == 3; }, microseconds(100)));
    EXPECT_EQ(looks, 3U);
    EXPECT_FALSE(wait_until([] { return false; }, microseconds(100)));
}

TEST(Time, DelayLastsAtLeastThatLong)
{
    const Ticks before = now();
    delay(microseconds(50));
    EXPECT_GE(now() - before, microseconds(50));
}

}  // namespace
