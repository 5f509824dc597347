// SPDX-License-Identifier: MIT
//
// Synchronous exceptions taken without a change of exception level.

#include "arm64/cpu/control_registers.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/probe.h"
#include "tests/support/arm64/register_guard.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/cpu.h>
#include <arch/exception.h>
#include <arch/mmu.h>

using syndrome::Class;
using syndrome::Fault;

PROBE(probe_nothing, "nop");
PROBE(probe_udf, "udf #0");
PROBE(probe_brk_0, "brk #0");
PROBE(probe_brk_7, "brk #7");
PROBE(probe_brk_65535, "brk #65535");
PROBE(probe_svc_0, "svc #0");
PROBE(probe_svc_65535, "svc #65535");
PROBE(probe_load, "ldr x0, [x0]");
PROBE(probe_store, "str x1, [x0]");
PROBE(probe_load_exclusive, "ldxr x0, [x0]");
PROBE(probe_branch, "br x0");
PROBE(probe_fp, ".inst 0x9e660000");  // FMOV X0, D0
PROBE(probe_write_id, "msr s3_0_c0_c4_0, x0");
PROBE(probe_mask_all, "msr daifset, #15\n\tudf #0");
PROBE(probe_unmask, "msr daifclr, #3\n\tudf #0");
// Loads through a stack pointer that is 8 bytes off its alignment.
PROBE(probe_sp_alignment,
      "mov x1, sp\n\tsub x2, x1, #8\n\tmov sp, x2\n\tldr x0, [sp]\n\tmov sp, x1");
// Returns with an SPSR of x0 to the instruction behind the ERET.
PROBE(probe_eret, "msr spsr_el1, x0\n\tadr x1, 1f\n\tmsr elr_el1, x1\n\tisb\n\teret\n1:\tnop");

namespace {

// The lowest 2 MiB that no page maps.
std::uint64_t unmapped_address()
{
    std::uint64_t address = 0;
    while (arch::access_of(address).has_value()) {
        address += 1U << 21;
    }
    return address;
}

std::uint64_t stack_pointer()
{
    std::uint64_t sp;
    asm volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

}  // namespace

TEST(exception, none, .summary = "a function that raises nothing returns without an exception")
{
    EXPECT_FALSE(arch::raised([] { probe_nothing(); }).has_value());
}

TEST(exception, undefined,
     .summary = "UDF raises an exception of unknown reason at its own address")
{
    const auto undefined = arch::raised([] { probe_udf(); });
    ASSERT_TRUE(undefined.has_value());
    EXPECT_EQ(undefined->esr, syndrome::undefined);
    EXPECT_EQ(undefined->elr, probe_address(probe_udf));
}

TEST(exception, breakpoint, .summary = "BRK reports its immediate and its own address")
{
    struct {
        std::uint64_t (*probe)(std::uint64_t, std::uint64_t);
        std::uint32_t immediate;
    } const breakpoints[]{{probe_brk_0, 0}, {probe_brk_7, 7}, {probe_brk_65535, 65535}};

    for (const auto& breakpoint : breakpoints) {
        const auto taken = arch::raised([&] { breakpoint.probe(0, 0); });
        ASSERT_TRUE(taken.has_value());
        EXPECT_EQ(taken->esr, syndrome::esr(Class::brk, breakpoint.immediate));
        EXPECT_EQ(taken->elr, probe_address(breakpoint.probe));
    }
}

TEST(exception, system_call,
     .summary = "SVC reports its immediate and the address of the next instruction")
{
    const auto first = arch::raised([] { probe_svc_0(); });
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->esr, syndrome::esr(Class::svc, 0));
    EXPECT_EQ(first->elr, probe_address(probe_svc_0) + 4);

    const auto second = arch::raised([] { probe_svc_65535(); });
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(second->esr, syndrome::esr(Class::svc, 65535));
    EXPECT_EQ(second->elr, probe_address(probe_svc_65535) + 4);
}

TEST(exception, load_abort,
     .summary = "a load from an unmapped address is a data abort that names the address")
{
    const std::uint64_t address = unmapped_address() + 0x128;
    const auto abort = arch::raised([&] { probe_load(address); });
    ASSERT_TRUE(abort.has_value());
    EXPECT_TRUE(syndrome::is_class(*abort, Class::data_abort));
    EXPECT_TRUE(syndrome::is_fault(*abort, Fault::translation));
    EXPECT_EQ(abort->far, address);
    EXPECT_EQ(abort->elr, probe_address(probe_load));
}

TEST(exception, store_abort,
     .summary = "a store to an unmapped address is a data abort marked as a write")
{
    const std::uint64_t address = unmapped_address() + 0x250;
    const auto abort = arch::raised([&] { probe_store(address); });
    ASSERT_TRUE(abort.has_value());
    EXPECT_TRUE(syndrome::is_class(*abort, Class::data_abort));
    EXPECT_TRUE(syndrome::is_fault(*abort, Fault::translation, syndrome::write_not_read));
    EXPECT_EQ(abort->far, address);
    EXPECT_EQ(abort->elr, probe_address(probe_store));
}

TEST(exception, instruction_abort,
     .summary = "a branch to an unmapped address aborts at that address")
{
    const std::uint64_t address = unmapped_address() + 0x400;
    const auto abort = arch::raised([&] { probe_branch(address); });
    ASSERT_TRUE(abort.has_value());
    EXPECT_TRUE(syndrome::is_class(*abort, Class::instruction_abort));
    EXPECT_TRUE(syndrome::is_fault(*abort, Fault::translation));
    EXPECT_EQ(abort->far, address);
    EXPECT_EQ(abort->elr, address);
}

TEST(exception, pc_alignment,
     .summary = "a branch to an address that is not a multiple of four is a PC alignment fault")
{
    const std::uint64_t address = probe_address(probe_nothing) + 2;
    const auto fault = arch::raised([&] { probe_branch(address); });
    ASSERT_TRUE(fault.has_value());
    EXPECT_EQ(fault->esr, syndrome::esr(Class::pc_alignment));
    EXPECT_EQ(fault->far, address);
    EXPECT_EQ(fault->elr, address);
}

TEST(exception, sp_alignment,
     .summary = "a load through a misaligned stack pointer is an SP alignment fault")
{
    const RegisterGuard<SCTLR_EL1> check{SCTLR_EL1::SA, 1};
    const auto fault = arch::raised([] { probe_sp_alignment(); });
    ASSERT_TRUE(fault.has_value());
    EXPECT_EQ(fault->esr, syndrome::esr(Class::sp_alignment));
    EXPECT_EQ(fault->elr, probe_address(probe_sp_alignment) + 12);
}

TEST(exception, exclusive_alignment,
     .summary = "a load-exclusive across a 16-byte boundary is an alignment fault")
{
    alignas(16) std::uint64_t memory[4]{};
    const std::uint64_t address = reinterpret_cast<std::uintptr_t>(memory) + 12;
    const auto fault = arch::raised([&] { probe_load_exclusive(address); });
    ASSERT_TRUE(fault.has_value());
    EXPECT_TRUE(syndrome::is_class(*fault, Class::data_abort));
    EXPECT_EQ(fault->iss(), syndrome::alignment_fault);
    EXPECT_EQ(fault->far, address);
    EXPECT_EQ(fault->elr, probe_address(probe_load_exclusive));
}

TEST(exception, alignment_check,
     .summary = "SCTLR_EL1.A decides whether an unaligned load of normal memory faults")
{
    alignas(16) const std::uint64_t memory[2]{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    const std::uint64_t address = reinterpret_cast<std::uintptr_t>(memory) + 3;

    RegisterGuard<SCTLR_EL1> control{SCTLR_EL1::A, 0};
    std::uint64_t value = 0;
    ASSERT_FALSE(arch::raised([&] { value = probe_load(address); }).has_value());
    EXPECT_EQ(value, std::uint64_t{0x0a09080706050403});

    control.set(SCTLR_EL1::A, 1);
    const auto fault = arch::raised([&] { probe_load(address); });
    control.set(SCTLR_EL1::A, 0);
    ASSERT_TRUE(fault.has_value());
    EXPECT_TRUE(syndrome::is_class(*fault, Class::data_abort));
    EXPECT_EQ(fault->iss(), syndrome::alignment_fault);
    EXPECT_EQ(fault->far, address);
}

TEST(exception, illegal_state,
     .summary = "an exception return to a higher exception level is an illegal execution state")
{
    constexpr std::uint64_t el3h_all_masked = 0x3cd;
    constexpr std::uint64_t illegal_state = 1U << 20;  // SPSR_ELx.IL

    const irq::Masked masked;  // an interrupt would replace SPSR and ELR before the ERET
    const auto illegal = arch::raised([] { probe_eret(el3h_all_masked); });
    ASSERT_TRUE(illegal.has_value());
    EXPECT_EQ(illegal->esr, syndrome::esr(Class::illegal_state));
    EXPECT_EQ(illegal->elr, probe_address(probe_eret) + 20);
    EXPECT_EQ(illegal->spsr & illegal_state, illegal_state);
}

TEST(exception, floating_point_trap,
     .summary = "a floating-point instruction is trapped while CPACR_EL1.FPEN is closed")
{
    // CV = 1 and COND = 0b1110 for every AArch64 instruction.
    constexpr std::uint32_t always = 1U << 24 | 0xeU << 20;

    RegisterGuard<CPACR_EL1> control{CPACR_EL1::FPEN, 0};
    const auto trap = arch::raised([] { probe_fp(); });
    ASSERT_TRUE(trap.has_value());
    EXPECT_EQ(trap->esr, syndrome::esr(Class::floating_point, always));
    EXPECT_EQ(trap->elr, probe_address(probe_fp));

    control.set(CPACR_EL1::FPEN, 3);
    EXPECT_FALSE(arch::raised([] { probe_fp(); }).has_value());
}

TEST(exception, read_only_register,
     .summary = "a write to a read-only system register is undefined")
{
    const auto undefined = arch::raised([] { probe_write_id(); });
    ASSERT_TRUE(undefined.has_value());
    EXPECT_EQ(undefined->esr, syndrome::undefined);
    EXPECT_EQ(undefined->elr, probe_address(probe_write_id));
}

TEST(exception, saved_state,
     .summary = "SPSR holds the interrupt masks and the exception level at the exception")
{
    constexpr std::uint64_t daif = 0xf << 6;
    constexpr std::uint64_t level = 0xc;  // M[3:2], as CurrentEL has it

    const auto masked = arch::raised([] { probe_mask_all(); });
    ASSERT_TRUE(masked.has_value());
    EXPECT_EQ(masked->spsr & daif, daif);
    EXPECT_EQ(masked->spsr & level, sysreg::read<CurrentEL>().raw);
}

TEST(
    exception, recovery,
    .summary = "after an expected exception the stack pointer and the interrupt mask are as before")
{
    const std::uint64_t sp = stack_pointer();
    for (unsigned i = 0; i < 100; ++i) {
        {
            const irq::Unmasked unmasked;
            ASSERT_TRUE(arch::raised([] { probe_mask_all(); }).has_value());
            EXPECT_FALSE(arch::interrupts_masked());
        }
        const irq::Masked masked;
        ASSERT_TRUE(arch::raised([] { probe_unmask(); }).has_value());
        EXPECT_TRUE(arch::interrupts_masked());
    }
    EXPECT_EQ(stack_pointer(), sp);
}

TEST(exception, nested,
     .summary = "an expected exception inside another leaves the outer one expected")
{
    bool went_on = false;
    std::optional<arch::Exception> inner;
    const auto outer = arch::raised([&] {
        inner = arch::raised([] { probe_brk_7(); });
        went_on = true;
        probe_udf();
    });
    EXPECT_TRUE(went_on);
    ASSERT_TRUE(inner.has_value());
    EXPECT_TRUE(syndrome::is_class(*inner, Class::brk));
    ASSERT_TRUE(outer.has_value());
    EXPECT_EQ(outer->esr, syndrome::undefined);
}

TEST(exception, every_cpu, .summary = "every CPU takes its own exceptions at the same time")
{
    smp::on_all_cpus([] {
        for (unsigned i = 0; i < 50; ++i) {
            const auto taken = arch::raised([] { probe_brk_7(); });
            ASSERT_TRUE(taken.has_value());
            EXPECT_EQ(taken->esr, syndrome::esr(Class::brk, 7));
        }
    });
}
