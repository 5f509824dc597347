// SPDX-License-Identifier: MIT
//
// Where another CPU starts, in real mode, at the beginning of a page below 1 MiB: a copy of this.
// What it must know stands behind the code (struct Trampoline).

#include "x86/boot/offsets.h"

#define parameter(name) (trampoline_parameters - trampoline_begin + TRAMPOLINE_##name)

        .section .rodata
        .balign 16
        .global trampoline_begin, trampoline_parameters, trampoline_end
        .global trampoline_protected, trampoline_long
        .code16
trampoline_begin:
        cli
        cld
        movw    %cs, %ax
        movw    %ax, %ds
        xorl    %ebx, %ebx
        movw    %ax, %bx
        shll    $4, %ebx                // where this page is
        lgdtl   parameter(GDTR)
        movl    $(CR0_ET | CR0_PE), %eax
        movl    %eax, %cr0
        ljmpl   *parameter(ENTRY32)

        .code32
trampoline_protected:
        movl    $SELECTOR_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $CR4_IMAGE, %eax
        movl    %eax, %cr4
        movl    parameter(CR3)(%ebx), %eax
        movl    %eax, %cr3
        movl    $MSR_EFER, %ecx
        movl    $EFER_IMAGE, %eax
        xorl    %edx, %edx
        wrmsr
        movl    $CR0_IMAGE, %eax
        movl    %eax, %cr0
        ljmpl   *parameter(ENTRY64)(%ebx)

        .code64
trampoline_long:
        movl    %ebx, %ebx
        jmpq    *parameter(CONTINUE)(%rbx)

        .balign 8
trampoline_parameters:
        .skip   TRAMPOLINE_SIZE
trampoline_end:

        .section .note.GNU-stack, "", @progbits
