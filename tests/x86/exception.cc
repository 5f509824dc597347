// SPDX-License-Identifier: MIT
//
// Exceptions taken in ring 0: Intel SDM volume 3, chapter 6 (6.13 error codes, 6.15 each vector);
// AMD64 APM volume 2, chapter 8.

#include "tests/support/x86/exception.h"
#include "lib/irq/irq.h"
#include "lib/mem/memory.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/x86/guard.h"
#include "tests/support/x86/probe.h"
#include "x86/cpu/control_registers.h"
#include "x86/cpu/idt.h"
#include "x86/cpu/vectors.h"

#include <arch/cpu.h>
#include <arch/cpuid.h>
#include <arch/exception.h>
#include <arch/mmu.h>

#include <cstdint>
#include <optional>

PROBE(probe_nothing, "nop");
PROBE(probe_divide, "divl %esi");  // EDX:EAX by ESI
// A quotient of more than 8 bits, behind two instructions of 5 bytes.
PROBE(probe_divide_overflow, "movl $0x1000, %eax\n\tmovl $1, %esi\n\tdivb %sil");
PROBE(probe_int3, "int3");
PROBE(probe_int_3, ".byte 0xcd, 3");  // INT 3, in two bytes
PROBE(probe_int1, ".byte 0xf1");      // INT1, once ICEBP
PROBE(probe_ud2, "ud2");
PROBE(probe_lock_nop, ".byte 0xf0, 0x90");  // LOCK in front of what takes none
PROBE(probe_into, ".byte 0xce");            // INTO: not with 64 bits
PROBE(probe_push_es, ".byte 0x06");         // PUSH ES: not with 64 bits
PROBE(probe_far_call, ".byte 0x9a, 0, 0, 0, 0, 0, 0");
PROBE(probe_load, "movq (%rdi), %rax");
PROBE(probe_store, "movq %rsi, (%rdi)");
PROBE(probe_load_byte, "movb (%rdi), %al");
PROBE(probe_jump, "jmpq *%rdi");
PROBE(probe_load_stack, "movq %rsp, %rax\n\tmovq %rdi, %rsp\n\tpopq %rsi\n\tmovq %rax, %rsp");
PROBE(probe_load_frame, "pushq %rbp\n\tmovq %rdi, %rbp\n\tmovq (%rbp), %rax\n\tpopq %rbp");
PROBE(probe_load_fs, "movw %di, %fs\n\txorl %eax, %eax\n\tmovw %ax, %fs");
PROBE(probe_load_ss, "movw %ss, %ax\n\tmovw %di, %ss\n\tmovw %ax, %ss");
PROBE(probe_fnop, "fnop");
PROBE(probe_movaps, ".byte 0x0f, 0x28, 0xc0");       // MOVAPS XMM0, XMM0
PROBE(probe_movaps_load, ".byte 0x0f, 0x28, 0x07");  // MOVAPS XMM0, [RDI]
// Unmasks the zero divide of the x87 FPU and divides by it; the WAIT raises the exception.
PROBE(probe_x87_divide, "fninit\n\tpushq $0x37b\n\tfldcw (%rsp)\n\tpopq %rcx\n\tfld1\n\tfldz\n\t"
                        ".byte 0xde, 0xf9\n\t"  // FDIVP ST1, ST0
                        "fwait\n\tfninit");
// The same of SSE: MXCSR without the mask of the zero divide, XMM0 = 1.0 / 0.
PROBE(probe_sse_divide, "pushq $0x1d80\n\tldmxcsr (%rsp)\n\tpopq %rcx\n\tmovl $0x3f800000, %eax\n\t"
                        ".byte 0x66, 0x0f, 0x6e, 0xc0\n\t"  // MOVD XMM0, EAX
                        ".byte 0x0f, 0x57, 0xc9\n\t"        // XORPS XMM1, XMM1
                        ".byte 0xf3, 0x0f, 0x5e, 0xc1");    // DIVSS XMM0, XMM1
PROBE(probe_rdmsr, "movl %edi, %ecx\n\trdmsr");
PROBE(probe_write_cr0, "movq %rdi, %cr0");
PROBE(probe_write_cr8, "movq %rdi, %cr8");
PROBE(probe_hlt_masked, "cli\n\tud2");
PROBE(probe_unmask, "sti\n\tud2");
PROBE(probe_direction, "std\n\tud2");
PROBE(probe_flags, "pushq %rdi\n\tpopfq\n\tud2");
// Returns with a frame whose CS is RDI and whose RIP is RSI.
PROBE(probe_iret, "movq %rsp, %rax\n\tmovq %ss, %rcx\n\tpushq %rcx\n\tpushq %rax\n\tpushfq\n\t"
                  "pushq %rdi\n\tpushq %rsi\n\tiretq");
// A gate's handler that hands its flags over in RAX.
PROBE(probe_gate, "pushfq\n\tpopq %rax\n\tiretq");
PROBE(probe_stack, "movq %rsp, %rax\n\tud2");

namespace {

namespace code = x86::page_fault_code;

constexpr std::uint64_t non_canonical = std::uint64_t{1} << 63;

// The lowest 2 MiB above 1 MiB that no page maps.
std::uint64_t unmapped_address()
{
    std::uint64_t address = 1U << 21;
    while (arch::access_of(address).has_value()) {
        address += 1U << 21;
    }
    return address;
}

// A descriptor that tests may change: of a segment that the image does not use.
std::uint64_t& spare_descriptor()
{
    return arch::cpu_data()->descriptors.entry[x86::selector::user_code32 >> 3];
}
constexpr std::uint16_t spare_selector = x86::selector::user_code32 & ~3U;

}  // namespace

TEST(exception, none, .summary = "a function that raises nothing returns without an exception")
{
    EXPECT_FALSE(arch::raised([] { probe_nothing(); }).has_value());
}

TEST(exception, divide_error,
     .summary = "a division by zero, and one whose quotient does not fit, fault at the instruction")
{
    EXPECT_RAISED(arch::raised([] { probe_divide(0, 0); }), x86::divide_error, 0,
                  probe_address(probe_divide));
    EXPECT_RAISED(arch::raised([] { probe_divide_overflow(); }), x86::divide_error, 0,
                  probe_address(probe_divide_overflow) + 10);
}

TEST(exception, breakpoint, .summary = "INT3 and INT 3 trap behind the instruction")
{
    EXPECT_RAISED(arch::raised([] { probe_int3(); }), x86::breakpoint, 0,
                  probe_address(probe_int3) + 1);
    EXPECT_RAISED(arch::raised([] { probe_int_3(); }), x86::breakpoint, 0,
                  probe_address(probe_int_3) + 2);
}

TEST(exception, int1, .summary = "INT1 is a debug exception that traps behind the instruction")
{
    EXPECT_RAISED(arch::raised([] { probe_int1(); }), x86::debug, 0, probe_address(probe_int1) + 1);
}

TEST(exception, invalid_opcode,
     .summary = "UD2, a LOCK that is not allowed, and instructions that long mode has lost fault")
{
    struct {
        std::string_view name;
        std::uint64_t (*probe)(std::uint64_t, std::uint64_t);
    } const instructions[]{
        {"UD2", probe_ud2},         {"LOCK NOP", probe_lock_nop}, {"INTO", probe_into},
        {"PUSH ES", probe_push_es}, {"CALL far", probe_far_call},
    };
    test::Items items{std::size(instructions)};
    for (const auto& instruction : instructions) {
        items.run(instruction.name, [&] {
            EXPECT_RAISED(arch::raised([&] { instruction.probe(0, 0); }), x86::invalid_opcode, 0,
                          probe_address(instruction.probe));
        });
    }
}

TEST(exception, device_not_available,
     .summary = "while CR0.TS or CR0.EM is set, an x87 instruction raises #NM at its own address")
{
    {
        const ControlGuard<CR0> switched{CR0::TS, 1};
        EXPECT_RAISED(arch::raised([] { probe_fnop(); }), x86::device_not_available, 0,
                      probe_address(probe_fnop));
        EXPECT_RAISED(arch::raised([] { probe_movaps(); }), x86::device_not_available, 0,
                      probe_address(probe_movaps));
    }
    {
        const ControlGuard<CR0> emulated{CR0::EM, 1};
        EXPECT_RAISED(arch::raised([] { probe_fnop(); }), x86::device_not_available, 0,
                      probe_address(probe_fnop));
    }
    EXPECT_FALSE(arch::raised([] { probe_fnop(); }).has_value());
}

TEST(exception, sse_disabled,
     .summary = "an SSE instruction raises #UD while CR0.EM is set or CR4.OSFXSR is clear")
{
    EXPECT_FALSE(arch::raised([] { probe_movaps(); }).has_value());
    {
        const ControlGuard<CR0> emulated{CR0::EM, 1};
        EXPECT_RAISED(arch::raised([] { probe_movaps(); }), x86::invalid_opcode, 0,
                      probe_address(probe_movaps));
    }
    const ControlGuard<CR4> disabled{CR4::OSFXSR, 0};
    EXPECT_RAISED(arch::raised([] { probe_movaps(); }), x86::invalid_opcode, 0,
                  probe_address(probe_movaps));
}

TEST(exception, x87_error,
     .summary =
         "an unmasked x87 exception is raised by the next waiting instruction, at its address")
{
    const auto raised = arch::raised([] { probe_x87_divide(); });
    asm volatile("fninit");
    // FNINIT 2, PUSH 5, FLDCW 3, POP 1, FLD1 2, FLDZ 2, FDIVP 2 bytes: the WAIT.
    EXPECT_RAISED(raised, x86::x87_error, 0, probe_address(probe_x87_divide) + 17);
}

TEST(exception, simd_error,
     .summary = "an unmasked SSE exception is raised by the instruction itself; by #UD where "
                "CR4.OSXMMEXCPT is clear")
{
    static constexpr std::uint32_t initial_mxcsr = 0x1f80;
    const auto restore = [] { asm volatile("ldmxcsr %0" ::"m"(initial_mxcsr)); };
    // PUSH 5, LDMXCSR 4, POP 1, MOV 5, MOVD 4, XORPS 3 bytes: the DIVSS.
    const std::uint64_t divide = probe_address(probe_sse_divide) + 22;

    const auto raised = arch::raised([] { probe_sse_divide(); });
    restore();
    EXPECT_RAISED(raised, x86::simd_error, 0, divide);

    const ControlGuard<CR4> disabled{CR4::OSXMMEXCPT, 0};
    const auto undefined = arch::raised([] { probe_sse_divide(); });
    restore();
    EXPECT_RAISED(undefined, x86::invalid_opcode, 0, divide);
}

TEST(exception, page_fault_read,
     .summary = "a read of an unmapped address is a page fault that names the address")
{
    const std::uint64_t address = unmapped_address() + 0x128;
    const auto fault = arch::raised([&] { probe_load(address); });
    EXPECT_RAISED(fault, x86::page_fault, 0, probe_address(probe_load));
    EXPECT_EQ(fault->cr2, address);
}

TEST(exception, page_fault_write,
     .summary = "a write to an unmapped address is a page fault marked as one")
{
    const std::uint64_t address = unmapped_address() + 0x250;
    const auto fault = arch::raised([&] { probe_store(address); });
    EXPECT_RAISED(fault, x86::page_fault, code::write, probe_address(probe_store));
    EXPECT_EQ(fault->cr2, address);
}

TEST(exception, page_fault_fetch,
     .summary = "a jump to an unmapped address faults there, marked as a fetch")
{
    const std::uint64_t address = unmapped_address() + 0x403;
    const auto fault = arch::raised([&] { probe_jump(address); });
    EXPECT_RAISED(fault, x86::page_fault, code::instruction, address);
    EXPECT_EQ(fault->cr2, address);
}

TEST(exception, page_fault_protection,
     .summary = "a write to a read-only page and a fetch from one that is not executable are "
                "protection violations")
{
    const auto pages = mem::allocate(mem::page_size);
    ASSERT_TRUE(pages.has_value());
    const std::uint64_t address = pages->address() + 0x18;
    const auto fetch = arch::raised([&] { probe_jump(address); });
    EXPECT_RAISED(fetch, x86::page_fault, code::present | code::instruction, address);
    EXPECT_EQ(fetch->cr2, address);

    const arch::AccessGuard read_only{pages->address(), pages->size(), arch::Access::read};
    EXPECT_FALSE(arch::raised([&] { probe_load(address); }).has_value());
    const auto write = arch::raised([&] { probe_store(address); });
    EXPECT_RAISED(write, x86::page_fault, code::present | code::write, probe_address(probe_store));
    EXPECT_EQ(write->cr2, address);
}

TEST(exception, write_protect,
     .summary = "ring 0 writes to read-only pages while CR0.WP is clear, and only then")
{
    const auto pages = mem::allocate(mem::page_size);
    ASSERT_TRUE(pages.has_value());
    const arch::AccessGuard read_only{pages->address(), pages->size(), arch::Access::read};
    EXPECT_TRUE(arch::raised([&] { probe_store(pages->address(), 1); }).has_value());
    {
        const irq::Masked masked;
        const ControlGuard<CR0> open{CR0::WP, 0};
        EXPECT_FALSE(arch::raised([&] { probe_store(pages->address(), 2); }).has_value());
    }
    EXPECT_EQ(*reinterpret_cast<volatile std::uint64_t*>(pages->data()), 2);
    EXPECT_TRUE(arch::raised([&] { probe_store(pages->address(), 3); }).has_value());
}

TEST(exception, page_fault_crossing,
     .summary = "an access that crosses into a page that is not there names that page's first byte")
{
    const auto pages = mem::allocate(2 * mem::page_size);
    ASSERT_TRUE(pages.has_value());
    const std::uint64_t second = pages->address() + mem::page_size;
    const arch::AccessGuard closed{second, mem::page_size, arch::Access::none};
    for (std::uint64_t inside = 1; inside < 8; ++inside) {
        const auto fault = arch::raised([&] { probe_load(second - inside); });
        EXPECT_RAISED(fault, x86::page_fault, 0, probe_address(probe_load));
        EXPECT_EQ(fault->cr2, second);
    }
    // The first byte of the access is at fault when both pages are.
    const arch::AccessGuard both{pages->address(), mem::page_size, arch::Access::none};
    const auto first = arch::raised([&] { probe_load(second - 3); });
    EXPECT_RAISED(first, x86::page_fault, 0, probe_address(probe_load));
    EXPECT_EQ(first->cr2, second - 3);
}

TEST(exception, fetch_crossing,
     .summary = "an instruction that reaches into a page that is not there faults at its address, "
                "and names that page")
{
    const auto pages = mem::allocate(2 * mem::page_size);
    ASSERT_TRUE(pages.has_value());
    const std::uint64_t second = pages->address() + mem::page_size;
    // MOV EAX, imm32: two of its five bytes in the first page.
    auto* const code = reinterpret_cast<volatile std::uint8_t*>(second - 2);
    code[0] = 0xb8;
    code[1] = 0x00;
    const arch::AccessGuard executable{pages->address(), mem::page_size,
                                       arch::Access::read_execute};
    const arch::AccessGuard closed{second, mem::page_size, arch::Access::none};
    arch::synchronize_instructions(pages->data(), pages->size());
    const auto fault = arch::raised([&] { probe_jump(second - 2); });
    EXPECT_RAISED(fault, x86::page_fault, code::instruction, second - 2);
    EXPECT_EQ(fault->cr2, second);
}

TEST(exception, cr2_kept, .summary = "only page faults change CR2")
{
    const std::uint64_t address = unmapped_address() + 0x777;
    ASSERT_TRUE(arch::raised([&] { probe_load_byte(address); }).has_value());
    const irq::Masked masked;
    control::write_cr2(address);
    ASSERT_TRUE(arch::raised([] { probe_ud2(); }).has_value());
    ASSERT_TRUE(arch::raised([] { probe_load(non_canonical); }).has_value());
    EXPECT_EQ(control::cr2(), address);
}

TEST(exception, general_protection,
     .summary = "an access to a non-canonical address is a general protection fault without a "
                "selector")
{
    EXPECT_RAISED(arch::raised([] { probe_load(non_canonical); }), x86::general_protection, 0,
                  probe_address(probe_load));
    EXPECT_RAISED(arch::raised([] { probe_store(non_canonical); }), x86::general_protection, 0,
                  probe_address(probe_store));
    const auto jump = arch::raised([] { probe_jump(non_canonical); });
    EXPECT_RAISED_SOMEWHERE(jump, x86::general_protection, 0);
}

TEST(exception, stack_fault,
     .summary = "a non-canonical address through RSP or RBP is a stack fault")
{
    const irq::Masked masked;  // an interrupt would use the stack
    EXPECT_RAISED(arch::raised([] { probe_load_stack(non_canonical); }), x86::stack_fault, 0,
                  probe_address(probe_load_stack) + 6);
    EXPECT_RAISED(arch::raised([] { probe_load_frame(non_canonical); }), x86::stack_fault, 0,
                  probe_address(probe_load_frame) + 4);
}

TEST(exception, selector_beyond_table,
     .summary = "a selector beyond the descriptor table is in the error code of the general "
                "protection fault")
{
    for (const std::uint16_t selector : {std::uint16_t{0x1000}, std::uint16_t{0xfff8}}) {
        EXPECT_RAISED(arch::raised([&] { probe_load_fs(selector); }), x86::general_protection,
                      selector, probe_address(probe_load_fs));
        EXPECT_RAISED(arch::raised([&] { probe_load_ss(selector); }), x86::general_protection,
                      selector, probe_address(probe_load_ss) + 3);
    }
    // Of the local table, which is empty: bit 2.
    EXPECT_RAISED(arch::raised([] { probe_load_fs(0x0c); }), x86::general_protection, 0x0c,
                  probe_address(probe_load_fs));
}

TEST(exception, segment_not_present,
     .summary = "a segment that is not present raises #NP when it is loaded as data, #SS as stack")
{
    constexpr std::uint64_t present = std::uint64_t{1} << 47;
    const ValueGuard absent{spare_descriptor(), x86::segment::data & ~present};
    EXPECT_RAISED(arch::raised([] { probe_load_fs(spare_selector); }), x86::segment_not_present,
                  spare_selector, probe_address(probe_load_fs));
    EXPECT_RAISED(arch::raised([] { probe_load_ss(spare_selector); }), x86::stack_fault,
                  spare_selector, probe_address(probe_load_ss) + 3);
}

TEST(exception, segment_types,
     .summary = "code that cannot be read is no data segment, read-only data no stack")
{
    constexpr std::uint64_t readable = std::uint64_t{1} << 41;  // of code; of data: writable
    {
        const ValueGuard execute_only{spare_descriptor(), x86::segment::code32 & ~readable};
        EXPECT_RAISED(arch::raised([] { probe_load_fs(spare_selector); }), x86::general_protection,
                      spare_selector, probe_address(probe_load_fs));
    }
    const ValueGuard read_only{spare_descriptor(), x86::segment::data & ~readable};
    EXPECT_FALSE(arch::raised([] { probe_load_fs(spare_selector); }).has_value());
    EXPECT_RAISED(arch::raised([] { probe_load_ss(spare_selector); }), x86::general_protection,
                  spare_selector, probe_address(probe_load_ss) + 3);
}

TEST(exception, gate_not_present,
     .summary =
         "INT n through a gate that is not present raises #NP with the vector and the IDT bit")
{
    constexpr unsigned free_vector = 0xf4;
    const irq::Masked masked;
    x86::Gate absent = x86::idt()[free_vector];
    absent.control &= 0x7f;
    const ValueGuard guard{x86::idt()[free_vector], absent};
    EXPECT_RAISED_SOMEWHERE(arch::raised([] { asm volatile("int %0" ::"i"(free_vector)); }),
                            x86::segment_not_present, exception::gate_code(free_vector));
}

TEST(exception, gate_not_present_external,
     .summary =
         "an exception whose gate is not present raises #NP with its vector, the IDT and the "
         "EXT bit")
{
    const irq::Masked masked;
    x86::Gate absent = x86::idt()[x86::invalid_opcode];
    absent.control &= 0x7f;
    const ValueGuard guard{x86::idt()[x86::invalid_opcode], absent};
    EXPECT_RAISED(arch::raised([] { probe_ud2(); }), x86::segment_not_present,
                  exception::gate_code(x86::invalid_opcode, true), probe_address(probe_ud2));
}

TEST(exception, double_fault,
     .summary =
         "a fault while a general protection fault is delivered is a double fault with error "
         "code 0")
{
    const irq::Masked masked;
    x86::Gate absent = x86::idt()[x86::general_protection];
    absent.control &= 0x7f;
    const ValueGuard guard{x86::idt()[x86::general_protection], absent};
    const auto raised = arch::raised([] { probe_load(non_canonical); });
    EXPECT_RAISED_SOMEWHERE(raised, x86::double_fault, 0);
}

TEST(exception, double_page_fault,
     .summary = "a page fault while a page fault is delivered is a double fault; while another "
                "exception is, it is handled")
{
    constexpr unsigned free_ist = 7;
    const irq::Masked masked;
    arch::CpuData& cpu = *arch::cpu_data();
    cpu.task_state.ist[free_ist - 1] = unmapped_address() + mem::page_size;
    const auto on_missing_stack = [&](x86::Vector vector) {
        x86::Gate gate = x86::idt()[vector];
        gate.stack = free_ist;
        return gate;
    };
    {
        const ValueGuard guard{x86::idt()[x86::page_fault], on_missing_stack(x86::page_fault)};
        const auto raised = arch::raised([] { probe_load(unmapped_address()); });
        EXPECT_RAISED_SOMEWHERE(raised, x86::double_fault, 0);
    }
    const ValueGuard guard{x86::idt()[x86::invalid_opcode], on_missing_stack(x86::invalid_opcode)};
    const auto raised = arch::raised([] { probe_ud2(); });
    EXPECT_RAISED_SOMEWHERE(raised, x86::page_fault, code::write);
    EXPECT_EQ(raised->rip, probe_address(probe_ud2));
    cpu.task_state.ist[free_ist - 1] = 0;
}

TEST(exception, software_interrupts,
     .summary = "INT n takes the vector of an exception without an error code, behind the "
                "instruction")
{
    static constexpr struct {
        std::string_view name;
        x86::Vector vector;
        void (*raise)();
    } interrupts[]{
        {"INT 0", x86::divide_error, [] { asm volatile("int $0"); }},
        {"INT 1", x86::debug, [] { asm volatile("int $1"); }},
        {"INT 3", x86::breakpoint, [] { asm volatile(".byte 0xcd, 3"); }},
        {"INT 4", x86::overflow, [] { asm volatile("int $4"); }},
        {"INT 5", x86::bound_range, [] { asm volatile("int $5"); }},
        {"INT 6", x86::invalid_opcode, [] { asm volatile("int $6"); }},
        {"INT 7", x86::device_not_available, [] { asm volatile("int $7"); }},
        {"INT 16", x86::x87_error, [] { asm volatile("int $16"); }},
        {"INT 19", x86::simd_error, [] { asm volatile("int $19"); }},
        {"INT 20", x86::virtualization, [] { asm volatile("int $20"); }},
        {"INT 240", x86::system_call, [] { asm volatile("int $240"); }},
    };
    test::Items items{std::size(interrupts)};
    for (const auto& interrupt : interrupts) {
        items.run(interrupt.name, [&] {
            const auto raised = arch::raised([&] { interrupt.raise(); });
            EXPECT_RAISED_SOMEWHERE(raised, interrupt.vector, 0);
            const auto* const before = reinterpret_cast<const std::uint8_t*>(raised->rip) - 2;
            EXPECT_EQ(before[0], 0xcd);
            EXPECT_EQ(std::uint64_t{before[1]}, std::uint64_t{interrupt.vector});
        });
    }
}

TEST(exception, saved_state,
     .summary = "the frame has the flags, the selectors and the stack pointer of the instruction")
{
    const auto masked = arch::raised([] { probe_hlt_masked(); });
    ASSERT_TRUE(masked.has_value());
    EXPECT_EQ(Rflags::from(masked->rflags)[Rflags::IF], 0);
    EXPECT_EQ(masked->cs, std::uint64_t{x86::selector::code64});
    EXPECT_EQ(masked->ss, std::uint64_t{x86::selector::data});

    const auto open = arch::raised([] { probe_unmask(); });
    ASSERT_TRUE(open.has_value());
    EXPECT_EQ(Rflags::from(open->rflags)[Rflags::IF], 1);

    const auto direction = arch::raised([] { probe_direction(); });
    ASSERT_TRUE(direction.has_value());
    EXPECT_EQ(Rflags::from(direction->rflags)[Rflags::DF], 1);

    const auto stack = arch::raised([] { probe_stack(); });
    ASSERT_TRUE(stack.has_value());
    EXPECT_EQ(stack->rsp, stack->rax);
}

TEST(exception, flags_kept,
     .summary = "arithmetic flags, AC, ID and IOPL are in the frame as they were")
{
    constexpr Field flags[]{Rflags::CF, Rflags::PF, Rflags::AF, Rflags::ZF,
                            Rflags::SF, Rflags::OF, Rflags::AC, Rflags::ID};
    const irq::Masked masked;
    for (const Field flag : flags) {
        const auto set =
            arch::raised([&] { probe_flags(Rflags{}.with(Rflags::fixed, 1).with(flag, 1).raw); });
        ASSERT_TRUE(set.has_value());
        EXPECT_EQ(Rflags::from(set->rflags)[flag], 1);
        const auto clear = arch::raised([] { probe_flags(Rflags{}.with(Rflags::fixed, 1).raw); });
        ASSERT_TRUE(clear.has_value());
        EXPECT_EQ(Rflags::from(clear->rflags)[flag], 0);
    }
    const auto privilege = arch::raised(
        [] { probe_flags(Rflags{}.with(Rflags::fixed, 1).with(Rflags::IOPL, 3).raw); });
    ASSERT_TRUE(privilege.has_value());
    EXPECT_EQ(Rflags::from(privilege->rflags)[Rflags::IOPL], 3);
}

TEST(exception, handler_flags,
     .summary = "an interrupt gate clears IF and NT for its handler, a trap gate leaves IF")
{
    constexpr unsigned free_vector = 0xf4;
    constexpr std::uint64_t nested_task = Rflags::NT.mask();
    const auto flags_behind = [](x86::Gate::Type type) {
        const auto gate = x86::Gate::to(probe_address(probe_gate), type, x86::ist::none, 0);
        const irq::Unmasked unmasked;
        const ValueGuard guard{x86::idt()[free_vector], gate};
        std::uint64_t flags;
        asm volatile("pushfq\n\torq %2, (%%rsp)\n\tpopfq\n\t"
                     "int %1\n\t"
                     "pushfq\n\tandq %3, (%%rsp)\n\tpopfq"
                     : "=&a"(flags)
                     : "i"(free_vector), "i"(nested_task), "i"(~nested_task)
                     : "memory", "cc");
        return Rflags::from(flags);
    };
    const Rflags interrupt = flags_behind(x86::Gate::interrupt);
    EXPECT_EQ(interrupt[Rflags::IF], 0);
    EXPECT_EQ(interrupt[Rflags::NT], 0);
    EXPECT_EQ(interrupt[Rflags::TF], 0);
    const Rflags trap = flags_behind(x86::Gate::trap);
    EXPECT_EQ(trap[Rflags::IF], 1);
    EXPECT_EQ(trap[Rflags::NT], 0);
}

TEST(exception, invalid_return,
     .summary = "IRETQ to a selector beyond the table, or to a non-canonical address, is a general "
                "protection fault")
{
    const irq::Masked masked;
    const auto selector = arch::raised([] { probe_iret(0x1000, probe_address(probe_nothing)); });
    EXPECT_RAISED_SOMEWHERE(selector, x86::general_protection, 0x1000);
    const auto address = arch::raised([] { probe_iret(x86::selector::code64, non_canonical); });
    EXPECT_RAISED_SOMEWHERE(address, x86::general_protection, 0);
}
