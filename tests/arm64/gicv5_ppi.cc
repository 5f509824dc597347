// SPDX-License-Identifier: MIT
//
// The PPIs of a GICv5 CPU: their state machine and their registers (AES 0070).

#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/register_guard.h"
#include "tests/support/arm64/timers_under_test.h"

#include <arch/cpu.h>

#include <atomic>
#include <cstdint>
#include <iterator>
#include <string_view>

using namespace gicv5;

namespace {

constexpr std::uint64_t bit(unsigned ppi)
{
    return std::uint64_t{1} << ppi;
}

// PPIs 0 to 63 that the architecture gives no meaning to.
constexpr std::uint64_t reserved = 0xffff'ffff'0007'7ff0;

}  // namespace

TEST(gicv5_ppi, spurious,
     .summary = "without a candidate HPPIR and acknowledges are 0, and an end does nothing",
     .needs = gicv5)
{
    const irq::Masked masked;
    EXPECT_EQ(active_priorities(), 0);
    EXPECT_EQ(sysreg::read<ICC_HPPIR_EL1>().raw, 0);
    EXPECT_EQ(result_of<CDIA>(), 0);
    interface.drop_priority();
    sysreg::synchronize();
    EXPECT_EQ(active_priorities(), 0);
}

TEST(
    gicv5_ppi, states,
    .summary =
        "SW_PPI goes from pending to active at the acknowledge and to inactive at the deactivation",
    .needs = gicv5)
{
    const PpiUnderTest under_test;
    EXPECT_EQ(candidate(), nothing);
    interface.set_pending(sw_ppi);
    EXPECT_TRUE(interface.pending(sw_ppi));
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(candidate(), sw_ppi_id());

    ASSERT_EQ(acknowledged(), sw_ppi_id());
    EXPECT_FALSE(interface.pending(sw_ppi));
    EXPECT_TRUE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), bit(default_priority));
    EXPECT_EQ(candidate(), nothing);

    finish(sw_ppi_id());
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), 0);
    EXPECT_EQ(candidate(), nothing);
}

TEST(gicv5_ppi, taken,
     .summary = "SW_PPI is taken once, active and not pending in its handler, and idle after it",
     .needs = gicv5)
{
    std::atomic<unsigned> taken{0};
    const auto handler = [&](irq::Id id) {
        EXPECT_EQ(id, sw_ppi_id());
        EXPECT_TRUE(interface.active(sw_ppi));
        EXPECT_FALSE(interface.pending(sw_ppi));
        EXPECT_EQ(running_priority(), default_priority);
        taken.fetch_add(1);
    };
    const irq::Guard guard{sw_ppi_id(), handler};
    interface.set_pending(sw_ppi);
    ASSERT_TRUE(timer::wait_until([&] { return taken.load() != 0; }));
    stay_quiet();
    EXPECT_EQ(taken.load(), 1);
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(running_priority(), idle_priority);
}

TEST(gicv5_ppi, candidate_is_acknowledged,
     .summary = "the acknowledge returns, bit for bit, what HPPIR showed", .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    const auto shown = sysreg::read<ICC_HPPIR_EL1>().raw;
    EXPECT_EQ(shown, 0x1'2000'0003U);
    EXPECT_EQ(result_of<CDIA>(), shown);
}

TEST(gicv5_ppi, active_is_not_signalled,
     .summary = "an active PPI is not signalled again until it is deactivated", .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    ASSERT_EQ(acknowledged(), sw_ppi_id());
    interface.set_pending(sw_ppi);
    interface.drop_priority();
    sysreg::synchronize();
    EXPECT_TRUE(interface.pending(sw_ppi));
    EXPECT_EQ(candidate(), nothing);

    interface.deactivate(sw_ppi_id());
    sysreg::synchronize();
    EXPECT_EQ(candidate(), sw_ppi_id());
    ASSERT_EQ(acknowledged(), sw_ppi_id());
    finish(sw_ppi_id());
    EXPECT_EQ(candidate(), nothing);
}

TEST(gicv5_ppi, raised_in_handler,
     .summary = "SW_PPI raised in its own handler is taken exactly once more", .needs = gicv5)
{
    std::atomic<unsigned> taken{0};
    std::atomic<unsigned> depth{0};
    const auto handler = [&](irq::Id) {
        EXPECT_EQ(depth.fetch_add(1), 0);
        if (taken.fetch_add(1) == 0) {
            interface.set_pending(sw_ppi);
            const irq::Unmasked unmasked;
            stay_quiet();
            EXPECT_EQ(taken.load(), 1);
        }
        depth.fetch_sub(1);
    };
    const irq::Guard guard{sw_ppi_id(), handler};
    interface.set_pending(sw_ppi);
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() == 2; }));
    stay_quiet();
    EXPECT_EQ(taken.load(), 2);
}

TEST(gicv5_ppi, collapses, .summary = "SW_PPI made pending twice is taken once", .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    interface.set_pending(sw_ppi);
    ASSERT_EQ(acknowledged(), sw_ppi_id());
    finish(sw_ppi_id());
    EXPECT_EQ(acknowledged(), nothing);
}

TEST(gicv5_ppi, cleared, .summary = "SW_PPI that is made not pending again is not taken",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    const SwPpiCounter counter;
    interface.set_pending(sw_ppi);
    interface.clear_pending(sw_ppi);
    EXPECT_FALSE(interface.pending(sw_ppi));
    EXPECT_EQ(candidate(), nothing);
    const irq::Unmasked unmasked;
    stay_quiet();
    EXPECT_EQ(counter.taken(), 0);
    interface.set_pending(sw_ppi);
    EXPECT_TRUE(counter.wait_for(1));
}

TEST(gicv5_ppi, disabled_stays_pending,
     .summary = "a disabled PPI is not signalled, stays pending, and comes when it is enabled",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    const SwPpiCounter counter;
    for (const bool disabled_first : {true, false}) {
        const unsigned before = counter.taken();
        if (disabled_first) {
            interface.disable(sw_ppi);
            interface.set_pending(sw_ppi);
        } else {
            interface.set_pending(sw_ppi);
            interface.disable(sw_ppi);
        }
        EXPECT_EQ(candidate(), nothing);
        EXPECT_TRUE(interface.pending(sw_ppi));
        const irq::Unmasked unmasked;
        stay_quiet();
        EXPECT_EQ(counter.taken(), before);
        interface.enable(sw_ppi);
        ASSERT_TRUE(counter.wait_for(before + 1));
        EXPECT_FALSE(interface.pending(sw_ppi));
    }
}

TEST(gicv5_ppi, disabled_while_active,
     .summary = "a PPI that is disabled while it is active ends like any other", .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    ASSERT_EQ(acknowledged(), sw_ppi_id());
    interface.disable(sw_ppi);
    EXPECT_TRUE(interface.active(sw_ppi));
    finish(sw_ppi_id());
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), 0);
}

TEST(gicv5_ppi, active_by_register,
     .summary = "a PPI made active by its register is not signalled until it is made inactive",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_active(sw_ppi);
    EXPECT_EQ(active_priorities(), 0);
    interface.set_pending(sw_ppi);
    EXPECT_TRUE(interface.active(sw_ppi));
    EXPECT_EQ(candidate(), nothing);
    interface.clear_active(sw_ppi);
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(candidate(), sw_ppi_id());
}

TEST(gicv5_ppi, aliases,
     .summary = "the registers that set and that clear pending and active state show the same",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    const auto expect_state = [](bool pending, bool active) {
        const auto set_pending = sysreg::read<ICC_PPI_SPENDR_EL1<0>>().raw;
        EXPECT_EQ(sysreg::read<ICC_PPI_CPENDR_EL1<0>>().raw, set_pending);
        EXPECT_EQ((set_pending & bit(sw_ppi)) != 0, pending);
        const auto set_active = sysreg::read<ICC_PPI_SACTIVER_EL1<0>>().raw;
        EXPECT_EQ(sysreg::read<ICC_PPI_CACTIVER_EL1<0>>().raw, set_active);
        EXPECT_EQ((set_active & bit(sw_ppi)) != 0, active);
    };
    expect_state(false, false);
    interface.set_pending(sw_ppi);
    expect_state(true, false);
    interface.set_active(sw_ppi);
    expect_state(true, true);
    interface.clear_pending(sw_ppi);
    expect_state(false, true);
    interface.clear_active(sw_ppi);
    expect_state(false, false);
}

TEST(gicv5_ppi, zeros_change_nothing,
     .summary = "zeros written to the registers that set and clear state leave it as it is",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    const auto write_others = [] {
        constexpr std::uint64_t others = ~bit(sw_ppi) & reserved;
        sysreg::write(ICC_PPI_SPENDR_EL1<0>{});
        sysreg::write(ICC_PPI_CPENDR_EL1<0>{});
        sysreg::write(ICC_PPI_CPENDR_EL1<0>::from(others));
        sysreg::write(ICC_PPI_SACTIVER_EL1<0>{});
        sysreg::write(ICC_PPI_CACTIVER_EL1<0>{});
        sysreg::write(ICC_PPI_CACTIVER_EL1<0>::from(others));
        sysreg::synchronize();
    };
    write_others();
    EXPECT_FALSE(interface.pending(sw_ppi));
    EXPECT_FALSE(interface.active(sw_ppi));
    interface.set_pending(sw_ppi);
    interface.set_active(sw_ppi);
    write_others();
    EXPECT_TRUE(interface.pending(sw_ppi));
    EXPECT_TRUE(interface.active(sw_ppi));
}

TEST(gicv5_ppi, enabled_apart, .summary = "PPIs are enabled and disabled one by one",
     .needs = gicv5)
{
    const irq::Masked masked;
    const RegisterGuard<ICC_PPI_ENABLER_EL1<0>> saved;
    constexpr std::uint64_t known = bit(sw_ppi) | bit(cntv_ppi) | bit(cntp_ppi);
    sysreg::write(ICC_PPI_ENABLER_EL1<0>{});
    sysreg::synchronize();
    std::uint64_t expected = 0;
    const auto matches = [&] {
        EXPECT_EQ(sysreg::read<ICC_PPI_ENABLER_EL1<0>>().raw & known, expected);
    };
    for (const unsigned ppi : {cntv_ppi, sw_ppi, cntp_ppi}) {
        interface.enable(ppi);
        expected |= bit(ppi);
        matches();
    }
    for (const unsigned ppi : {sw_ppi, cntv_ppi, cntp_ppi}) {
        interface.disable(ppi);
        expected &= ~bit(ppi);
        matches();
    }
}

TEST(gicv5_ppi, priorities_apart,
     .summary = "the priorities of PPIs that share a register are each their own", .needs = gicv5)
{
    const irq::Masked masked;
    const RegisterGuard<ICC_PPI_PRIORITYR_EL1<3>> saved;
    interface.set_priority(cntv_ppi, 0x08);
    interface.set_priority(cntp_ppi, 0x18);
    EXPECT_EQ(interface.priority(cntv_ppi), 0x08);
    EXPECT_EQ(interface.priority(cntp_ppi), 0x18);
    interface.set_priority(cntv_ppi, 0x1e);
    EXPECT_EQ(interface.priority(cntv_ppi), 0x1e);
    EXPECT_EQ(interface.priority(cntp_ppi), 0x18);
    EXPECT_EQ(interface.priority(sw_ppi), default_priority);
}

TEST(gicv5_ppi, priority_bits,
     .summary = "a PPI's priority keeps the bits that are implemented and no other", .needs = gicv5)
{
    const PpiUnderTest under_test;
    for (std::uint8_t priority = 0; priority < 32; ++priority) {
        interface.set_priority(sw_ppi, priority);
        const auto implemented = static_cast<std::uint8_t>(priority & interface.lowest_priority());
        ASSERT_EQ(interface.priority(sw_ppi), implemented);
    }
}

TEST(gicv5_ppi, interface_disabled,
     .summary = "nothing is signalled while ICC_CR0_EL1.EN is off, and all of it when it is on",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    const SwPpiCounter counter;
    RegisterGuard<ICC_CR0_EL1> control{ICC_CR0_EL1::EN, 0};
    interface.set_pending(sw_ppi);
    EXPECT_EQ(candidate(), nothing);
    EXPECT_EQ(acknowledged(), nothing);
    EXPECT_TRUE(interface.pending(sw_ppi));
    const irq::Unmasked unmasked;
    stay_quiet();
    EXPECT_EQ(counter.taken(), 0);
    control.set(ICC_CR0_EL1::EN, 1);
    EXPECT_TRUE(counter.wait_for(1));
}

TEST(gicv5_ppi, wakes,
     .summary = "a pending SW_PPI wakes a CPU from WFI whose interrupts are masked", .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    const timer::Ticks asleep = timer::now();
    arch::wait_for_interrupt();
    EXPECT_LT((timer::now() - asleep).value, timer::patience().value);
    EXPECT_EQ(candidate(), sw_ppi_id());
}

TEST(gicv5_ppi, wakes_below_mask,
     .summary =
         "a pending PPI of insufficient priority may leave a CPU asleep, until one comes that "
         "has it",
     .needs = gicv5 && timer_virt)
{
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    const timer::Timer& timer = timer::virtual_timer;
    const timer::Guard saved{timer};
    const PpiUnderTest under_test{0x18};
    const RegisterGuard<ICC_PPI_PRIORITYR_EL1<3>> priorities;
    RegisterGuard<ICC_PCR_EL1> mask;
    const RegisterGuard<ICC_PPI_ENABLER_EL1<0>> enabled;
    interface.set_priority(number(*id), 0x08);
    interface.enable(number(*id));
    mask.set(ICC_PCR_EL1::from(default_priority));
    interface.set_pending(sw_ppi);

    const std::uint64_t deadline = timer.count() + timer::milliseconds(5).value;
    timer.arm(deadline);
    arch::wait_for_interrupt();
    test::note("woken by the PPI that is {}", timer.count() < deadline ? "masked" : "not masked");
    EXPECT_TRUE(timer::wait_until([&] { return is_candidate(*id); }));
    EXPECT_GE(timer.count(), deadline);
    EXPECT_TRUE(interface.pending(sw_ppi));
}

TEST(gicv5_ppi, level_follows_input,
     .summary = "software can neither set nor clear the pending state of a level-sensitive PPI",
     .needs = gicv5)
{
    const irq::Masked masked;
    const bool input = interface.pending(cntv_ppi);
    interface.set_pending(cntv_ppi);
    EXPECT_EQ(interface.pending(cntv_ppi), input);
    interface.clear_pending(cntv_ppi);
    EXPECT_EQ(interface.pending(cntv_ppi), input);
}

TEST(gicv5_ppi, banked,
     .summary = "state, priorities, mask and enable of the CPU interface are each CPU's own",
     .needs = gicv5 && cpus(2))
{
    const PpiUnderTest under_test{0x08};
    RegisterGuard<ICC_PCR_EL1> mask;
    interface.set_pending(sw_ppi);
    ASSERT_EQ(acknowledged(), sw_ppi_id());
    interface.set_pending(sw_ppi);
    mask.set(ICC_PCR_EL1::from(0x0e));
    const RegisterGuard<ICC_CR0_EL1> off{ICC_CR0_EL1::EN, 0};
    smp::on_cpu(1, [] {
        EXPECT_FALSE(interface.enabled(sw_ppi));
        EXPECT_FALSE(interface.pending(sw_ppi));
        EXPECT_FALSE(interface.active(sw_ppi));
        EXPECT_EQ(interface.priority(sw_ppi), default_priority);
        EXPECT_EQ(active_priorities(), 0);
        EXPECT_EQ(sysreg::read<ICC_PCR_EL1>().raw, std::uint64_t{interface.lowest_priority()});
        EXPECT_EQ(sysreg::read<ICC_CR0_EL1>()[ICC_CR0_EL1::EN], 1);
        const SwPpiCounter counter;
        interface.set_pending(sw_ppi);
        EXPECT_TRUE(counter.wait_for(1));
    });
    EXPECT_TRUE(interface.pending(sw_ppi));
    EXPECT_TRUE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), bit(0x08));
}

TEST(gicv5_ppi, reinitialised,
     .summary = "a CPU that was turned off in the middle of an interrupt starts without it",
     .needs = gicv5 && psci && cpus(2))
{
    smp::on_cpu(1, [] {
        interface.set_priority(sw_ppi, 0x06);
        interface.set_active(sw_ppi);
        interface.set_pending(sw_ppi);
        interface.enable(sw_ppi);
        // The lowest: what wakes the CPU for its work still comes.
        const std::uint64_t running = bit(interface.lowest_priority());
        sysreg::write(ICC_APR_EL1::from(running));
        sysreg::synchronize();
        EXPECT_EQ(active_priorities(), running);
    });
    const auto stopped = smp::stop(1);
    ASSERT_TRUE(stopped.has_value());
    const auto started = smp::start(1);
    ASSERT_TRUE(started.has_value());
    smp::on_cpu(1, [] {
        EXPECT_FALSE(interface.enabled(sw_ppi));
        EXPECT_FALSE(interface.pending(sw_ppi));
        EXPECT_FALSE(interface.active(sw_ppi));
        EXPECT_EQ(interface.priority(sw_ppi), default_priority);
        EXPECT_EQ(active_priorities(), 0);
        const SwPpiCounter counter;
        interface.set_pending(sw_ppi);
        EXPECT_TRUE(counter.wait_for(1));
        stay_quiet();
        EXPECT_EQ(counter.taken(), 1);
    });
}

TEST(gicv5_ppi, stray_deactivation,
     .summary = "deactivating what is not active, or does not exist, does nothing", .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    for (const irq::Id id : {sw_ppi_id(), ppi(200), nothing}) {
        interface.deactivate(id);
    }
    sysreg::synchronize();
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), 0);

    ASSERT_EQ(acknowledged(), sw_ppi_id());
    for (const irq::Id id : {ppi(sw_ppi + 64), ppi(sw_ppi + 128), irq::Id{sw_ppi}, nothing}) {
        interface.deactivate(id);
    }
    sysreg::synchronize();
    EXPECT_TRUE(interface.active(sw_ppi));
}

TEST(gicv5_ppi, reserved_are_zero,
     .summary = "registers of PPIs that do not exist read as zero whatever is written",
     .needs = gicv5)
{
    // The PPIs that exist keep what they have.
    struct {
        std::string_view name;
        std::uint64_t (*written)();
    } constexpr registers[]{
        {"ICC_PPI_HMR0_EL1", [] { return sysreg::read<ICC_PPI_HMR_EL1<0>>().raw; }},
        {"ICC_PPI_ENABLER0_EL1",
         [] {
             RegisterGuard<ICC_PPI_ENABLER_EL1<0>> saved;
             saved.set(ICC_PPI_ENABLER_EL1<0>::from(sysreg::read<ICC_PPI_ENABLER_EL1<0>>().raw |
                                                    reserved));
             return sysreg::read<ICC_PPI_ENABLER_EL1<0>>().raw;
         }},
        {"ICC_PPI_SPENDR0_EL1",
         [] {
             sysreg::write(ICC_PPI_SPENDR_EL1<0>::from(reserved));
             sysreg::synchronize();
             const auto found = sysreg::read<ICC_PPI_SPENDR_EL1<0>>().raw;
             sysreg::write(ICC_PPI_CPENDR_EL1<0>::from(reserved));
             sysreg::synchronize();
             return found;
         }},
        {"ICC_PPI_SACTIVER0_EL1",
         [] {
             sysreg::write(ICC_PPI_SACTIVER_EL1<0>::from(reserved));
             sysreg::synchronize();
             const auto found = sysreg::read<ICC_PPI_SACTIVER_EL1<0>>().raw;
             sysreg::write(ICC_PPI_CACTIVER_EL1<0>::from(reserved));
             sysreg::synchronize();
             return found;
         }},
    };
    const irq::Masked masked;
    test::Items items{std::size(registers) + 1};
    for (const auto& entry : registers) {
        items.run(entry.name, [&] { EXPECT_EQ(entry.written() & reserved, 0); });
    }
    // PPIs 32 to 39.
    items.run("ICC_PPI_PRIORITYR4_EL1", [] {
        RegisterGuard<ICC_PPI_PRIORITYR_EL1<4>> saved;
        saved.set(ICC_PPI_PRIORITYR_EL1<4>::from(0x1010'1010'1010'1010));
        EXPECT_EQ(sysreg::read<ICC_PPI_PRIORITYR_EL1<4>>().raw, 0);
    });
}

TEST(gicv5_ppi, reserved_are_not_signalled,
     .summary = "a PPI that does not exist is not signalled, whatever is written to its registers",
     .needs = gicv5)
{
    const irq::Masked masked;
    const RegisterGuard<ICC_PPI_ENABLER_EL1<0>> saved;
    sysreg::write(ICC_PPI_ENABLER_EL1<0>::from(reserved));
    sysreg::write(ICC_PPI_SPENDR_EL1<0>::from(reserved));
    sysreg::synchronize();
    EXPECT_EQ(candidate(), nothing);
    const irq::Id taken = acknowledged();
    EXPECT_EQ(taken, nothing);
    if (taken != nothing) {
        finish(taken);
    }
    sysreg::write(ICC_PPI_CPENDR_EL1<0>::from(reserved));
    sysreg::synchronize();
}
