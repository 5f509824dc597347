// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv2/cpu_interface.h"
#include "arm64/gic/gicv2/distributor.h"
#include "arm64/gic/specifier.h"
#include "unit/support/gic.h"

#include <gtest/gtest.h>

namespace {

using namespace gicv2;

// IHI 0048B.b tables 4-1 and 4-2.
static_assert(GICD_CTLR::offset == 0x000 && GICD_TYPER::offset == 0x004);
static_assert(GICD_IGROUPR::offset == 0x080);
static_assert(GICD_ISENABLER::offset == 0x100 && GICD_ICENABLER::offset == 0x180);
static_assert(GICD_ISPENDR::offset == 0x200 && GICD_ICPENDR::offset == 0x280);
static_assert(GICD_ISACTIVER::offset == 0x300 && GICD_ICACTIVER::offset == 0x380);
static_assert(GICD_IPRIORITYR::offset == 0x400 && GICD_IPRIORITYR::stride == 1);
static_assert(GICD_ITARGETSR::offset == 0x800 && GICD_ITARGETSR::stride == 1);
static_assert(GICD_ICFGR::offset == 0xc00 && GICD_SGIR::offset == 0xf00);
static_assert(GICD_CPENDSGIR::offset == 0xf10 && GICD_SPENDSGIR::offset == 0xf20);
static_assert(GICC_CTLR::offset == 0x00 && GICC_PMR::offset == 0x04 && GICC_BPR::offset == 0x08);
static_assert(GICC_IAR::offset == 0x0c && GICC_EOIR::offset == 0x10 && GICC_RPR::offset == 0x14);
static_assert(GICC_HPPIR::offset == 0x18 && GICC_DIR::offset == 0x1000);

Result<irq::Id> id_of(std::uint32_t type, std::uint32_t number, std::uint32_t flags)
{
    const std::uint32_t cells[]{type, number, flags};
    return gic::interrupt_id(cells);
}

TEST(GicSpecifier, CountsPpisFrom16AndSpisFrom32)
{
    EXPECT_EQ(id_of(1, 11, 4)->value, 27U);
    EXPECT_EQ(id_of(1, 11, 0x304)->value, 27U);
    EXPECT_EQ(id_of(0, 1, 4)->value, 33U);
    EXPECT_EQ(id_of(0, 987, 1)->value, 1019U);
}

TEST(GicSpecifier, RefusesWhatIsNeither)
{
    EXPECT_FALSE(id_of(1, 16, 4));
    EXPECT_FALSE(id_of(0, 988, 4));
    EXPECT_FALSE(id_of(3, 1, 4));
    const std::uint32_t two_cells[]{1, 11};
    EXPECT_FALSE(gic::interrupt_id(two_cells));
}

class Gicv2 : public testing::Test {
protected:
    unit::IoScript script;
    unit::MockIo gicd = script.frame("GICD");
    unit::MockIo gicc = script.frame("GICC");
    Distributor<unit::MockIo> distributor{gicd};
    CpuInterface<unit::MockIo> cpu_interface{gicc};
};

TEST_F(Gicv2, DistributorIsOffWhileSpisAreReset)
{
    gicd.expect_write(GICD_CTLR::from(0));
    gicd.always_read(GICD_TYPER::from(0x22));  // 96 INTIDs, two CPUs
    unit::expect_reset(gicd, 1);
    unit::expect_reset(gicd, 2, 0);  // an SPI of the Secure world is no error
    gicd.expect_write(GICD_CTLR::from(1));
    gicd.expect_read(GICD_CTLR::from(1));
    EXPECT_TRUE(distributor.initialise());
}

TEST_F(Gicv2, DistributorThatStaysOffIsAnError)
{
    gicd.expect_write(GICD_CTLR::from(0));
    gicd.always_read(GICD_TYPER::from(0));
    gicd.expect_write(GICD_CTLR::from(1));
    gicd.expect_read(GICD_CTLR::from(0));
    const auto done = distributor.initialise();
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "GICD_CTLR.EnableGrp0 does not stick");
}

TEST_F(Gicv2, CpuInitialisationClearsSgisOfEverySender)
{
    for (unsigned sgi = 0; sgi < 16; ++sgi) {
        gicd.expect_write(GICD_CPENDSGIR::from(0xff), sgi);
    }
    unit::expect_reset(gicd, 0);
    EXPECT_TRUE(distributor.initialise_cpu());
}

TEST_F(Gicv2, SgisOfTheSecureWorldAreAnError)
{
    for (unsigned sgi = 0; sgi < 16; ++sgi) {
        gicd.expect_write(GICD_CPENDSGIR::from(0xff), sgi);
    }
    unit::expect_reset(gicd, 0, 0);
    EXPECT_FALSE(distributor.initialise_cpu());
}

TEST_F(Gicv2, OwnTargetIsTheFirstThatIsSet)
{
    gicd.expect_read(GICD_ITARGETSR::from(0), 0);
    gicd.expect_read(GICD_ITARGETSR::from(0x04), 1);
    EXPECT_EQ(distributor.own_target(), 0x04);
}

TEST_F(Gicv2, OneCpuAloneHasNoTargets)
{
    for (unsigned intid = 0; intid < 32; ++intid) {
        gicd.expect_read(GICD_ITARGETSR::from(0), intid);
    }
    EXPECT_EQ(distributor.own_target(), 1);
}

TEST_F(Gicv2, SgiGoesToTheTargetList)
{
    gicd.expect_write(GICD_SGIR::from(0x0004'0003));
    distributor.send_sgi(0x04, 3);
}

TEST_F(Gicv2, StateBitsAreAtWordAndBit)
{
    gicd.expect_write(GICD_ISENABLER::from(1U << 1), 1);
    distributor.enable(33);
    gicd.expect_write(GICD_ICENABLER::from(1U << 27), 0);
    distributor.disable(27);
    gicd.expect_read(GICD_ISPENDR::from(1U << 31), 2);
    EXPECT_TRUE(distributor.pending(95));
    gicd.expect_read(GICD_ISACTIVER::from(~(1U << 31)), 2);
    EXPECT_FALSE(distributor.active(95));
    gicd.expect_read(GICD_ICFGR::from(1U << 3), 2);
    EXPECT_TRUE(distributor.edge_triggered(33));
    gicd.expect_write(GICD_IPRIORITYR::from(0x40), 33);
    distributor.set_priority(33, 0x40);
}

TEST_F(Gicv2, CpuInterfaceOpens)
{
    gicc.expect_write(GICC_PMR::from(0xff));
    gicc.expect_write(GICC_BPR::from(0));
    gicc.expect_write(GICC_CTLR::from(1));
    gicc.expect_read(GICC_PMR::from(0xf8));
    gicc.expect_read(GICC_CTLR::from(1));
    EXPECT_TRUE(cpu_interface.enable());
}

TEST_F(Gicv2, MaskThatStaysClosedIsAnError)
{
    gicc.expect_write(GICC_PMR::from(0xff));
    gicc.expect_write(GICC_BPR::from(0));
    gicc.expect_write(GICC_CTLR::from(1));
    gicc.expect_read(GICC_PMR::from(0x80));
    const auto done = cpu_interface.enable();
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "GICC_PMR does not open");
    EXPECT_EQ(done.error().value, 0x80U);
}

TEST_F(Gicv2, EndOfAnSgiNamesItsSender)
{
    gicc.expect_read(GICC_IAR::from(1U << 10 | 3));
    const GICC_IAR acknowledged = cpu_interface.acknowledge().value();
    EXPECT_EQ(acknowledged[GICC_IAR::InterruptID], 3U);
    EXPECT_EQ(acknowledged[GICC_IAR::CPUID], 1U);
    gicc.expect_write(GICC_EOIR::from(1U << 10 | 3));
    cpu_interface.end(acknowledged);
}

TEST_F(Gicv2, SpecialIntidsAreNothing)
{
    for (const std::uint32_t intid : {1020U, 1022U, 1023U}) {
        gicc.expect_read(GICC_IAR::from(intid));
        EXPECT_FALSE(cpu_interface.acknowledge());
    }
    gicc.expect_read(GICC_IAR::from(1019));
    EXPECT_TRUE(cpu_interface.acknowledge());
}

}  // namespace
