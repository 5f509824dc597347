// SPDX-License-Identifier: MIT
//
// What the image was told at boot.

#include "lib/boot/boot.h"
#include "lib/mem/memory.h"
#include "lib/test/test.h"

#include <cstdint>
#include <string_view>

TEST(selftest, command_line, .summary = "the command line is the device tree's bootargs",
     .needs = device_tree)
{
    EXPECT_EQ(boot::info().command_line, boot::info().tree->boot_arguments());
}

TEST(selftest, machine_name, .summary = "the machine is named after the root node's compatible",
     .needs = device_tree)
{
    const auto compatible = boot::info().tree->root().property("compatible");
    ASSERT_TRUE(compatible.has_value());
    const auto name = compatible->string();
    ASSERT_TRUE(name.has_value());
    EXPECT_EQ(boot::info().machine, *name);
}

TEST(selftest, device_tree_in_ram, .summary = "the device tree lies in RAM and ends where it says",
     .needs = device_tree)
{
    const fdt::Tree& tree = *boot::info().tree;
    const auto address = reinterpret_cast<std::uintptr_t>(tree.blob());
    EXPECT_EQ(address % 8, 0);
    EXPECT_TRUE(mem::is_ram(address, tree.size()));
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
    const auto initrd = boot::info().tree->initrd();
    ASSERT_TRUE(initrd.has_value());
    EXPECT_TRUE(mem::is_ram(initrd->base, initrd->size));
}
