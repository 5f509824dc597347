// SPDX-License-Identifier: MIT
#include "lib/console/discover.h"

#include "lib/console/console.h"
#include "lib/console/ns16550.h"
#include "lib/console/pl011.h"
#include "unit/support/tree_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace {

using testing::HasSubstr;
using unit::TreeBuilder;

// Registers of a UART that is always ready, in memory. The console keeps the last one attached.
class Registers {
public:
    constexpr explicit Registers(std::size_t status_at = 0, std::uint8_t status = 0)
    {
        bytes_[status_at] = status;
    }
    [[nodiscard]] std::vector<fdt::Region> reg() const
    {
        return {{reinterpret_cast<std::uintptr_t>(bytes_.data()), bytes_.size()}};
    }
    [[nodiscard]] std::uint32_t operator[](std::size_t offset) const
    {
        std::uint32_t value = 0;
        std::memcpy(&value, &bytes_[offset], sizeof value);
        return value;
    }

private:
    alignas(8) std::array<std::uint8_t, 0x1000> bytes_{};
};

constinit Registers pl011_registers;
constinit Registers other_pl011_registers;
constinit Registers ns16550_registers{ns16550::LSR::offset << 2, 0x60};

TreeBuilder& add(TreeBuilder& builder, const char* name, const char* compatible,
                 const Registers& registers)
{
    return builder.node(name).property("compatible", compatible).reg(registers.reg());
}

std::string error_of(const Result<>& result)
{
    return result ? "no error" : result.error().what;
}

TEST(Discover, StdoutPathIsAnAliasWithOptions)
{
    pl011_registers = Registers{};
    TreeBuilder builder;
    add(builder, "serial@1", "arm,pl011", other_pl011_registers).end();
    add(builder, "serial@2", "arm,pl011", pl011_registers).property("clocks", 7u).end();
    builder.node("clock").property("clock-frequency", 24'000'000u).property("phandle", 7u).end();
    builder.node("aliases").property("serial0", "/serial@2").end();
    builder.node("chosen").property("stdout-path", "serial0:38400n8").end();

    ASSERT_TRUE(console::discover(builder.open()));
    console::write("x");
    EXPECT_EQ(pl011_registers[pl011::DR::offset], 'x');
    EXPECT_EQ(pl011_registers[pl011::CR::offset], 0x301u);
    EXPECT_EQ(pl011_registers[pl011::IBRD::offset], 39u);  // 24 MHz / (16 * 38400) = 39 + 4/64
    EXPECT_EQ(pl011_registers[pl011::FBRD::offset], 4u);
}

TEST(Discover, SpacingAndWidthOfA16550)
{
    TreeBuilder builder;
    add(builder, "uart", "ns16550a", ns16550_registers);
    builder.property("reg-shift", 2u).property("reg-io-width", 4u).end();
    builder.node("chosen").property("stdout-path", "/uart").end();

    ASSERT_TRUE(console::discover(builder.open()));
    console::write("y");
    EXPECT_EQ(ns16550_registers[ns16550::THR::offset << 2], 'y');
    EXPECT_EQ(ns16550_registers[ns16550::LCR::offset << 2], 3u);
}

TEST(Discover, WithoutAUsablePathTheFirstEnabledDevice)
{
    for (const char* path : {"", "/nowhere", "/disabled", "/framebuffer"}) {
        pl011_registers = Registers{};
        TreeBuilder builder;
        builder.node("framebuffer").property("compatible", "simple-framebuffer").end();
        add(builder, "disabled", "arm,pl011", other_pl011_registers);
        builder.property("status", "disabled").end();
        add(builder, "uart", "arm,sbsa-uart", pl011_registers).end();
        builder.node("chosen").property("stdout-path", path).end();

        ASSERT_TRUE(console::discover(builder.open())) << path;
        console::write("z");
        EXPECT_EQ(pl011_registers[pl011::DR::offset], 'z') << path;
        EXPECT_EQ(pl011_registers[pl011::CR::offset], 0u) << "an SBSA UART has no such register";
    }
}

TEST(Discover, WhatCannotBeUsedIsAnError)
{
    TreeBuilder none;
    EXPECT_THAT(error_of(console::discover(none.open())), HasSubstr("no arm,pl011"));

    TreeBuilder unknown;
    unknown.node("framebuffer").property("compatible", "simple-framebuffer").end();
    unknown.node("chosen").property("stdout-path", "/framebuffer").end();
    EXPECT_THAT(error_of(console::discover(unknown.open())), HasSubstr("no driver"));

    TreeBuilder without_registers;
    without_registers.node("uart").property("compatible", "ns16550a").end();
    EXPECT_EQ(error_of(console::discover(without_registers.open())), "no reg");

    TreeBuilder wide;
    add(wide, "uart", "ns16550a", ns16550_registers).property("reg-io-width", 8u).end();
    EXPECT_THAT(error_of(console::discover(wide.open())), HasSubstr("reg-io-width"));

    TreeBuilder far;
    add(far, "uart", "ns16550a", ns16550_registers).property("reg-shift", 5u).end();
    EXPECT_THAT(error_of(console::discover(far.open())), HasSubstr("reg-shift"));
}

}  // namespace
