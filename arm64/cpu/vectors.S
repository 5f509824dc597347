// SPDX-License-Identifier: MIT
//
// The exception vectors (Arm ARM D1.3.1). Code runs on SP_EL0 and exceptions on SP_ELx, so an
// exception always finds a good stack, whatever happened to the other one. Only an exception inside
// a handler has to check that its stack is not used up.

#include "arm64/boot/offsets.h"

        .macro  store_frame
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        .endm

// One slot. `origin`: from_sp0 (our code, or a lower level), from_spx (inside a handler).
// x1 tells handle_exception() which kind it was: 0 synchronous, 1 IRQ, 2 FIQ, 3 SError.
        .macro  slot kind, origin
        .balign 128
        sub     sp, sp, #FRAME_SIZE
        stp     x0, x1, [sp, #FRAME_X0]
        mov     x1, #\kind
        b       \origin
        .endm

        .macro  slots origin
        slot    0, \origin
        slot    1, \origin
        slot    2, \origin
        slot    3, \origin
        .endm

        .section .vectors, "ax"
        .balign 2048
        .global exception_vectors
exception_vectors:
        slots   from_sp0
        .balign 128
        b       synchronous_from_spx
        slot    1, from_spx
        slot    2, from_spx
        slot    3, from_spx
        slots   from_sp0
        slots   from_sp0

// The handler's own stack may be what is broken: begin again at its top then; the report that
// follows does not return.
synchronous_from_spx:
        msr     tpidrro_el0, x0
        mrs     x0, tpidr_el1
        ldr     x0, [x0, #CPU_EXCEPTION_STACK_LOW]
        add     x0, x0, #FRAME_SIZE
        cmp     sp, x0
        b.hs    1f
        mrs     x0, tpidr_el1
        ldr     x0, [x0, #CPU_EXCEPTION_STACK_HIGH]
        mov     sp, x0
1:      mrs     x0, tpidrro_el0
        sub     sp, sp, #FRAME_SIZE
        stp     x0, x1, [sp, #FRAME_X0]
        mov     x1, #0
        b       from_spx

from_sp0:
        store_frame
        mrs     x2, sp_el0
        b       1f
from_spx:
        store_frame
        add     x2, sp, #FRAME_SIZE
1:      stp     x30, x2, [sp, #240]
        mrs     x2, elr_el1
        mrs     x3, spsr_el1
        stp     x2, x3, [sp, #FRAME_ELR]
        mrs     x2, esr_el1
        mrs     x3, far_el1
        stp     x2, x3, [sp, #FRAME_ESR]
        str     x1, [sp, #FRAME_KIND]
        mov     x0, sp
        mov     x29, xzr
        bl      handle_exception

        // Return to what the frame says, which the handler may have changed.
        mov     x16, sp
        ldp     x0, x1, [x16, #FRAME_ELR]
        msr     elr_el1, x0
        msr     spsr_el1, x1
        ldr     x17, [x16, #FRAME_SP]
        tbnz    x1, #0, 1f              // SPSR.M[0]: back to SP_ELx
        msr     sp_el0, x17
        add     x17, x16, #FRAME_SIZE
1:      ldp     x0, x1, [x16, #FRAME_X0]
        ldp     x2, x3, [x16, #16]
        ldp     x4, x5, [x16, #32]
        ldp     x6, x7, [x16, #48]
        ldp     x8, x9, [x16, #64]
        ldp     x10, x11, [x16, #80]
        ldp     x12, x13, [x16, #96]
        ldp     x14, x15, [x16, #112]
        ldp     x18, x19, [x16, #144]
        ldp     x20, x21, [x16, #160]
        ldp     x22, x23, [x16, #176]
        ldp     x24, x25, [x16, #192]
        ldp     x26, x27, [x16, #208]
        ldp     x28, x29, [x16, #224]
        ldr     x30, [x16, #240]
        mov     sp, x17                 // interrupts are masked: the frame stays intact below
        ldp     x16, x17, [x16, #128]
        eret

        .text

        .macro  save_recovery_point
        stp     x29, x30, [sp, #-16]!
        mov     x29, sp
        stp     x19, x20, [x0, #RECOVERY_X19]
        stp     x21, x22, [x0, #RECOVERY_X19 + 16]
        stp     x23, x24, [x0, #RECOVERY_X19 + 32]
        stp     x25, x26, [x0, #RECOVERY_X19 + 48]
        stp     x27, x28, [x0, #RECOVERY_X19 + 64]
        mov     x9, sp
        stp     x29, x9, [x0, #RECOVERY_FP]
        .endm

// bool call_recoverable(RecoveryPoint* point, void (*function)(void*), void* argument):
// false when the function returned, true when an exception came back to the point.
        .global call_recoverable
call_recoverable:
        save_recovery_point
        mov     x9, x1
        mov     x0, x2
        blr     x9
        mov     w0, #0
        .global recovery_resume
recovery_resume:
        ldp     x29, x30, [sp], #16
        ret

// bool enter_user(RecoveryPoint* point, function, argument, stack): continues at EL0; comes back,
// through the point, with the first exception taken from there.
        .global enter_user
enter_user:
        save_recovery_point
        mrs     x9, daif
        msr     daifset, #0xf           // nothing may come between here and the return to EL0
        msr     spsel, #1
        msr     sp_el0, x3
        msr     elr_el1, x1
        msr     spsr_el1, x9            // EL0t with the interrupt masks as they are
        mov     x0, x2
        adrp    x30, user_return
        add     x30, x30, :lo12:user_return
        .irp    n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29
        mov     x\n, xzr
        .endr
        eret

        .section .user_text, "ax"
// Where a function run by enter_user() returns to: a system call hands its result over in x0.
user_return:
        svc     #0
        b       user_return
