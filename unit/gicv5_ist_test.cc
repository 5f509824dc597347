// SPDX-License-Identifier: MIT
//
// The interrupt state table: the driver on the model, in every shape.
#include "arm64/gic/gicv5/ist.h"
#include "arm64/gic/gicv5/lpi_allocator.h"
#include "unit/support/gicv5_model.h"

#include <gtest/gtest.h>

#include <tuple>

namespace {

using namespace gicv5;
using model::gicv5::Configuration;

TEST(LpiAllocator, HandsOutRunsAndTakesThemBack)
{
    LpiAllocator lpis{64};
    EXPECT_EQ(lpis.allocate(10).value(), 0U);
    EXPECT_EQ(lpis.allocate(1).value(), 10U);
    EXPECT_FALSE(lpis.allocate(54));
    EXPECT_EQ(lpis.allocate(53).value(), 11U);
    EXPECT_FALSE(lpis.allocate(1));
    lpis.free(5, 3);
    EXPECT_FALSE(lpis.allocate(4));
    EXPECT_EQ(lpis.allocate(3).value(), 5U);
}

TEST(LpiAllocator, HasNothingBeforeThereIsATable)
{
    EXPECT_FALSE(LpiAllocator{}.allocate(1));
}

// Bits of LPI ID, level-2 sizes that the IRS has (0: linear), metadata, coherent.
using Shape = std::tuple<unsigned, unsigned, bool, bool>;

class Gicv5Ist : public unit::Gicv5ModelTest, public testing::WithParamInterface<Shape> {
protected:
    unit::Gicv5Machine& boot_with_shape()
    {
        const auto [bits, sizes, metadata, coherent] = GetParam();
        Configuration configuration{.cpus = 2};
        configuration.lpis = Configuration::Lpis{.two_level = sizes != 0,
                                                 .level2_sizes = sizes,
                                                 .metadata = metadata,
                                                 .metadata_16_bytes = 17};
        configuration.slowness = 1;
        auto& gic = boot(configuration, coherent);
        EXPECT_TRUE(gic.start());
        EXPECT_TRUE(gic.start_lpis(bits));
        return gic;
    }
};

TEST_P(Gicv5Ist, FirstAndLastLpiWork)
{
    auto& gic = boot_with_shape();
    const std::uint32_t last = (1U << gic.lpis.geometry().id_bits) - 1;
    for (const std::uint32_t number : {0U, last}) {
        ASSERT_TRUE(gic.prepare_lpi(number, 1));
        gic.commands().set_pending(lpi(number));
        EXPECT_FALSE(gic.take(0));
        EXPECT_EQ(gic.take(1), lpi(number));
        EXPECT_FALSE(gic.take(1));
    }
    EXPECT_FALSE(gic.lpis.map(last + 1));
    EXPECT_FALSE(gic.commands().state(lpi(last + 1)));
}

TEST_P(Gicv5Ist, TablesOfTheSecondLevelComeOnDemand)
{
    auto& gic = boot_with_shape();
    const std::size_t before = gic.arena.tables();
    EXPECT_EQ(before, 1U);
    ASSERT_TRUE(gic.lpis.map(3));
    ASSERT_TRUE(gic.lpis.map(4));
    const std::size_t used = gic.lpis.geometry().two_level ? 1 : 0;
    EXPECT_EQ(gic.arena.tables() - before, used);
    ASSERT_TRUE(gic.lpis.destroy());
    EXPECT_EQ(gic.arena.tables(), 0U);
    EXPECT_FALSE(gic.commands().state(lpi(3)));
}

TEST_P(Gicv5Ist, StateSurvivesASuspension)
{
    auto& gic = boot_with_shape();
    ASSERT_TRUE(gic.prepare_lpi(42, 1));
    gic.commands().set_priority(lpi(42), 6);
    gic.commands().set_pending(lpi(42));
    gic.commands().synchronize();
    ASSERT_TRUE(gic.lpis.suspend());
    EXPECT_FALSE(gic.commands().state(lpi(42)));
    const L2_ISTE entry = gic.lpis.entry(42);
    EXPECT_EQ(entry[L2_ISTE::Pending], 1U);
    EXPECT_EQ(entry[L2_ISTE::Enable], 1U);
    EXPECT_EQ(entry[L2_ISTE::Priority], 6U);
    EXPECT_EQ(entry[L2_ISTE::IAFFID], 1U);
    ASSERT_TRUE(gic.lpis.resume());
    EXPECT_EQ(gic.take(1), lpi(42));
}

TEST_P(Gicv5Ist, RestartLeavesEveryLpiAsItWasAtFirst)
{
    auto& gic = boot_with_shape();
    const std::uint32_t last = (1U << gic.lpis.geometry().id_bits) - 1;
    for (const std::uint32_t number : {42U, last}) {
        ASSERT_TRUE(gic.prepare_lpi(number, 1));
        gic.commands().set_pending(lpi(number));
    }
    gic.commands().synchronize();
    const std::size_t tables = gic.arena.tables();
    ASSERT_TRUE(gic.lpis.suspend());
    ASSERT_TRUE(gic.lpis.restart());
    EXPECT_FALSE(gic.take(1));
    for (const std::uint32_t number : {42U, last}) {
        const auto state = gic.commands().state(lpi(number));
        ASSERT_TRUE(state) << number;  // still mapped
        EXPECT_EQ(*state, InterruptState{}) << number;
        ASSERT_TRUE(gic.prepare_lpi(number, 1));
        gic.commands().set_pending(lpi(number));
        EXPECT_EQ(gic.take(1), lpi(number));
    }
    EXPECT_EQ(gic.arena.tables(), tables);
}

TEST_P(Gicv5Ist, NothingIsLeftWhenMemoryRunsOut)
{
    auto& gic = boot_with_shape();
    gic.arena.exhaust();
    EXPECT_EQ(gic.lpis.map(9).has_value(), !gic.lpis.geometry().two_level);
    ASSERT_TRUE(gic.lpis.destroy());
    EXPECT_FALSE(gic.start_lpis(14));
    EXPECT_FALSE(gic.lpis.exists());
    EXPECT_EQ(gic.arena.tables(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Gicv5Ist,
                         testing::Combine(testing::Values(14U, 18U),
                                          testing::Values(0U, 0b001U, 0b010U, 0b100U),
                                          testing::Bool(), testing::Bool()));

}  // namespace
