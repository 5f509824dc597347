// SPDX-License-Identifier: MIT
#include "lib/mem/memory.h"

#include "lib/mem/region_set.h"
#include "unit/support/device_tree.h"
#include "unit/support/tree_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bitset>
#include <random>
#include <vector>

namespace {

using fdt::Region;
using mem::page_size;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using unit::DeviceTree;
using unit::TreeBuilder;

// --- RegionSet -----------------------------------------------------------------------------------

TEST(RegionSet, JoinsNeighboursAndOverlaps)
{
    mem::RegionSet<4> set;
    EXPECT_TRUE(set.insert({0x3000, 0x1000}));
    EXPECT_TRUE(set.insert({0x1000, 0x1000}));
    EXPECT_THAT(set.regions(), ElementsAre(Region{0x1000, 0x1000}, Region{0x3000, 0x1000}));
    EXPECT_TRUE(set.insert({0x2000, 0x1000}));
    EXPECT_THAT(set.regions(), ElementsAre(Region{0x1000, 0x3000}));
    EXPECT_TRUE(set.insert({0x800, 0x10000}));
    EXPECT_TRUE(set.insert({0x900, 0x10}));
    EXPECT_TRUE(set.insert({0x20000, 0}));
    EXPECT_THAT(set.regions(), ElementsAre(Region{0x800, 0x10000}));
}

TEST(RegionSet, ErasesAndSplits)
{
    mem::RegionSet<4> set;
    EXPECT_TRUE(set.insert({0x1000, 0x4000}));
    EXPECT_TRUE(set.erase({0x2000, 0x1000}));
    EXPECT_THAT(set.regions(), ElementsAre(Region{0x1000, 0x1000}, Region{0x3000, 0x2000}));
    EXPECT_TRUE(set.erase({0x1800, 0x2000}));
    EXPECT_THAT(set.regions(), ElementsAre(Region{0x1000, 0x800}, Region{0x3800, 0x1800}));
    EXPECT_TRUE(set.erase({0x4000, 0}));
    EXPECT_TRUE(set.erase({0, ~std::uint64_t{0}}));
    EXPECT_THAT(set.regions(), IsEmpty());
}

TEST(RegionSet, AFullSetStaysAsItIs)
{
    mem::RegionSet<2> set;
    EXPECT_TRUE(set.insert({0x1000, 0x1000}));
    EXPECT_TRUE(set.insert({0x4000, 0x3000}));
    EXPECT_FALSE(set.insert({0x8000, 0x1000}));
    EXPECT_FALSE(set.erase({0x5000, 0x1000}));
    EXPECT_THAT(set.regions(), ElementsAre(Region{0x1000, 0x1000}, Region{0x4000, 0x3000}));
    EXPECT_TRUE(set.insert({0x7000, 0x1000}));
}

TEST(RegionSet, Contains)
{
    mem::RegionSet<2> set;
    EXPECT_TRUE(set.insert({0x1000, 0x1000}));
    EXPECT_TRUE(set.contains({0x1000, 0x1000}));
    EXPECT_TRUE(set.contains({0x1fff, 1}));
    EXPECT_FALSE(set.contains({0x1fff, 2}));
    EXPECT_FALSE(set.contains({0xfff, 1}));
    EXPECT_FALSE(set.contains({0x1800, ~std::uint64_t{0}}));
}

TEST(RegionSet, AgreesWithASetOfBits)
{
    std::mt19937 random{1};
    mem::RegionSet<64> set;
    std::bitset<128> bits;
    for (int step = 0; step < 10'000; ++step) {
        const std::uint64_t base = random() % 128;
        const std::uint64_t size = random() % (129 - base) % 9;
        const bool add = random() % 2 == 0;
        ASSERT_TRUE(add ? set.insert({base, size}) : set.erase({base, size}));
        for (std::uint64_t i = base; i < base + size; ++i) {
            bits[i] = add;
        }
        std::uint64_t end = 0;
        for (const Region& region : set.regions()) {
            ASSERT_TRUE(region.size != 0 && (end == 0 || region.base > end));
            end = region.base + region.size;
        }
        for (std::uint64_t i = 0; i < bits.size(); ++i) {
            ASSERT_EQ(set.contains({i, 1}), bits[i]) << "step " << step << ", address " << i;
        }
    }
}

// --- discover() ----------------------------------------------------------------------------------

// What is free, page by page: allocated and given back.
std::vector<Region> free_memory(std::size_t at_most = 100)
{
    std::vector<mem::Pages> all;
    mem::RegionSet<100> set;
    while (all.size() < at_most) {
        auto pages = mem::allocate(page_size);
        if (!pages) {
            break;
        }
        EXPECT_TRUE(set.insert({pages->address(), pages->size()}));
        all.push_back(std::move(*pages));
    }
    return {set.regions().begin(), set.regions().end()};
}

template <typename T>
std::string error_of(const Result<T>& result)
{
    return result ? "no error" : result.error().what;
}

TEST(Memory, OfEveryVmm)
{
    for (const char* name : unit::qemu_trees) {
        ASSERT_TRUE(mem::discover(*DeviceTree{name}, {})) << name;
        EXPECT_THAT(mem::ram(), ElementsAre(Region{0x4000'0000, 0x1000'0000})) << name;
    }
    ASSERT_TRUE(mem::discover(*DeviceTree{"kvmtool-gicv3"}, {}));
    EXPECT_THAT(mem::ram(), ElementsAre(Region{0x8000'0000, 0x1000'0000}));
    ASSERT_TRUE(mem::discover(*DeviceTree{"firecracker"}, {}));
    EXPECT_THAT(mem::ram(), ElementsAre(Region{0x8020'0000, 0xfe0'0000}));
    EXPECT_TRUE(mem::is_ram(0x8020'0000, 0xfe0'0000));
    EXPECT_FALSE(mem::is_ram(0x801f'f000, page_size));
}

TEST(Memory, ReservationsAndReservedMemoryAreSetAside)
{
    const Region in_use[]{{0x8001'0000, 0x07ff'0000}, {0x8880'0000, 0x017f'f123}, {0, 0}};
    ASSERT_TRUE(mem::discover(*DeviceTree{"fvp-revc"}, in_use));
    EXPECT_THAT(mem::ram(),
                ElementsAre(Region{0x8000'0000, 0x7c00'0000}, Region{0x8'8000'0000, 0x8000'0000}));
    // /memreserve/ and in_use below, vram, in_use (rounded to pages), two pieces of firmware's.
    EXPECT_THAT(free_memory(3),
                ElementsAre(Region{0x8a00'1000, 0x1000}, Region{0x8a00'3000, 0x2000}));
}

TEST(Memory, NodesMayOverlapTouchAndBeEmpty)
{
    TreeBuilder builder;
    builder.memory({{0x10'0000, 0x2000}, {0x10'1000, 0x2000}, {0x20'0000, 0}});
    builder.memory({{0x10'3000, 0x1000}, {0x8'0000, 0x1000}});
    ASSERT_TRUE(mem::discover(builder.open(), {}));
    EXPECT_THAT(mem::ram(), ElementsAre(Region{0x8'0000, 0x1000}, Region{0x10'0000, 0x4000}));
}

TEST(Memory, OnlyWholePagesAreFreeAndNeverTheOneAtNull)
{
    TreeBuilder builder;
    builder.memory({{0, 0x3000}, {0x1'0001, 0x2ffe}, {0x2'0001, 0x10}, {0x3'0000, 0xfff}});
    ASSERT_TRUE(mem::discover(builder.open(), {}));
    EXPECT_THAT(free_memory(), ElementsAre(Region{0x1000, 0x2000}, Region{0x1'1000, 0x1000}));
}

TEST(Memory, NoMemoryIsAnError)
{
    TreeBuilder none;
    EXPECT_EQ(error_of(mem::discover(none.open(), {})), "no memory node");

    TreeBuilder disabled;
    disabled.node("memory").property("device_type", "memory").property("status", "disabled");
    disabled.reg({{0x1000, 0x1000}}).end();
    EXPECT_EQ(error_of(mem::discover(disabled.open(), {})), "no memory node");

    TreeBuilder empty;
    empty.memory({{0x1000, 0}});
    EXPECT_EQ(error_of(mem::discover(empty.open(), {})), "no memory node");

    TreeBuilder without_reg;
    without_reg.node("memory").property("device_type", "memory").end();
    EXPECT_THAT(error_of(mem::discover(without_reg.open(), {})), HasSubstr("without a reg"));
}

TEST(Memory, TheLastAddressIsAnError)
{
    TreeBuilder builder;
    builder.memory({{0xffff'ffff'ffff'0000, 0x1'0000}});
    EXPECT_THAT(error_of(mem::discover(builder.open(), {})), HasSubstr("last address"));
}

TEST(Memory, TooManyRangesAreAnError)
{
    std::vector<Region> regions;
    for (std::uint64_t i = 1; i <= mem::max_ram_regions; ++i) {
        regions.push_back({i * 0x10'0000, 0x8000});
    }
    TreeBuilder most;
    most.memory(regions);
    EXPECT_TRUE(mem::discover(most.open(), {}));

    std::vector<Region> in_use;
    for (const Region& region : regions) {
        in_use.push_back({region.base + 0x2000, 1});
        in_use.push_back({region.base + 0x4000, 1});
    }
    TreeBuilder fragmented;
    fragmented.memory(regions);
    EXPECT_THAT(error_of(mem::discover(fragmented.open(), in_use)), HasSubstr("reserved memory"));

    regions.push_back({0, 0x8000});
    TreeBuilder too_many;
    too_many.memory(regions);
    EXPECT_THAT(error_of(mem::discover(too_many.open(), {})), HasSubstr("too many ranges"));
}

TEST(Memory, StrangeReservationsDoNoHarm)
{
    TreeBuilder builder{
        {{0x1'0800, 0x10}, {5, 0}, {0xffff'ffff'ffff'f000, 0x1000}, {0x1'3000, ~0ULL}}};
    builder.memory({{0x1'0000, 0x8000}});
    const Region in_use[]{{0xffff'ffff'ffff'ffff, 0xffff}, {0x1'1fff, 1}};
    ASSERT_TRUE(mem::discover(builder.open(), in_use));
    EXPECT_THAT(free_memory(), ElementsAre(Region{0x1'2000, 0x1000}));
}

// --- allocate() ----------------------------------------------------------------------------------

class Allocate : public testing::Test {
protected:
    Allocate()
    {
        builder_.memory({{0x10'1000, 0xf000}, {0x40'0000, 0x40'0000}});
        EXPECT_TRUE(mem::discover(builder_.open(), {}));
    }

    TreeBuilder builder_;
};

TEST_F(Allocate, TheLowestThatFitsAndIsAligned)
{
    const auto one = mem::allocate(1);
    EXPECT_EQ(one->address(), 0x10'1000u);
    EXPECT_EQ(one->size(), page_size);
    const auto aligned = mem::allocate(page_size, 0x8000);
    EXPECT_EQ(aligned->address(), 0x10'8000u);
    const auto between = mem::allocate(6 * page_size);
    EXPECT_EQ(between->address(), 0x10'2000u);
    const auto large = mem::allocate(0x20'0001);
    EXPECT_EQ(large->address(), 0x40'0000u);
    EXPECT_EQ(large->size(), 0x20'1000u);
}

TEST_F(Allocate, TheEndOfTheScopeGivesBack)
{
    const auto before = free_memory();
    {
        auto pages = mem::allocate(0x3000);
        mem::Pages moved = std::move(*pages);
        EXPECT_EQ(pages->data(), nullptr);
        EXPECT_EQ(moved.address(), 0x10'1000u);
        moved = mem::allocate(0x1000).value();
        EXPECT_EQ(moved.address(), 0x10'4000u);
        EXPECT_EQ(mem::allocate(0x1000)->address(), 0x10'1000u);  // what `moved` held before
    }
    EXPECT_EQ(free_memory(), before);
}

TEST_F(Allocate, ReleasedAndClaimedPagesAreKept)
{
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mem::allocate(0x1000)->release()), 0x10'1000u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mem::claim(0x1000).value()), 0x10'2000u);
    EXPECT_EQ(mem::allocate(0x1000)->address(), 0x10'3000u);
    EXPECT_EQ(mem::Pages{}.release(), nullptr);
}

TEST_F(Allocate, RefusesWhatCannotBe)
{
    EXPECT_THAT(error_of(mem::allocate(0)), HasSubstr("no size"));
    EXPECT_THAT(error_of(mem::allocate(1, 0x800)), HasSubstr("alignment"));
    EXPECT_THAT(error_of(mem::allocate(1, 0x3000)), HasSubstr("alignment"));
    EXPECT_THAT(error_of(mem::allocate(1, 0)), HasSubstr("alignment"));
    EXPECT_THAT(error_of(mem::allocate(~std::size_t{0})), HasSubstr("no size"));
    EXPECT_THAT(error_of(mem::allocate(0x40'1000)), HasSubstr("no free memory"));
    EXPECT_THAT(error_of(mem::allocate(1, std::size_t{1} << 63)), HasSubstr("no free memory"));
    EXPECT_THAT(error_of(mem::claim(0x40'1000)), HasSubstr("no free memory"));
}

TEST_F(Allocate, EverythingComesBackFromTheWorstOrder)
{
    const auto before = free_memory();
    std::vector<mem::Pages> all;
    for (auto pages = mem::allocate(page_size); pages; pages = mem::allocate(page_size)) {
        all.push_back(std::move(*pages));
    }
    EXPECT_THAT(error_of(mem::allocate(page_size)), HasSubstr("too many allocations"));
    for (std::size_t i = 0; i < all.size(); i += 2) {
        all[i] = {};
    }
    all.clear();
    EXPECT_EQ(free_memory(), before);
}

TEST(Pages, Zero)
{
    alignas(page_size) static std::byte memory[2 * page_size];
    const auto base = reinterpret_cast<std::uintptr_t>(memory);
    memory[0] = memory[page_size] = std::byte{1};
    TreeBuilder builder;
    builder.memory({{base, sizeof memory}});
    ASSERT_TRUE(mem::discover(builder.open(), {}));
    EXPECT_EQ(memory[0], std::byte{1});
    const auto pages = mem::allocate(page_size);
    pages->zero();
    EXPECT_EQ(memory[0], std::byte{0});
    EXPECT_EQ(memory[page_size], std::byte{1});
}

}  // namespace
