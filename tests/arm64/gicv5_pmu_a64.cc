// SPDX-License-Identifier: MIT
//
// The performance monitors as a source of a level-sensitive PPI: Arm ARM (DDI 0487) D13.3, Arm GIC
// Architecture Specification, GICv5 (AES 0070). The interrupt of an overflow may take its time.

#include "arm64/gic/gicv5.h"
#include "arm64/pmu/pmu.h"
#include "lib/boot/boot.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "tests/support/quiet.h"

#include <arch/cpu.h>

#include <atomic>
#include <cstdint>

using namespace gicv5;
using pmu::Counters;
using pmu::cycle_counter;
using pmu::event_counter;
using pmu::monitors;

namespace {

constexpr irq::Id pmu_id = ppi(pmu_ppi);
constexpr std::uint64_t last_of_32_bits = 0xffff'ffff;
constexpr std::uint64_t last_of_64_bits = ~std::uint64_t{0};

// Whether the PPI's pending state becomes that of the PMU's output; with interrupts masked.
[[nodiscard]] bool becomes_pending(bool expected)
{
    return timer::wait_until([&] { return cpu_interface().pending(pmu_ppi) == expected; },
                             timer::seconds(1));
}

// Takes the interrupt on this CPU while it exists: notes it and clears what overflowed.
class OverflowIrq {
public:
    OverflowIrq() : handler_{*this}, guard_{pmu_id, handler_} {}

    [[nodiscard]] unsigned taken() const { return taken_.load(); }
    // Waits for the first interrupt; false when none came.
    [[nodiscard]] bool wait() const
    {
        return timer::wait_until([this] { return taken() != 0; });
    }
    // What the handler saw, the last time.
    [[nodiscard]] irq::Id id() const { return id_; }
    [[nodiscard]] Counters overflowed() const { return overflowed_; }

private:
    struct Handler {
        OverflowIrq& self;
        void operator()(irq::Id id) const
        {
            self.overflowed_ = monitors.overflowed();
            self.id_ = id;
            monitors.clear_overflow(pmu::all_counters);
            self.taken_.fetch_add(1);
        }
    };

    std::atomic<unsigned> taken_{0};
    irq::Id id_{};
    Counters overflowed_ = 0;
    Handler handler_;
    irq::Guard guard_;
};

}  // namespace

TEST(gicv5_pmu, specifier, .summary = "the device tree gives the PMU the PPI of the architecture",
     .needs = gicv5 && pmu)
{
    const fdt::Tree& tree = *boot::info().tree;
    const auto specifier = pmu::interrupt_specifier(tree);
    if (!specifier) {
        return test::skip("{}", specifier.error().what);
    }
    EXPECT_EQ(specifier->cells[0], static_cast<std::uint32_t>(IntidType::ppi));
    EXPECT_EQ(specifier->cells[1], pmu_ppi);
    const auto id = pmu::interrupt(tree);
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(*id, pmu_id);
}

TEST(gicv5_pmu, cycle_overflow,
     .summary = "the cycle counter that wraps interrupts once, through the PMU's PPI",
     .needs = gicv5 && pmu)
{
    const pmu::Guard saved{monitors};
    const OverflowIrq irq;
    monitors.enable_interrupt(cycle_counter);
    monitors.set_cycles(last_of_64_bits - 10'000);
    monitors.start(cycle_counter);
    monitors.enable();
    ASSERT_TRUE(irq.wait());
    EXPECT_EQ(irq.id(), pmu_id);
    EXPECT_EQ(irq.overflowed(), cycle_counter);
    stay_quiet();
    EXPECT_EQ(irq.taken(), 1);
}

TEST(gicv5_pmu, increment_overflow,
     .summary = "each event counter that SW_INCR makes wrap interrupts once, and says which it is",
     .needs = gicv5 && pmu)
{
    const unsigned count = monitors.event_counters();
    if (count == 0) {
        return test::skip("PMCR_EL0.N is 0: no event counters");
    }
    test::Items items{count};
    for (unsigned number = 0; number < count; ++number) {
        TextBuffer<16> name;
        format_to(name, "counter{}", number);
        items.run(name.text(), [&] {
            const pmu::Guard saved{monitors};
            const OverflowIrq irq;
            monitors.set_event(number, pmu::Event::sw_incr);
            monitors.set_count(number, last_of_32_bits - 1);
            monitors.enable_interrupt(event_counter(number));
            monitors.start(event_counter(number));
            monitors.enable();
            monitors.increment(event_counter(number));
            stay_quiet();
            EXPECT_EQ(irq.taken(), 0);
            monitors.increment(event_counter(number));
            ASSERT_TRUE(irq.wait());
            EXPECT_EQ(irq.id(), pmu_id);
            EXPECT_EQ(irq.overflowed(), event_counter(number));
            stay_quiet();
            EXPECT_EQ(irq.taken(), 1);
        });
    }
}

TEST(gicv5_pmu, software_overflow,
     .summary = "PMOVSSET_EL0 makes the PMU's PPI pending, PMOVSCLR_EL0 takes that back",
     .needs = gicv5 && pmu)
{
    const irq::Masked masked;
    const pmu::Guard saved{monitors};
    monitors.enable_interrupt(cycle_counter);
    monitors.enable();
    EXPECT_TRUE(becomes_pending(false));
    monitors.set_overflow(cycle_counter);
    EXPECT_TRUE(becomes_pending(true));
    cpu_interface().clear_pending(pmu_ppi);  // it is a level
    EXPECT_TRUE(cpu_interface().pending(pmu_ppi));
    monitors.clear_overflow(cycle_counter);
    EXPECT_TRUE(becomes_pending(false));
}

TEST(gicv5_pmu, any_overflow,
     .summary = "the PMU's PPI is pending until the overflow of the last counter is cleared",
     .needs = gicv5 && pmu)
{
    if (monitors.event_counters() == 0) {
        return test::skip("PMCR_EL0.N is 0: no event counters");
    }
    const irq::Masked masked;
    for (const Counters first : {cycle_counter, event_counter(0)}) {
        const Counters second = (cycle_counter | event_counter(0)) & ~first;
        const pmu::Guard saved{monitors};
        monitors.enable_interrupt(first | second);
        monitors.enable();
        monitors.set_overflow(first);
        monitors.set_overflow(second);
        EXPECT_TRUE(becomes_pending(true));
        monitors.clear_overflow(first);
        EXPECT_EQ(monitors.overflowed(), second);
        timer::delay(timer::milliseconds(1));
        EXPECT_TRUE(cpu_interface().pending(pmu_ppi));
        monitors.clear_overflow(second);
        EXPECT_TRUE(becomes_pending(false));
    }
}

TEST(gicv5_pmu, interrupt_enable,
     .summary = "PMINTENCLR_EL1 takes the interrupt of an overflow back, PMINTENSET_EL1 lets it go",
     .needs = gicv5 && pmu)
{
    const irq::Masked masked;
    const pmu::Guard saved{monitors};
    monitors.enable();
    monitors.set_overflow(cycle_counter);
    timer::delay(timer::milliseconds(1));
    EXPECT_FALSE(cpu_interface().pending(pmu_ppi));
    for (unsigned round = 0; round < 3; ++round) {
        monitors.enable_interrupt(cycle_counter);
        ASSERT_TRUE(becomes_pending(true));
        monitors.disable_interrupt(cycle_counter);
        ASSERT_TRUE(becomes_pending(false));
    }
    EXPECT_EQ(monitors.overflowed(), cycle_counter);
}

TEST(gicv5_pmu, disabled,
     .summary = "PMCR_EL0.E holds the interrupt of an overflow back, and lets it go",
     .needs = gicv5 && pmu)
{
    const irq::Masked masked;
    const pmu::Guard saved{monitors};
    monitors.enable_interrupt(cycle_counter);
    monitors.set_overflow(cycle_counter);
    timer::delay(timer::milliseconds(1));
    EXPECT_FALSE(cpu_interface().pending(pmu_ppi));
    monitors.enable();
    EXPECT_TRUE(becomes_pending(true));
    monitors.disable();
    EXPECT_TRUE(becomes_pending(false));
}

TEST(gicv5_pmu, refires,
     .summary = "the interrupt of the PMU comes again until the overflow is cleared",
     .needs = gicv5 && pmu)
{
    constexpr unsigned repetitions = 10;
    const pmu::Guard saved{monitors};
    std::atomic<unsigned> taken{0};
    const auto handler = [&](irq::Id) {
        if (taken.fetch_add(1) + 1 == repetitions) {
            monitors.clear_overflow(cycle_counter);
        }
    };
    const irq::Guard guard{pmu_id, handler};
    monitors.enable_interrupt(cycle_counter);
    monitors.enable();
    monitors.set_overflow(cycle_counter);
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= repetitions; }));
    stay_quiet();
    EXPECT_EQ(taken.load(), repetitions);
}

TEST(gicv5_pmu, uncounted,
     .summary = "a counter that is not started does not count SW_INCR, and does not interrupt",
     .needs = gicv5 && pmu)
{
    if (monitors.event_counters() == 0) {
        return test::skip("PMCR_EL0.N is 0: no event counters");
    }
    const pmu::Guard saved{monitors};
    const OverflowIrq irq;
    monitors.set_event(0, pmu::Event::sw_incr);
    monitors.set_count(0, last_of_32_bits);
    monitors.enable_interrupt(event_counter(0));
    monitors.enable();
    monitors.increment(event_counter(0));
    stay_quiet();
    EXPECT_EQ(monitors.count(0), last_of_32_bits);
    EXPECT_EQ(irq.taken(), 0);
    monitors.start(event_counter(0));
    monitors.increment(event_counter(0));
    EXPECT_TRUE(irq.wait());
    EXPECT_EQ(monitors.count(0) & last_of_32_bits, 0);  // it may have 64
}

TEST(gicv5_pmu, own_cpu_only,
     .summary = "a counter that wraps on one CPU interrupts that CPU and no other",
     .needs = gicv5 && pmu && cpus(2))
{
    const pmu::Guard saved{monitors};
    const OverflowIrq here;
    monitors.enable_interrupt(cycle_counter);
    monitors.enable();
    for (unsigned index = 1; index < smp::online_count(); ++index) {
        smp::on_cpu(index, [&] {
            const pmu::Guard saved_there{monitors};
            const OverflowIrq there;
            monitors.enable_interrupt(cycle_counter);
            monitors.set_cycles(last_of_64_bits);
            monitors.start(cycle_counter);
            monitors.enable();
            EXPECT_TRUE(there.wait());
            EXPECT_EQ(there.taken(), 1);
        });
    }
    stay_quiet();
    EXPECT_EQ(here.taken(), 0);
    EXPECT_EQ(monitors.overflowed(), 0);
    monitors.set_overflow(cycle_counter);
    EXPECT_TRUE(here.wait());
}
