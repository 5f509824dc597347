// SPDX-License-Identifier: MIT
//
// GICv3 (IHI 0069H.b), register by register. SGIs of the calling CPU serve as the interrupt.

#include "arm64/gic/gicv3.h"
#include "arm64/cpu/control_registers.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "tests/support/arm64/register_guard.h"

#include <cstdint>

using namespace gicv3;

namespace {

constexpr unsigned test_sgi = 5;
constexpr unsigned other_sgi = 6;
constexpr std::uint64_t spurious = 1023;
constexpr std::uint64_t idle_priority = 0xff;

std::uint64_t candidate()
{
    return sysreg::read<ICC_HPPIR1_EL1>()[ICC_HPPIR1_EL1::INTID];
}

std::uint64_t running_priority()
{
    return sysreg::read<ICC_RPR_EL1>()[ICC_RPR_EL1::Priority];
}

// The path through the redistributor takes its time.
bool becomes_candidate(std::uint64_t intid)
{
    return timer::wait_until([=] { return candidate() == intid; });
}

void send_to_self(unsigned sgi)
{
    cpu_interface().send_sgi(smp::this_cpu().hardware_id, sgi);
}

// Enables an SGI at a priority for a scope with interrupts masked, and leaves nothing of it.
class SgiUnderTest {
public:
    explicit SgiUnderTest(unsigned sgi, std::uint8_t priority = gic::default_priority) : sgi_{sgi}
    {
        redistributor().set_priority(sgi_, priority);
        redistributor().enable(sgi_);
    }
    ~SgiUnderTest()
    {
        redistributor().disable(sgi_);
        static_cast<void>(redistributor().wait_for_writes());
        redistributor().clear_pending(sgi_);
        redistributor().clear_active(sgi_);
        redistributor().set_priority(sgi_, gic::default_priority);
    }
    SgiUnderTest(const SgiUnderTest&) = delete;
    SgiUnderTest& operator=(const SgiUnderTest&) = delete;

private:
    irq::Masked masked_;
    unsigned sgi_;
};

}  // namespace

TEST(gicv3, identification,
     .summary = "the distributor says that it is a GICv3 or GICv4 with affinity routing",
     .needs = gicv3)
{
    const auto revision = distributor().io().read<GICD_PIDR2>()[GICD_PIDR2::ArchRev];
    EXPECT_TRUE(revision == 3 || revision == 4);
    EXPECT_EQ((distributor().io().read<GICD_CTLR>()[GICD_CTLR::ARE]), 1);
}

TEST(gicv3, system_registers, .summary = "every CPU has the system register interface on",
     .needs = gicv3)
{
    smp::on_all_cpus([] { EXPECT_EQ((sysreg::read<ICC_SRE_EL1>()[ICC_SRE_EL1::SRE]), 1); });
}

TEST(gicv3, redistributor_affinity,
     .summary = "the redistributor that carries a CPU's affinity signals to that CPU",
     .needs = gicv3)
{
    // One CPU after the other: two that are mixed up would make up for each other.
    for (unsigned index = 0; index < smp::online_count(); ++index) {
        smp::on_cpu(index, [] {
            const SgiUnderTest sgi{test_sgi};
            EXPECT_EQ(candidate(), spurious);
            redistributor().set_pending(test_sgi);
            EXPECT_TRUE(becomes_candidate(test_sgi));
        });
    }
}

TEST(gicv3, priority_bits,
     .summary = "ICC_PMR_EL1 keeps the priority bits that ICC_CTLR_EL1 announces", .needs = gicv3)
{
    const auto bits = sysreg::read<ICC_CTLR_EL1>()[ICC_CTLR_EL1::PRIbits] + 1;
    EXPECT_GE(bits, 4);
    EXPECT_LE(bits, 8);
    const std::uint64_t implemented = 0xff & ~((std::uint64_t{1} << (8 - bits)) - 1);
    // With two security states, the Non-secure view is the lower half of the range, shifted up by
    // one (IHI 0069H.b 4.8.1); whether it applies here, EL3 knows.
    const bool two_states = distributor().io().read<GICD_CTLR>()[GICD_CTLR::DS] == 0;
    const std::uint64_t shifted = implemented << 1 & 0xff;

    const irq::Masked masked;
    const RegisterGuard<ICC_PMR_EL1> mask{ICC_PMR_EL1::Priority, 0xff};
    const auto kept = sysreg::read<ICC_PMR_EL1>()[ICC_PMR_EL1::Priority];
    EXPECT_EQ(kept, two_states && kept == shifted ? shifted : implemented);
}

TEST(gicv3, spurious_acknowledge,
     .summary = "an acknowledge without a pending interrupt answers 1023 and changes nothing",
     .needs = gicv3)
{
    const irq::Masked masked;
    EXPECT_EQ(candidate(), spurious);
    for (unsigned i = 0; i < 10; ++i) {
        EXPECT_EQ((sysreg::read<ICC_IAR1_EL1>()[ICC_IAR1_EL1::INTID]), spurious);
        EXPECT_EQ(running_priority(), idle_priority);
    }
}

TEST(gicv3, sgi_states,
     .summary = "an SGI goes from pending to active at the acknowledge and to inactive at the end",
     .needs = gicv3)
{
    const SgiUnderTest sgi{test_sgi};
    send_to_self(test_sgi);
    ASSERT_TRUE(becomes_candidate(test_sgi));
    EXPECT_TRUE(redistributor().pending(test_sgi));

    const auto acknowledged = cpu_interface().acknowledge();
    ASSERT_TRUE(acknowledged.has_value());
    EXPECT_EQ(*acknowledged, test_sgi);
    EXPECT_FALSE(redistributor().pending(test_sgi));
    EXPECT_TRUE(redistributor().active(test_sgi));
    EXPECT_EQ(running_priority(), std::uint64_t{gic::default_priority});

    cpu_interface().end(*acknowledged);
    EXPECT_TRUE(timer::wait_until([] { return !redistributor().active(test_sgi); }));
    EXPECT_EQ(running_priority(), idle_priority);
}

TEST(gicv3, split_end,
     .summary = "with EOImode 1 the end drops the priority and a write of ICC_DIR_EL1 deactivates",
     .needs = gicv3)
{
    const SgiUnderTest sgi{test_sgi};
    const RegisterGuard<ICC_CTLR_EL1> mode{ICC_CTLR_EL1::EOImode, 1};
    send_to_self(test_sgi);
    ASSERT_TRUE(becomes_candidate(test_sgi));
    const auto acknowledged = cpu_interface().acknowledge();
    ASSERT_TRUE(acknowledged.has_value());

    cpu_interface().end(*acknowledged);
    EXPECT_EQ(running_priority(), idle_priority);
    EXPECT_TRUE(redistributor().active(test_sgi));

    sysreg::write(ICC_DIR_EL1::from(*acknowledged));
    sysreg::synchronize();
    EXPECT_TRUE(timer::wait_until([] { return !redistributor().active(test_sgi); }));
}

TEST(gicv3, pending_by_register,
     .summary = "an SGI can be made pending and not pending by its redistributor", .needs = gicv3)
{
    const SgiUnderTest sgi{test_sgi};
    redistributor().set_pending(test_sgi);
    EXPECT_TRUE(becomes_candidate(test_sgi));
    redistributor().clear_pending(test_sgi);
    EXPECT_TRUE(becomes_candidate(spurious));
    EXPECT_FALSE(redistributor().pending(test_sgi));
}

TEST(gicv3, priority_mask,
     .summary = "only interrupts of a higher priority than ICC_PMR_EL1 are signalled",
     .needs = gicv3)
{
    const SgiUnderTest sgi{test_sgi, 0x80};
    RegisterGuard<ICC_PMR_EL1> mask;
    send_to_self(test_sgi);
    ASSERT_TRUE(becomes_candidate(test_sgi));
    for (const std::uint64_t level : {0x40U, 0x80U}) {
        mask.set(ICC_PMR_EL1::Priority, level);
        EXPECT_FALSE(cpu_interface().acknowledge().has_value());
        EXPECT_TRUE(redistributor().pending(test_sgi));
    }
    mask.set(ICC_PMR_EL1::Priority, 0xc0);
    ASSERT_TRUE(becomes_candidate(test_sgi));
    const auto acknowledged = cpu_interface().acknowledge();
    ASSERT_TRUE(acknowledged.has_value());
    cpu_interface().end(*acknowledged);
}

TEST(gicv3, priority_order,
     .summary = "of two pending interrupts the one with the higher priority comes first",
     .needs = gicv3)
{
    const SgiUnderTest low{test_sgi, 0xa0};
    const SgiUnderTest high{other_sgi, 0x40};
    send_to_self(test_sgi);
    send_to_self(other_sgi);
    ASSERT_TRUE(becomes_candidate(other_sgi));
    const auto first = cpu_interface().acknowledge();
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(*first, other_sgi);
    EXPECT_EQ(running_priority(), 0x40);
    EXPECT_FALSE(cpu_interface().acknowledge().has_value());
    cpu_interface().end(*first);
    ASSERT_TRUE(becomes_candidate(test_sgi));
    const auto second = cpu_interface().acknowledge();
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(*second, test_sgi);
    cpu_interface().end(*second);
}

TEST(gicv3, preemption,
     .summary =
         "an interrupt of a higher priority is signalled while one of a lower priority is active",
     .needs = gicv3)
{
    const SgiUnderTest low{test_sgi, 0xa0};
    const SgiUnderTest high{other_sgi, 0x40};
    send_to_self(test_sgi);
    ASSERT_TRUE(becomes_candidate(test_sgi));
    const auto outer = cpu_interface().acknowledge();
    ASSERT_TRUE(outer.has_value());
    send_to_self(other_sgi);
    EXPECT_TRUE(becomes_candidate(other_sgi));
    const auto inner = cpu_interface().acknowledge();
    EXPECT_TRUE(inner.has_value());
    if (inner) {
        EXPECT_EQ(*inner, other_sgi);
        EXPECT_EQ(running_priority(), 0x40);
        cpu_interface().end(*inner);
    }
    EXPECT_EQ(running_priority(), 0xa0);
    cpu_interface().end(*outer);
}

TEST(gicv3, group_disabled, .summary = "nothing is signalled while ICC_IGRPEN1_EL1 is off",
     .needs = gicv3)
{
    const SgiUnderTest sgi{test_sgi};
    RegisterGuard<ICC_IGRPEN1_EL1> group{ICC_IGRPEN1_EL1::Enable, 0};
    send_to_self(test_sgi);
    EXPECT_TRUE(timer::wait_until([] { return redistributor().pending(test_sgi); }));
    EXPECT_EQ(candidate(), spurious);
    group.set(ICC_IGRPEN1_EL1::Enable, 1);
    EXPECT_TRUE(becomes_candidate(test_sgi));
}

TEST(
    gicv3, disabled_stays_pending,
    .summary = "a disabled interrupt is not signalled, stays pending, and comes when it is enabled",
    .needs = gicv3)
{
    const SgiUnderTest sgi{test_sgi};
    redistributor().disable(test_sgi);
    ASSERT_TRUE(redistributor().wait_for_writes().has_value());
    send_to_self(test_sgi);
    EXPECT_TRUE(timer::wait_until([] { return redistributor().pending(test_sgi); }));
    EXPECT_EQ(candidate(), spurious);
    redistributor().enable(test_sgi);
    EXPECT_TRUE(becomes_candidate(test_sgi));
}

TEST(gicv3, broadcast,
     .summary = "an SGI to all but the sender reaches every other CPU and not the sender",
     .needs = gicv3 && cpus(2))
{
    const auto everywhere = [](bool enable) {
        smp::on_all_cpus([enable] {
            const irq::Masked masked;
            if (enable) {
                redistributor().enable(test_sgi);
            } else {
                redistributor().disable(test_sgi);
            }
        });
    };
    // Disabled everywhere, so that it stays pending where it arrives.
    everywhere(false);
    sysreg::write(ICC_SGI1R_EL1{}.with(ICC_SGI1R_EL1::IRM, 1).with(ICC_SGI1R_EL1::INTID, test_sgi));
    sysreg::synchronize();
    const unsigned sender = smp::this_cpu().index;
    smp::on_all_cpus([sender] {
        const bool expected = smp::this_cpu().index != sender;
        EXPECT_EQ(timer::wait_until([] { return redistributor().pending(test_sgi); },
                                    expected ? timer::patience() : timer::milliseconds(2)),
                  expected);
        redistributor().clear_pending(test_sgi);
    });
}
