// SPDX-License-Identifier: MIT
//
// NMIs of GICv5: an interrupt of priority 0 has superpriority, and is an NMI while SCTLR_EL1.NMI is
// 1 (AES 0070; Arm ARM D1.3.6.2). The vectors acknowledge it as one: CpuInterface::acknowledge().

#include "arm64/cpu/control_registers.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/register_guard.h"

#include <arch/cpu.h>

#include <atomic>
#include <cstdint>

using namespace gicv5;

namespace {

constexpr std::uint8_t superpriority = 0;

// SW_PPI as an NMI for a scope, with interrupts masked, which does not mask NMIs.
struct NmiUnderTest {
    PpiUnderTest ppi{superpriority};
    RegisterGuard<SCTLR_EL1> control{SCTLR_EL1::NMI, 1};
};

// PSTATE.ALLINT, which masks NMIs as well.
using AllMasked = RegisterGuard<ALLINT>;

std::uint64_t interrupt_status()
{
    return sysreg::read<ISR_EL1>().raw;
}
constexpr std::uint64_t irq_with_superpriority = ISR_EL1::I.mask() | ISR_EL1::IS.mask();

}  // namespace

TEST(gicv5_nmi, taken_while_masked,
     .summary = "an interrupt of priority 0 is taken, once, although PSTATE.I masks interrupts",
     .needs = gicv5 && nmi)
{
    const NmiUnderTest nmi;
    const SwPpiCounter counter;
    interface.set_pending(sw_ppi);
    EXPECT_TRUE(counter.wait_for(1));
    stay_quiet();
    EXPECT_EQ(counter.taken(), 1);
    EXPECT_TRUE(arch::interrupts_masked());
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), 0);
}

TEST(gicv5_nmi, acknowledged_as_nmi, .summary = "an NMI is returned by CDNMIA and hidden from CDIA",
     .needs = gicv5 && nmi)
{
    const NmiUnderTest nmi;
    const AllMasked all{ALLINT::mask, 1};
    interface.set_pending(sw_ppi);
    EXPECT_EQ(candidate(), sw_ppi_id());
    EXPECT_EQ(interrupt_status() & irq_with_superpriority, irq_with_superpriority);
    EXPECT_EQ(result_of<CDIA>(), 0);
    EXPECT_TRUE(interface.pending(sw_ppi));
    EXPECT_EQ(active_priorities(), 0);
    EXPECT_EQ(interface.acknowledge_nmi().value_or(nothing), sw_ppi_id());
    EXPECT_FALSE(interface.pending(sw_ppi));
    EXPECT_TRUE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), 1);
    finish(sw_ppi_id());
    EXPECT_EQ(active_priorities(), 0);
    EXPECT_EQ(result_of<CDNMIA>(), 0);
}

TEST(gicv5_nmi, masked_by_allint, .summary = "PSTATE.ALLINT masks an NMI until it is cleared",
     .needs = gicv5 && nmi)
{
    const NmiUnderTest nmi;
    const SwPpiCounter counter;
    AllMasked all{ALLINT::mask, 1};
    EXPECT_EQ(sysreg::read<ALLINT>()[ALLINT::mask], 1);
    interface.set_pending(sw_ppi);
    stay_quiet();
    EXPECT_EQ(counter.taken(), 0);
    all.set(ALLINT::mask, 0);
    EXPECT_TRUE(counter.wait_for(1));
}

TEST(gicv5_nmi, lower_priority_is_none,
     .summary = "an interrupt of priority 1 or 2 is masked by PSTATE.I and acknowledged by CDIA",
     .needs = gicv5 && nmi)
{
    const NmiUnderTest nmi;
    const SwPpiCounter counter;
    interface.set_priority(sw_ppi, priority_step());
    interface.set_pending(sw_ppi);
    stay_quiet();
    EXPECT_EQ(counter.taken(), 0);
    EXPECT_EQ(interrupt_status() & irq_with_superpriority, ISR_EL1::I.mask());
    EXPECT_EQ(result_of<CDNMIA>(), 0);
    EXPECT_EQ(result_of<CDIA>(), 0x1'2000'0003U);
}

TEST(
    gicv5_nmi, off,
    .summary = "without SCTLR_EL1.NMI priority 0 is ordinary: masked by PSTATE.I, returned by CDIA",
    .needs = gicv5 && nmi)
{
    const PpiUnderTest under_test{superpriority};
    const RegisterGuard<SCTLR_EL1> control{SCTLR_EL1::NMI, 0};
    {
        const SwPpiCounter counter;
        interface.set_pending(sw_ppi);
        stay_quiet();
        EXPECT_EQ(counter.taken(), 0);
        const irq::Unmasked unmasked;
        EXPECT_TRUE(counter.wait_for(1));
    }
    interface.enable(sw_ppi);
    interface.set_pending(sw_ppi);
    EXPECT_EQ(result_of<CDNMIA>(), 0);
    EXPECT_EQ(result_of<CDIA>(), 0x1'2000'0003U);
    EXPECT_EQ(active_priorities(), 1);
}

TEST(gicv5_nmi, in_handler,
     .summary = "a handler starts with NMIs masked, and is interrupted by one when it lets them in",
     .needs = gicv5 && nmi)
{
    const NmiUnderTest nmi;
    interface.set_priority(sw_ppi, 0x08);
    std::atomic<unsigned> taken{0};
    const auto handler = [&](irq::Id) {
        if (taken.fetch_add(1) != 0) {
            EXPECT_EQ(active_priorities(), std::uint64_t{1} << 0x08 | 1);
            return;
        }
        EXPECT_EQ(sysreg::read<ALLINT>()[ALLINT::mask], 1);
        interface.deactivate(sw_ppi_id());
        interface.set_priority(sw_ppi, superpriority);
        interface.set_pending(sw_ppi);
        stay_quiet();
        EXPECT_EQ(taken.load(), 1);
        const AllMasked all{ALLINT::mask, 0};
        EXPECT_TRUE(arch::interrupts_masked());
        EXPECT_TRUE(timer::wait_until([&] { return taken.load() == 2; }));
    };
    const irq::Guard guard{sw_ppi_id(), handler};
    interface.set_pending(sw_ppi);
    {
        const irq::Unmasked unmasked;
        EXPECT_TRUE(timer::wait_until([&] { return taken.load() == 2; }));
    }
    EXPECT_EQ(sysreg::read<ALLINT>()[ALLINT::mask], 0);
    EXPECT_EQ(active_priorities(), 0);
}

TEST(gicv5_nmi, masked_by_stack,
     .summary =
         "with SCTLR_EL1.SPINTMASK a handler, on SP_EL1, is not interrupted at all, and code "
         "on SP_EL0 is",
     .needs = gicv5 && nmi)
{
    NmiUnderTest nmi;
    nmi.control.set(SCTLR_EL1::SPINTMASK, 1);
    interface.set_priority(sw_ppi, 0x08);
    std::atomic<unsigned> depth{0};
    std::atomic<unsigned> taken{0};
    const auto handler = [&](irq::Id) {
        EXPECT_EQ(depth.fetch_add(1), 0);
        if (taken.fetch_add(1) == 0) {
            EXPECT_EQ(sysreg::read<ALLINT>()[ALLINT::mask], 0);
            interface.deactivate(sw_ppi_id());
            interface.set_priority(sw_ppi, superpriority);
            interface.set_pending(sw_ppi);
            const irq::Unmasked unmasked;
            stay_quiet();
            EXPECT_EQ(taken.load(), 1);
            EXPECT_TRUE(is_candidate(sw_ppi_id()));
        }
        depth.fetch_sub(1);
    };
    const irq::Guard guard{sw_ppi_id(), handler};
    interface.set_pending(sw_ppi);
    const irq::Unmasked unmasked;
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() == 2; }));
}

TEST(gicv5_nmi, accounting,
     .summary = "of 10,000 NMIs raised with interrupts masked, each is taken once, before the next",
     .needs = gicv5 && nmi)
{
    constexpr unsigned nmis = 10'000;
    const NmiUnderTest nmi;
    const SwPpiCounter counter;
    for (unsigned raised = 1; raised <= nmis; ++raised) {
        interface.set_pending(sw_ppi);
        ASSERT_TRUE(counter.wait_for(raised));
        ASSERT_EQ(counter.taken(), raised);
    }
}
