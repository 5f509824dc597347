// SPDX-License-Identifier: MIT
//
// PSCI CPU_SUSPEND in its standby form (Arm DEN 0022 5.1.2): a WFI by another name. The CPU keeps
// its state: all registers but x0 to x17, which an SMC or HVC may change (Arm DEN 0028 2.6).

#include "arm64/cpu/control_registers.h"
#include "arm64/power/psci.h"
#include "arm64/timer/generic_timer.h"
#include "lib/irq/irq.h"
#include "lib/test/test.h"
#include "tests/support/arm64/register_guard.h"
#include "tests/support/arm64/timers_under_test.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

using psci::Function;
using psci::Status;

constexpr unsigned kept_count = 13;  // x18 to x30

// The call's arguments and what it made of the general registers.
struct StandbyRecord {
    std::uint64_t before[kept_count];
    std::uint64_t after[kept_count];
    std::uint64_t sp_before, sp_after;
    std::uint64_t function, power_state;
    std::uint64_t by_smc;  // conduit: 0 HVC, 1 SMC
    std::uint64_t answer;
};
static_assert(offsetof(StandbyRecord, after) == 104 && offsetof(StandbyRecord, sp_before) == 208 &&
              offsetof(StandbyRecord, function) == 224 && offsetof(StandbyRecord, by_smc) == 240 &&
              offsetof(StandbyRecord, answer) == 248);

extern "C" {
[[gnu::visibility("hidden")]] StandbyRecord psci_standby_record;
[[gnu::visibility("hidden")]] void psci_standby_probe();
}

// Finds its record and its stack again without any register that the call should have kept.
asm(R"(
        .pushsection .text.psci_standby_probe, "ax"
        .balign 4
psci_standby_probe:
        stp     x29, x30, [sp, #-112]!
        mov     x29, sp
        stp     x18, x19, [sp, #16]
        stp     x20, x21, [sp, #32]
        stp     x22, x23, [sp, #48]
        stp     x24, x25, [sp, #64]
        stp     x26, x27, [sp, #80]
        str     x28, [sp, #96]
        adrp    x9, psci_standby_record
        add     x9, x9, :lo12:psci_standby_record
        mov     x10, sp
        str     x10, [x9, #208]
        ldp     x18, x19, [x9]
        ldp     x20, x21, [x9, #16]
        ldp     x22, x23, [x9, #32]
        ldp     x24, x25, [x9, #48]
        ldp     x26, x27, [x9, #64]
        ldp     x28, x29, [x9, #80]
        ldr     x30, [x9, #96]
        ldp     x0, x1, [x9, #224]
        mov     x2, xzr
        mov     x3, xzr
        ldr     x10, [x9, #240]
        cbnz    x10, 1f
        hvc     #0
        b       2f
1:      .inst   0xd4000003
2:      adrp    x9, psci_standby_record
        add     x9, x9, :lo12:psci_standby_record
        str     x0, [x9, #248]
        stp     x18, x19, [x9, #104]
        stp     x20, x21, [x9, #120]
        stp     x22, x23, [x9, #136]
        stp     x24, x25, [x9, #152]
        stp     x26, x27, [x9, #168]
        stp     x28, x29, [x9, #184]
        str     x30, [x9, #200]
        mov     x10, sp
        str     x10, [x9, #216]
        ldr     x10, [x9, #208]
        mov     sp, x10
        ldp     x18, x19, [sp, #16]
        ldp     x20, x21, [sp, #32]
        ldp     x22, x23, [sp, #48]
        ldp     x24, x25, [sp, #64]
        ldp     x26, x27, [sp, #80]
        ldr     x28, [sp, #96]
        ldp     x29, x30, [sp], #112
        ret
        .popsection
)");

namespace {

struct VBAR_EL1 : SystemRegister<VBAR_EL1, 3, 0, 12, 0, 0> {};
struct CONTEXTIDR_EL1 : SystemRegister<CONTEXTIDR_EL1, 3, 0, 13, 0, 1> {};
struct TPIDR_EL1 : SystemRegister<TPIDR_EL1, 3, 0, 13, 0, 4> {};
struct TPIDR_EL0 : SystemRegister<TPIDR_EL0, 3, 3, 13, 0, 2> {};
struct TPIDRRO_EL0 : SystemRegister<TPIDRRO_EL0, 3, 3, 13, 0, 3> {};
struct DAIF : SystemRegister<DAIF, 3, 3, 4, 2, 1> {};
struct SPSel : SystemRegister<SPSel, 3, 0, 4, 2, 0> {};

struct SystemState {
    const char* name;
    std::uint64_t (*read)();
};

template <typename R>
constexpr SystemState state_of(const char* name)
{
    return {name, [] { return sysreg::read<R>().raw; }};
}

constexpr SystemState system_state[]{
    state_of<SCTLR_EL1>("SCTLR_EL1"),
    state_of<TTBR0_EL1>("TTBR0_EL1"),
    state_of<TCR_EL1>("TCR_EL1"),
    state_of<MAIR_EL1>("MAIR_EL1"),
    state_of<VBAR_EL1>("VBAR_EL1"),
    state_of<CPACR_EL1>("CPACR_EL1"),
    state_of<CONTEXTIDR_EL1>("CONTEXTIDR_EL1"),
    state_of<TPIDR_EL1>("TPIDR_EL1"),
    state_of<TPIDR_EL0>("TPIDR_EL0"),
    state_of<TPIDRRO_EL0>("TPIDRRO_EL0"),
    state_of<timer::CNTKCTL_EL1>("CNTKCTL_EL1"),
    state_of<timer::CNTV_CVAL_EL0>("CNTV_CVAL_EL0"),
    state_of<DAIF>("DAIF"),
    state_of<SPSel>("SPSel"),
};

// One CPU_SUSPEND to standby, with these values in x18 to x30.
const StandbyRecord& stand_by(test::Random& values)
{
    constexpr std::uint64_t standby = 0;  // power_state: StateType 0, power level 0
    StandbyRecord& record = psci_standby_record;
    record = {};
    std::ranges::generate(record.before, [&] { return values.next(); });
    record.function = static_cast<std::uint64_t>(Function::cpu_suspend);
    record.power_state = standby;
    record.by_smc = psci::conduit() == psci::Conduit::smc ? 1 : 0;
    psci_standby_probe();
    return record;
}

void expect_registers_kept(const StandbyRecord& record)
{
    for (unsigned i = 0; i < kept_count; ++i) {
        if (record.after[i] != record.before[i]) {
            test::note("x{} has changed", 18 + i);
        }
        EXPECT_EQ(record.after[i], record.before[i]);
    }
    EXPECT_EQ(record.sp_after, record.sp_before);
}

}  // namespace

TEST(psci, standby,
     .summary = "CPU_SUSPEND to standby returns when an interrupt is pending, with x18 to x30, the "
                "stack pointer and the system registers kept",
     .needs = psci && timer_virt)
{
    if (!psci::has_standard_functions()) {
        return test::skip("PSCI 0.1: the number of CPU_SUSPEND is the device tree's own");
    }
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    const timer::Timer& timer = timer::virtual_timer;
    const timer::Guard saved{timer};
    const TimerIrq irq{timer, *id};
    test::Random values;
    {
        const irq::Masked masked;
        RegisterGuard<TPIDR_EL0> user_thread;
        RegisterGuard<TPIDRRO_EL0> user_read_only_thread;
        user_thread.set(TPIDR_EL0::from(values.next()));
        user_read_only_thread.set(TPIDRRO_EL0::from(values.next()));
        timer.arm(timer.count() + timer::milliseconds(5).value);
        // It may return early, as a WFI may.
        do {
            std::uint64_t before[std::size(system_state)];
            std::ranges::transform(system_state, before,
                                   [](const SystemState& state) { return state.read(); });
            const StandbyRecord& record = stand_by(values);
            const Status answer = psci::status(record.answer);
            if (answer == Status::not_supported) {
                return test::skip("CPU_SUSPEND is not supported");
            }
            if (answer == Status::invalid_parameters) {
                return test::skip("the machine has no standby state 0");
            }
            ASSERT_EQ(answer, Status::success);
            expect_registers_kept(record);
            for (std::size_t i = 0; i < std::size(system_state); ++i) {
                const std::uint64_t after = system_state[i].read();
                if (after != before[i]) {
                    test::note("{} has changed", system_state[i].name);
                }
                EXPECT_EQ(after, before[i]);
            }
        } while (!timer.condition_met());
        EXPECT_EQ(irq.taken(), 0);
    }
    EXPECT_TRUE(irq.wait());
}
