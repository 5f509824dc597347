// SPDX-License-Identifier: MIT
//
// SPIs, raised by command: their wires are low. Devices' wires are high and low elsewhere.
// AES 0070.

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/gicv5_commands.h"

#include <cstdint>
#include <iterator>

using namespace gicv5;

TEST(gicv5_spi, configuration,
     .summary = "every priority, target and mode that an SPI is given is read back",
     .needs = gicv5_spi)
{
    check_configuration<Spis>();
}

TEST(gicv5_spi, states,
     .summary = "an SPI goes from pending to active to idle, and is not signalled while active",
     .needs = gicv5_spi)
{
    check_states<Spis>();
}

TEST(gicv5_spi, taken, .summary = "each event of an SPI is taken once", .needs = gicv5_spi)
{
    check_taken<Spis>();
}

TEST(gicv5_spi, collapses, .summary = "an SPI made pending twice is taken once", .needs = gicv5_spi)
{
    check_collapse<Spis>();
}

TEST(gicv5_spi, pended_while_active,
     .summary = "an SPI made pending while active is taken once more, after its deactivation",
     .needs = gicv5_spi)
{
    check_pended_while_active<Spis>();
}

TEST(gicv5_spi, cleared, .summary = "an SPI that is made not pending again is not taken",
     .needs = gicv5_spi)
{
    check_cleared<Spis>();
}

TEST(gicv5_spi, disabled_stays_pending,
     .summary = "a disabled SPI is not signalled, stays pending, and is signalled once enabled",
     .needs = gicv5_spi)
{
    check_disabled<Spis>();
}

TEST(gicv5_spi, priority_mask,
     .summary = "an SPI is signalled exactly where the priority mask lets its priority pass",
     .needs = gicv5_spi)
{
    check_priority_mask<Spis>();
}

TEST(gicv5_spi, preemption,
     .summary = "an SPI of a higher priority preempts another one; an equal one does not",
     .needs = gicv5_spi)
{
    check_preemption<Spis>();
}

TEST(gicv5_spi, against_ppi,
     .summary = "of an SPI and a PPI the one of the higher priority is signalled first",
     .needs = gicv5_spi)
{
    check_against_ppi<Spis>();
}

TEST(gicv5_spi, retargeted,
     .summary = "an SPI that is pending for one CPU is taken by the CPU it is then targeted at",
     .needs = gicv5_spi && cpus(2))
{
    check_retarget<Spis>();
}

TEST(gicv5_spi, each_cpu, .summary = "an SPI is taken by the CPU it is targeted at and no other",
     .needs = gicv5_spi && cpus(2))
{
    check_each_cpu<Spis>();
}

TEST(gicv5_spi, absent_cpu,
     .summary = "an SPI for a CPU that does not exist is signalled to none until it is retargeted",
     .needs = gicv5_spi)
{
    check_absent_cpu<Spis>();
}

TEST(gicv5_spi, range, .summary = "exactly the SPIs that IRS_IDR6 and IRS_IDR7 announce exist",
     .needs = gicv5_spi)
{
    for (const Irs<Mmio>& irs : routing_services()) {
        const SpiRange spis = irs.spis();
        if (spis.count == 0) {
            continue;
        }
        const std::uint32_t last = spis.first + spis.count - 1;
        for (const std::uint32_t inside : {spis.first, spis.first + spis.count / 2, last}) {
            const auto selected = irs.select_spi(inside);
            ASSERT_TRUE(selected.has_value());
            EXPECT_TRUE(*selected);
            EXPECT_NE(state_of(spi(inside)), State::unreachable);
        }
        constexpr auto largest = static_cast<std::uint32_t>(Intid::ID.mask());
        for (const std::uint32_t outside : {spis.first - 1, last + 1, largest}) {
            if (outside > largest || routing_service_of(outside) != nullptr) {
                continue;
            }
            const auto selected = irs.select_spi(outside);
            ASSERT_TRUE(selected.has_value());
            EXPECT_FALSE(*selected);
            EXPECT_EQ(state_of(spi(outside)), State::unreachable);
        }
    }
}

TEST(gicv5_spi, trigger_modes_apart, .summary = "each SPI has a trigger mode of its own",
     .needs = gicv5_spi)
{
    constexpr unsigned count = 4;
    const Spis spis{count};
    const Irs<Mmio>& irs = spis.irs();
    // Every pattern, so that no two selections share a register.
    for (unsigned pattern = 0; pattern < 1U << count; ++pattern) {
        const auto mode = [&](unsigned n) {
            return (pattern >> n & 1) != 0 ? HandlingMode::level : HandlingMode::edge;
        };
        for (unsigned n = 0; n < count; ++n) {
            ASSERT_TRUE(irs.set_trigger_mode(number(spis[n]), mode(n)).has_value());
        }
        for (unsigned n = 0; n < count; ++n) {
            const auto found = irs.trigger_mode(number(spis[n]));
            ASSERT_TRUE(found.has_value());
            ASSERT_EQ(*found, mode(n));
        }
    }
}

TEST(gicv5_spi, trigger_mode_of_none,
     .summary = "a trigger mode written while no SPI is selected changes that of none",
     .needs = gicv5_spi)
{
    const Spis spis{1};
    const Irs<Mmio>& irs = spis.irs();
    const auto absent = irs.select_spi(irs.spis().first + irs.spis().count);
    ASSERT_TRUE(absent.has_value());
    ASSERT_FALSE(*absent);
    irs.io().write(IRS_SPI_CFGR{}.with(IRS_SPI_CFGR::TM, 1));
    EXPECT_TRUE(timer::wait_until(
        [&] { return irs.io().read<IRS_SPI_STATUSR>()[IRS_SPI_STATUSR::IDLE] != 0; }));
    const auto found = irs.trigger_mode(number(spis[0]));
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(*found, HandlingMode::edge);
}

TEST(gicv5_spi, level_of_low_wire,
     .summary = "an SPI that becomes level-triggered while its wire is low is not pending",
     .needs = gicv5_spi)
{
    const irq::Masked masked;
    const Spis spis{1};
    commands().set_pending(spis[0]);
    ASSERT_EQ(state_of(spis[0]), State::pending);
    ASSERT_TRUE(spis.irs().set_trigger_mode(number(spis[0]), HandlingMode::level).has_value());
    EXPECT_EQ(state_of(spis[0]), State::idle);
}

TEST(gicv5_spi, neighbours,
     .summary = "one SPI made pending, acknowledged and ended leaves the next one as it is",
     .needs = gicv5_spi)
{
    const SpiUnderTest interrupts{2};
    const irq::Id id = interrupts.id(0);
    const irq::Id other = interrupts.id(1);
    const auto before = commands().state(other);
    ASSERT_TRUE(before.has_value());
    commands().set_pending(id);
    EXPECT_EQ(awaited(id), id);
    EXPECT_TRUE(commands().state(other) == before);
    EXPECT_EQ(acknowledged(), id);
    EXPECT_TRUE(commands().state(other) == before);
    finish(id);
    EXPECT_TRUE(commands().state(other) == before);
}
