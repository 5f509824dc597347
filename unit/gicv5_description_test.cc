// SPDX-License-Identifier: MIT
//
// What device trees say of a GICv5: those of VMMs, and broken ones.
#include "arm64/gic/gicv5/description.h"
#include "arm64/gic/gicv5/intid.h"
#include "unit/support/device_tree.h"
#include "unit/support/tree_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace gicv5;

// A property of numbers, which are big-endian in a tree.
template <typename T>
void add_numbers(unit::TreeBuilder& builder, const char* name, std::vector<T> numbers)
{
    std::ranges::transform(numbers, numbers.begin(), [](T each) { return std::byteswap(each); });
    builder.bytes(name, std::as_bytes(std::span{numbers}));
}

TEST(Gicv5Specifier, NamesPpisAndSpisWithTheirMode)
{
    const std::uint32_t timer[]{1, 27, 8};
    EXPECT_EQ(device_interrupt(timer)->id, ppi(cntv_ppi));
    EXPECT_EQ(device_interrupt(timer)->mode, HandlingMode::level);
    const std::uint32_t uart[]{3, 1, 4};
    EXPECT_EQ(device_interrupt(uart)->id, spi(1));
    const std::uint32_t virtio[]{3, 16, 1};
    EXPECT_EQ(device_interrupt(virtio)->mode, HandlingMode::edge);
}

TEST(Gicv5Specifier, RefusesWhatIsNeither)
{
    const std::uint32_t two_cells[]{1, 27};
    const std::uint32_t gicv3_spi[]{0, 1, 4};
    const std::uint32_t an_lpi[]{2, 1, 4};
    const std::uint32_t no_type[]{7, 1, 4};
    const std::uint32_t ppi_beyond[]{1, 128, 4};
    const std::uint32_t spi_beyond[]{3, 1U << 24, 4};
    EXPECT_FALSE(device_interrupt(two_cells));
    EXPECT_FALSE(device_interrupt(gicv3_spi));
    EXPECT_FALSE(device_interrupt(an_lpi));
    EXPECT_FALSE(device_interrupt(no_type));
    EXPECT_FALSE(device_interrupt(ppi_beyond));
    EXPECT_FALSE(device_interrupt(spi_beyond));
}

TEST(Gicv5Tree, OfQemu)
{
    const unit::DeviceTree tree{"qemu-11.1-gicv5"};
    const fdt::Node gic = *tree->find_compatible("arm,gic-v5");
    const auto irs = describe_irs(*gic.first_child());
    ASSERT_TRUE(irs) << irs.error().what;
    EXPECT_EQ(irs->config, (fdt::Region{0x0801'0000, 0x1'0000}));
    EXPECT_FALSE(irs->setlpi);
    EXPECT_TRUE(irs->coherent);
    EXPECT_GE(irs->cpu_count, 1U);
    EXPECT_EQ(described_iaffid(gic, 1).value(), 1U);
    EXPECT_FALSE(described_iaffid(gic, 0x8000'0000));
    EXPECT_EQ(first_unnamed_spi(*tree), 48U);  // virtio has 16 to 47
}

TEST(Gicv5Tree, OfKvmtoolHasAFrameWithoutAName)
{
    const unit::DeviceTree tree{"kvmtool-gicv5"};
    const auto irs = describe_irs(*tree->find_compatible("arm,gic-v5-irs"));
    ASSERT_TRUE(irs) << irs.error().what;
    EXPECT_EQ(irs->config.base, 0x3ffe'0000U);
    EXPECT_FALSE(irs->setlpi);
    EXPECT_EQ(irs->cpu_count, 2U);
    const auto its = describe_its(*tree->find_compatible("arm,gic-v5-its"));
    ASSERT_TRUE(its) << its.error().what;
    EXPECT_EQ(its->config.base, 0x3ffc'0000U);
    ASSERT_TRUE(its->translate);
    EXPECT_EQ(its->translate->base, 0x3ffd'0000U);
}

// A tree with a GICv5 (phandle 1), which is the root's interrupt parent, and another controller of
// two cells (phandle 2).
class Gicv5Spis : public testing::Test {
protected:
    Gicv5Spis()
    {
        builder_.property("interrupt-parent", 1U);
        controller("gic", "arm,gic-v5", 1, 3);
        controller("gpio", "arm,pl061", 2, 2);
    }
    void device(const char* property, const std::vector<std::uint32_t>& cells,
                std::uint32_t parent = 1)
    {
        builder_.node("device@" + std::to_string(devices_++)).property("interrupt-parent", parent);
        add_numbers(builder_, property, cells);
        builder_.end();
    }
    std::uint32_t first_unnamed() { return first_unnamed_spi(builder_.open()); }

private:
    void controller(const char* name, const char* compatible, std::uint32_t phandle,
                    std::uint32_t cells)
    {
        builder_.node(name).property("compatible", compatible).property("phandle", phandle);
        builder_.property("#interrupt-cells", cells).bytes("interrupt-controller", {}).end();
    }

    unit::TreeBuilder builder_;
    unsigned devices_ = 0;
};

TEST_F(Gicv5Spis, NoneIsNamed)
{
    device("interrupts", {1, 27, 4});
    EXPECT_EQ(first_unnamed(), 0U);
}

TEST_F(Gicv5Spis, EveryInterruptOfADeviceCounts)
{
    device("interrupts", {3, 7, 4, 3, 40, 1, 1, 100, 4, 3, 9, 4});
    EXPECT_EQ(first_unnamed(), 41U);
}

TEST_F(Gicv5Spis, OfInterruptsExtendedCountToo)
{
    device("interrupts-extended", {2, 90, 1, 1, 3, 50, 4, 1, 3, 20, 4});
    EXPECT_EQ(first_unnamed(), 51U);
}

TEST_F(Gicv5Spis, OtherControllersHaveTheirOwn)
{
    device("interrupts", {3, 7, 4});
    device("interrupts", {3, 90, 3, 91, 3, 92}, 2);
    EXPECT_EQ(first_unnamed(), 8U);
}

TEST_F(Gicv5Spis, NumbersOfAMapAreTakenForSpis)
{
    device("interrupts", {3, 7, 4});
    device("interrupt-map", {0x800, 0, 0, 1, 1, 3, 35, 4});
    EXPECT_EQ(first_unnamed(), 36U);
}

// A tree with two CPUs and one IRS, parts of which a test leaves out or changes.
struct Shape {
    std::vector<fdt::Region> reg{{0x1000'0000, 0x1'0000}, {0x1001'0000, 0x1'0000}};
    std::string reg_names{"ns-config\0ns-setlpi", 19};
    std::vector<std::uint32_t> cpus{1, 2};
    std::vector<std::uint16_t> iaffids{0, 1};
    bool dma_noncoherent = false;
};

class Gicv5IrsNode : public testing::Test {
protected:
    Result<IrsDescription> describe(const Shape& shape)
    {
        builder_.node("cpus").property("#address-cells", 1U).property("#size-cells", 0U);
        for (std::uint32_t cpu = 0; cpu < 2; ++cpu) {
            builder_.node("cpu@" + std::to_string(cpu)).property("device_type", "cpu");
            builder_.property("reg", cpu).property("phandle", cpu + 1).end();
        }
        builder_.end().node("irs").property("compatible", "arm,gic-v5-irs").reg(shape.reg);
        if (!shape.reg_names.empty()) {
            builder_.bytes("reg-names", std::as_bytes(std::span{shape.reg_names.c_str(),
                                                                shape.reg_names.size() + 1}));
        }
        add_numbers(builder_, "cpus", shape.cpus);
        add_numbers(builder_, "arm,iaffids", shape.iaffids);
        if (shape.dma_noncoherent) {
            builder_.bytes("dma-noncoherent", {});
        }
        builder_.end();
        tree_ = builder_.open();
        return describe_irs(*tree_->find_compatible("arm,gic-v5-irs"));
    }
    // The sentence a broken node is refused with.
    std::string refusal(const Shape& shape)
    {
        const auto irs = describe(shape);
        return irs ? "accepted" : irs.error().what;
    }

private:
    unit::TreeBuilder builder_;
    Result<fdt::Tree> tree_ = fail("not built");
};

TEST_F(Gicv5IrsNode, Whole)
{
    const auto irs = describe({});
    ASSERT_TRUE(irs) << irs.error().what;
    EXPECT_EQ(irs->setlpi->base, 0x1001'0000U);
    EXPECT_EQ(irs->cpu_count, 2U);
    EXPECT_TRUE(irs->coherent);
}

TEST_F(Gicv5IrsNode, NotCoherent)
{
    EXPECT_FALSE(describe({.dma_noncoherent = true})->coherent);
}

TEST_F(Gicv5IrsNode, WithoutRegNames)
{
    EXPECT_EQ(refusal({.reg_names = ""}),
              "a GICv5 node has no reg-names to tell which frame is ns-config");
}

TEST_F(Gicv5IrsNode, OfAnotherDomain)
{
    EXPECT_EQ(refusal({.reg_names = "s-config"}),
              "reg-names of a GICv5 node do not have ns-config");
}

TEST_F(Gicv5IrsNode, FrameTooSmall)
{
    EXPECT_EQ(refusal({.reg = {{0x1000'0000, 0x1000}}, .reg_names = "ns-config"}),
              "a frame of a GICv5 node is smaller than 64 KiB");
}

TEST_F(Gicv5IrsNode, FramesOverlap)
{
    EXPECT_EQ(refusal({.reg = {{0x1000'0000, 0x2'0000}, {0x1001'0000, 0x1'0000}}}),
              "frames of the IRS node overlap");
}

TEST_F(Gicv5IrsNode, ServesNoCpu)
{
    EXPECT_EQ(refusal({.cpus = {}, .iaffids = {}}), "the IRS node serves no CPU: no cpus");
}

TEST_F(Gicv5IrsNode, ServesMoreCpusThanThereAre)
{
    EXPECT_EQ(refusal({.cpus = std::vector<std::uint32_t>(4096, 1),
                       .iaffids = std::vector<std::uint16_t>(4096)}),
              "cpus of the IRS node has more entries than there are CPU nodes");
}

TEST_F(Gicv5IrsNode, IaffidsDoNotMatchCpus)
{
    EXPECT_EQ(refusal({.iaffids = {0}}),
              "arm,iaffids of the IRS node does not have one 16-bit number for each CPU");
}

}  // namespace
