// SPDX-License-Identifier: MIT
//
// The SETLPI frame: a write of an LPI's ID makes it pending, as a device does without an ITS
// (AES 0070).

#include "lib/boot/boot.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"

#include <cstdint>

using namespace gicv5;

namespace {

void raise(irq::Id id)
{
    setlpi_frame()->set_pending(number(id));
}

// A write to the frame has had its effect.
void complete()
{
    EXPECT_TRUE(routing_services().front().synchronize().has_value());
}

}  // namespace

TEST(gicv5_setlpi, announced,
     .summary = "IRS_IDR0.SETLPI says that there is a SETLPI frame exactly if the device tree does",
     .needs = gicv5_irs)
{
    const auto irs = boot::info().tree->find_compatible("arm,gic-v5-irs");
    ASSERT_TRUE(irs.has_value());
    EXPECT_EQ(routing_services().front().io().read<IRS_IDR0>()[IRS_IDR0::SETLPI] != 0,
              irs->reg("ns-setlpi").has_value());
}

TEST(gicv5_setlpi, taken, .summary = "each write of an LPI's ID is taken once",
     .needs = gicv5_setlpi)
{
    const Lpis lpis{1};
    const InterruptCounter counter{lpis[0]};
    for (unsigned round = 1; round <= 20; ++round) {
        raise(lpis[0]);
        ASSERT_TRUE(counter.wait_for(round));
    }
    stay_quiet();
    EXPECT_EQ(counter.taken(), 20);
}

TEST(gicv5_setlpi, that_lpi_alone,
     .summary = "a write makes the LPI of that ID pending and no other", .needs = gicv5_setlpi)
{
    const LpiUnderTest interrupts{3};
    const irq::Id id = interrupts.id(1);
    raise(id);
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(state_of(id), State::pending);
    EXPECT_EQ(state_of(interrupts.id(0)), State::idle);
    EXPECT_EQ(state_of(interrupts.id(2)), State::idle);
    EXPECT_EQ(acknowledged(), id);
    finish(id);
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
}

TEST(gicv5_setlpi, collapses, .summary = "two writes before the acknowledge are one interrupt",
     .needs = gicv5_setlpi)
{
    const LpiUnderTest interrupt;
    const irq::Id id = interrupt.id();
    raise(id);
    raise(id);
    complete();
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(acknowledged(), id);
    finish(id);
    stay_quiet();
    EXPECT_EQ(state_of(id), State::idle);
}

TEST(gicv5_setlpi, disabled_stays_pending,
     .summary = "an LPI that is disabled becomes pending, and is signalled once it is enabled",
     .needs = gicv5_setlpi)
{
    const LpiUnderTest interrupt;
    const irq::Id id = interrupt.id();
    commands().disable(id);
    raise(id);
    EXPECT_TRUE(timer::wait_until([&] { return state_of(id) == State::pending; }));
    EXPECT_EQ(candidate(), nothing);
    commands().enable(id);
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(acknowledged(), id);
    finish(id);
}

TEST(gicv5_setlpi, unreachable, .summary = "an ID beyond the table makes nothing pending",
     .needs = gicv5_setlpi)
{
    const LpiUnderTest interrupt;
    const unsigned id_bits = lpi_table().geometry().id_bits;
    if (id_bits == 24) {
        return test::skip("the table has all IDs");
    }
    // With the low bits of one that is there.
    raise(lpi(number(interrupt.id()) | 1U << id_bits));
    complete();
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
    EXPECT_EQ(state_of(interrupt.id()), State::idle);
}

TEST(gicv5_setlpi, each_cpu, .summary = "the LPI goes to the CPU it is targeted at",
     .needs = gicv5_setlpi && cpus(2))
{
    const irq::Masked masked;
    const Lpis lpis{1};
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (cpu.index == 0 || !cpu.online) {
            continue;
        }
        smp::on_cpu(cpu.index, [&] {
            const InterruptCounter counter{lpis[0]};  // targets it here
            raise(lpis[0]);
            EXPECT_TRUE(counter.wait_for(1));
            stay_quiet();
            EXPECT_EQ(counter.taken(), 1);
        });
        EXPECT_EQ(candidate(), nothing);
    }
}
