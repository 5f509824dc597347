// SPDX-License-Identifier: MIT
//
// GICv2 (IHI 0048B.b), register by register. SGIs of the calling CPU serve as the interrupt.

#include "arm64/gic/gicv2.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"

#include <atomic>
#include <cstdint>

using namespace gicv2;

namespace {

constexpr unsigned test_sgi = 5;
constexpr unsigned other_sgi = 6;
constexpr std::uint32_t spurious = 1023;
constexpr std::uint32_t idle_priority = 0xff;

std::uint32_t candidate()
{
    return cpu_interface().io().read<GICC_HPPIR>()[GICC_HPPIR::PENDINTID];
}

std::uint32_t running_priority()
{
    return cpu_interface().io().read<GICC_RPR>()[GICC_RPR::Priority];
}

void send_to_self(unsigned sgi)
{
    distributor().send_sgi(distributor().own_target(), sgi);
}

// Enables an SGI at a priority for a scope with interrupts masked, and leaves nothing of it.
class SgiUnderTest {
public:
    explicit SgiUnderTest(unsigned sgi, std::uint8_t priority = gic::default_priority) : sgi_{sgi}
    {
        distributor().set_priority(sgi_, priority);
        distributor().enable(sgi_);
    }
    ~SgiUnderTest()
    {
        distributor().disable(sgi_);
        distributor().io().write(GICD_CPENDSGIR::from(0xff), sgi_);
        distributor().clear_active(sgi_);
        distributor().set_priority(sgi_, gic::default_priority);
    }
    SgiUnderTest(const SgiUnderTest&) = delete;
    SgiUnderTest& operator=(const SgiUnderTest&) = delete;

private:
    irq::Masked masked_;
    unsigned sgi_;
};

// Gives the priority mask back.
class PriorityMask {
public:
    explicit PriorityMask(std::uint32_t mask) { cpu_interface().io().write(GICC_PMR::from(mask)); }
    ~PriorityMask() { cpu_interface().io().write(GICC_PMR::from(gic::lowest_priority)); }
    PriorityMask(const PriorityMask&) = delete;
    PriorityMask& operator=(const PriorityMask&) = delete;
};

}  // namespace

TEST(gicv2, identification,
     .summary = "the distributor says that it is a GICv2 with an interface for every CPU",
     .needs = gicv2)
{
    const auto type = distributor().io().read<GICD_TYPER>();
    EXPECT_EQ((distributor().io().read<ICPIDR2>()[ICPIDR2::ArchRev]), 2);
    EXPECT_GE(type[GICD_TYPER::CPUNumber] + 1, smp::online_count());
}

TEST(gicv2, own_target, .summary = "every CPU has a target bit of its own", .needs = gicv2)
{
    std::atomic<unsigned> bits{0};
    smp::on_all_cpus([&] {
        const unsigned target = distributor().own_target();
        EXPECT_EQ(target & (target - 1), 0);
        EXPECT_EQ(bits.fetch_or(target) & target, 0);
    });
}

TEST(gicv2, spurious_acknowledge,
     .summary = "an acknowledge without a pending interrupt answers 1023 and changes nothing",
     .needs = gicv2)
{
    const irq::Masked masked;
    EXPECT_EQ(candidate(), spurious);
    for (unsigned i = 0; i < 10; ++i) {
        EXPECT_EQ((cpu_interface().io().read<GICC_IAR>()[GICC_IAR::InterruptID]), spurious);
        EXPECT_EQ(running_priority(), idle_priority);
    }
}

TEST(gicv2, sgi_states,
     .summary = "an SGI goes from pending to active at the acknowledge and to inactive at the end",
     .needs = gicv2)
{
    const SgiUnderTest sgi{test_sgi};
    send_to_self(test_sgi);
    EXPECT_TRUE(distributor().pending(test_sgi));
    EXPECT_EQ(candidate(), test_sgi);

    const auto acknowledged = cpu_interface().acknowledge();
    ASSERT_TRUE(acknowledged.has_value());
    EXPECT_EQ((*acknowledged)[GICC_IAR::InterruptID], test_sgi);
    EXPECT_FALSE(distributor().pending(test_sgi));
    EXPECT_TRUE(distributor().active(test_sgi));
    EXPECT_EQ(running_priority(), std::uint32_t{gic::default_priority});

    cpu_interface().end(*acknowledged);
    EXPECT_FALSE(distributor().active(test_sgi));
    EXPECT_EQ(running_priority(), idle_priority);
}

TEST(gicv2, sgi_sender, .summary = "the acknowledge of an SGI names the CPU interface that sent it",
     .needs = gicv2 && cpus(2))
{
    const SgiUnderTest sgi{test_sgi};
    const unsigned receiver = distributor().own_target();
    for (unsigned sender = 0; sender < smp::online_count() && sender < max_cpus; ++sender) {
        unsigned sender_target = 0;
        smp::on_cpu(sender, [&] {
            sender_target = distributor().own_target();
            distributor().send_sgi(static_cast<std::uint8_t>(receiver), test_sgi);
        });
        const auto acknowledged = cpu_interface().acknowledge();
        ASSERT_TRUE(acknowledged.has_value());
        EXPECT_EQ((*acknowledged)[GICC_IAR::InterruptID], test_sgi);
        EXPECT_EQ(1U << (*acknowledged)[GICC_IAR::CPUID], sender_target);
        cpu_interface().end(*acknowledged);
    }
}

TEST(gicv2, priority_mask,
     .summary = "only interrupts of a higher priority than GICC_PMR are signalled", .needs = gicv2)
{
    const SgiUnderTest sgi{test_sgi, 0x80};
    send_to_self(test_sgi);
    for (const std::uint32_t mask : {0x40U, 0x80U}) {
        const PriorityMask lowered{mask};
        EXPECT_FALSE(cpu_interface().acknowledge().has_value());
        EXPECT_TRUE(distributor().pending(test_sgi));
    }
    const PriorityMask raised{0xc0};
    const auto acknowledged = cpu_interface().acknowledge();
    ASSERT_TRUE(acknowledged.has_value());
    cpu_interface().end(*acknowledged);
}

TEST(gicv2, priority_order,
     .summary = "of two pending interrupts the one with the higher priority comes first",
     .needs = gicv2)
{
    const SgiUnderTest low{test_sgi, 0xa0};
    const SgiUnderTest high{other_sgi, 0x40};
    send_to_self(test_sgi);
    send_to_self(other_sgi);
    const auto first = cpu_interface().acknowledge();
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ((*first)[GICC_IAR::InterruptID], other_sgi);
    EXPECT_EQ(running_priority(), 0x40);
    EXPECT_EQ(cpu_interface().acknowledge().has_value(), false);
    cpu_interface().end(*first);
    const auto second = cpu_interface().acknowledge();
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ((*second)[GICC_IAR::InterruptID], test_sgi);
    cpu_interface().end(*second);
}

TEST(gicv2, preemption,
     .summary =
         "an interrupt of a higher priority is signalled while one of a lower priority is active",
     .needs = gicv2)
{
    const SgiUnderTest low{test_sgi, 0xa0};
    const SgiUnderTest high{other_sgi, 0x40};
    send_to_self(test_sgi);
    const auto outer = cpu_interface().acknowledge();
    ASSERT_TRUE(outer.has_value());
    send_to_self(other_sgi);
    const auto inner = cpu_interface().acknowledge();
    EXPECT_TRUE(inner.has_value());
    if (inner) {
        EXPECT_EQ((*inner)[GICC_IAR::InterruptID], other_sgi);
        EXPECT_EQ(running_priority(), 0x40);
        cpu_interface().end(*inner);
    }
    EXPECT_EQ(running_priority(), 0xa0);
    cpu_interface().end(*outer);
}

TEST(
    gicv2, disabled_stays_pending,
    .summary = "a disabled interrupt is not signalled, stays pending, and comes when it is enabled",
    .needs = gicv2)
{
    const SgiUnderTest sgi{test_sgi};
    distributor().disable(test_sgi);
    if (distributor().enabled(test_sgi)) {
        return test::skip("SGIs cannot be disabled on this GICv2");
    }
    send_to_self(test_sgi);
    EXPECT_FALSE(cpu_interface().acknowledge().has_value());
    EXPECT_TRUE(distributor().pending(test_sgi));
    distributor().enable(test_sgi);
    const auto acknowledged = cpu_interface().acknowledge();
    ASSERT_TRUE(acknowledged.has_value());
    cpu_interface().end(*acknowledged);
}

TEST(gicv2, banked, .summary = "the pending state and the priority of SGIs are each CPU's own",
     .needs = gicv2 && cpus(2))
{
    const SgiUnderTest sgi{test_sgi, 0x40};
    send_to_self(test_sgi);
    smp::on_cpu(1, [] {
        EXPECT_FALSE(distributor().pending(test_sgi));
        EXPECT_EQ(distributor().priority(test_sgi), gic::default_priority);
    });
    EXPECT_TRUE(distributor().pending(test_sgi));
}
