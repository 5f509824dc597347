// SPDX-License-Identifier: MIT
//
// Exceptions taken from ring 3.

#include "lib/test/test.h"
#include "tests/support/x86/exception.h"
#include "tests/support/x86/guard.h"
#include "tests/support/x86/probe.h"
#include "x86/cpu/control_registers.h"
#include "x86/cpu/descriptors.h"
#include "x86/cpu/idt.h"
#include "x86/image.h"

#include <arch/cpuid.h>
#include <arch/exception.h>
#include <arch/mmu.h>

#include <cstdint>
#include <string_view>

USER_PROBE(user_return, "leaq 5(%rdi), %rax");
USER_PROBE(user_ud2, "ud2");
USER_PROBE(user_int3, "int3");
USER_PROBE(user_int_4, "int $4");
USER_PROBE(user_int_5, "int $5");
USER_PROBE(user_int_14, "int $14");
USER_PROBE(user_int_32, "int $32");
USER_PROBE(user_load, "movq (%rdi), %rax");
USER_PROBE(user_store, "movq %rax, (%rdi)");
USER_PROBE(user_jump, "jmpq *%rdi");
USER_PROBE(user_registers, "movq %rsp, %rax");
USER_PROBE(user_hlt, "hlt");
USER_PROBE(user_cli, "cli");
USER_PROBE(user_sti, "sti");
USER_PROBE(user_in, "movl $0x80, %edx\n\tinb %dx, %al");
USER_PROBE(user_out, "movl $0x80, %edx\n\toutb %al, %dx");
USER_PROBE(user_read_cr0, "movq %cr0, %rax");
USER_PROBE(user_write_cr3, "movq %rdi, %cr3");
USER_PROBE(user_read_cr8, "movq %cr8, %rax");
USER_PROBE(user_read_dr7, "movq %dr7, %rax");
USER_PROBE(user_rdmsr, "movl $0x10, %ecx\n\trdmsr");
USER_PROBE(user_wrmsr, "movl $0x10, %ecx\n\twrmsr");
USER_PROBE(user_lgdt, "lgdt (%rsp)");
USER_PROBE(user_lidt, "lidt (%rsp)");
USER_PROBE(user_ltr, "ltr %di");
USER_PROBE(user_lldt, "lldt %di");
USER_PROBE(user_lmsw, "lmsw %di");
USER_PROBE(user_clts, "clts");
USER_PROBE(user_invlpg, "invlpg (%rsp)");
USER_PROBE(user_wbinvd, "wbinvd");
USER_PROBE(user_invd, "invd");
USER_PROBE(user_swapgs, "swapgs");
USER_PROBE(user_sysret, "sysretq");
USER_PROBE(user_rdtsc, "rdtsc");
USER_PROBE(user_rdpmc, "xorl %ecx, %ecx\n\trdpmc");
USER_PROBE(user_sgdt, "subq $16, %rsp\n\tsgdt (%rsp)\n\taddq $16, %rsp");
USER_PROBE(user_sidt, "subq $16, %rsp\n\tsidt (%rsp)\n\taddq $16, %rsp");
USER_PROBE(user_sldt, "sldt %eax");
USER_PROBE(user_smsw, "smsw %eax");
USER_PROBE(user_str, "str %eax");
USER_PROBE(user_popf, "pushfq\n\tandl $~0x200, (%rsp)\n\tpopfq\n\tpushfq\n\tpopq %rax");
// Sets RFLAGS.AC, and reads a doubleword of the stack that is not aligned.
USER_PROBE(user_unaligned, "pushfq\n\torl $0x40000, (%rsp)\n\tpopfq\n\tmovl -7(%rsp), %eax");
USER_PROBE(user_load_kernel_ss, "movl $0x10, %eax\n\tmovl %eax, %ss");
USER_PROBE(user_load_kernel_ds, "movl $0x10, %eax\n\tmovl %eax, %ds");

namespace {

namespace code = x86::page_fault_code;

struct Instruction {
    std::string_view name;
    void (*probe)(std::uint64_t);
    unsigned offset = 0;  // of the instruction in the probe
};

// Each raises #GP(0) in ring 3.
void expect_privileged(std::span<const Instruction> instructions)
{
    const arch::UserAccess access;
    test::Items items{instructions.size()};
    for (const Instruction& instruction : instructions) {
        items.run(instruction.name, [&] {
            EXPECT_RAISED(arch::run_in_user(instruction.probe, 0), x86::general_protection, 0,
                          probe_address(instruction.probe) + instruction.offset);
        });
    }
}

}  // namespace

TEST(exception, user_returns, .summary = "a function in ring 3 comes back by a system call")
{
    const arch::UserAccess access;
    const arch::Exception left = arch::run_in_user(user_return, 37);
    EXPECT_EQ(left.vector, std::uint64_t{x86::system_call});
    EXPECT_EQ(left.error_code, 0);
    EXPECT_EQ(left.rax, 42);
}

TEST(exception, user_frame,
     .summary = "the frame of an exception in ring 3 has that ring's selectors and stack pointer")
{
    const arch::UserAccess access;
    const arch::Exception left = arch::run_in_user(user_registers, 0);
    EXPECT_EQ(left.cs, std::uint64_t{x86::selector::user_code64});
    EXPECT_EQ(left.ss, std::uint64_t{x86::selector::user_data});
    // The call has taken the return address off the stack.
    EXPECT_EQ(left.rsp, left.rax + 8);
    EXPECT_EQ(left.rsp, std::uint64_t{image::address_of(image::user_stack_end)});
    EXPECT_EQ(Rflags::from(left.rflags)[Rflags::IOPL], 0);
}

TEST(exception, user_faults, .summary = "faults and traps in ring 3 are those of ring 0")
{
    const arch::UserAccess access;
    EXPECT_RAISED(arch::run_in_user(user_ud2, 0), x86::invalid_opcode, 0, probe_address(user_ud2));
    EXPECT_RAISED(arch::run_in_user(user_int3, 0), x86::breakpoint, 0,
                  probe_address(user_int3) + 1);
}

TEST(exception, user_gates,
     .summary =
         "INT n from ring 3 needs a gate that is open to it; a closed one raises #GP with the "
         "vector and the IDT bit")
{
    const arch::UserAccess access;
    EXPECT_RAISED(arch::run_in_user(user_int_4, 0), x86::overflow, 0,
                  probe_address(user_int_4) + 2);
    EXPECT_RAISED(arch::run_in_user(user_int_5, 0), x86::general_protection,
                  exception::gate_code(5), probe_address(user_int_5));
    EXPECT_RAISED(arch::run_in_user(user_int_14, 0), x86::general_protection,
                  exception::gate_code(14), probe_address(user_int_14));
    EXPECT_RAISED(arch::run_in_user(user_int_32, 0), x86::general_protection,
                  exception::gate_code(32), probe_address(user_int_32));
}

TEST(exception, user_page_faults,
     .summary = "pages of ring 0 cannot be read, written or executed in ring 3, and the error code "
                "says who tried")
{
    const arch::UserAccess access;
    const std::uint64_t data = image::address_of(image::boot_stack_low);
    const auto read = arch::run_in_user(user_load, data);
    EXPECT_RAISED(read, x86::page_fault, code::present | code::user, probe_address(user_load));
    EXPECT_EQ(read.cr2, data);
    const auto write = arch::run_in_user(user_store, data);
    EXPECT_RAISED(write, x86::page_fault, code::present | code::write | code::user,
                  probe_address(user_store));
    const auto text = reinterpret_cast<std::uintptr_t>(&arch::image_base);
    const auto fetch = arch::run_in_user(user_jump, text);
    EXPECT_RAISED(fetch, x86::page_fault, code::present | code::user | code::instruction, text);
}

TEST(exception, user_own_pages, .summary = "ring 3 cannot write to its code or execute its stack")
{
    const arch::UserAccess access;
    const std::uint64_t text = probe_address(user_ud2);
    EXPECT_RAISED(arch::run_in_user(user_store, text), x86::page_fault,
                  code::present | code::write | code::user, probe_address(user_store));
    const std::uint64_t stack = image::address_of(image::user_stack);
    EXPECT_RAISED(arch::run_in_user(user_jump, stack), x86::page_fault,
                  code::present | code::user | code::instruction, stack);
}

TEST(exception, user_closed,
     .summary = "without access to its code, ring 3 faults at its first instruction")
{
    EXPECT_RAISED(arch::run_in_user(user_return, 0), x86::page_fault,
                  code::present | code::user | code::instruction, probe_address(user_return));
}

TEST(exception, user_privileged,
     .summary = "privileged instructions raise #GP(0) in ring 3, at their address")
{
    static constexpr Instruction instructions[]{
        {"HLT", user_hlt},
        {"CLI", user_cli},
        {"STI", user_sti},
        {"IN", user_in, 5},
        {"OUT", user_out, 5},
        {"MOV from CR0", user_read_cr0},
        {"MOV to CR3", user_write_cr3},
        {"MOV from CR8", user_read_cr8},
        {"MOV from DR7", user_read_dr7},
        {"RDMSR", user_rdmsr, 5},
        {"WRMSR", user_wrmsr, 5},
        {"LGDT", user_lgdt},
        {"LIDT", user_lidt},
        {"LTR", user_ltr},
        {"LLDT", user_lldt},
        {"LMSW", user_lmsw},
        {"CLTS", user_clts},
        {"INVLPG", user_invlpg},
        {"WBINVD", user_wbinvd},
        {"INVD", user_invd},
        {"SWAPGS", user_swapgs},
        {"SYSRET", user_sysret},
    };
    expect_privileged(instructions);
}

TEST(exception, user_time_stamp,
     .summary = "CR4.TSD decides whether RDTSC is privileged, CR4.PCE whether RDPMC is")
{
    const arch::UserAccess access;
    EXPECT_EQ(arch::run_in_user(user_rdtsc, 0).vector, std::uint64_t{x86::system_call});
    {
        const ControlGuard<CR4> closed{CR4::TSD, 1};
        EXPECT_RAISED(arch::run_in_user(user_rdtsc, 0), x86::general_protection, 0,
                      probe_address(user_rdtsc));
    }
    const ControlGuard<CR4> closed{CR4::PCE, 0};
    EXPECT_RAISED(arch::run_in_user(user_rdpmc, 0), x86::general_protection, 0,
                  probe_address(user_rdpmc) + 2);
}

TEST(exception, user_mode_prevention,
     .summary = "with CR4.UMIP ring 3 cannot see where the descriptor tables are, without it can")
{
    constexpr std::uint32_t umip = 1U << 2;
    if (arch::cpuid(0).eax < 7 || (arch::cpuid(7).ecx & umip) == 0) {
        return test::skip("CPUID has no UMIP");
    }
    static constexpr Instruction instructions[]{
        {"SGDT", user_sgdt, 4}, {"SIDT", user_sidt, 4}, {"SLDT", user_sldt},
        {"SMSW", user_smsw},    {"STR", user_str},
    };
    {
        const arch::UserAccess access;
        for (const Instruction& instruction : instructions) {
            EXPECT_EQ(arch::run_in_user(instruction.probe, 0).vector,
                      std::uint64_t{x86::system_call});
        }
    }
    const ControlGuard<CR4> prevented{CR4::UMIP, 1};
    expect_privileged(instructions);
}

TEST(exception, user_interrupt_flag,
     .summary = "POPF in ring 3 leaves IF as it is, without a fault")
{
    const arch::UserAccess access;
    const arch::Exception left = arch::run_in_user(user_popf, 0);
    EXPECT_EQ(left.vector, std::uint64_t{x86::system_call});
    EXPECT_EQ(Rflags::from(left.rax)[Rflags::IF], 1);
}

TEST(exception, user_alignment,
     .summary = "an unaligned access in ring 3 faults where CR0.AM and RFLAGS.AC are set, and only "
                "there")
{
    // PUSHF 1, OR 7, POPF 1 bytes.
    const std::uint64_t load = probe_address(user_unaligned) + 9;
    const arch::UserAccess access;
    {
        const ControlGuard<CR0> checked{CR0::AM, 1};
        EXPECT_RAISED(arch::run_in_user(user_unaligned, 0), x86::alignment_check, 0, load);
    }
    const ControlGuard<CR0> unchecked{CR0::AM, 0};
    EXPECT_EQ(arch::run_in_user(user_unaligned, 0).vector, std::uint64_t{x86::system_call});
}

TEST(exception, user_segments, .summary = "ring 3 cannot load ring 0's data segment")
{
    const arch::UserAccess access;
    EXPECT_RAISED(arch::run_in_user(user_load_kernel_ss, 0), x86::general_protection,
                  x86::selector::data, probe_address(user_load_kernel_ss) + 5);
    EXPECT_RAISED(arch::run_in_user(user_load_kernel_ds, 0), x86::general_protection,
                  x86::selector::data, probe_address(user_load_kernel_ds) + 5);
}

TEST(exception, user_gate_without_stack,
     .summary = "an exception from ring 3 through a gate without a stack of its own comes to ring "
                "0's stack of the task state")
{
    const arch::UserAccess access;
    x86::Gate plain = x86::idt()[x86::invalid_opcode];
    plain.stack = x86::ist::none;
    const ValueGuard guard{x86::idt()[x86::invalid_opcode], plain};
    EXPECT_RAISED(arch::run_in_user(user_ud2, 0), x86::invalid_opcode, 0, probe_address(user_ud2));
}
