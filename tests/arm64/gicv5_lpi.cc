// SPDX-License-Identifier: MIT
//
// LPIs: interrupts whose state the IRS keeps in a table in memory (AES 0070). What the table itself
// has to do is in gicv5_ist.cc.

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/gicv5_commands.h"
#include "tests/support/arm64/register_guard.h"

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

using namespace gicv5;

TEST(gicv5_lpi, configuration,
     .summary = "every priority, target and mode that an LPI is given is read back",
     .needs = gicv5_lpi)
{
    check_configuration<Lpis>();
}

TEST(gicv5_lpi, states,
     .summary = "an LPI goes from pending to active to idle, and is not signalled while active",
     .needs = gicv5_lpi)
{
    check_states<Lpis>();
}

TEST(gicv5_lpi, taken, .summary = "each event of an LPI is taken once", .needs = gicv5_lpi)
{
    check_taken<Lpis>();
}

TEST(gicv5_lpi, collapses, .summary = "an LPI made pending twice is taken once", .needs = gicv5_lpi)
{
    check_collapse<Lpis>();
}

TEST(gicv5_lpi, pended_while_active,
     .summary = "an LPI made pending while active is taken once more, after its deactivation",
     .needs = gicv5_lpi)
{
    check_pended_while_active<Lpis>();
}

TEST(gicv5_lpi, cleared, .summary = "an LPI that is made not pending again is not taken",
     .needs = gicv5_lpi)
{
    check_cleared<Lpis>();
}

TEST(gicv5_lpi, disabled_stays_pending,
     .summary = "a disabled LPI is not signalled, stays pending, and is signalled once enabled",
     .needs = gicv5_lpi)
{
    check_disabled<Lpis>();
}

TEST(gicv5_lpi, priority_mask,
     .summary = "an LPI is signalled exactly where the priority mask lets its priority pass",
     .needs = gicv5_lpi)
{
    check_priority_mask<Lpis>();
}

TEST(gicv5_lpi, preemption,
     .summary = "an LPI of a higher priority preempts another one; an equal one does not",
     .needs = gicv5_lpi)
{
    check_preemption<Lpis>();
}

TEST(gicv5_lpi, against_ppi,
     .summary = "of an LPI and a PPI the one of the higher priority is signalled first",
     .needs = gicv5_lpi)
{
    check_against_ppi<Lpis>();
}

TEST(gicv5_lpi, retargeted,
     .summary = "an LPI that is pending for one CPU is taken by the CPU it is then targeted at",
     .needs = gicv5_lpi && cpus(2))
{
    check_retarget<Lpis>();
}

TEST(gicv5_lpi, each_cpu, .summary = "an LPI is taken by the CPU it is targeted at and no other",
     .needs = gicv5_lpi && cpus(2))
{
    check_each_cpu<Lpis>();
}

TEST(gicv5_lpi, absent_cpu,
     .summary = "an LPI for a CPU that does not exist is signalled to none until it is retargeted",
     .needs = gicv5_lpi)
{
    check_absent_cpu<Lpis>();
}

TEST(gicv5_lpi, priority_while_pending,
     .summary = "the priority an LPI is given while it is pending decides who is first",
     .needs = gicv5_lpi)
{
    if (command_priority_step() > 0x08) {
        return test::skip("the IRS has too few priorities");
    }
    const LpiUnderTest interrupts{2};
    const irq::Id first = interrupts.id(0);
    const irq::Id second = interrupts.id(1);
    commands().set_priority(first, 0x08);
    commands().set_pending(first);
    commands().set_pending(second);
    EXPECT_EQ(awaited(first), first);
    commands().set_priority(first, 0x18);
    EXPECT_EQ(awaited(second), second);
    commands().set_priority(first, 0x08);
    EXPECT_EQ(awaited(first), first);
    EXPECT_EQ(acknowledged(), first);
    EXPECT_EQ(running_priority(), 0x08);
    commands().set_priority(first, 0x18);  // what is active keeps the one it was taken with
    EXPECT_EQ(running_priority(), 0x08);
    finish(first);
    EXPECT_EQ(running_priority(), idle_priority);
    EXPECT_EQ(awaited(second), second);
}

TEST(gicv5_lpi, level,
     .summary = "a level-mode LPI stays pending when it is acknowledged, until it is cleared",
     .needs = gicv5_lpi)
{
    const LpiUnderTest interrupt;
    const irq::Id id = interrupt.id();
    commands().set_mode(id, HandlingMode::level);
    commands().set_pending(id);
    for (unsigned round = 0; round < 3; ++round) {
        ASSERT_EQ(awaited(id), id);
        ASSERT_EQ(acknowledged(), id);
        ASSERT_EQ(state_of(id), State::active_and_pending);
        ASSERT_EQ(candidate(), nothing);
        finish(id);
        ASSERT_EQ(state_of(id), State::pending);
    }
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(acknowledged(), id);
    commands().clear_pending(id);
    EXPECT_EQ(state_of(id), State::active);
    finish(id);
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
    EXPECT_EQ(state_of(id), State::idle);
}

TEST(gicv5_lpi, bounds,
     .summary = "the first and the last LPI of the table are usable, and none beyond it",
     .needs = gicv5_lpi)
{
    const unsigned id_bits = lpi_table().geometry().id_bits;
    const irq::Masked masked;
    ASSERT_TRUE(lpi_table().map((1U << id_bits) - 1).has_value());
    // Inter-processor interrupts may have the first: it is looked at and left alone.
    EXPECT_NE(state_of(lpi(0)), State::unreachable);
    const irq::Id last = lpi((1U << id_bits) - 1);
    ASSERT_EQ(state_of(last), State::idle);
    commands().prepare(last, interface.iaffid(), HandlingMode::edge);
    commands().enable(last);
    commands().set_pending(last);
    EXPECT_EQ(awaited(last), last);
    EXPECT_EQ(acknowledged(), last);
    finish(last);
    commands().disable(last);
    EXPECT_EQ(state_of(last), State::idle);
    for (unsigned bit = id_bits; bit < 24; ++bit) {
        for (const std::uint32_t beyond : {1U << bit, (2U << bit) - 1}) {
            commands().enable(lpi(beyond));
            commands().set_pending(lpi(beyond));
            ASSERT_EQ(state_of(lpi(beyond)), State::unreachable);
        }
    }
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
    EXPECT_EQ(state_of(last), State::idle);
}

TEST(gicv5_lpi, types_apart,
     .summary = "a command to an ID of another type leaves the LPI and the SPI of that ID alone",
     .needs = gicv5_lpi && gicv5_spi)
{
    const irq::Masked masked;
    const Lpis lpis{1};
    const Spis spis{1};
    const auto lpi_before = commands().state(lpis[0]);
    const auto spi_before = commands().state(spis[0]);
    ASSERT_TRUE(lpi_before && spi_before);
    constexpr std::uint32_t types[]{0, 1, 4, 5, 6, 7};
    test::Items items{std::size(types)};
    for (const std::uint32_t type : types) {
        TextBuffer<16> name;
        format_to(name, "type {}", type);
        items.run(name.text(), [&] {
            for (const std::uint32_t id_number : {number(lpis[0]), number(spis[0])}) {
                const irq::Id id = intid(static_cast<IntidType>(type), id_number);
                commands().set_priority(id, 0x04);
                commands().target(id, absent_iaffid());
                commands().set_mode(id, HandlingMode::level);
                commands().enable(id);
                commands().set_pending(id);
                EXPECT_EQ(state_of(id), State::unreachable);
            }
            stay_quiet();
            EXPECT_EQ(candidate(), nothing);
            EXPECT_TRUE(commands().state(lpis[0]) == lpi_before);
            EXPECT_TRUE(commands().state(spis[0]) == spi_before);
        });
    }
}

TEST(gicv5_lpi, without_table,
     .summary = "without a table LPIs are unreachable, and are again what they were with it",
     .needs = gicv5_lpi)
{
    const LpiUnderTest interrupt;
    const irq::Id id = interrupt.id();
    const auto before = commands().state(id);
    const auto suspended = lpi_table().suspend();
    commands().set_pending(id);
    const State without = state_of(id);
    stay_quiet();
    const irq::Id signalled = candidate();
    const auto resumed = lpi_table().resume();
    restore_ipis();
    ASSERT_TRUE(suspended.has_value());
    ASSERT_TRUE(resumed.has_value());
    EXPECT_EQ(without, State::unreachable);
    EXPECT_EQ(signalled, nothing);
    EXPECT_TRUE(commands().state(id) == before);
    commands().set_pending(id);
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(acknowledged(), id);
    finish(id);
}

TEST(gicv5_lpi, thousand,
     .summary = "of 1000 LPIs made pending while interrupts are masked each is taken exactly once",
     .needs = gicv5_lpi)
{
    constexpr unsigned count = 1000;
    const irq::Masked masked;
    const Lpis lpis{count};
    std::array<std::uint8_t, count> taken{};
    for (unsigned n = 0; n < count; ++n) {
        commands().enable(lpis[n]);
        commands().set_pending(lpis[n]);
    }
    for (unsigned round = 0; round < count; ++round) {
        ASSERT_TRUE(timer::wait_until([] { return interface.candidate().has_value(); }));
        const irq::Id id = acknowledged();
        const std::uint32_t index = number(id) - number(lpis[0]);
        ASSERT_LT(index, count);
        ++taken[index];
        ASSERT_EQ(taken[index], 1);
        finish(id);
    }
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
}
