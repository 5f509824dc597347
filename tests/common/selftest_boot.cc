// SPDX-License-Identifier: MIT
//
// What the image was told at boot.

#include "lib/boot/boot.h"
#include "lib/boot/words.h"
#include "lib/mem/memory.h"
#include "lib/test/test.h"

#include <arch/exception.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace {

// Decimal, or hexadecimal behind 0x.
std::uint64_t number(std::string_view text)
{
    const bool hexadecimal = text.starts_with("0x");
    if (hexadecimal) {
        text.remove_prefix(2);
    }
    std::uint64_t value = 0;
    for (const char c : text) {
        const char digit = static_cast<char>(c <= '9' ? c - '0' : c - 'a' + 10);
        value = value * (hexadecimal ? 16 : 10) + static_cast<std::uint64_t>(digit);
    }
    return value;
}

fdt::Region tree_region()
{
    const fdt::Tree& tree = *boot::info().tree;
    return {reinterpret_cast<std::uintptr_t>(tree.blob()), tree.size()};
}

bool overlap(const fdt::Region& a, const fdt::Region& b)
{
    return a.base < b.base + b.size && b.base < a.base + a.size;
}

}  // namespace

TEST(selftest, command_line,
     .summary = "the command line is the whole of the device tree's bootargs, to their last byte",
     .needs = device_tree)
{
    const auto chosen = boot::info().tree->find("/chosen");
    const auto property = chosen ? chosen->property("bootargs") : std::nullopt;
    if (!property) {
        EXPECT_EQ(boot::info().command_line, std::string_view{});
        return;
    }
    const auto bytes = property->bytes();
    ASSERT_FALSE(bytes.empty());
    EXPECT_TRUE(bytes.back() == std::byte{0});
    EXPECT_EQ(boot::info().command_line.size(), bytes.size() - 1);
}

TEST(selftest, seed, .summary = "the seed of the run is the one on the command line, or 1")
{
    const auto given = boot::option(boot::info().command_line, "assay.seed");
    EXPECT_EQ(test::seed(), given ? number(*given) : 1);
}

TEST(
    selftest, machine_description,
    .summary = "the machine is described in printable characters, as the log's first line shows it")
{
    const std::string_view description = boot::info().description;
    EXPECT_FALSE(description.empty());
    EXPECT_TRUE(std::ranges::all_of(description, [](char c) { return c >= ' ' && c <= '~'; }));
}

TEST(selftest, device_tree_in_ram, .summary = "all of the device tree lies in RAM",
     .needs = device_tree)
{
    EXPECT_TRUE(mem::is_ram(tree_region().base, tree_region().size));
}

TEST(selftest, loaded_apart,
     .summary = "the image, the device tree and the initial RAM disk lie apart from each other",
     .needs = device_tree)
{
    const fdt::Region image{arch::image_base(), arch::image_end() - arch::image_base()};
    EXPECT_FALSE(overlap(image, tree_region()));
    if (const auto initrd = boot::info().initrd) {
        EXPECT_FALSE(overlap(image, *initrd));
        EXPECT_FALSE(overlap(tree_region(), *initrd));
    }
}

TEST(selftest, tree_walk, .summary = "every path of the device tree leads back to its node",
     .needs = device_tree)
{
    const fdt::Tree& tree = *boot::info().tree;
    unsigned children = 0;
    for (auto node = tree.root().first_child(); node.has_value(); node = node->next_sibling()) {
        const auto parent = node->parent();
        ASSERT_TRUE(parent.has_value());
        EXPECT_TRUE(*parent == tree.root());
        const auto found = tree.root().child(node->name());
        ASSERT_TRUE(found.has_value());
        EXPECT_TRUE(*found == *node);
        ++children;
    }
    EXPECT_GT(children, 0);
}

TEST(selftest, initrd_in_ram, .summary = "the initial RAM disk lies in RAM", .needs = initrd)
{
    const auto initrd = boot::info().initrd;
    ASSERT_TRUE(initrd.has_value());
    EXPECT_TRUE(mem::is_ram(initrd->base, initrd->size));
}
