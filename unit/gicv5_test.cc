// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv5/cpu_interface.h"
#include "arm64/gic/gicv5/irs.h"
#include "unit/support/gic.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace gicv5;

// Encodings of the register descriptions.
template <typename R>
constexpr bool is_at(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2)
{
    return R::op0 == op0 && R::op1 == op1 && R::crn == crn && R::crm == crm && R::op2 == op2;
}
static_assert(is_at<ICC_PPI_HMR_EL1<1>>(3, 0, 12, 10, 1));
static_assert(is_at<ICC_PPI_ENABLER_EL1<1>>(3, 0, 12, 10, 7));
static_assert(is_at<ICC_PPI_SACTIVER_EL1<0>>(3, 0, 12, 13, 2));
static_assert(is_at<ICC_PPI_SPENDR_EL1<1>>(3, 0, 12, 13, 7));
static_assert(is_at<ICC_PPI_PRIORITYR_EL1<7>>(3, 0, 12, 14, 7));
static_assert(is_at<ICC_PPI_PRIORITYR_EL1<8>>(3, 0, 12, 15, 0));
static_assert(is_at<ICC_PCR_EL1>(3, 1, 12, 0, 2));
static_assert(is_at<ICC_HPPIR_EL1>(3, 0, 12, 10, 3) && is_at<ICC_IAFFIDR_EL1>(3, 0, 12, 10, 5));
static_assert(is_at<ICC_APR_EL1>(3, 1, 12, 0, 0) && is_at<ICC_CR0_EL1>(3, 1, 12, 0, 1));
static_assert(is_at<GSB_SYS>(1, 0, 12, 0, 0) && is_at<GSB_ACK>(1, 0, 12, 0, 1));
static_assert(is_at<CDEOI>(1, 0, 12, 1, 7) && is_at<CDDI>(1, 0, 12, 2, 0));
static_assert(is_at<CDIA>(1, 0, 12, 3, 0) && is_at<CDNMIA>(1, 0, 12, 3, 1));
static_assert(IRS_CR0::offset == 0x80 && IRS_CR1::offset == 0x84);
static_assert(IRS_PE_SELR::offset == 0x140 && IRS_PE_STATUSR::offset == 0x144 &&
              IRS_PE_CR0::offset == 0x148);

TEST(Gicv5Intid, HasItsTypeOnTop)
{
    EXPECT_EQ(ppi(cntv_ppi).value, 0x2000'001bU);
    EXPECT_EQ(intid(IntidType::spi, 1).value, 0x6000'0001U);
    EXPECT_EQ(intid(IntidType::lpi, 0).value, 0x4000'0000U);
    EXPECT_TRUE(is_ppi(ppi(127)));
    EXPECT_FALSE(is_ppi(intid(IntidType::spi, 27)));
    EXPECT_EQ(number(ppi(127)), 127U);
}

class Gicv5 : public testing::Test {
protected:
    unit::IoScript script;
    unit::MockIo icc = script.frame("ICC");
    unit::MockIo frame = script.frame("IRS");
    CpuInterface<unit::MockIo> cpu_interface{icc};
    Irs<unit::MockIo> irs{frame};

    template <unsigned N>
    void expect_priorities()
    {
        icc.expect_write(ICC_PPI_PRIORITYR_EL1<N>::from(0x1010'1010'1010'1010));
        if constexpr (N + 1 < prepared_ppis / 8) {
            expect_priorities<N + 1>();
        }
    }
};

TEST_F(Gicv5, ResetWritesStateOfPreparedPpis)
{
    icc.expect_write(ICC_PPI_ENABLER_EL1<0>::from(0));
    icc.expect_write(ICC_PPI_ENABLER_EL1<1>::from(0));
    icc.expect_write(ICC_PPI_CPENDR_EL1<0>::from(~0ULL));
    icc.expect_write(ICC_PPI_CPENDR_EL1<1>::from(~0ULL));
    icc.expect_write(ICC_PPI_CACTIVER_EL1<0>::from(~0ULL));
    icc.expect_write(ICC_PPI_CACTIVER_EL1<1>::from(~0ULL));
    expect_priorities<0>();
    icc.expect_write(ICC_APR_EL1::from(0));
    icc.expect_synchronize();
    icc.expect_read(ICC_PPI_PRIORITYR_EL1<0>::from(0x1010'1010'1010'1010));
    EXPECT_TRUE(cpu_interface.reset());
}

TEST_F(Gicv5, RegistersThatIgnoreWritesAreAnError)
{
    EXPECT_FALSE(CpuInterface{unit::StuckIo<0>{}}.reset());
}

TEST_F(Gicv5, EnableKeepsTheLink)
{
    icc.expect_read(ICC_CR0_EL1::from(0x6));
    icc.always_read(ICC_IDR0_EL1::from(0x41));
    icc.expect_write(ICC_PCR_EL1::from(0x1f));
    icc.expect_read(ICC_CR0_EL1::from(0x6));
    icc.expect_write(ICC_CR0_EL1::from(0x7));
    icc.expect_synchronize();
    icc.expect_read(ICC_PCR_EL1::from(0x1f));
    icc.expect_read(ICC_CR0_EL1::from(0x7));
    EXPECT_TRUE(cpu_interface.enable());
}

TEST_F(Gicv5, EnableLinksFirstWhereFirmwareDidNot)
{
    icc.expect_read(ICC_CR0_EL1::from(0x0));
    icc.expect_read(ICC_CR0_EL1::from(0x0));
    icc.expect_write(ICC_CR0_EL1::from(0x2));
    icc.expect_synchronize();
    icc.expect_read(ICC_CR0_EL1::from(0x2));
    icc.expect_read(ICC_CR0_EL1::from(0x6));
    icc.always_read(ICC_IDR0_EL1::from(0x30));  // four priority bits
    icc.expect_write(ICC_PCR_EL1::from(0x1e));
    icc.expect_read(ICC_CR0_EL1::from(0x6));
    icc.expect_write(ICC_CR0_EL1::from(0x7));
    icc.expect_synchronize();
    icc.expect_read(ICC_PCR_EL1::from(0x1e));
    icc.expect_read(ICC_CR0_EL1::from(0x7));
    EXPECT_TRUE(cpu_interface.enable());
}

TEST_F(Gicv5, LinkThatNeverIdlesIsAnError)
{
    const auto done = CpuInterface{unit::StuckIo<0>{}}.enable();
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "ICC_CR0_EL1.LINK_IDLE stays 0");
}

TEST_F(Gicv5, AcknowledgeIsCompletedByABarrier)
{
    icc.expect_read(CDIA::from(0x1'2000'0003));
    icc.expect_write(GSB_ACK{});
    icc.expect_synchronize();
    EXPECT_EQ(cpu_interface.acknowledge(), std::optional{ppi(sw_ppi)});
}

TEST_F(Gicv5, AcknowledgeOfNothing)
{
    icc.expect_read(CDIA::from(0));
    icc.expect_read(ISR_EL1::from(0));
    EXPECT_FALSE(cpu_interface.acknowledge());
}

TEST_F(Gicv5, AnNmiIsHiddenFromTheOrdinaryAcknowledge)
{
    icc.expect_read(CDIA::from(0));
    icc.expect_read(ISR_EL1{}.with(ISR_EL1::I, 1).with(ISR_EL1::IS, 1));
    icc.expect_read(CDNMIA::from(0x1'2000'0003));
    icc.expect_write(GSB_ACK{});
    icc.expect_synchronize();
    EXPECT_EQ(cpu_interface.acknowledge(), std::optional{ppi(sw_ppi)});
}

TEST_F(Gicv5, RunningPriorityIsTheLowestBit)
{
    icc.expect_read(ICC_APR_EL1::from(0x8000'0110));
    EXPECT_EQ(cpu_interface.running_priority(), std::optional<std::uint8_t>{4});
    icc.expect_read(ICC_APR_EL1::from(0x8000'0000));
    EXPECT_EQ(cpu_interface.running_priority(), std::optional<std::uint8_t>{31});
    icc.expect_read(ICC_APR_EL1::from(0));
    EXPECT_FALSE(cpu_interface.running_priority());
}

TEST_F(Gicv5, IdZeroIsACandidate)
{
    icc.expect_read(ICC_HPPIR_EL1::from(0x1'6000'0000));
    EXPECT_EQ(cpu_interface.candidate(), std::optional{intid(IntidType::spi, 0)});
    icc.expect_read(ICC_HPPIR_EL1::from(0x6000'0000));
    EXPECT_FALSE(cpu_interface.candidate());
}

TEST_F(Gicv5, EndDeactivatesByNumberAndDropsWithout)
{
    icc.expect_write(CDDI::from(0x2000'001b));
    cpu_interface.deactivate(ppi(27));
    icc.expect_write(CDEOI::from(0));
    cpu_interface.drop_priority();
}

TEST_F(Gicv5, PpiStateIsInTwoRegisters)
{
    icc.expect_read(ICC_PPI_ENABLER_EL1<0>::from(1ULL << 30));
    icc.expect_write(ICC_PPI_ENABLER_EL1<0>::from(1ULL << 30 | 1ULL << 27));
    icc.expect_synchronize();
    cpu_interface.enable(27);
    icc.expect_read(ICC_PPI_ENABLER_EL1<1>::from(~0ULL));
    icc.expect_write(ICC_PPI_ENABLER_EL1<1>::from(~1ULL));
    icc.expect_synchronize();
    cpu_interface.disable(64);
    icc.expect_read(ICC_PPI_PRIORITYR_EL1<12>::from(0));  // reset() has left it out
    icc.expect_write(ICC_PPI_PRIORITYR_EL1<12>::from(0x1000));
    icc.expect_synchronize();
    icc.expect_read(ICC_PPI_ENABLER_EL1<1>::from(0));
    icc.expect_write(ICC_PPI_ENABLER_EL1<1>::from(1ULL << 33));
    icc.expect_synchronize();
    cpu_interface.enable(97);
    icc.expect_read(ICC_PPI_SPENDR_EL1<1>::from(1ULL << 63));
    EXPECT_TRUE(cpu_interface.pending(127));
    icc.expect_write(ICC_PPI_CACTIVER_EL1<0>::from(1ULL << 3));
    icc.expect_synchronize();
    cpu_interface.clear_active(3);
}

TEST_F(Gicv5, PriorityIsAByteOfARegister)
{
    icc.expect_read(ICC_PPI_PRIORITYR_EL1<3>::from(0x1010'1010'0810'1010));
    EXPECT_EQ(cpu_interface.priority(27), 0x08);
    icc.expect_read(ICC_PPI_PRIORITYR_EL1<15>::from(0x1010'1010'1010'1010));
    icc.expect_write(ICC_PPI_PRIORITYR_EL1<15>::from(0x0410'1010'1010'1010));
    icc.expect_synchronize();
    cpu_interface.set_priority(127, 4);
}

TEST_F(Gicv5, IrsIsReadAfterItWasEnabled)
{
    frame.expect_read(IRS_CR0::from(0x2));
    frame.expect_write(IRS_CR1::from(0xd7));
    frame.expect_write(IRS_CR0::from(1));
    frame.expect_read(IRS_CR0::from(0x1));
    frame.expect_read(IRS_CR0::from(0x3));
    frame.expect_read(IRS_CR0::from(0x3));
    EXPECT_TRUE(irs.enable(true));
}

TEST_F(Gicv5, IrsOfAMachineWithoutCoherencyDoesNotCache)
{
    frame.expect_read(IRS_CR0::from(0x2));
    frame.expect_write(IRS_CR1::from(0));
    frame.expect_write(IRS_CR0::from(1));
    frame.always_read(IRS_CR0::from(0x3));
    EXPECT_TRUE(irs.enable(false));
}

TEST_F(Gicv5, IrsThatIsOnIsSwitchedOffFirst)
{
    frame.expect_read(IRS_CR0::from(0x3));
    frame.expect_write(IRS_CR0::from(0));
    frame.expect_read(IRS_CR0::from(0x0));
    frame.expect_read(IRS_CR0::from(0x2));
    frame.expect_read(IRS_CR0::from(0x2));
    frame.expect_write(IRS_CR1::from(0xd7));
    frame.expect_write(IRS_CR0::from(1));
    frame.expect_read(IRS_CR0::from(0x3));
    frame.expect_read(IRS_CR0::from(0x3));
    EXPECT_TRUE(irs.enable(true));
}

TEST_F(Gicv5, IrsThatNeverIdlesIsAnError)
{
    const auto done = Irs{unit::StuckIo<0>{}}.enable(true);
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "IRS_CR0.IDLE stays 0");
}

// A table that the IRS takes otherwise than it was handed over is taken back.
class Gicv5IstRegisters : public Gicv5 {
protected:
    std::string refusal(IRS_IST_BASER base, IRS_IST_CFGR configuration)
    {
        frame.expect_read(IRS_IST_BASER{});
        frame.expect_write(IRS_IST_CFGR::from(0x1'010e));
        frame.expect_write(IRS_IST_BASER::from(0x8'8000'0001));
        frame.always_read(IRS_IST_STATUSR::from(1));
        frame.always_read(base);
        frame.always_read(configuration);
        frame.expect_write(IRS_IST_BASER{});
        const auto done =
            irs.install_ist(0x8'8000'0000, {.id_bits = 14, .istsz = 2, .two_level = true});
        return done ? "accepted" : done.error().what;
    }
};

TEST_F(Gicv5IstRegisters, ValidDoesNotStick)
{
    EXPECT_EQ(refusal(IRS_IST_BASER::from(0x8'8000'0000), IRS_IST_CFGR::from(0x1'010e)),
              "IRS_IST_BASER.VALID does not stick: the IRS refuses the table");
}

TEST_F(Gicv5IstRegisters, AddressIsCutOff)
{
    EXPECT_EQ(refusal(IRS_IST_BASER::from(0x8000'0001), IRS_IST_CFGR::from(0x1'010e)),
              "IRS_IST_BASER.ADDR does not stick");
}

TEST_F(Gicv5IstRegisters, ConfigurationIsAnother)
{
    for (const std::uint32_t other : {0x0'010eU, 0x1'008eU, 0x1'012eU, 0x1'010fU}) {
        EXPECT_EQ(refusal(IRS_IST_BASER::from(0x8'8000'0001), IRS_IST_CFGR::from(other)),
                  "IRS_IST_CFGR does not stick")
            << other;
    }
}

TEST_F(Gicv5IstRegisters, BitsWithoutAMeaningDoNotMatter)
{
    frame.expect_read(IRS_IST_BASER{});
    frame.expect_write(IRS_IST_CFGR::from(0x000e));
    frame.expect_write(IRS_IST_BASER::from(0x8'8000'0001));
    frame.always_read(IRS_IST_STATUSR::from(1));
    frame.always_read(IRS_IST_BASER::from(0xff00'0008'8000'003f));
    frame.always_read(IRS_IST_CFGR::from(0xfffe'fe0e));
    EXPECT_TRUE(irs.install_ist(0x8'8000'0000, {.id_bits = 14}));
}

TEST_F(Gicv5, IrsKnowsItsCpus)
{
    frame.expect_write(IRS_PE_SELR::from(1));
    frame.expect_read(IRS_PE_STATUSR::from(0x7));
    frame.expect_read(IRS_PE_STATUSR::from(0x7));
    EXPECT_EQ(irs.serves(1).value(), true);
    frame.expect_write(IRS_PE_CR0::from(1));
    frame.expect_read(IRS_PE_STATUSR::from(0x7));
    EXPECT_TRUE(irs.keep_selected_pe_targeted());
    frame.expect_write(IRS_PE_SELR::from(2));
    frame.expect_read(IRS_PE_STATUSR::from(0x1));
    frame.expect_read(IRS_PE_STATUSR::from(0x1));
    EXPECT_EQ(irs.serves(2).value(), false);
}

}  // namespace
