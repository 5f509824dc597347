// SPDX-License-Identifier: MIT
#include "arm64/pmu/pmu.h"
#include "unit/support/device_tree.h"
#include "unit/support/mock_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

namespace {

using namespace pmu;

// Arm ARM (DDI 0487) D24.5: op1, CRm and op2; op0 is 3 and CRn 9 but for the filter.
template <typename R>
constexpr bool is_at(unsigned op1, unsigned crm, unsigned op2, unsigned crn = 9)
{
    return R::op0 == 3 && R::crn == crn && R::op1 == op1 && R::crm == crm && R::op2 == op2;
}
static_assert(is_at<PMCR_EL0>(3, 12, 0) && is_at<PMCNTENSET_EL0>(3, 12, 1));
static_assert(is_at<PMCNTENCLR_EL0>(3, 12, 2) && is_at<PMOVSCLR_EL0>(3, 12, 3));
static_assert(is_at<PMSWINC_EL0>(3, 12, 4) && is_at<PMSELR_EL0>(3, 12, 5));
static_assert(is_at<PMCCNTR_EL0>(3, 13, 0) && is_at<PMXEVTYPER_EL0>(3, 13, 1));
static_assert(is_at<PMXEVCNTR_EL0>(3, 13, 2) && is_at<PMOVSSET_EL0>(3, 14, 3));
static_assert(is_at<PMINTENSET_EL1>(0, 14, 1) && is_at<PMINTENCLR_EL1>(0, 14, 2));
static_assert(is_at<PMCCFILTR_EL0>(3, 15, 7, 14));

class PmuTest : public testing::Test {
protected:
    unit::IoScript script_;
    unit::MockIo io_ = script_.frame("PMU");
    Pmu<unit::MockIo> pmu_{io_};

    void expect_reset()
    {
        io_.expect_write(PMCNTENCLR_EL0::from(0xffff'ffff));
        io_.expect_write(PMINTENCLR_EL1::from(0xffff'ffff));
        io_.expect_write(PMCR_EL0::from(0x46));
        io_.expect_synchronize();
        io_.expect_write(PMOVSCLR_EL0::from(0xffff'ffff));
        io_.expect_write(PMCCFILTR_EL0::from(0));
        io_.expect_synchronize();
    }
};

TEST_F(PmuTest, CountsItsEventCounters)
{
    io_.expect_read(PMCR_EL0::from(0x4120'3041));
    EXPECT_EQ(pmu_.event_counters(), 6u);
}

TEST_F(PmuTest, EnableKeepsTheOtherControls)
{
    io_.expect_read(PMCR_EL0::from(0x3040));
    io_.expect_write(PMCR_EL0::from(0x3041));
    io_.expect_synchronize();
    pmu_.enable();
    io_.expect_read(PMCR_EL0::from(0x3041));
    io_.expect_write(PMCR_EL0::from(0x3040));
    io_.expect_synchronize();
    pmu_.disable();
}

TEST_F(PmuTest, AnEventCounterIsSelectedBeforeItIsUsed)
{
    io_.expect_write(PMSELR_EL0::from(3));
    io_.expect_synchronize();
    io_.expect_write(PMXEVTYPER_EL0::from(0));
    io_.expect_synchronize();
    pmu_.set_event(3, Event::sw_incr);
    io_.expect_write(PMSELR_EL0::from(5));
    io_.expect_synchronize();
    io_.expect_read(PMXEVCNTR_EL0::from(17));
    EXPECT_EQ(pmu_.count(5), 17u);
}

TEST_F(PmuTest, OverflowHasOneRegisterToSetAndOneToClear)
{
    io_.expect_write(PMOVSSET_EL0::from(0x8000'0000));
    io_.expect_synchronize();
    pmu_.set_overflow(cycle_counter);
    io_.expect_read(PMOVSSET_EL0::from(0x8000'0004));
    EXPECT_EQ(pmu_.overflowed(), cycle_counter | event_counter(2));
    io_.expect_write(PMOVSCLR_EL0::from(4));
    io_.expect_synchronize();
    pmu_.clear_overflow(event_counter(2));
}

TEST_F(PmuTest, GuardResetsBeforeAndAfter)
{
    expect_reset();
    {
        const Guard guard{pmu_};
        script_.verify();
        expect_reset();
    }
}

TEST(Pmu, InterruptInTheDeviceTree)
{
    const unit::DeviceTree gicv5{"qemu-11.1-gicv5"};
    const auto specifier = interrupt_specifier(*gicv5);
    ASSERT_TRUE(specifier) << specifier.error().what;
    EXPECT_THAT(std::span(specifier->cells).first(specifier->count),
                testing::ElementsAre(1u, 23u, 4u));
    const unit::DeviceTree none{"malformed"};
    EXPECT_STREQ(interrupt_specifier(*none).error().what, "no arm,armv8-pmuv3 node");
}

}  // namespace
