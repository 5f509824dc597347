// SPDX-License-Identifier: MIT
//
// PSCI CPU_SUSPEND in its standby form (Arm DEN 0022 5.1.2): a WFI by another name.

#include "arm64/power/psci.h"
#include "lib/irq/irq.h"
#include "lib/test/test.h"
#include "tests/support/arm64/timers_under_test.h"

#include <cstdint>

using psci::Function;
using psci::Status;

TEST(psci, standby,
     .summary =
         "CPU_SUSPEND to standby returns when an interrupt is pending, with all registers kept",
     .needs = psci && timer_virt)
{
    constexpr std::uint64_t standby = 0;  // power_state: StateType 0, power level 0
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    const timer::Timer& timer = timer::virtual_timer;
    const timer::Guard saved{timer};
    const TimerIrq irq{timer, *id};
    {
        const irq::Masked masked;
        timer.arm(timer.count() + timer::milliseconds(5).value);
        // It may return early, as a WFI may.
        while (!timer.condition_met()) {
            const Status answer = psci::status(psci::call(Function::cpu_suspend, standby));
            if (answer == Status::not_supported) {
                return test::skip("CPU_SUSPEND is not supported");
            }
            if (answer == Status::invalid_parameters) {
                return test::skip("the machine has no standby state 0");
            }
            ASSERT_EQ(answer, Status::success);
        }
        EXPECT_EQ(irq.taken(), 0);
    }
    EXPECT_TRUE(irq.wait());
}
