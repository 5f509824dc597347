// SPDX-License-Identifier: MIT
//
// The IRS driver and the commands to SPIs and LPIs, on the model; and the driver alone where the
// model does nothing wrong.
#include "arm64/gic/gicv5/irs.h"
#include "unit/support/gic.h"
#include "unit/support/gicv5_model.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace gicv5;

// Offsets of the register descriptions.
static_assert(IRS_SYNCR::offset == 0x0c0 && IRS_SYNC_STATUSR::offset == 0x0c4);
static_assert(IRS_SPI_SELR::offset == 0x108 && IRS_SPI_DOMAINR::offset == 0x10c);
static_assert(IRS_SPI_RESAMPLER::offset == 0x110 && IRS_SPI_CFGR::offset == 0x114);
static_assert(IRS_SPI_STATUSR::offset == 0x118);
static_assert(IRS_IST_BASER::offset == 0x180 && sizeof(IRS_IST_BASER::raw) == 8);
static_assert(IRS_IST_CFGR::offset == 0x190 && IRS_IST_STATUSR::offset == 0x194);
static_assert(IRS_MAP_L2_ISTR::offset == 0x1c0 && IRS_SWERR_STATUSR::offset == 0x3c0);
static_assert(IRS_SWERR_SYNDROMER0::offset == 0x3c8 && IRS_SWERR_SYNDROMER1::offset == 0x3d0);

TEST(Gicv5Commands, CarryTheirOperands)
{
    unit::IoScript script;
    unit::MockIo icc = script.frame("ICC");
    const Commands<unit::MockIo> commands{icc};
    icc.expect_write(CDPRI::from(0x6000'0005 | 0x1fULL << 35));
    commands.set_priority(spi(5), 31);
    icc.expect_write(CDAFF::from(0x4000'1234 | 0xabcdULL << 32));
    icc.expect_write(GSB_SYS{});
    icc.expect_synchronize();
    commands.target(lpi(0x1234), 0xabcd);
    icc.expect_write(CDAFF::from(0x4000'0001 | 1ULL << 28));
    icc.expect_write(GSB_SYS{});
    icc.expect_synchronize();
    commands.target_one_of_n(lpi(1));
    icc.expect_write(CDPEND::from(0x4000'0000 | 1ULL << 32));
    commands.set_pending(lpi(0));
    icc.expect_write(CDPEND::from(0x4000'0000));
    commands.clear_pending(lpi(0));
    icc.expect_write(CDHM::from(0x4000'0007 | 1ULL << 32));
    commands.set_mode(lpi(7), HandlingMode::level);
    icc.expect_write(CDDIS::from(0x6000'0005));
    icc.expect_write(GSB_SYS{});
    icc.expect_synchronize();
    commands.disable(spi(5));
}

TEST(Gicv5Commands, StateIsDecodedFromIcsr)
{
    unit::IoScript script;
    unit::MockIo icc = script.frame("ICC");
    const Commands<unit::MockIo> commands{icc};
    icc.expect_write(CDRCFG::from(0x4000'0009));
    icc.expect_synchronize();
    icc.expect_read(ICC_ICSR_EL1::from(0x0003'0000'8036));
    const auto state = commands.state(lpi(9));
    ASSERT_TRUE(state);
    EXPECT_TRUE(state->enabled && state->pending && state->active && !state->one_of_n);
    EXPECT_EQ(state->mode, HandlingMode::level);
    EXPECT_EQ(state->priority, 0x10);
    EXPECT_EQ(state->iaffid, 3);

    icc.expect_write(CDRCFG::from(0x4000'0009));
    icc.expect_synchronize();
    icc.expect_read(ICC_ICSR_EL1::from(0x1));
    EXPECT_FALSE(commands.state(lpi(9)));
}

// --- Geometry -----------------------------------------------------------------------------------

constexpr auto idr2 = IRS_IDR2{}
                          .with(IRS_IDR2::ID_BITS, 24)
                          .with(IRS_IDR2::LPI, 1)
                          .with(IRS_IDR2::MIN_LPI_ID_BITS, 14)
                          .with(IRS_IDR2::IST_LEVELS, 1)
                          .with(IRS_IDR2::IST_L2SZ, 0b111);

Result<IstGeometry> geometry_of(IRS_IDR2 id, unsigned wanted, unsigned cpu_bits = 24,
                                Level2Size size = Level2Size::kib4)
{
    unit::IoScript script;
    unit::MockIo frame = script.frame("IRS");
    frame.always_read(id);
    return Irs<unit::MockIo>{frame}.ist_geometry(wanted, cpu_bits, size);
}

TEST(Gicv5IstGeometry, KeepsToWhatBothSidesHave)
{
    EXPECT_EQ(geometry_of(idr2, 10)->id_bits, 14U);
    EXPECT_EQ(geometry_of(idr2, 20)->id_bits, 20U);
    EXPECT_EQ(geometry_of(idr2, 30)->id_bits, 24U);
    EXPECT_EQ(geometry_of(idr2, 30, 16)->id_bits, 16U);
}

TEST(Gicv5IstGeometry, HasTheSizesOfTheArchitecture)
{
    const IstGeometry linear{.id_bits = 14};
    EXPECT_EQ(linear.base_table_bytes(), 0x10000U);
    EXPECT_EQ((IstGeometry{.id_bits = 16}.base_table_bytes()), 0x40000U);
    EXPECT_EQ((IstGeometry{.id_bits = 16, .istsz = 2}.base_table_bytes()), 0x100000U);
    const IstGeometry two{.id_bits = 16, .two_level = true};
    EXPECT_EQ(two.level2_id_bits(), 10U);
    EXPECT_EQ(two.base_table_bytes(), 512U);
    EXPECT_EQ(two.level1_index(0xffff), 63U);
    EXPECT_EQ((IstGeometry{.id_bits = 24, .two_level = true, .level2_size = Level2Size::kib64}
                   .base_table_bytes()),
              0x2000U);
}

TEST(Gicv5IstGeometry, IsLinearWhereOneTableHoldsAll)
{
    EXPECT_TRUE(geometry_of(idr2, 14)->two_level);
    EXPECT_FALSE(geometry_of(idr2, 14, 24, Level2Size::kib64)->two_level);
    EXPECT_FALSE(geometry_of(idr2.with(IRS_IDR2::IST_LEVELS, 0), 20)->two_level);
}

TEST(Gicv5IstGeometry, TakesASizeThatIsOffered)
{
    const auto with_sizes = [](unsigned sizes, Level2Size wanted) {
        return geometry_of(idr2.with(IRS_IDR2::IST_L2SZ, sizes), 20, 24, wanted)->level2_size;
    };
    EXPECT_EQ(with_sizes(0b111, Level2Size::kib16), Level2Size::kib16);
    EXPECT_EQ(with_sizes(0b001, Level2Size::kib64), Level2Size::kib4);
    EXPECT_EQ(with_sizes(0b100, Level2Size::kib4), Level2Size::kib64);
}

TEST(Gicv5IstGeometry, MetadataMakesEntriesLonger)
{
    const auto metadata = idr2.with(IRS_IDR2::ISTMD, 1).with(IRS_IDR2::ISTMD_SZ, 16);
    EXPECT_EQ(geometry_of(metadata, 15)->istsz, 1U);
    EXPECT_EQ(geometry_of(metadata, 16)->istsz, 2U);
}

TEST(Gicv5IstGeometry, ContradictionsAreErrors)
{
    EXPECT_FALSE(geometry_of(idr2.with(IRS_IDR2::LPI, 0), 14));
    EXPECT_FALSE(geometry_of(idr2.with(IRS_IDR2::ID_BITS, 31), 14));
    EXPECT_FALSE(geometry_of(idr2.with(IRS_IDR2::ID_BITS, 10), 14));
    EXPECT_FALSE(geometry_of(idr2.with(IRS_IDR2::IST_L2SZ, 0), 20));
}

// --- On the model -------------------------------------------------------------------------------

class Gicv5Irs : public unit::Gicv5ModelTest {};

TEST_F(Gicv5Irs, BringsUpEveryCpu)
{
    EXPECT_TRUE(boot({.cpus = 4, .slowness = 3}).start());
    EXPECT_FALSE(machine().irs.serves(4).value());
}

TEST_F(Gicv5Irs, LinksWhereFirmwareDidNot)
{
    EXPECT_TRUE(boot({.linked_by_firmware = false}).start());
}

// What firmware, or an earlier image, leaves behind: on, with other attributes and its own table.
TEST_F(Gicv5Irs, TakesOverFromAnEarlierImage)
{
    auto& gic = boot({.slowness = 2});
    const IstGeometry geometry{.id_bits = 16, .two_level = true};
    const auto table = gic.memory.allocate(geometry.base_table_bytes());
    ASSERT_TRUE(gic.irs.enable(false));
    ASSERT_TRUE(gic.irs.install_ist(table.value(), geometry));

    ASSERT_TRUE(gic.start());
    ASSERT_TRUE(gic.start_lpis(14));
    EXPECT_EQ(gic.irs.io().read<IRS_CR1>().raw, 0xd7U);
    EXPECT_EQ(gic.irs.io().read<IRS_IST_CFGR>()[IRS_IST_CFGR::LPI_ID_BITS], 14U);
    EXPECT_EQ(gic.irs.io().read<IRS_IST_BASER>().raw, gic.lpis.address() | 1);
    ASSERT_TRUE(gic.prepare_lpi(5));
    gic.commands().set_pending(lpi(5));
    EXPECT_EQ(gic.take(), lpi(5));
    EXPECT_FALSE(gic.commands().state(lpi(1U << 14)));  // which the other table would have
}

TEST_F(Gicv5Irs, SpiIsRoutedToItsTarget)
{
    auto& gic = boot({.cpus = 2});
    ASSERT_TRUE(gic.start());
    ASSERT_TRUE(gic.irs.set_trigger_mode(5, HandlingMode::edge));
    gic.commands().set_priority(spi(5), default_priority);
    gic.commands().target(spi(5), 1);
    gic.commands().enable(spi(5));
    gic.gic.set_spi_line(5, true);
    EXPECT_FALSE(gic.take(0));
    EXPECT_EQ(gic.take(1), spi(5));
    EXPECT_FALSE(gic.take(1));
}

TEST_F(Gicv5Irs, LevelSpiComesUntilItsWireIsLow)
{
    auto& gic = boot({});
    ASSERT_TRUE(gic.start());
    ASSERT_TRUE(gic.irs.set_trigger_mode(255, HandlingMode::level));
    EXPECT_EQ(gic.irs.trigger_mode(255), HandlingMode::level);
    gic.commands().set_priority(spi(255), default_priority);
    gic.commands().target(spi(255), 0);
    gic.commands().enable(spi(255));
    gic.gic.set_spi_line(255, true);
    EXPECT_EQ(gic.take(), spi(255));
    EXPECT_EQ(gic.take(), spi(255));
    gic.gic.set_spi_line(255, false);
    EXPECT_FALSE(gic.take());
}

TEST_F(Gicv5Irs, SpiBeyondTheRangeIsAnError)
{
    auto& gic = boot({.spi_base = 32, .spi_count = 32});
    ASSERT_TRUE(gic.start());
    EXPECT_EQ(gic.irs.spis().first, 32U);
    EXPECT_TRUE(gic.irs.select_spi(63).value());
    EXPECT_FALSE(gic.irs.select_spi(64).value());
    EXPECT_FALSE(gic.irs.set_trigger_mode(31, HandlingMode::level));
}

TEST_F(Gicv5Irs, OffDeliversNothing)
{
    auto& gic = boot({.slowness = 2});
    ASSERT_TRUE(gic.start());
    gic.commands().set_priority(spi(0), default_priority);
    gic.commands().target(spi(0), 0);
    gic.commands().enable(spi(0));
    ASSERT_TRUE(gic.irs.disable());
    gic.commands().set_pending(spi(0));
    EXPECT_FALSE(gic.take());
    ASSERT_TRUE(gic.irs.enable(true));
    EXPECT_EQ(gic.take(), spi(0));
}

TEST_F(Gicv5Irs, SetLpiFrameMakesPending)
{
    auto& gic = boot({});
    ASSERT_TRUE(gic.start());
    ASSERT_TRUE(gic.start_lpis());
    ASSERT_TRUE(gic.prepare_lpi(77));
    gic.setlpi.set_pending(77);
    EXPECT_EQ(gic.take(), lpi(77));
}

TEST_F(Gicv5Irs, SoftwareErrorsAreReadAndCleared)
{
    auto& gic = boot({});
    ASSERT_TRUE(gic.start());
    ASSERT_TRUE(gic.irs.install_ist(0x10'0000, {.id_bits = 14}));  // where there is no memory
    EXPECT_FALSE(gic.irs.software_error());
    gic.commands().set_pending(lpi(5));
    gic.commands().synchronize();
    const auto error = gic.irs.software_error();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->interrupt, lpi(5));
    gic.irs.clear_software_error();
    EXPECT_FALSE(gic.irs.software_error());
}

Result<> ignore_value(const Result<bool>& result)
{
    return result ? Result<>{} : std::unexpected{result.error()};
}

// Every handshake that never ends is an error that names its register.
TEST(Gicv5IrsStuck, NamesTheRegister)
{
    const Irs irs{unit::StuckIo<0>{}};
    const std::pair<std::string, Result<>> waits[]{
        {"IRS_CR0.IDLE", irs.enable(true)},
        {"IRS_PE_STATUSR.IDLE", ignore_value(irs.serves(0))},
        {"IRS_PE_STATUSR.IDLE", irs.keep_selected_pe_targeted()},
        {"IRS_SPI_STATUSR.IDLE", irs.set_trigger_mode(0, HandlingMode::edge)},
        {"IRS_SPI_STATUSR.IDLE", irs.resample(0)},
        {"IRS_IST_STATUSR.IDLE", irs.install_ist(0x10000, {.id_bits = 14})},
        {"IRS_IST_STATUSR.IDLE", irs.remove_ist()},
        {"IRS_IST_STATUSR.IDLE", irs.map_level2(0)},
        {"IRS_SYNC_STATUSR.IDLE", irs.synchronize()},
    };
    for (const auto& [name, result] : waits) {
        ASSERT_FALSE(result) << name;
        EXPECT_EQ(result.error().what, name + " stays 0");
    }
}

}  // namespace
