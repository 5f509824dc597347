// SPDX-License-Identifier: MIT
//
// What GIC CD* instructions do to SPIs and to LPIs alike (AES 0070): checks for either, as the
// bodies of cases. `Interrupts` is Spis or Lpis.
#pragma once

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/register_guard.h"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace gicv5 {

// Every field that a command writes is what CDRCFG reads.
template <typename Interrupts>
void check_configuration()
{
    const irq::Masked masked;
    const Interrupts interrupts{2};
    const irq::Id id = interrupts[0];
    const auto before = commands().state(interrupts[1]);
    ASSERT_TRUE(before.has_value());
    for (std::uint8_t priority = 0; priority < 32; priority += command_priority_step()) {
        commands().set_priority(id, priority);
        commands().synchronize();
        const auto found = commands().state(id);
        ASSERT_TRUE(found.has_value());
        ASSERT_EQ(found->priority, priority);
    }
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (cpu.online) {
            const std::uint16_t iaffid = iaffid_of(cpu.index);
            commands().target(id, iaffid);
            const auto found = commands().state(id);
            ASSERT_TRUE(found.has_value());
            ASSERT_EQ(found->iaffid, iaffid);
            ASSERT_FALSE(found->one_of_n);
        }
    }
    if constexpr (Interrupts::has_mode_command) {
        for (const HandlingMode mode : {HandlingMode::level, HandlingMode::edge}) {
            commands().set_mode(id, mode);
            commands().synchronize();
            const auto found = commands().state(id);
            ASSERT_TRUE(found.has_value());
            EXPECT_EQ(found->mode, mode);
        }
    }
    commands().enable(id);
    EXPECT_TRUE(is_enabled(id));
    EXPECT_EQ(state_of(id), State::idle);

    const auto after = commands().state(interrupts[1]);
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after->priority, before->priority);
    EXPECT_EQ(after->iaffid, before->iaffid);
    EXPECT_EQ(after->mode, before->mode);
    EXPECT_EQ(after->enabled, before->enabled);
}

// Idle, pending, active, idle; and not signalled while active.
template <typename Interrupts>
void check_states()
{
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    ASSERT_EQ(state_of(id), State::idle);
    EXPECT_FALSE(is_candidate(id));
    commands().set_pending(id);
    EXPECT_EQ(state_of(id), State::pending);
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(acknowledged(), id);
    EXPECT_EQ(state_of(id), State::active);
    EXPECT_EQ(running_priority(), default_priority);
    EXPECT_EQ(candidate(), nothing);
    finish(id);
    EXPECT_EQ(state_of(id), State::idle);
    EXPECT_EQ(running_priority(), idle_priority);
    EXPECT_EQ(candidate(), nothing);
}

// The CPU's vector takes one interrupt of it at a time.
template <typename Interrupts>
void check_taken()
{
    const Interrupts interrupts{1};
    const irq::Id id = interrupts[0];
    const InterruptCounter counter{id};
    for (unsigned round = 1; round <= 20; ++round) {
        commands().set_pending(id);
        ASSERT_TRUE(counter.wait_for(round));
    }
    stay_quiet();
    EXPECT_EQ(counter.taken(), 20);
    EXPECT_EQ(state_of(id), State::idle);
}

// Two events before the acknowledge are one interrupt.
template <typename Interrupts>
void check_collapse()
{
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    commands().set_pending(id);
    commands().set_pending(id);
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(acknowledged(), id);
    finish(id);
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
    EXPECT_EQ(state_of(id), State::idle);
}

// An event while active is one more interrupt, after the deactivation: the priority drop alone does
// not let it through.
template <typename Interrupts>
void check_pended_while_active()
{
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    commands().set_pending(id);
    ASSERT_EQ(awaited(id), id);
    ASSERT_EQ(acknowledged(), id);
    commands().set_pending(id);
    commands().set_pending(id);
    EXPECT_EQ(state_of(id), State::active_and_pending);
    interface.drop_priority();
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
    interface.deactivate(id);
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(state_of(id), State::pending);
    EXPECT_EQ(acknowledged(), id);
    finish(id);
    stay_quiet();
    EXPECT_EQ(state_of(id), State::idle);
}

// Pending that is cleared before the acknowledge was none.
template <typename Interrupts>
void check_cleared()
{
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    commands().clear_pending(id);
    ASSERT_EQ(state_of(id), State::idle);
    commands().set_pending(id);
    ASSERT_EQ(awaited(id), id);
    commands().clear_pending(id);
    ASSERT_EQ(state_of(id), State::idle);
    EXPECT_EQ(awaited(nothing), nothing);
    EXPECT_EQ(acknowledged(), nothing);
}

// Disabled it stays pending and is not signalled; enabled again it is.
template <typename Interrupts>
void check_disabled()
{
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    ASSERT_TRUE(is_enabled(id));
    commands().set_pending(id);
    ASSERT_EQ(awaited(id), id);
    commands().disable(id);
    ASSERT_FALSE(is_enabled(id));
    EXPECT_EQ(awaited(nothing), nothing);
    EXPECT_EQ(state_of(id), State::pending);
    commands().enable(id);
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(acknowledged(), id);
    finish(id);
}

// Signalled exactly where ICC_PCR_EL1 lets its priority pass; equal passes.
template <typename Interrupts>
void check_priority_mask()
{
    const std::uint8_t step = command_priority_step();
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    RegisterGuard<ICC_PCR_EL1> mask;
    commands().set_pending(id);
    ASSERT_EQ(awaited(id), id);
    // Not 0, which is an NMI where FEAT_NMI is in use.
    for (unsigned priority = step; priority < 32; priority += step) {
        commands().set_priority(id, static_cast<std::uint8_t>(priority));
        commands().synchronize();
        mask.set(ICC_PCR_EL1::PRIORITY, priority - step);
        ASSERT_EQ(awaited(nothing), nothing);
        mask.set(ICC_PCR_EL1::PRIORITY, priority);
        ASSERT_EQ(awaited(id), id);
    }
    EXPECT_EQ(state_of(id), State::pending);
}

// The better priority preempts; an equal one waits until the priority is dropped.
template <typename Interrupts>
void check_preemption()
{
    const UnderTest<Interrupts> interrupts{3};
    const irq::Id low = interrupts.id(0);
    const irq::Id equal = interrupts.id(1);
    const irq::Id high = interrupts.id(2);
    const auto high_priority =
        static_cast<std::uint8_t>(default_priority - command_priority_step());
    commands().set_priority(high, high_priority);
    commands().set_pending(low);
    ASSERT_EQ(awaited(low), low);
    ASSERT_EQ(acknowledged(), low);
    commands().set_pending(equal);
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
    commands().set_pending(high);
    ASSERT_EQ(awaited(high), high);
    ASSERT_EQ(acknowledged(), high);
    EXPECT_EQ(running_priority(), high_priority);
    finish(high);
    EXPECT_EQ(running_priority(), default_priority);
    EXPECT_EQ(candidate(), nothing);
    finish(low);
    EXPECT_EQ(awaited(equal), equal);
    EXPECT_EQ(acknowledged(), equal);
    finish(equal);
}

// A PPI and this: the better priority comes first, whichever was pended first.
template <typename Interrupts>
void check_against_ppi()
{
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    constexpr std::uint8_t step = 2;  // the CPU interface has it, whatever the IRS has
    for (const bool ppi_is_better : {false, true}) {
        for (const bool ppi_is_first : {false, true}) {
            const PpiUnderTest ppi{static_cast<std::uint8_t>(
                ppi_is_better ? default_priority - step : default_priority + step)};
            if (ppi_is_first) {
                interface.set_pending(sw_ppi);
            }
            commands().set_pending(id);
            ASSERT_TRUE(timer::wait_until([&] { return state_of(id) == State::pending; }));
            if (!ppi_is_first) {
                interface.set_pending(sw_ppi);
            }
            const irq::Id first = ppi_is_better ? sw_ppi_id() : id;
            const irq::Id second = ppi_is_better ? id : sw_ppi_id();
            ASSERT_EQ(awaited(first), first);
            ASSERT_EQ(acknowledged(), first);
            finish(first);
            ASSERT_EQ(awaited(second), second);
            ASSERT_EQ(acknowledged(), second);
            finish(second);
        }
    }
}

// Pending for one CPU and then targeted at another, it is that one's.
template <typename Interrupts>
void check_retarget()
{
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (cpu.index == 0 || !cpu.online) {
            continue;
        }
        commands().target(id, interface.iaffid());
        commands().set_pending(id);
        ASSERT_EQ(awaited(id), id);
        irq::Id taken = nothing;
        smp::on_cpu(cpu.index, [&] {
            const irq::Masked masked;
            commands().target(id, interface.iaffid());
            ASSERT_EQ(awaited(id), id);
            taken = acknowledged();
            EXPECT_EQ(state_of(id), State::active);
            finish(id);
        });
        ASSERT_EQ(taken, id);
        ASSERT_EQ(state_of(id), State::idle);
        ASSERT_EQ(awaited(nothing), nothing);
    }
}

// Each CPU in turn is the target, and the only one that sees it.
template <typename Interrupts>
void check_each_cpu()
{
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (cpu.index == 0 || !cpu.online) {
            continue;
        }
        std::atomic<bool> ready{false};
        std::atomic<bool> seen{false};
        const auto receive = [&] {
            const InterruptCounter counter{id};  // targets it here
            ready.store(true);
            EXPECT_TRUE(counter.wait_for(1));
            stay_quiet();
            EXPECT_EQ(counter.taken(), 1);
            seen.store(true);
        };
        const smp::Task task{cpu.index, receive};
        ASSERT_TRUE(timer::wait_until([&] { return ready.load(); }));
        commands().set_pending(id);
        ASSERT_TRUE(timer::wait_until([&] { return is_candidate(id) || seen.load(); }));
        ASSERT_EQ(candidate(), nothing);
    }
}

// Targeted at a CPU that does not exist it is signalled to none; retargeted it is signalled again.
template <typename Interrupts>
void check_absent_cpu()
{
    const UnderTest<Interrupts> interrupt;
    const irq::Id id = interrupt.id();
    commands().set_pending(id);
    ASSERT_EQ(awaited(id), id);
    commands().target(id, absent_iaffid());
    EXPECT_EQ(awaited(nothing), nothing);
    commands().set_pending(id);
    stay_quiet();
    EXPECT_EQ(candidate(), nothing);
    commands().target(id, interface.iaffid());
    commands().set_pending(id);
    EXPECT_EQ(awaited(id), id);
    EXPECT_EQ(acknowledged(), id);
    finish(id);
    EXPECT_EQ(state_of(id), State::idle);
}

}  // namespace gicv5
