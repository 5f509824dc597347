// SPDX-License-Identifier: MIT
//
// The interrupts of the generic timer: Arm ARM (DDI 0487) D12.2.4. Deadlines are never checked from
// above, except to end a wait: a VM can lose its CPU at any time.

#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/timers_under_test.h"
#include "tests/support/quiet.h"

#include <arch/cpu.h>

#include <array>
#include <atomic>
#include <cstdint>

using timer::Control;
using timer::Timer;

TEST(timer, interrupt,
     .summary = "a timer raises its interrupt once, when it is due and not before", .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        const std::uint64_t deadline = timer.count() + timer::milliseconds(2).value;
        timer.arm(deadline);
        ASSERT_TRUE(irq.wait());
        EXPECT_EQ(irq.id(), id);
        EXPECT_GE(irq.count(), deadline);
        EXPECT_EQ(irq.control()[Control::ISTATUS], 1);
        stay_quiet();
        EXPECT_EQ(irq.taken(), 1);
    });
}

TEST(timer, interrupt_by_timer_value, .summary = "a timer armed through TVAL raises its interrupt",
     .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        const std::uint64_t earliest = timer.count() + timer::microseconds(500).value;
        timer.set_timer_value(timer::microseconds(500).value);
        timer.enable();
        ASSERT_TRUE(irq.wait());
        EXPECT_GE(irq.count(), earliest);
    });
}

TEST(timer, interrupt_when_past,
     .summary = "a timer armed for a time that has passed raises its interrupt at once",
     .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        timer.arm(0);
        EXPECT_TRUE(irq.wait());
    });
}

TEST(timer, interrupt_masked,
     .summary = "IMASK holds the interrupt of a timer back, and lets it go", .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        timer.set_compare_value(0);
        timer.mask();
        stay_quiet();
        EXPECT_EQ(irq.taken(), 0);
        timer.enable();
        EXPECT_TRUE(irq.wait());
    });
}

TEST(timer, interrupt_masked_at_cpu,
     .summary = "PSTATE.I holds the interrupt of a timer back, and lets it go", .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        {
            const irq::Masked masked;
            timer.arm(0);
            stay_quiet();
            EXPECT_EQ(irq.taken(), 0);
        }
        EXPECT_TRUE(irq.wait());
    });
}

TEST(timer, interrupt_disabled,
     .summary = "an interrupt that is disabled at the controller stays pending until it is enabled",
     .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        irq::Controller& controller = *irq::controller();
        controller.disable(id);
        timer.arm(0);
        stay_quiet();
        EXPECT_EQ(irq.taken(), 0);
        EXPECT_TRUE(controller.pending(id));
        controller.enable(id);
        EXPECT_TRUE(irq.wait());
    });
}

TEST(timer, interrupt_retracted,
     .summary = "a timer that is set to the future before its interrupt is taken takes it back",
     .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        {
            const irq::Masked masked;
            timer.arm(0);
            EXPECT_TRUE(timer::wait_until([&] { return irq::controller()->pending(id); }));
            timer.set_compare_value(timer.count() + timer::seconds(3600).value);
            EXPECT_TRUE(timer::wait_until([&] { return !irq::controller()->pending(id); }));
        }
        stay_quiet();
        EXPECT_EQ(irq.taken(), 0);
        timer.disable();
    });
}

TEST(timer, pending_follows_output,
     .summary =
         "the controller shows a timer's interrupt as pending exactly while the timer asks for it",
     .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const irq::Masked masked;
        const TimerIrq irq{timer, id};
        const auto pending_is = [&](bool expected) {
            return timer::wait_until([&] { return irq::controller()->pending(id) == expected; });
        };
        EXPECT_TRUE(pending_is(false));
        timer.arm(0);
        EXPECT_TRUE(pending_is(true));
        timer.mask();
        EXPECT_TRUE(pending_is(false));
        timer.enable();
        EXPECT_TRUE(pending_is(true));
        timer.disable();
        EXPECT_TRUE(pending_is(false));
    });
}

TEST(timer, interrupt_is_level,
     .summary = "the interrupt of a timer comes again until the timer is silenced", .needs = irq)
{
    constexpr unsigned repetitions = 5;
    for_each_timer_irq([&](const Timer& timer, irq::Id id) {
        std::atomic<unsigned> taken{0};
        const auto handler = [&](irq::Id) {
            if (taken.fetch_add(1) + 1 == repetitions) {
                timer.disable();
            }
        };
        const irq::Guard guard{id, handler};
        timer.arm(0);
        EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= repetitions; }));
        stay_quiet();
        EXPECT_EQ(taken.load(), repetitions);
    });
}

TEST(timer, shorter_to_longer,
     .summary = "a timer set to a later time is due then, and not at the earlier one", .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        std::uint64_t later = 0;
        {
            const irq::Masked masked;
            const std::uint64_t now = timer.count();
            later = now + timer::milliseconds(10).value;
            timer.arm(now + timer::milliseconds(2).value);
            timer.set_compare_value(later);
        }
        ASSERT_TRUE(irq.wait());
        EXPECT_GE(irq.count(), later);
        EXPECT_EQ(irq.taken(), 1);
    });
}

TEST(timer, longer_to_shorter,
     .summary = "a timer set to an earlier time is due at the earlier time", .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        timer.arm(timer.count() + timer::seconds(3600).value);
        timer.set_compare_value(timer.count() + timer::milliseconds(2).value);
        EXPECT_TRUE(irq.wait());
    });
}

TEST(timer, wakes_masked,
     .summary = "a timer wakes a CPU from WFI whose interrupts are masked, and none is taken",
     .needs = irq)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        {
            const irq::Masked masked;
            timer.arm(timer.count() + timer::milliseconds(5).value);
            const timer::Ticks asleep = timer::now();
            while (!timer.condition_met()) {
                arch::wait_for_interrupt();
            }
            EXPECT_LT((timer::now() - asleep).value, timer::patience().value);
            EXPECT_EQ(irq.taken(), 0);
        }
        EXPECT_TRUE(irq.wait());
    });
}

TEST(timer, wakes_all, .summary = "each CPU is woken from WFI by its own timer, again and again",
     .needs = timer_virt)
{
    constexpr unsigned rounds = 20;
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    smp::on_all_cpus([&] {
        const Timer& timer = timer::virtual_timer;
        const timer::Guard saved{timer};
        const TimerIrq irq{timer, *id};
        for (unsigned round = 1; round <= rounds; ++round) {
            // Masked between the look and the sleep, so that no interrupt slips in between.
            const irq::Masked masked;
            timer.arm(timer.count() + timer::milliseconds(1).value);
            while (irq.taken() < round) {
                arch::wait_for_interrupt();
                const irq::Unmasked unmasked;
            }
        }
        EXPECT_EQ(irq.taken(), rounds);
    });
}

TEST(timer, both_at_once,
     .summary =
         "the virtual and the physical timer, due at the same time, both raise their interrupt",
     .needs = timer_virt && timer_phys)
{
    const auto virtual_id = timer::interrupt(timer::Kind::virt);
    const auto physical_id = timer::interrupt(timer::Kind::phys);
    ASSERT_TRUE(virtual_id.has_value() && physical_id.has_value());
    EXPECT_NE(virtual_id->value, physical_id->value);

    const timer::Guard saved_virtual{timer::virtual_timer};
    const timer::Guard saved_physical{timer::physical_timer};
    const TimerIrq virtual_irq{timer::virtual_timer, *virtual_id};
    const TimerIrq physical_irq{timer::physical_timer, *physical_id};
    {
        const irq::Masked masked;
        timer::virtual_timer.arm(0);
        timer::physical_timer.arm(0);
    }
    EXPECT_TRUE(virtual_irq.wait());
    EXPECT_TRUE(physical_irq.wait());
    EXPECT_EQ(virtual_irq.id(), *virtual_id);
    EXPECT_EQ(physical_irq.id(), *physical_id);
}

TEST(timer, own_cpu_only, .summary = "the timer of a CPU interrupts that CPU and no other",
     .needs = timer_virt && cpus(2))
{
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    const timer::Guard saved{timer::virtual_timer};
    const TimerIrq here{timer::virtual_timer, *id};
    for (unsigned index = 1; index < smp::online_count(); ++index) {
        smp::on_cpu(index, [&] {
            const timer::Guard saved_there{timer::virtual_timer};
            const TimerIrq there{timer::virtual_timer, *id};
            timer::virtual_timer.arm(0);
            EXPECT_TRUE(there.wait());
            EXPECT_EQ(there.taken(), 1);
        });
    }
    EXPECT_EQ(here.taken(), 0);
}

TEST(timer, random_deadlines,
     .summary = "of many short deadlines on all CPUs none is lost and none is early",
     .needs = timer_virt)
{
    constexpr unsigned deadlines = 100;
    constexpr std::uint64_t longest_us = 300;
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    smp::on_all_cpus([&] {
        const Timer& timer = timer::virtual_timer;
        const timer::Guard saved{timer};
        test::Random random{test::seed() + smp::this_cpu().index};
        std::array<std::uint64_t, deadlines> lateness{};
        for (std::uint64_t& late : lateness) {
            const TimerIrq irq{timer, *id};
            const std::uint64_t deadline =
                timer.count() + timer::microseconds(random.below(longest_us)).value;
            timer.arm(deadline);
            ASSERT_TRUE(irq.wait());
            EXPECT_GE(irq.count(), deadline);
            EXPECT_EQ(irq.taken(), 1);
            late = timer::to_microseconds({irq.count() - deadline});
        }
        if (smp::this_cpu().index == 0) {
            test::report_benchmark("timer.lateness", "us", lateness);
        }
    });
}
