// SPDX-License-Identifier: MIT
//
// Exceptions and interrupts that meet: each finds its way back.

#include "lib/irq/irq.h"
#include "lib/test/test.h"
#include "tests/support/arm64/probe.h"
#include "tests/support/arm64/syndrome.h"
#include "tests/support/arm64/timers_under_test.h"

#include <arch/cpu.h>
#include <arch/exception.h>
#include <arch/mmu.h>

#include <atomic>
#include <cstdint>
#include <optional>

using syndrome::Class;

PROBE(probe_undefined, "udf #0");
PROBE(probe_breakpoint, "brk #7");
// Counts to zero from 64, and comes back with x0 as it was.
USER_PROBE(user_count, "mov x1, #64\n1:\tsubs x1, x1, #1\n\tb.ne 1b");

TEST(exception, in_handler,
     .summary = "an exception of an interrupt handler does not meet the one that the interrupted "
                "code waits for, and the interrupt ends",
     .needs = timer_virt)
{
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    const timer::Timer& timer = timer::virtual_timer;
    const timer::Guard saved{timer};
    for (unsigned round = 0; round < 50; ++round) {
        std::atomic<unsigned> taken{0};
        bool expected_before = true;
        std::optional<arch::Exception> inner;
        const auto handler = [&](irq::Id) {
            timer.disable();
            expected_before = arch::cpu_data()->recovery != nullptr;
            inner = arch::raised([] { probe_breakpoint(); });
            taken.fetch_add(1);
        };
        const irq::Guard guard{*id, handler};
        bool interrupted = false;
        const auto outer = arch::raised([&] {
            timer.arm(timer.count());
            interrupted = timer::wait_until([&] { return taken.load() != 0; });
            probe_undefined();
        });
        EXPECT_TRUE(interrupted);
        EXPECT_EQ(taken.load(), 1);
        // Unless the handler says so itself, none of its exceptions is expected.
        EXPECT_FALSE(expected_before);
        ASSERT_TRUE(inner.has_value());
        EXPECT_EQ(inner->esr, syndrome::esr(Class::brk, 7));
        EXPECT_EQ(inner->elr, probe_address(probe_breakpoint));
        ASSERT_TRUE(outer.has_value());
        EXPECT_EQ(outer->esr, syndrome::undefined);
        EXPECT_EQ(outer->elr, probe_address(probe_undefined));
        EXPECT_FALSE(irq::controller()->active(*id));
        EXPECT_FALSE(arch::interrupts_masked());
    }
}

TEST(exception, user_interrupted,
     .summary = "however an interrupt meets the way to EL0, or EL0 itself, the code there goes on "
                "to its SVC",
     .needs = timer_virt)
{
    constexpr unsigned interrupts = 1'000;
    constexpr std::uint64_t longest_us = 50;
    constexpr std::uint64_t mode_and_irq_mask = 0x9f;  // of SPSR; 0: EL0t, not masked
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    const timer::Timer& timer = timer::virtual_timer;
    const timer::Guard saved{timer};
    const TimerIrq irq{timer, *id};
    const arch::UserAccess access;
    test::Random random;
    std::uint64_t trips = 0;
    for (unsigned round = 1; round <= interrupts; ++round) {
        const timer::Ticks start = timer::now();
        timer.arm(timer.count() + random.below(timer::microseconds(longest_us).value));
        do {
            const std::uint64_t argument = random.next();
            const arch::Exception left = arch::run_in_user(user_count, argument);
            ASSERT_TRUE(syndrome::is_class(left, Class::svc));
            ASSERT_EQ(left.x0, argument);
            ASSERT_EQ(left.spsr & mode_and_irq_mask, 0);
            ++trips;
        } while (irq.taken() != round && timer::now() - start < timer::patience());
        ASSERT_EQ(irq.taken(), round);
    }
    test::note("{} interrupts on {} trips to EL0", interrupts, trips);
}
