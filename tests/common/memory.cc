// SPDX-License-Identifier: MIT
//
// RAM: as much as described, and all of it memory.

#include "lib/mem/memory.h"
#include "lib/boot/boot.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"

#include <arch/exception.h>
#include <arch/mmu.h>

#include <cstdint>

namespace {

constexpr std::uint64_t pattern = 0x5a5a'1234'a5a5'8765;

volatile std::uint64_t& word_at(std::uint64_t address)
{
    return *reinterpret_cast<volatile std::uint64_t*>(address);
}

void touch(std::uint64_t address)
{
    [[maybe_unused]] const std::uint64_t value = word_at(address);
}

// Whether a word of RAM takes a pattern and its inverse. What was there is put back, with
// interrupts masked meanwhile: the word may belong to the image or to the device tree.
bool holds_values(std::uint64_t address)
{
    const irq::Masked masked;
    volatile std::uint64_t& word = word_at(address);
    const std::uint64_t before = word;
    word = pattern;
    const bool first = word == pattern;
    word = ~pattern;
    const bool second = word == ~pattern;
    word = before;
    return first && second;
}

void expect_usable(std::uint64_t address)
{
    const auto access = arch::access_of(address);
    ASSERT_TRUE(access.has_value());
    if (*access == arch::Access::read_write) {
        EXPECT_TRUE(holds_values(address));
    } else {
        const bool faults = arch::raised([=] { touch(address); }).has_value();
        EXPECT_EQ(faults, *access == arch::Access::none);
    }
}

}  // namespace

TEST(memory, size, .summary = "the RAM found is the RAM of the device tree's memory nodes",
     .needs = device_tree)
{
    const fdt::Tree& tree = *boot::info().tree;
    std::uint64_t described = 0;
    for (auto node = tree.find_device_type("memory"); node;
         node = tree.find_device_type("memory", node)) {
        if (!node->enabled()) {
            continue;  // memory of the Secure world
        }
        for (std::size_t i = 0; i < node->reg_count(); ++i) {
            const auto region = node->reg(i);
            ASSERT_TRUE(region.has_value());
            EXPECT_TRUE(mem::is_ram(region->base, region->size));
            described += region->size;
        }
    }
    std::uint64_t found = 0;
    for (const fdt::Region& region : mem::ram()) {
        found += region.size;
    }
    EXPECT_GT(found, 0);
    EXPECT_EQ(found, described);
}

TEST(memory, ranges,
     .summary = "ranges of RAM are in order, whole pages, and apart from each other")
{
    std::uint64_t end = 0;
    for (const fdt::Region& region : mem::ram()) {
        EXPECT_EQ(region.base % mem::page_size, 0);
        EXPECT_EQ(region.size % mem::page_size, 0);
        EXPECT_GE(region.base, end);
        end = region.base + region.size;
    }
}

TEST(memory, first_and_last,
     .summary = "the first and the last word of every range of RAM hold what is written, or can be "
                "read where pages of the image are in the way")
{
    for (const fdt::Region& region : mem::ram()) {
        expect_usable(region.base);
        expect_usable(region.base + region.size - sizeof(std::uint64_t));
    }
}

TEST(memory, samples, .summary = "words all over the RAM hold what is written")
{
    constexpr std::uint64_t samples = 128;  // of each range: more would make the host allocate it
    for (const fdt::Region& region : mem::ram()) {
        const std::uint64_t step = region.size / samples & ~(sizeof(std::uint64_t) - 1);
        for (std::uint64_t i = 0; i < samples; ++i) {
            expect_usable(region.base + i * step);
        }
    }
}

TEST(memory, address_lines,
     .summary = "words at addresses that differ in one bit are different words")
{
    constexpr std::size_t size = 1U << 20;
    const auto pages = mem::allocate(size);
    ASSERT_TRUE(pages.has_value());
    const std::uint64_t base = pages->address();
    word_at(base) = ~std::uint64_t{0};
    for (std::uint64_t bit = sizeof(std::uint64_t); bit < size; bit <<= 1) {
        word_at(base + bit) = bit;
    }
    EXPECT_EQ(word_at(base), ~std::uint64_t{0});
    for (std::uint64_t bit = sizeof(std::uint64_t); bit < size; bit <<= 1) {
        EXPECT_EQ(word_at(base + bit), bit);
    }
}

TEST(memory, data_lines, .summary = "every bit of a word can be set and cleared alone")
{
    const auto pages = mem::allocate(mem::page_size);
    ASSERT_TRUE(pages.has_value());
    for (unsigned bit = 0; bit < 64; ++bit) {
        volatile std::uint64_t& word = word_at(pages->address() + std::uint64_t{8} * bit);
        word = std::uint64_t{1} << bit;
        EXPECT_EQ(word, std::uint64_t{1} << bit);
        word = ~(std::uint64_t{1} << bit);
        EXPECT_EQ(word, ~(std::uint64_t{1} << bit));
    }
}

TEST(memory, access_sizes,
     .summary = "bytes, half words, words and double words of memory are the same memory")
{
    alignas(8) volatile std::uint64_t memory = 0x0807060504030201;
    const auto* const bytes = reinterpret_cast<volatile std::uint8_t*>(&memory);
    const auto* const halves = reinterpret_cast<volatile std::uint16_t*>(&memory);
    const auto* const words = reinterpret_cast<volatile std::uint32_t*>(&memory);
    for (unsigned i = 0; i < 8; ++i) {
        EXPECT_EQ(bytes[i], std::uint8_t(i + 1));
    }
    EXPECT_EQ(halves[3], std::uint16_t{0x0807});
    EXPECT_EQ(words[1], std::uint32_t{0x08070605});
}

TEST(memory, seen_by_all, .summary = "what one CPU writes every other CPU reads", .needs = cpus(2))
{
    const auto pages = mem::allocate(mem::page_size);
    ASSERT_TRUE(pages.has_value());
    volatile std::uint64_t& word = word_at(pages->address());
    for (unsigned writer = 0; writer < smp::online_count(); ++writer) {
        smp::on_cpu(writer, [&] { word = pattern + writer; });
        smp::on_all_cpus([&] { EXPECT_EQ(word, pattern + writer); });
    }
}

TEST(memory, allocation,
     .summary = "allocated pages are aligned RAM, apart from each other, and come back")
{
    constexpr std::size_t alignment = std::size_t{64} * 1024;
    std::uint64_t address = 0;
    {
        const auto first = mem::allocate(3 * mem::page_size);
        const auto second = mem::allocate(mem::page_size, alignment);
        ASSERT_TRUE(first.has_value() && second.has_value());
        EXPECT_TRUE(mem::is_ram(first->address(), first->size()));
        EXPECT_TRUE(mem::is_ram(second->address(), second->size()));
        EXPECT_EQ(second->address() % alignment, 0);
        EXPECT_TRUE(first->address() + first->size() <= second->address() ||
                    second->address() + second->size() <= first->address());
        address = first->address();
    }
    const auto again = mem::allocate(3 * mem::page_size);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->address(), address);
}

TEST(memory, null_pointer, .summary = "address 0 cannot be accessed on a machine without RAM there")
{
    if (mem::is_ram(0, sizeof(std::uint64_t))) {
        return test::skip("RAM begins at address 0");
    }
    EXPECT_FALSE(arch::access_of(0).has_value());
    EXPECT_TRUE(arch::raised([] { touch(0); }).has_value());
}

// A PC's firmware keeps its tables right there.
TEST(memory, beyond_ram, .summary = "the address behind the last RAM is not mapped",
     .needs = device_tree)
{
    const fdt::Region& last = mem::ram().back();
    const std::uint64_t beyond = last.base + last.size;
    EXPECT_FALSE(arch::access_of(beyond).has_value());
    EXPECT_TRUE(arch::raised([&] { touch(beyond); }).has_value());
}

TEST(memory, stack_guard, .summary = "the page below every CPU's stack cannot be accessed")
{
    smp::on_all_cpus([] {
        const std::uint64_t below = smp::this_cpu().stack_low - sizeof(std::uint64_t);
        const auto read = arch::raised([&] { touch(below); });
        const auto write = arch::raised([&] { word_at(below) = pattern; });
        EXPECT_TRUE(read.has_value());
        EXPECT_TRUE(write.has_value());
    });
}
