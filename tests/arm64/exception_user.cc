// SPDX-License-Identifier: MIT
//
// Exceptions taken from EL0.

#include "arm64/cpu/control_registers.h"
#include "lib/test/test.h"
#include "tests/support/arm64/probe.h"
#include "tests/support/arm64/register_guard.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/exception.h>
#include <arch/mmu.h>

using syndrome::Class;
using syndrome::Direction;
using syndrome::Fault;

USER_PROBE(user_return, "nop");
USER_PROBE(user_udf, "udf #0");
USER_PROBE(user_brk, "brk #42");
USER_PROBE(user_svc, "svc #4660");
USER_PROBE(user_load, "ldr x0, [x0]");
USER_PROBE(user_branch, "br x0");
USER_PROBE(user_wfi, "wfi");
USER_PROBE(user_mask, "msr daifset, #2");
USER_PROBE(user_read_ctr, "mrs x7, ctr_el0");
USER_PROBE(user_read_vbar, "mrs x0, vbar_el1");
USER_PROBE(user_sp_alignment, "mov x1, sp\n\tsub x2, x1, #8\n\tmov sp, x2\n\tldr x0, [sp]");

namespace {

// Fields of SCTLR_EL1 that let EL0 do something.
constexpr Field UMA{9};
constexpr Field nTWI{16};

constexpr std::uint64_t mode_mask = 0x1f;
constexpr std::uint64_t el0t = 0;

// DAIF as the operand of MSR and MRS: the immediate form is reported as op1 3, op2 6 (DAIFSet) with
// the immediate in CRm. Arm ARM D24.2.40, ISS of a trapped MSR.
struct DAIFSet_2 : SystemRegister<DAIFSet_2, 0, 3, 4, 2, 6> {};

}  // namespace

TEST(exception, user_returns, .summary = "a function at EL0 comes back by a system call")
{
    const arch::UserAccess access;
    const arch::Exception left = arch::run_in_user(user_return, 0);
    EXPECT_TRUE(syndrome::is_class(left, Class::svc));
    EXPECT_EQ(left.spsr & mode_mask, el0t);
}

TEST(exception, user_undefined, .summary = "UDF at EL0 is an exception of unknown reason")
{
    const arch::UserAccess access;
    const arch::Exception undefined = arch::run_in_user(user_udf, 0);
    EXPECT_EQ(undefined.esr, syndrome::undefined);
    EXPECT_EQ(undefined.elr, probe_address(user_udf));
    EXPECT_EQ(undefined.spsr & mode_mask, el0t);
}

TEST(exception, user_breakpoint, .summary = "BRK at EL0 reports its immediate")
{
    const arch::UserAccess access;
    const arch::Exception taken = arch::run_in_user(user_brk, 0);
    EXPECT_EQ(taken.esr, syndrome::esr(Class::brk, 42));
    EXPECT_EQ(taken.elr, probe_address(user_brk));
}

TEST(exception, user_system_call, .summary = "SVC at EL0 reports its immediate and passes x0")
{
    const arch::UserAccess access;
    const arch::Exception call = arch::run_in_user(user_svc, 0x0123456789abcdef);
    EXPECT_EQ(call.esr, syndrome::esr(Class::svc, 4660));
    EXPECT_EQ(call.elr, probe_address(user_svc) + 4);
    EXPECT_EQ(call.x0, std::uint64_t{0x0123456789abcdef});
}

TEST(exception, user_data_abort,
     .summary = "EL0 cannot read memory of EL1: a permission fault that names the address")
{
    const arch::UserAccess access;
    const std::uint64_t secret = 1;
    const auto address = reinterpret_cast<std::uintptr_t>(&secret);
    const arch::Exception abort = arch::run_in_user(user_load, address);
    EXPECT_TRUE(syndrome::is_class(abort, Class::data_abort_lower));
    EXPECT_TRUE(syndrome::is_fault(abort, Fault::permission));
    EXPECT_EQ(abort.far, address);
    EXPECT_EQ(abort.elr, probe_address(user_load));
}

TEST(exception, user_instruction_abort,
     .summary = "EL0 cannot execute code of EL1: a permission fault at that address")
{
    const arch::UserAccess access;
    const std::uint64_t address = probe_address(&arch::describe_syndrome);
    const arch::Exception abort = arch::run_in_user(user_branch, address);
    EXPECT_TRUE(syndrome::is_class(abort, Class::instruction_abort_lower));
    EXPECT_TRUE(syndrome::is_fault(abort, Fault::permission));
    EXPECT_EQ(abort.far, address);
    EXPECT_EQ(abort.elr, address);
}

TEST(
    exception, user_sp_alignment,
    .summary = "a load through a misaligned stack pointer at EL0 faults while SCTLR_EL1.SA0 is set")
{
    const arch::UserAccess access;
    const RegisterGuard<SCTLR_EL1> check{SCTLR_EL1::SA0, 1};
    const arch::Exception fault = arch::run_in_user(user_sp_alignment, 0);
    EXPECT_EQ(fault.esr, syndrome::esr(Class::sp_alignment));
    EXPECT_EQ(fault.elr, probe_address(user_sp_alignment) + 12);
}

TEST(exception, user_wfi_trap, .summary = "WFI at EL0 is trapped while SCTLR_EL1.nTWI is clear")
{
    constexpr std::uint32_t always = 1U << 24 | 0xeU << 20;  // CV = 1, COND = 0b1110
    constexpr std::uint32_t condition_mask = 0x1fU << 20;
    constexpr std::uint32_t instruction_mask = 0x3;

    const arch::UserAccess access;
    const RegisterGuard<SCTLR_EL1> trap{nTWI, 0};
    const arch::Exception taken = arch::run_in_user(user_wfi, 0);
    EXPECT_TRUE(syndrome::is_class(taken, Class::wfx));
    EXPECT_EQ(taken.iss() & condition_mask, always);
    EXPECT_EQ(taken.iss() & instruction_mask, 0);  // TI: WFI
    EXPECT_EQ(taken.elr, probe_address(user_wfi));
}

TEST(exception, user_mask_trap,
     .summary = "EL0 cannot mask interrupts while SCTLR_EL1.UMA is clear")
{
    const arch::UserAccess access;
    const RegisterGuard<SCTLR_EL1> trap{UMA, 0};
    const arch::Exception taken = arch::run_in_user(user_mask, 0);
    EXPECT_EQ(taken.esr, syndrome::trapped<DAIFSet_2>(Direction::write, 31));
    EXPECT_EQ(taken.elr, probe_address(user_mask));
}

TEST(exception, user_register_trap, .summary = "SCTLR_EL1.UCT decides whether EL0 may read CTR_EL0")
{
    const arch::UserAccess access;
    RegisterGuard<SCTLR_EL1> control{SCTLR_EL1::UCT, 0};
    const arch::Exception trap = arch::run_in_user(user_read_ctr, 0);
    EXPECT_EQ(trap.esr, syndrome::trapped<CTR_EL0>(Direction::read, 7));
    EXPECT_EQ(trap.elr, probe_address(user_read_ctr));

    control.set(SCTLR_EL1::UCT, 1);
    const arch::Exception allowed = arch::run_in_user(user_read_ctr, 0);
    EXPECT_TRUE(syndrome::is_class(allowed, Class::svc));
}

TEST(exception, user_privileged_register, .summary = "a register of EL1 is undefined at EL0")
{
    const arch::UserAccess access;
    const arch::Exception undefined = arch::run_in_user(user_read_vbar, 0);
    EXPECT_EQ(undefined.esr, syndrome::undefined);
    EXPECT_EQ(undefined.elr, probe_address(user_read_vbar));
}
