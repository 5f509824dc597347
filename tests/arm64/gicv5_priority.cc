// SPDX-License-Identifier: MIT
//
// Priorities of a GICv5 CPU interface: mask, running priority, preemption (AES 0070). 0 is the
// highest. An interrupt has sufficient priority when it is not below the mask and above the running
// priority; SW_PPI that was deactivated and whose priority was not dropped leaves the CPU running.

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/register_guard.h"
#include "tests/support/arm64/timers_under_test.h"

#include <arch/cpu.h>

#include <atomic>
#include <cstdint>

using namespace gicv5;

namespace {

constexpr std::uint64_t bit(unsigned priority)
{
    return std::uint64_t{1} << priority;
}

// An item for each implemented priority, the highest first.
template <typename Body>
void for_each_priority(Body body)
{
    const unsigned step = priority_step();
    test::Items items{32 / step};
    for (unsigned priority = 0; priority < 32; priority += step) {
        TextBuffer<16> name;
        format_to(name, "{}", priority);
        items.run(name.text(), [&] { body(static_cast<std::uint8_t>(priority)); });
    }
}

void set_mask(unsigned priority)
{
    sysreg::write(ICC_PCR_EL1::from(priority));
    sysreg::synchronize();
}

// Makes SW_PPI pending at a priority.
void raise(unsigned priority)
{
    interface.set_priority(sw_ppi, static_cast<std::uint8_t>(priority));
    interface.set_pending(sw_ppi);
}

// The CPU runs at that priority, and SW_PPI is free for more.
[[nodiscard]] bool run_at(unsigned priority)
{
    raise(priority);
    const irq::Id id = acknowledged();
    interface.deactivate(sw_ppi_id());
    sysreg::synchronize();
    return id == sw_ppi_id();
}

void drop()
{
    interface.drop_priority();
    sysreg::synchronize();
}

}  // namespace

TEST(gicv5_priority, mask_bits,
     .summary = "ICC_PCR_EL1 keeps the priority bits that are implemented and no other",
     .needs = gicv5)
{
    const irq::Masked masked;
    const RegisterGuard<ICC_PCR_EL1> saved;
    const unsigned implemented = interface.lowest_priority();
    for (unsigned priority = 0; priority < 32; ++priority) {
        set_mask(priority);
        ASSERT_EQ(sysreg::read<ICC_PCR_EL1>().raw, std::uint64_t{priority & implemented});
    }
}

TEST(gicv5_priority, active_bits,
     .summary = "ICC_APR_EL1 keeps a bit for each priority, and the lowest is the running one",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    const unsigned step = priority_step();
    for (unsigned priority = 0; priority < 32; priority += step) {
        sysreg::write(ICC_APR_EL1::from(bit(priority) | bit(32 - step)));
        sysreg::synchronize();
        ASSERT_EQ(active_priorities(), bit(priority) | bit(32 - step));
        raise(priority);
        ASSERT_EQ(candidate(), nothing);
        if (priority >= step) {
            raise(priority - step);
            ASSERT_EQ(candidate(), sw_ppi_id());
        }
    }
}

TEST(gicv5_priority, mask,
     .summary = "with every mask, exactly the priorities that are not below it are signalled",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    const RegisterGuard<ICC_PCR_EL1> saved;
    for_each_priority([](std::uint8_t mask) {
        set_mask(mask);
        for (unsigned priority = 0; priority < 32; priority += priority_step()) {
            raise(priority);
            const irq::Id expected = priority <= mask ? sw_ppi_id() : nothing;
            const irq::Id shown = candidate();
            const irq::Id taken = acknowledged();
            if (shown != expected || taken != expected) {
                test::note("priority {}", priority);
            }
            ASSERT_EQ(shown, expected);
            ASSERT_EQ(taken, expected);
            if (taken != nothing) {
                ASSERT_EQ(active_priorities(), bit(priority));
                finish(taken);
            }
        }
    });
}

TEST(gicv5_priority, preemption,
     .summary = "on a CPU that runs at a priority, exactly the higher ones are signalled",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    for_each_priority([](std::uint8_t running) {
        ASSERT_TRUE(run_at(running));
        for (unsigned priority = 0; priority < 32; priority += priority_step()) {
            raise(priority);
            const irq::Id expected = priority < running ? sw_ppi_id() : nothing;
            const irq::Id shown = candidate();
            const irq::Id taken = acknowledged();
            if (shown != expected || taken != expected) {
                test::note("priority {}", priority);
            }
            ASSERT_EQ(shown, expected);
            ASSERT_EQ(taken, expected);
            if (taken != nothing) {
                ASSERT_EQ(active_priorities(), bit(priority) | bit(running));
                finish(taken);
            }
        }
        drop();
        ASSERT_EQ(active_priorities(), 0);
        interface.clear_pending(sw_ppi);
    });
}

TEST(gicv5_priority, lifo,
     .summary = "every end drops the highest active priority, in the reverse order of acknowledges",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    ASSERT_TRUE(run_at(0x18));
    ASSERT_TRUE(run_at(0x10));
    ASSERT_TRUE(run_at(0x04));
    EXPECT_EQ(active_priorities(), bit(0x18) | bit(0x10) | bit(0x04));
    EXPECT_EQ(running_priority(), 0x04);
    drop();
    EXPECT_EQ(active_priorities(), bit(0x18) | bit(0x10));
    EXPECT_EQ(running_priority(), 0x10);
    // In between, one comes and goes.
    ASSERT_TRUE(run_at(0x0e));
    EXPECT_EQ(running_priority(), 0x0e);
    drop();
    EXPECT_EQ(running_priority(), 0x10);
    drop();
    EXPECT_EQ(active_priorities(), bit(0x18));
    drop();
    EXPECT_EQ(active_priorities(), 0);
    EXPECT_EQ(running_priority(), idle_priority);
}

TEST(gicv5_priority, nesting,
     .summary = "an interrupt of a higher priority is taken in the handler of a lower, three deep",
     .needs = gicv5)
{
    constexpr unsigned deepest = 3;
    constexpr std::uint8_t levels[deepest]{0x18, 0x10, 0x08};
    constexpr std::uint64_t active[deepest]{bit(0x18), bit(0x18) | bit(0x10),
                                            bit(0x18) | bit(0x10) | bit(0x08)};
    std::atomic<unsigned> depth{0};
    std::atomic<unsigned> taken{0};
    std::atomic<bool> given_up{false};
    const auto wait_for_all = [&] {
        if (!timer::wait_until([&] { return taken.load() == deepest || given_up.load(); })) {
            given_up = true;
        }
    };
    const auto handler = [&](irq::Id) {
        const unsigned level = depth.fetch_add(1);
        ASSERT_LT(level, deepest);
        taken.fetch_add(1);
        EXPECT_EQ(active_priorities(), active[level]);
        EXPECT_EQ(running_priority(), levels[level]);
        if (level + 1 < deepest) {
            interface.deactivate(sw_ppi_id());
            raise(levels[level + 1]);
            const irq::Unmasked unmasked;
            wait_for_all();
        }
        EXPECT_EQ(active_priorities(), active[level]);
        depth.fetch_sub(1);
    };
    const PpiUnderTest under_test;
    const irq::Guard guard{sw_ppi_id(), handler};
    raise(levels[0]);
    {
        const irq::Unmasked unmasked;
        wait_for_all();
    }
    EXPECT_EQ(taken.load(), deepest);
    EXPECT_EQ(depth.load(), 0);
    EXPECT_EQ(active_priorities(), 0);
    EXPECT_FALSE(interface.active(sw_ppi));
}

TEST(gicv5_priority, no_nesting,
     .summary = "an interrupt of the same or a lower priority waits for the handler's end",
     .needs = gicv5)
{
    for (const unsigned second : {0x08U, 0x0cU}) {
        std::atomic<unsigned> depth{0};
        std::atomic<unsigned> taken{0};
        const auto handler = [&](irq::Id) {
            EXPECT_EQ(depth.fetch_add(1), 0);
            if (taken.fetch_add(1) == 0) {
                interface.deactivate(sw_ppi_id());
                raise(second);
                const irq::Unmasked unmasked;
                stay_quiet();
                EXPECT_EQ(taken.load(), 1);
                EXPECT_TRUE(interface.pending(sw_ppi));
            }
            depth.fetch_sub(1);
        };
        const PpiUnderTest under_test;
        const irq::Guard guard{sw_ppi_id(), handler};
        raise(0x08);
        const irq::Unmasked unmasked;
        EXPECT_TRUE(timer::wait_until([&] { return taken.load() == 2; }));
    }
}

TEST(gicv5_priority, end_in_both_orders,
     .summary = "deactivation and priority drop come to the same end in either order",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    for (const bool drop_first : {true, false}) {
        interface.set_pending(sw_ppi);
        ASSERT_EQ(acknowledged(), sw_ppi_id());
        if (drop_first) {
            drop();
            EXPECT_EQ(active_priorities(), 0);
            EXPECT_TRUE(interface.active(sw_ppi));
            interface.deactivate(sw_ppi_id());
            sysreg::synchronize();
        } else {
            interface.deactivate(sw_ppi_id());
            sysreg::synchronize();
            EXPECT_EQ(active_priorities(), bit(default_priority));
            EXPECT_FALSE(interface.active(sw_ppi));
            drop();
        }
        EXPECT_EQ(active_priorities(), 0);
        EXPECT_FALSE(interface.active(sw_ppi));
        EXPECT_FALSE(interface.pending(sw_ppi));
        EXPECT_EQ(candidate(), nothing);
    }
}

TEST(gicv5_priority, changed_while_pending,
     .summary = "a pending interrupt appears and disappears as its priority crosses the mask",
     .needs = gicv5)
{
    const PpiUnderTest under_test{0x10};
    const RegisterGuard<ICC_PCR_EL1> saved;
    set_mask(0x0e);
    interface.set_pending(sw_ppi);
    EXPECT_EQ(candidate(), nothing);
    interface.set_priority(sw_ppi, 0x0e);
    EXPECT_EQ(candidate(), sw_ppi_id());
    interface.set_priority(sw_ppi, 0x10);
    EXPECT_EQ(candidate(), nothing);
    EXPECT_TRUE(interface.pending(sw_ppi));
    set_mask(0x10);
    EXPECT_EQ(candidate(), sw_ppi_id());
}

TEST(gicv5_priority, changed_while_active,
     .summary = "a priority that changes while its interrupt is active does not change the running "
                "one",
     .needs = gicv5)
{
    const PpiUnderTest under_test{0x10};
    interface.set_pending(sw_ppi);
    ASSERT_EQ(acknowledged(), sw_ppi_id());
    interface.set_priority(sw_ppi, 0x04);
    EXPECT_EQ(running_priority(), 0x10);
    finish(sw_ppi_id());
    EXPECT_EQ(active_priorities(), 0);
}

TEST(gicv5_priority, best_of_two,
     .summary =
         "of SW_PPI and a timer's PPI that are both pending the one of higher priority comes "
         "first, and then the other",
     .needs = gicv5 && timer_virt)
{
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    const timer::Guard saved{timer::virtual_timer};
    const PpiUnderTest under_test{0x10};
    const RegisterGuard<ICC_PPI_PRIORITYR_EL1<3>> priorities;
    const RegisterGuard<ICC_PPI_ENABLER_EL1<0>> enabled;
    interface.enable(number(*id));
    interface.set_pending(sw_ppi);
    timer::virtual_timer.arm(0);
    ASSERT_TRUE(timer::wait_until([&] { return interface.pending(number(*id)); }));
    for (const unsigned priority : {0x18U, 0x08U, 0x12U, 0x0eU}) {
        interface.set_priority(number(*id), static_cast<std::uint8_t>(priority));
        const irq::Id better = priority < 0x10 ? *id : sw_ppi_id();
        const irq::Id worse = priority < 0x10 ? sw_ppi_id() : *id;
        interface.set_pending(sw_ppi);
        ASSERT_EQ(candidate(), better);
        ASSERT_EQ(acknowledged(), better);
        ASSERT_EQ(candidate(), nothing);
        interface.drop_priority();
        sysreg::synchronize();
        ASSERT_EQ(acknowledged(), worse);
        finish(worse);
        interface.deactivate(better);
        sysreg::synchronize();
    }
}

TEST(gicv5_priority, mask_races,
     .summary = "a mask that is lowered over a pending interrupt neither loses nor doubles it",
     .needs = gicv5)
{
    constexpr unsigned rounds = 2'000;
    const RegisterGuard<ICC_PCR_EL1> saved;
    const unsigned spurious_before = irq::spurious_count();
    const SwPpiCounter counter;
    for (unsigned round = 1; round <= rounds; ++round) {
        sysreg::write(ICC_PPI_SPENDR_EL1<0>::from(std::uint64_t{1} << sw_ppi));
        sysreg::write(ICC_PCR_EL1{});
        sysreg::synchronize();
        // What the mask was too late for has come by now.
        const unsigned early = counter.taken();
        ASSERT_LE(early, round);
        ASSERT_EQ(candidate(), nothing);
        set_mask(interface.lowest_priority());
        ASSERT_TRUE(counter.wait_for(round));
        ASSERT_EQ(counter.taken(), round);
    }
    test::note("{} of {} acknowledges found nothing", irq::spurious_count() - spurious_before,
               rounds);
}

TEST(gicv5_priority, saved_and_restored,
     .summary = "active priorities that are saved, cleared and restored go on as if nothing was",
     .needs = gicv5)
{
    const PpiUnderTest under_test;
    ASSERT_TRUE(run_at(0x18));
    ASSERT_TRUE(run_at(0x08));
    const auto saved = sysreg::read<ICC_APR_EL1>();
    sysreg::write(ICC_APR_EL1{});
    sysreg::synchronize();
    EXPECT_EQ(running_priority(), idle_priority);
    // Somebody else's interrupt, below what was saved.
    raise(0x1c);
    ASSERT_EQ(acknowledged(), sw_ppi_id());
    finish(sw_ppi_id());

    sysreg::write(saved);
    sysreg::synchronize();
    EXPECT_EQ(running_priority(), 0x08);
    raise(0x08);
    EXPECT_EQ(candidate(), nothing);
    drop();
    EXPECT_EQ(active_priorities(), bit(0x18));
    EXPECT_EQ(candidate(), sw_ppi_id());
}
