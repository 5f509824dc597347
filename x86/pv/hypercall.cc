// SPDX-License-Identifier: MIT
#include "x86/pv/hypercall.h"

#include <cstddef>

// The registers come from a structure and go back there; RDI, which points to it, is on the stack
// meanwhile.
#define ASSAY_HYPERCALL_WITH_(name, instruction)                                                 \
    asm(".pushsection .text." #name ", \"ax\"\n"                                                 \
        "assay_" #name "_with:\n\t"                                                              \
        "pushq %rbp\n\tmovq %rsp, %rbp\n\t"                                                      \
        "pushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\tpushq %rdi\n\t"   \
        "movq 0(%rdi), %rax\n\tmovq 8(%rdi), %rbx\n\tmovq 16(%rdi), %rcx\n\t"                    \
        "movq 24(%rdi), %rdx\n\tmovq 32(%rdi), %rsi\n\tmovq 48(%rdi), %r8\n\t"                   \
        "movq 56(%rdi), %r9\n\tmovq 64(%rdi), %r10\n\tmovq 72(%rdi), %r11\n\t"                   \
        "movq 80(%rdi), %r12\n\tmovq 88(%rdi), %r13\n\tmovq 96(%rdi), %r14\n\t"                  \
        "movq 104(%rdi), %r15\n\tmovq 40(%rdi), %rdi\n\t" instruction "\n\t"                     \
        "xchgq %rdi, (%rsp)\n\t"                                                                 \
        "movq %rax, 0(%rdi)\n\tmovq %rbx, 8(%rdi)\n\tmovq %rcx, 16(%rdi)\n\t"                    \
        "movq %rdx, 24(%rdi)\n\tmovq %rsi, 32(%rdi)\n\tmovq %r8, 48(%rdi)\n\t"                   \
        "movq %r9, 56(%rdi)\n\tmovq %r10, 64(%rdi)\n\tmovq %r11, 72(%rdi)\n\t"                   \
        "movq %r12, 80(%rdi)\n\tmovq %r13, 88(%rdi)\n\tmovq %r14, 96(%rdi)\n\t"                  \
        "movq %r15, 104(%rdi)\n\tpopq %rax\n\tmovq %rax, 40(%rdi)\n\t"                           \
        "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tretq\n\t" \
        ".popsection");                                                                          \
    extern "C" [[gnu::visibility("hidden")]] void assay_##name##_with(pv::CallRegisters* registers)

ASSAY_HYPERCALL_WITH_(vmcall, "vmcall");
ASSAY_HYPERCALL_WITH_(vmmcall, "vmmcall");

namespace pv {

static_assert(offsetof(CallRegisters, rdi) == 40 && offsetof(CallRegisters, r15) == 104);

Instruction hypercall_instruction()
{
    return instruction_of(arch::cpuid(0));
}

std::int64_t hypercall(std::uint64_t number, std::uint64_t a0, std::uint64_t a1, std::uint64_t a2,
                       std::uint64_t a3)
{
    std::int64_t result;
    if (hypercall_instruction() == Instruction::vmmcall) {
        asm volatile("vmmcall"
                     : "=a"(result)
                     : "a"(number), "b"(a0), "c"(a1), "d"(a2), "S"(a3)
                     : "memory");
    } else {
        asm volatile("vmcall"
                     : "=a"(result)
                     : "a"(number), "b"(a0), "c"(a1), "d"(a2), "S"(a3)
                     : "memory");
    }
    return result;
}

void hypercall_with(Instruction instruction, CallRegisters& registers)
{
    if (instruction == Instruction::vmmcall) {
        assay_vmmcall_with(&registers);
    } else {
        assay_vmcall_with(&registers);
    }
}

}  // namespace pv
