// SPDX-License-Identifier: MIT
//
// Cases that do not end. Run on request only.

#include "lib/console/console.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"

#include <arch/cpu.h>
#include <arch/power.h>

#include <cstdint>

TEST(misbehave, hang_in_loop, .summary = "the case loops for ever", .on_request = true)
{
    for (;;) {
        arch::relax();
    }
}

TEST(misbehave, hang_in_wfi, .summary = "the case sleeps for ever", .on_request = true)
{
    for (;;) {
        arch::wait_for_interrupt();
    }
}

TEST(misbehave, hang_irqs_masked,
     .summary = "the case loops for ever with interrupts masked: only the host notices",
     .on_request = true)
{
    static_cast<void>(arch::mask_interrupts());
    for (;;) {
        arch::relax();
    }
}

TEST(misbehave, harness_deadlock, .summary = "two CPUs wait for each other's work",
     .needs = cpus(2), .on_request = true)
{
    smp::on_cpu(1, [] { smp::on_cpu(0, [] { EXPECT_TRUE(false); }); });
}

TEST(misbehave, secondary_dies, .summary = "a CPU powers itself off in the middle of its work",
     .needs = psci && cpus(2), .on_request = true)
{
    smp::on_cpu(1, [] {
        const auto stopped = arch::stop_this_cpu();
        test::error("{}", stopped.error().what);
    });
    EXPECT_TRUE(false);
}

TEST(misbehave, console_flood, .summary = "the case writes to the console without end",
     .on_request = true)
{
    for (std::uint64_t line = 0;; ++line) {
        console::print("line {} of a flood that drowns everything that was said before it\n", line);
    }
}
