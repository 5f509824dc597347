// SPDX-License-Identifier: MIT
//
// Counters and timers at EL0: CNTKCTL_EL1 decides. Arm ARM (DDI 0487) D24.10.15.

#include "arm64/timer/timers.h"
#include "lib/test/test.h"
#include "tests/support/arm64/probe.h"
#include "tests/support/arm64/register_guard.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/exception.h>
#include <arch/mmu.h>

#include <cstdint>
#include <string_view>

using syndrome::Class;
using syndrome::Direction;
using timer::CNTKCTL_EL1;

USER_PROBE(user_read_cntvct, "mrs x7, cntvct_el0");
USER_PROBE(user_read_cntpct, "mrs x7, cntpct_el0");
USER_PROBE(user_read_cntfrq, "mrs x7, cntfrq_el0");
USER_PROBE(user_read_cntv_ctl, "mrs x7, cntv_ctl_el0");
USER_PROBE(user_read_cntp_ctl, "mrs x7, cntp_ctl_el0");

namespace {

constexpr std::uint32_t x7 = 7;

struct Gate {
    std::string_view name;
    Field enable;
    void (*probe)(std::uint64_t);
    std::uint64_t trap;
};
constexpr Gate gates[]{
    {"CNTVCT_EL0", CNTKCTL_EL1::EL0VCTEN, user_read_cntvct,
     syndrome::trapped<timer::CNTVCT_EL0>(Direction::read, x7)},
    {"CNTPCT_EL0", CNTKCTL_EL1::EL0PCTEN, user_read_cntpct,
     syndrome::trapped<timer::CNTPCT_EL0>(Direction::read, x7)},
    {"CNTV_CTL_EL0", CNTKCTL_EL1::EL0VTEN, user_read_cntv_ctl,
     syndrome::trapped<timer::CNTV_CTL_EL0>(Direction::read, x7)},
    {"CNTP_CTL_EL0", CNTKCTL_EL1::EL0PTEN, user_read_cntp_ctl,
     syndrome::trapped<timer::CNTP_CTL_EL0>(Direction::read, x7)},
};

bool is_allowed(void (*probe)(std::uint64_t))
{
    return syndrome::is_class(arch::run_in_user(probe, 0), Class::svc);
}

}  // namespace

TEST(timer, user_access,
     .summary = "each bit of CNTKCTL_EL1 opens its register to EL0, and no other")
{
    const arch::UserAccess access;
    RegisterGuard<CNTKCTL_EL1> control;
    const auto closed = sysreg::read<CNTKCTL_EL1>()
                            .with(CNTKCTL_EL1::EL0VCTEN, 0)
                            .with(CNTKCTL_EL1::EL0PCTEN, 0)
                            .with(CNTKCTL_EL1::EL0VTEN, 0)
                            .with(CNTKCTL_EL1::EL0PTEN, 0);
    test::Items items{std::size(gates)};
    for (const Gate& gate : gates) {
        items.run(gate.name, [&] {
            control.set(closed);
            EXPECT_EQ(arch::run_in_user(gate.probe, 0).esr, gate.trap);
            control.set(closed.with(gate.enable, 1));
            for (const Gate& other : gates) {
                EXPECT_EQ(is_allowed(other.probe), &other == &gate);
            }
        });
    }
}

TEST(timer, user_frequency,
     .summary = "EL0 may read CNTFRQ_EL0 when it may read one of the counters")
{
    const arch::UserAccess access;
    RegisterGuard<CNTKCTL_EL1> control{CNTKCTL_EL1::EL0VCTEN, 0};
    control.set(CNTKCTL_EL1::EL0PCTEN, 0);
    EXPECT_EQ(arch::run_in_user(user_read_cntfrq, 0).esr,
              syndrome::trapped<timer::CNTFRQ_EL0>(Direction::read, x7));
    control.set(CNTKCTL_EL1::EL0VCTEN, 1);
    EXPECT_TRUE(is_allowed(user_read_cntfrq));
    control.set(CNTKCTL_EL1::EL0VCTEN, 0);
    control.set(CNTKCTL_EL1::EL0PCTEN, 1);
    EXPECT_TRUE(is_allowed(user_read_cntfrq));
}
