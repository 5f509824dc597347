// SPDX-License-Identifier: MIT
//
// What the gates of the interrupt descriptor table lead to. All exceptions run on stacks of the
// interrupt stack table, which begin below a pointer to their CPU's data: whatever happened to the
// stack or to GS, the handler finds a good one. Interrupts and system calls stay on the stack they
// find: that of the interrupted code, or below enter_user()'s frame.

#include "x86/boot/offsets.h"

        .section .vectors, "ax"

// 256 entries of 8 bytes. The vector is stored less 128, which makes a PUSH of two bytes of it; for
// exceptions without an error code it is in that one's place.
        .balign 16
        .global exception_vectors
exception_vectors:
        .set    vector, 0
        .rept   256
        .balign 8
        pushq   $(vector - 128)
        .if     vector >= 32
        jmp     interrupt
        .elseif vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
        jmp     exception_with_code
        .else
        jmp     exception
        .endif
        .set    vector, vector + 1
        .endr

        .macro  store_registers
        pushq   %rax
        pushq   %rcx
        pushq   %rdx
        pushq   %rbx
        pushq   %rbp
        pushq   %rsi
        pushq   %rdi
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        .endm

interrupt:
        pushq   (%rsp)
        movq    $0, 8(%rsp)
        store_registers
        pushq   $0                      // CR2
        testb   $3, FRAME_CS - FRAME_CR2(%rsp)
        jnz     find_cpu_data
        pushq   %gs:CPU_SELF
        jmp     handle

exception:
        pushq   (%rsp)
        movq    $0, 8(%rsp)
exception_with_code:
        store_registers
        movq    %cr2, %rax
        pushq   %rax
find_cpu_data:
        movl    $MSR_GS_BASE, %ecx
        rdmsr
        shlq    $32, %rdx
        orq     %rdx, %rax
        pushq   %rax
        movq    FRAME_SIZE(%rsp), %rdx
        cmpq    %rdx, %rax
        je      handle
        movq    %rdx, %rax
        shrq    $32, %rdx
        wrmsr
handle:
        addq    $128, FRAME_VECTOR(%rsp)
        cld
        xorl    %ebp, %ebp
        movq    %rsp, %rdi
        call    handle_exception

        // Return to what the frame says, which the handler may have changed.
        popq    %rax
        cmpq    %gs:CPU_SELF, %rax
        je      1f
        movl    $MSR_GS_BASE, %ecx
        movq    %rax, %rdx
        shrq    $32, %rdx
        wrmsr
1:      addq    $8, %rsp                // CR2
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rdi
        popq    %rsi
        popq    %rbp
        popq    %rbx
        popq    %rdx
        popq    %rcx
        popq    %rax
        addq    $16, %rsp               // vector and error code
        iretq

        .text

        .macro  save_recovery_point
        pushq   %rbp
        movq    %rsp, %rbp
        movq    %rbx, RECOVERY_RBX(%rdi)
        movq    %rbp, RECOVERY_RBP(%rdi)
        movq    %r12, RECOVERY_R12(%rdi)
        movq    %r13, RECOVERY_R13(%rdi)
        movq    %r14, RECOVERY_R14(%rdi)
        movq    %r15, RECOVERY_R15(%rdi)
        movq    %rsp, RECOVERY_RSP(%rdi)
        .endm

// bool call_recoverable(RecoveryPoint* point, void (*function)(void*), void* argument):
// false when the function returned, true when an exception came back to the point.
        .global call_recoverable
call_recoverable:
        save_recovery_point
        movq    %rdx, %rdi
        callq   *%rsi
        xorl    %eax, %eax
        .global recovery_resume
recovery_resume:
        popq    %rbp
        retq

// bool enter_user(RecoveryPoint* point, function, argument, stack): continues in ring 3; comes back,
// through the point, with the first exception taken from there.
        .global enter_user
enter_user:
        save_recovery_point
        // Interrupts from ring 3 use the stack from here on.
        subq    $16, %rsp
        movq    %gs:CPU_SELF, %rax
        movq    %rax, (%rsp)
        movq    %rsp, CPU_RSP0(%rax)
        pushfq
        popq    %rax
        leaq    -8(%rcx), %r8
        leaq    user_return(%rip), %r9
        movq    %r9, (%r8)
        pushq   $SELECTOR_USER_DATA
        pushq   %r8
        pushq   %rax
        pushq   $SELECTOR_USER_CODE64
        pushq   %rsi
        movq    %rdx, %rdi
        xorl    %eax, %eax
        xorl    %ebx, %ebx
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        xorl    %esi, %esi
        xorl    %ebp, %ebp
        xorl    %r8d, %r8d
        xorl    %r9d, %r9d
        xorl    %r10d, %r10d
        xorl    %r11d, %r11d
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        xorl    %r14d, %r14d
        xorl    %r15d, %r15d
        iretq

        .section .user_text, "ax"
// Where a function run by enter_user() returns to: a system call hands its result over in RAX.
user_return:
        int     $SYSTEM_CALL_VECTOR
        jmp     user_return

        .section .note.GNU-stack, "", @progbits
