// SPDX-License-Identifier: MIT
//
// The GICv5 CPU interface (AES 0070): identification, and the PPIs of the calling CPU. SW_PPI,
// which software raises, serves as the edge-triggered interrupt.

#include "arm64/gic/gicv5.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "tests/support/arm64/register_guard.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

using namespace gicv5;

namespace {

constexpr unsigned pmu_ppi = 23;
constexpr unsigned virtual_timer_ppi = 27;
constexpr unsigned physical_timer_ppi = 30;
constexpr auto interface = cpu_interface();

constexpr irq::Id sw_ppi_id()
{
    return ppi(sw_ppi);
}

bool is_candidate(irq::Id id)
{
    const auto best = interface.candidate();
    return best && *best == id;
}

// Enables a PPI at a priority for a scope with interrupts masked, and leaves nothing of it.
class PpiUnderTest {
public:
    explicit PpiUnderTest(std::uint8_t priority = default_priority)
    {
        interface.set_priority(sw_ppi, priority);
        interface.enable(sw_ppi);
    }
    ~PpiUnderTest()
    {
        interface.disable(sw_ppi);
        interface.clear_pending(sw_ppi);
        interface.clear_active(sw_ppi);
        interface.set_priority(sw_ppi, default_priority);
    }
    PpiUnderTest(const PpiUnderTest&) = delete;
    PpiUnderTest& operator=(const PpiUnderTest&) = delete;

private:
    irq::Masked masked_;
};

void finish(irq::Id id)
{
    interface.deactivate(id);
    interface.drop_priority();
    sysreg::synchronize();
}

std::uint64_t active_priorities()
{
    return sysreg::read<ICC_APR_EL1>().raw;
}

}  // namespace

TEST(gicv5, identification,
     .summary = "ICC_IDR0_EL1 has values that the architecture gives a meaning to", .needs = gicv5)
{
    const auto id = sysreg::read<ICC_IDR0_EL1>();
    test::note("ICC_IDR0_EL1 = {:#x}", id.raw);
    EXPECT_LE(id[ICC_IDR0_EL1::ID_BITS], 1);
    EXPECT_GE(id[ICC_IDR0_EL1::PRI_BITS], 3);
    EXPECT_LE(id[ICC_IDR0_EL1::PRI_BITS], 4);
}

TEST(gicv5, affinity, .summary = "every CPU has an IAFFID of its own", .needs = gicv5 && cpus(2))
{
    constexpr unsigned max_cpus = 64;
    std::array<std::uint16_t, max_cpus> iaffids{};
    const unsigned count = std::min(smp::online_count(), max_cpus);
    for (unsigned index = 0; index < count; ++index) {
        smp::on_cpu(index, [&] { iaffids[index] = interface.iaffid(); });
    }
    for (unsigned a = 0; a < count; ++a) {
        for (unsigned b = a + 1; b < count; ++b) {
            EXPECT_NE(iaffids[a], iaffids[b]);
        }
    }
}

TEST(gicv5, handling_modes,
     .summary = "SW_PPI is edge-triggered; the timers' and the PMU's PPIs are level-sensitive",
     .needs = gicv5)
{
    EXPECT_FALSE(interface.level_sensitive(sw_ppi));
    EXPECT_TRUE(interface.level_sensitive(pmu_ppi));
    EXPECT_TRUE(interface.level_sensitive(virtual_timer_ppi));
    EXPECT_TRUE(interface.level_sensitive(physical_timer_ppi));
}

TEST(gicv5, priority_mask_bits,
     .summary = "ICC_PCR_EL1 keeps the priority bits that are implemented and no other",
     .needs = gicv5)
{
    const irq::Masked masked;
    RegisterGuard<ICC_PCR_EL1> mask;
    const std::uint64_t implemented = interface.lowest_priority();
    for (std::uint64_t priority = 0; priority < 32; ++priority) {
        mask.set(ICC_PCR_EL1::from(priority));
        EXPECT_EQ(sysreg::read<ICC_PCR_EL1>().raw, priority & implemented);
    }
}

TEST(gicv5, spurious_acknowledge,
     .summary = "without a pending interrupt there is no candidate, and an acknowledge and an end "
                "do nothing",
     .needs = gicv5)
{
    const irq::Masked masked;
    EXPECT_EQ(sysreg::read<ICC_HPPIR_EL1>().raw, 0);
    EXPECT_EQ(sysreg::read<CDIA>().raw, 0);
    interface.drop_priority();
    sysreg::synchronize();
    EXPECT_EQ(active_priorities(), 0);
}

TEST(
    gicv5, ppi_states,
    .summary =
        "SW_PPI goes from pending to active at the acknowledge and to inactive at the deactivation",
    .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    EXPECT_TRUE(interface.pending(sw_ppi));
    EXPECT_TRUE(is_candidate(sw_ppi_id()));

    const auto acknowledged = interface.acknowledge();
    ASSERT_TRUE(acknowledged.has_value());
    EXPECT_EQ(acknowledged->value, sw_ppi_id().value);
    EXPECT_FALSE(interface.pending(sw_ppi));
    EXPECT_TRUE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), std::uint64_t{1} << default_priority);

    finish(*acknowledged);
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), 0);
}

TEST(gicv5, active_is_not_signalled,
     .summary = "an active PPI is not signalled again until it is deactivated", .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    const auto first = interface.acknowledge();
    ASSERT_TRUE(first.has_value());
    interface.set_pending(sw_ppi);
    interface.drop_priority();
    sysreg::synchronize();
    EXPECT_FALSE(interface.candidate().has_value());

    interface.deactivate(*first);
    sysreg::synchronize();
    EXPECT_TRUE(timer::wait_until([] { return is_candidate(sw_ppi_id()); }));
    const auto second = interface.acknowledge();
    ASSERT_TRUE(second.has_value());
    finish(*second);
    EXPECT_FALSE(interface.candidate().has_value());
}

TEST(gicv5, pending_collapses, .summary = "SW_PPI made pending twice is taken once", .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    interface.set_pending(sw_ppi);
    const auto acknowledged = interface.acknowledge();
    ASSERT_TRUE(acknowledged.has_value());
    finish(*acknowledged);
    EXPECT_FALSE(interface.acknowledge().has_value());
}

TEST(gicv5, pending_cleared, .summary = "SW_PPI that is made not pending again is not taken",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    interface.clear_pending(sw_ppi);
    EXPECT_FALSE(interface.pending(sw_ppi));
    EXPECT_FALSE(interface.acknowledge().has_value());
}

TEST(gicv5, pending_aliases,
     .summary = "the registers that set and that clear pending and active state show the same",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    const auto same = [] {
        EXPECT_EQ(sysreg::read<ICC_PPI_SPENDR_EL1<0>>().raw,
                  sysreg::read<ICC_PPI_CPENDR_EL1<0>>().raw);
        EXPECT_EQ(sysreg::read<ICC_PPI_SACTIVER_EL1<0>>().raw,
                  sysreg::read<ICC_PPI_CACTIVER_EL1<0>>().raw);
    };
    same();
    interface.set_pending(sw_ppi);
    same();
    interface.set_active(sw_ppi);
    same();
}

TEST(gicv5, disabled_stays_pending,
     .summary = "a disabled PPI is not signalled, stays pending, and comes when it is enabled",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.disable(sw_ppi);
    interface.set_pending(sw_ppi);
    EXPECT_FALSE(interface.candidate().has_value());
    EXPECT_TRUE(interface.pending(sw_ppi));
    interface.enable(sw_ppi);
    EXPECT_TRUE(is_candidate(sw_ppi_id()));
}

TEST(gicv5, active_by_register,
     .summary = "a PPI made active by its register is not signalled until it is made inactive",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_active(sw_ppi);
    interface.set_pending(sw_ppi);
    EXPECT_FALSE(interface.candidate().has_value());
    interface.clear_active(sw_ppi);
    EXPECT_TRUE(is_candidate(sw_ppi_id()));
}

TEST(gicv5, priority_mask,
     .summary = "a PPI of the priority in ICC_PCR_EL1 is signalled, one of a lower priority is not",
     .needs = gicv5)
{
    const PpiUnderTest under_test{0x10};
    RegisterGuard<ICC_PCR_EL1> mask;
    interface.set_pending(sw_ppi);
    mask.set(ICC_PCR_EL1::from(0x0e));
    EXPECT_FALSE(interface.candidate().has_value());
    EXPECT_FALSE(interface.acknowledge().has_value());
    mask.set(ICC_PCR_EL1::from(0x10));
    EXPECT_TRUE(is_candidate(sw_ppi_id()));
}

TEST(gicv5, interface_disabled, .summary = "nothing is signalled while ICC_CR0_EL1.EN is off",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    RegisterGuard<ICC_CR0_EL1> control{ICC_CR0_EL1::EN, 0};
    interface.set_pending(sw_ppi);
    std::uint64_t taken = 0;
    const auto count = [&](irq::Id) { ++taken; };
    const irq::Guard guard{sw_ppi_id(), count};
    {
        const irq::Unmasked unmasked;
        timer::delay(timer::milliseconds(1));
    }
    EXPECT_EQ(taken, 0);
    control.set(ICC_CR0_EL1::EN, 1);
    {
        const irq::Unmasked unmasked;
        EXPECT_TRUE(
            timer::wait_until([&] { return *static_cast<volatile std::uint64_t*>(&taken) == 1; }));
    }
}

TEST(gicv5, every_edge_is_taken, .summary = "every SW_PPI raised one after the other is taken once",
     .needs = gicv5)
{
    constexpr unsigned edges = 2'000;
    smp::on_all_cpus([&] {
        std::atomic<unsigned> taken{0};
        const auto count = [&](irq::Id) { taken.fetch_add(1); };
        const irq::Guard guard{sw_ppi_id(), count};
        for (unsigned edge = 1; edge <= edges; ++edge) {
            interface.set_pending(sw_ppi);
            ASSERT_TRUE(timer::wait_until([&] { return taken.load() == edge; }));
        }
        EXPECT_EQ(taken.load(), edges);
    });
}

TEST(gicv5, wakes, .summary = "a pending SW_PPI wakes a CPU from WFI whose interrupts are masked",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    const timer::Ticks asleep = timer::now();
    arch::wait_for_interrupt();
    EXPECT_LT((timer::now() - asleep).value, timer::patience().value);
    EXPECT_TRUE(is_candidate(sw_ppi_id()));
}

TEST(gicv5, level_is_not_software,
     .summary = "software can neither set nor clear the pending state of a level-sensitive PPI",
     .needs = gicv5)
{
    const irq::Masked masked;
    interface.set_pending(virtual_timer_ppi);
    EXPECT_FALSE(interface.pending(virtual_timer_ppi));
}

TEST(gicv5, banked, .summary = "enable, pending state and priority of a PPI are each CPU's own",
     .needs = gicv5 && cpus(2))
{
    const PpiUnderTest under_test{0x08};
    interface.set_pending(sw_ppi);
    smp::on_cpu(1, [] {
        EXPECT_FALSE(interface.enabled(sw_ppi));
        EXPECT_FALSE(interface.pending(sw_ppi));
        EXPECT_EQ(interface.priority(sw_ppi), default_priority);
        EXPECT_EQ(active_priorities(), 0);
    });
    EXPECT_TRUE(interface.pending(sw_ppi));
}

TEST(gicv5, stray_deactivation,
     .summary = "deactivating what is not active, or does not exist, does nothing", .needs = gicv5)
{
    const irq::Masked masked;
    for (const irq::Id id : {ppi(sw_ppi), ppi(200), irq::Id{0}}) {
        interface.deactivate(id);
    }
    sysreg::synchronize();
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), 0);
}

TEST(gicv5, ppis_ignore_instructions,
     .summary = "the instructions that configure SPIs and LPIs leave PPIs alone", .needs = gicv5)
{
    const irq::Masked masked;
    const irq::Id id = sw_ppi_id();
    sysreg::write(CDEN::from(id.value));
    sysreg::write(CDPEND::from(id.value).with(CDPEND::PENDING, 1));
    sysreg::write(CDHM::from(id.value).with(CDHM::HM, 1));
    sysreg::write(GSB_SYS{});
    sysreg::synchronize();
    EXPECT_FALSE(interface.enabled(sw_ppi));
    EXPECT_FALSE(interface.pending(sw_ppi));
    EXPECT_FALSE(interface.level_sensitive(sw_ppi));
}
