// SPDX-License-Identifier: MIT
//
// SPIs and their wires: trigger modes, levels, edges, resampling. Arm GIC Architecture
// Specification, GICv5 (AES 0070), "SPIs". What an IRS takes from a wire takes it some time.

#include "arm64/gic/gicv5.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "tests/support/arm64/spi_wire.h"
#include "tests/support/quiet.h"

#include <atomic>
#include <cstdint>

using namespace gicv5;

namespace {

struct NamedMode {
    const char* name;
    HandlingMode mode;
};
constexpr NamedMode modes[]{{"level", HandlingMode::level}, {"edge", HandlingMode::edge}};

}  // namespace

TEST(gicv5_wire, taken, .summary = "a level-sensitive wire raises its SPI, once if it is silenced",
     .needs = gicv5_spi)
{
    with_wire([](const Wire& wire) {
        const WireIrq irq{wire};
        for (unsigned round = 1; round <= 10; ++round) {
            wire.high();
            ASSERT_TRUE(irq.becomes(round));
        }
        stay_quiet();
        EXPECT_EQ(irq.taken(), 10);
        EXPECT_EQ(irq.id().value, wire.id().value);
    });
}

TEST(gicv5_wire, refires,
     .summary = "a level-sensitive SPI that is not silenced comes again after each deactivation",
     .needs = gicv5_spi)
{
    with_wire([](const Wire& wire) {
        constexpr unsigned repetitions = 10;
        const WireIrq irq{wire, repetitions};
        wire.high();
        EXPECT_TRUE(irq.becomes(repetitions));
        stay_quiet();
        EXPECT_EQ(irq.taken(), repetitions);
    });
}

TEST(gicv5_wire, edge_once,
     .summary = "an edge-triggered SPI comes once for a line that goes high and stays so",
     .needs = gicv5_spi)
{
    with_wire([](const Wire& wire) {
        ASSERT_TRUE(wire.set_mode(HandlingMode::edge));
        constexpr unsigned rounds = 5;
        const WireIrq irq{wire, rounds + 1};
        for (unsigned round = 1; round <= rounds; ++round) {
            wire.high();
            ASSERT_TRUE(irq.becomes(round));
            stay_quiet();
            ASSERT_EQ(irq.taken(), round);
            wire.low();
        }
        stay_quiet();
        EXPECT_EQ(irq.taken(), rounds);
    });
}

TEST(gicv5_wire, pending_follows_wire,
     .summary = "the pending state of a level-sensitive SPI is that of its line",
     .needs = gicv5_spi)
{
    const irq::Masked masked;
    with_wire([](const Wire& wire) {
        for (unsigned round = 0; round < 3; ++round) {
            wire.high();
            ASSERT_TRUE(wire.becomes_pending(true));
            wire.low();
            ASSERT_TRUE(wire.becomes_pending(false));
        }
    });
}

TEST(gicv5_wire, raised_while_handled,
     .summary = "a line that goes low and high again while its SPI is handled raises it once more",
     .needs = gicv5_spi)
{
    test::Items items{std::size(modes)};
    for (const NamedMode& entry : modes) {
        items.run(entry.name, [&] {
            with_wire([&](const Wire& wire) {
                ASSERT_TRUE(wire.set_mode(entry.mode));
                std::atomic<unsigned> taken{0};
                bool was_active = false;
                bool was_pending = false;
                const auto handler = [&](irq::Id) {
                    wire.low();
                    if (taken.fetch_add(1) == 0) {
                        wire.high();
                        was_pending = wire.becomes_pending(true);
                        was_active = wire.state().active;
                    }
                };
                const irq::Guard guard{wire.id(), handler};
                wire.high();
                EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= 2; }));
                stay_quiet();
                EXPECT_EQ(taken.load(), 2);
                EXPECT_TRUE(was_pending);
                EXPECT_TRUE(was_active);
            });
        });
    }
}

TEST(gicv5_wire, lowered_while_handled,
     .summary = "a line that goes high and low again while its SPI is handled raises the SPI once "
                "more where it is edge-triggered, and not where it is level-sensitive",
     .needs = gicv5_spi)
{
    test::Items items{std::size(modes)};
    for (const NamedMode& entry : modes) {
        items.run(entry.name, [&] {
            with_wire([&](const Wire& wire) {
                ASSERT_TRUE(wire.set_mode(entry.mode));
                std::atomic<unsigned> taken{0};
                bool settled = false;
                const auto handler = [&](irq::Id) {
                    wire.low();
                    if (taken.fetch_add(1) == 0) {
                        wire.high();
                        settled = wire.becomes_pending(true);
                        wire.low();
                        settled &= wire.becomes_pending(entry.mode == HandlingMode::edge);
                    }
                };
                const irq::Guard guard{wire.id(), handler};
                wire.high();
                EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= 1; }));
                stay_quiet();
                EXPECT_EQ(taken.load(), entry.mode == HandlingMode::edge ? 2 : 1);
                EXPECT_TRUE(settled);
            });
        });
    }
}

TEST(gicv5_wire, trigger_mode_changes,
     .summary = "an SPI's pending state follows its line and changes of its trigger mode as the "
                "architecture says",
     .needs = gicv5_spi)
{
    const irq::Masked masked;
    enum class Step : std::uint8_t { none, high, low, to_edge, to_level, resample };
    using enum Step;
    using enum HandlingMode;
    struct {
        const char* name;
        HandlingMode mode;  // to begin with, the line low
        std::array<Step, 2> before;
        bool pending_before;
        Step step;
        bool pending;
    } constexpr rows[]{
        {"edge-rises", edge, {}, false, high, true},
        {"edge-falls", edge, {high}, true, low, true},
        {"level-rises", level, {}, false, high, true},
        {"level-falls", level, {high}, true, low, false},
        {"edge-to-level-high", edge, {high}, true, to_level, true},
        {"edge-to-level-low", edge, {high, low}, true, to_level, false},
        {"level-to-edge-high", level, {high}, true, to_edge, false},
        {"level-to-edge-low", level, {}, false, to_edge, false},
        {"level-to-edge-to-level", level, {high, to_edge}, false, to_level, true},
        {"level-resampled-high", level, {high}, true, resample, true},
        {"level-resampled-low", level, {}, false, resample, false},
    };
    test::Items items{std::size(rows)};
    for (const auto& row : rows) {
        items.run(row.name, [&] {
            with_wire([&](const Wire& wire) {
                bool done = wire.start_over(row.mode);
                const auto take = [&](Step step) {
                    switch (step) {
                    case none:
                        break;
                    case high:
                        wire.high();
                        break;
                    case low:
                        wire.low();
                        break;
                    case to_edge:
                        done &= wire.set_mode(edge);
                        break;
                    case to_level:
                        done &= wire.set_mode(level);
                        break;
                    case resample:
                        done &= wire.irs().resample(number(wire.id())).has_value();
                        break;
                    }
                };
                std::ranges::for_each(row.before, take);
                ASSERT_TRUE(wire.becomes_pending(row.pending_before));
                take(row.step);
                EXPECT_TRUE(wire.becomes_pending(row.pending));
                EXPECT_TRUE(wire.stays_pending(row.pending));
                EXPECT_TRUE(done);
            });
        });
    }
}

TEST(gicv5_wire, handling_mode_shown,
     .summary = "CDRCFG shows the handling mode of what made an SPI pending", .needs = gicv5_spi)
{
    const irq::Masked masked;
    test::Items items{std::size(modes)};
    for (const NamedMode& entry : modes) {
        items.run(entry.name, [&] {
            with_wire([&](const Wire& wire) {
                ASSERT_TRUE(wire.set_mode(entry.mode));
                wire.high();
                ASSERT_TRUE(wire.becomes_pending(true));
                EXPECT_TRUE(wire.state().mode == entry.mode);
            });
        });
    }
}

TEST(gicv5_wire, resample_level,
     .summary = "a level-sensitive SPI is pending after a resample exactly if its line is high",
     .needs = gicv5_spi)
{
    const irq::Masked masked;
    with_wire([](const Wire& wire) {
        const auto resample = [&] { return wire.irs().resample(number(wire.id())).has_value(); };
        EXPECT_TRUE(resample());
        EXPECT_TRUE(wire.stays_pending(false));
        wire.high();
        ASSERT_TRUE(wire.becomes_pending(true));
        // Where this clears the state of a high line, the resample brings it back.
        commands().clear_pending(wire.id());
        commands().synchronize();
        EXPECT_TRUE(resample());
        EXPECT_TRUE(wire.becomes_pending(true));
    });
}

TEST(gicv5_wire, resample_edge,
     .summary = "a resampled edge-triggered SPI whose line is low is not pending",
     .needs = gicv5_spi)
{
    const irq::Masked masked;
    with_wire([](const Wire& wire) {
        const auto resample = [&] { return wire.irs().resample(number(wire.id())).has_value(); };
        ASSERT_TRUE(wire.set_mode(HandlingMode::edge));
        EXPECT_TRUE(resample());
        EXPECT_TRUE(wire.stays_pending(false));
        // Whether a high line is an edge to it, the architecture leaves open.
        ASSERT_TRUE(wire.set_mode(HandlingMode::level));
        wire.high();
        ASSERT_TRUE(wire.set_mode(HandlingMode::edge));
        EXPECT_TRUE(resample());
        stay_quiet();
        test::note("line high: pending is {}", wire.state().pending);
    });
}

TEST(gicv5_wire, device_to_each_cpu,
     .summary = "a device's SPI is taken by the CPU it is targeted at, and by no other",
     .needs = gicv5_spi && cpus(2))
{
    with_wire([](const Wire& wire) {
        for (unsigned index = 1; index < smp::online_count(); ++index) {
            std::atomic<bool> listening{false};
            std::atomic<unsigned> taken{0};
            std::uint16_t iaffid = 0;
            const auto handler = [&](irq::Id) {
                wire.low();
                taken.fetch_add(1);
            };
            // A handler belongs to a CPU: anywhere else the interrupt is an error of the case.
            const auto listen = [&] {
                iaffid = cpu_interface().iaffid();
                const irq::Guard guard{wire.id(), handler};
                listening = true;
                EXPECT_TRUE(timer::wait_until([&] { return taken.load() != 0; }));
                stay_quiet();
            };
            smp::Task task{index, listen};
            ASSERT_TRUE(timer::wait_until([&] { return listening.load(); }));
            EXPECT_EQ(wire.state().iaffid, iaffid);
            EXPECT_FALSE(wire.state().one_of_n);
            wire.high();
            task.wait();
            EXPECT_EQ(taken.load(), 1);
        }
    });
}
