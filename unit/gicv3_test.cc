// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv3/cpu_interface.h"
#include "arm64/gic/gicv3/distributor.h"
#include "arm64/gic/gicv3/redistributor.h"
#include "unit/support/gic.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace {

using namespace gicv3;

static_assert(GICD_IROUTER::offset == 0x6000 && GICD_IROUTER::stride == 8);
static_assert(GICR_TYPER::offset == 0x8 && GICR_WAKER::offset == 0x14);

// IHI 0069H.b 12.2.
template <typename R>
constexpr bool is_at(unsigned crn, unsigned crm, unsigned op2)
{
    return R::op0 == 3 && R::op1 == 0 && R::crn == crn && R::crm == crm && R::op2 == op2;
}
static_assert(is_at<ICC_PMR_EL1>(4, 6, 0) && is_at<ICC_RPR_EL1>(12, 11, 3));
static_assert(is_at<ICC_DIR_EL1>(12, 11, 1) && is_at<ICC_SGI1R_EL1>(12, 11, 5));
static_assert(is_at<ICC_IAR1_EL1>(12, 12, 0) && is_at<ICC_EOIR1_EL1>(12, 12, 1));
static_assert(is_at<ICC_HPPIR1_EL1>(12, 12, 2) && is_at<ICC_BPR1_EL1>(12, 12, 3));
static_assert(is_at<ICC_CTLR_EL1>(12, 12, 4) && is_at<ICC_SRE_EL1>(12, 12, 5));
static_assert(is_at<ICC_IGRPEN1_EL1>(12, 12, 7));

constexpr std::uint32_t rwp = 1U << 31;

class Gicv3 : public testing::Test {
protected:
    unit::IoScript script;
    unit::MockIo gicd = script.frame("GICD");
    unit::MockIo rd = script.frame("RD");
    unit::MockIo sgi = script.frame("SGI");
    unit::MockIo icc = script.frame("ICC");
    Distributor<unit::MockIo> distributor{gicd};
    Redistributor<unit::MockIo> redistributor{rd, sgi};
    CpuInterface<unit::MockIo> cpu_interface{icc};
};

TEST_F(Gicv3, DistributorKeepsAffinityRoutingOnWhileOff)
{
    gicd.expect_read(GICD_CTLR::from(0x53));
    gicd.expect_write(GICD_CTLR::from(0x50));
    gicd.expect_read(GICD_CTLR::from(0x50 | rwp));
    gicd.expect_read(GICD_CTLR::from(0x50));
    gicd.always_read(GICD_TYPER::from(0x037a'0001));  // 64 INTIDs
    gicd.expect_write(GICD_IGROUPR::from(~0U), 1);
    unit::expect_reset(gicd, 1);
    gicd.expect_write(GICD_CTLR::from(0x52));
    gicd.expect_read(GICD_CTLR::from(0x52));
    gicd.expect_read(GICD_CTLR::from(0x52));
    EXPECT_TRUE(distributor.initialise());
}

TEST_F(Gicv3, DistributorWithoutAffinityRoutingIsAnError)
{
    gicd.always_read(GICD_CTLR::from(0x02));
    gicd.always_read(GICD_TYPER::from(0));
    gicd.expect_write(GICD_CTLR::from(0x00));
    gicd.expect_write(GICD_CTLR::from(0x12));
    const auto done = distributor.initialise();
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "GICD_CTLR.ARE does not stick");
}

TEST_F(Gicv3, WritesThatNeverEndAreAnError)
{
    const auto done = Distributor{unit::StuckIo<~0ULL>{}}.initialise();
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "GICD_CTLR.RWP stays 1");
}

TEST_F(Gicv3, SpiIsRoutedByAffinity)
{
    gicd.expect_write(GICD_IROUTER::from(0x03'0002'0100), 33);
    distributor.set_route(33, 0x03'0002'0100);
}

TEST_F(Gicv3, RedistributorWakesAndResetsItsInterrupts)
{
    rd.expect_read(GICR_WAKER::from(0x6));
    rd.expect_write(GICR_WAKER::from(0x4));
    rd.expect_read(GICR_WAKER::from(0x4));
    rd.expect_read(GICR_WAKER::from(0x0));
    sgi.expect_write(GICR_IGROUPR0::from(~0U));
    unit::expect_reset(sgi, 0);
    rd.expect_read(GICR_CTLR::from(1U << 3));
    rd.expect_read(GICR_CTLR::from(0));
    EXPECT_TRUE(redistributor.initialise());
}

TEST_F(Gicv3, RedistributorThatSleepsOnIsAnError)
{
    const unit::StuckIo<~0ULL> stuck;
    const auto done = Redistributor{stuck, stuck}.initialise();
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "GICR_WAKER.ChildrenAsleep stays 1");
}

TEST_F(Gicv3, InterruptsOfTheSecureWorldAreAnError)
{
    const unit::StuckIo<0> raz;
    const auto done = Redistributor{raz, raz}.initialise();
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "the GIC's IPRIORITYR does not keep what is written");
}

// The addresses of RD_base a walk comes by; GICR_TYPER by address, zero elsewhere.
std::vector<std::uint64_t> walked(fdt::Region region, std::uint64_t stride,
                                  const std::map<std::uint64_t, std::uint64_t>& types = {})
{
    std::vector<std::uint64_t> addresses;
    RedistributorWalk walk{region, stride};
    while (const auto address = walk.address()) {
        addresses.push_back(*address);
        const auto type = types.find(*address);
        walk.advance(GICR_TYPER::from(type == types.end() ? 0 : type->second));
    }
    return addresses;
}

constexpr std::uint64_t last = 1U << 4;
constexpr std::uint64_t vlpis = 1U << 1;

TEST(RedistributorWalk, StopsAtLast)
{
    EXPECT_EQ(walked({0x80a'0000, 0xf6'0000}, 0, {{0x80c'0000, last}}),
              (std::vector<std::uint64_t>{0x80a'0000, 0x80c'0000}));
}

TEST(RedistributorWalk, StopsAtTheEndOfTheRegion)
{
    EXPECT_EQ(walked({0x1000'0000, 0x4'0000}, 0),
              (std::vector<std::uint64_t>{0x1000'0000, 0x1002'0000}));
    EXPECT_EQ(walked({0x1000'0000, 0x5'ffff}, 0).size(), 2U);
    EXPECT_TRUE(walked({0x1000'0000, 0x1'ffff}, 0).empty());
    EXPECT_TRUE(walked({0x1000'0000, 0}, 0).empty());
}

TEST(RedistributorWalk, FourFramesWithVirtualLpis)
{
    EXPECT_EQ(walked({0x1000'0000, 0x8'0000}, 0, {{0x1000'0000, vlpis}, {0x1004'0000, vlpis}}),
              (std::vector<std::uint64_t>{0x1000'0000, 0x1004'0000}));
}

TEST(RedistributorWalk, StrideOfTheDeviceTreeOverrides)
{
    EXPECT_EQ(walked({0x1000'0000, 0x12'0000}, 0x10'0000),
              (std::vector<std::uint64_t>{0x1000'0000, 0x1010'0000}));
}

TEST(RedistributorWalk, HugeStrideEnds)
{
    EXPECT_EQ(walked({0xffff'ffff'fff0'0000, 0x4'0000}, ~std::uint64_t{0}).size(), 1U);
}

TEST(Affinity, IsPackedAsInTyper)
{
    EXPECT_EQ(packed_affinity(0x03'0002'0100), 0x0302'0100U);
    EXPECT_EQ(packed_affinity(0x01), 0x0000'0001U);
}

TEST(Sgi, TargetsOneCpu)
{
    EXPECT_EQ(sgi_to(0x1, 3).raw, 0x0000'0000'0300'0002U);
    EXPECT_EQ(sgi_to(0x0a'000b'0c0d, 7).raw, 0x000a'000b'070c'2000U);
}

TEST(Sgi, RangeSelectorBeyondSixteen)
{
    EXPECT_EQ(sgi_to(0x21, 0).raw, 0x0000'2000'0000'0002U);
}

TEST_F(Gicv3, CpuInterfaceOpens)
{
    icc.expect_read(ICC_SRE_EL1::from(0x6));
    icc.expect_write(ICC_SRE_EL1::from(0x7));
    icc.expect_synchronize();
    icc.expect_read(ICC_SRE_EL1::from(0x7));
    icc.expect_write(ICC_PMR_EL1::from(0xff));
    icc.expect_write(ICC_BPR1_EL1::from(0));
    icc.expect_read(ICC_CTLR_EL1::from(0x8c03));
    icc.expect_write(ICC_CTLR_EL1::from(0x8c00));
    icc.expect_write(ICC_IGRPEN1_EL1::from(1));
    icc.expect_synchronize();
    icc.expect_read(ICC_PMR_EL1::from(0xf8));
    icc.expect_read(ICC_IGRPEN1_EL1::from(1));
    EXPECT_TRUE(cpu_interface.enable());
}

TEST_F(Gicv3, SystemRegistersThatStayOffAreAnError)
{
    icc.expect_read(ICC_SRE_EL1::from(0));
    icc.expect_write(ICC_SRE_EL1::from(1));
    icc.expect_synchronize();
    icc.expect_read(ICC_SRE_EL1::from(0));
    const auto done = cpu_interface.enable();
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "ICC_SRE_EL1.SRE does not stick");
}

TEST_F(Gicv3, SpecialIntidsAreNothingAndLpisAreNot)
{
    for (const std::uint64_t intid : {1020U, 1023U}) {
        icc.expect_read(ICC_IAR1_EL1::from(intid));
        icc.expect_synchronize();
        EXPECT_FALSE(cpu_interface.acknowledge());
    }
    for (const std::uint32_t intid : {27U, 1019U, 8192U}) {
        icc.expect_read(ICC_IAR1_EL1::from(intid));
        icc.expect_synchronize();
        EXPECT_EQ(cpu_interface.acknowledge(), std::optional{intid});
    }
}

TEST_F(Gicv3, EndWritesTheIntid)
{
    icc.expect_write(ICC_EOIR1_EL1::from(27));
    icc.expect_synchronize();
    cpu_interface.end(27);
}

}  // namespace
