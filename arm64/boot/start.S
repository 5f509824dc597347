// SPDX-License-Identifier: MIT
//
// Entry points of the image, with the MMU off: no stack is used before it is set, no exclusive
// access is made, and every access is aligned.
//
// The image header is that of the Linux boot protocol (Documentation/arch/arm64/booting.rst).

#include "arm64/boot/offsets.h"

        .section .head, "ax"
        .global _start
_start:
        b       entry
        nop
        .quad   0                       // text_offset from a 2 MiB boundary
        .quad   image_end - . + 16      // image_size, memory needed: with .bss and stacks
        .quad   0xa                     // flags: little endian, 4 KiB pages, anywhere in memory
        .quad   0
        .quad   0
        .quad   0
        .ascii  "ARM\x64"
        .long   0

        .text

// Loads the address of a symbol, wherever the image is.
        .macro  address reg, symbol
        adrp    \reg, \symbol
        add     \reg, \reg, :lo12:\symbol
        .endm

// The boot CPU. x0: device tree, x1-x3: reserved, kept for the tests of the boot contract.
entry:
        mov     x20, x0
        mov     x21, x1
        mov     x22, x2
        mov     x23, x3
        mrs     x24, CurrentEL
        lsr     x24, x24, #2
        mrs     x25, daif
        cmp     x24, #2
        b.hi    1f
        b.eq    2f
        mrs     x26, sctlr_el1
        b       3f
1:      mrs     x26, sctlr_el3
        mrs     x9, mpidr_el1           // Without firmware every CPU comes here: the one with
        ldr     x10, =0xff00ffffff      // affinity 0.0.0.0 boots, the others wait for start_cpu().
        ands    x9, x9, x10
        b.ne    holding_pen
        b       3f
2:      mrs     x26, sctlr_el2
3:
        // Relocate: every entry is relative (the build checks it). Those of RELA are triples.
        address x10, _start
        address x11, rela_begin
        address x12, rela_end
1:      cmp     x11, x12
        b.hs    2f
        ldp     x13, x14, [x11], #16    // r_offset, r_info
        ldr     x15, [x11], #8          // r_addend
        add     x15, x15, x10
        str     x15, [x10, x13]
        b       1b
2:
        // Of RELR (generic ABI, "Relative Relocation Table"), which not every linker makes: an even
        // word is the offset of a place; an odd one a bitmap of the 63 words behind the last place.
        address x11, relr_begin
        address x12, relr_end
1:      cmp     x11, x12
        b.hs    2f
        ldr     x13, [x11], #8
        tbnz    x13, #0, 3f
        add     x14, x13, x10
        ldr     x15, [x14]
        add     x15, x15, x10
        str     x15, [x14], #8          // x14: the word behind
        b       1b
3:      mov     x16, x14
        add     x14, x14, #(63 * 8)
4:      lsr     x13, x13, #1
        cbz     x13, 1b
        tbz     x13, #0, 5f
        ldr     x15, [x16]
        add     x15, x15, x10
        str     x15, [x16]
5:      add     x16, x16, #8
        b       4b
2:
        address x11, bss_begin
        address x12, bss_end
1:      cmp     x11, x12
        b.hs    2f
        stp     xzr, xzr, [x11], #16
        b       1b
2:
        address x9, entry_state
        stp     x20, x21, [x9, #ENTRY_STATE_X0]
        stp     x22, x23, [x9, #ENTRY_STATE_X2]
        stp     x24, x25, [x9, #ENTRY_STATE_LEVEL]
        str     x26, [x9, #ENTRY_STATE_SCTLR]

        address x9, boot_exception_stack_high
        mov     sp, x9
        mov     x29, xzr
        bl      early_main              // at the entry level: decides where to run
        bl      leave_entry_level

        address x9, boot_exception_stack_high
        mov     sp, x9
        address x9, boot_stack_high
        msr     spsel, #0
        mov     sp, x9
        mov     x29, xzr
        mov     x30, xzr
        b       primary_main

// A CPU started by PSCI or from the pen. x0: its CpuData.
        .global secondary_entry
secondary_entry:
        mov     x20, x0
        bl      leave_entry_level
        address x9, translation_settings
        ldp     x10, x11, [x9, #TRANSLATION_MAIR]
        ldp     x12, x13, [x9, #TRANSLATION_TTBR0]
        msr     mair_el1, x10
        msr     tcr_el1, x11
        msr     ttbr0_el1, x12
        isb
        tlbi    vmalle1
        dsb     nsh
        ic      iallu
        dsb     nsh
        isb
        msr     sctlr_el1, x13
        isb
        ldp     x9, x10, [x20, #CPU_STACK_HIGH]
        mov     sp, x10
        msr     spsel, #0
        mov     sp, x9
        msr     tpidr_el1, x20
        mov     x0, x20
        mov     x29, xzr
        mov     x30, xzr
        b       secondary_start

// Without firmware: waits until pen_release holds this CPU's affinity, then starts.
holding_pen:
        address x10, pen_release
1:      ldr     x11, [x10, #PEN_AFFINITY]
        cmp     x11, x9
        b.eq    2f
        wfe
        b       1b
2:      dmb     ld
        ldr     x0, [x10, #PEN_CPU]
        b       secondary_entry

// Returns at the level the image runs at: EL1, or EL2 with the Virtualization Host Extensions.
// What is written was computed by early_main() from this machine's features. Uses no stack;
// clobbers x9-x17; SP of the new level is undefined.
leave_entry_level:
        mov     x17, x30
        address x16, privilege_settings
        mrs     x9, CurrentEL
        cmp     x9, #(2 << 2)
        b.hi    from_el3
        b.eq    from_el2
        b       at_el1

from_el3:
        ldp     x9, x10, [x16, #PRIVILEGE_SCR_EL3]
        ldp     x11, x12, [x16, #PRIVILEGE_MDCR_EL3]
        msr     scr_el3, x9
        msr     cptr_el3, x10
        msr     mdcr_el3, x11
        isb
        ldr     x13, [x16, #PRIVILEGE_GIC_SYSTEM_REGISTERS]
        cbz     x13, 1f
        mov     x14, #0xf               // SRE, DFB, DIB, Enable
        msr     S3_6_C12_C12_5, x14     // ICC_SRE_EL3
        isb
        msr     S3_6_C12_C12_4, xzr     // ICC_CTLR_EL3
        mov     x14, #0xff              // A mask in the Secure half could not be changed from below.
        msr     S3_0_C4_C6_0, x14       // ICC_PMR_EL1
        isb
1:      // What the next level down starts with is UNKNOWN after reset.
        tbz     x12, #3, 1f             // SPSR.M: no EL2
        ldr     x14, [x16, #PRIVILEGE_HCR_EL2]
        msr     hcr_el2, x14
        ldr     x14, =SCTLR_EL2_MMU_OFF
        msr     sctlr_el2, x14
        b       3f
1:      ldr     x14, =SCTLR_MMU_OFF
        msr     sctlr_el1, x14
3:      address x9, 2f
        msr     elr_el3, x9
        msr     spsr_el3, x12           // SPSR_EL3: EL2h, or EL1h where there is no EL2
        isb
        eret
2:      mrs     x9, CurrentEL
        cmp     x9, #(1 << 2)
        b.eq    at_el1

from_el2:
        ldp     x9, x10, [x16, #PRIVILEGE_HCR_EL2]
        msr     hcr_el2, x9
        isb
        msr     cptr_el2, x10
        ldp     x9, x10, [x16, #PRIVILEGE_CNTHCTL_EL2]
        msr     cnthctl_el2, x9
        msr     mdcr_el2, x10
        msr     cntvoff_el2, xzr
        msr     hstr_el2, xzr
        msr     vttbr_el2, xzr
        mrs     x9, midr_el1
        msr     vpidr_el2, x9
        mrs     x9, mpidr_el1
        msr     vmpidr_el2, x9
        ldr     x9, [x16, #PRIVILEGE_GIC_SYSTEM_REGISTERS]
        cbz     x9, 1f
        mrs     x10, S3_4_C12_C9_5      // ICC_SRE_EL2
        mov     x11, #0x9               // SRE, Enable
        orr     x10, x10, x11
        msr     S3_4_C12_C9_5, x10
        isb
        msr     S3_4_C12_C11_0, xzr     // ICH_HCR_EL2
1:      ldr     x9, [x16, #PRIVILEGE_FINE_GRAINED_TRAPS]
        cbz     x9, 1f
        msr     S3_4_C1_C1_4, xzr       // HFGRTR_EL2
        msr     S3_4_C1_C1_5, xzr       // HFGWTR_EL2
        msr     S3_4_C1_C1_6, xzr       // HFGITR_EL2
        msr     S3_4_C3_C1_4, xzr       // HDFGRTR_EL2
        msr     S3_4_C3_C1_5, xzr       // HDFGWTR_EL2
1:      ldr     x9, [x16, #PRIVILEGE_EXTENDED_HCR]
        cbz     x9, 1f
        msr     S3_4_C1_C2_2, xzr       // HCRX_EL2
1:      ldr     x9, [x16, #PRIVILEGE_STAY_AT_EL2]
        cbnz    x9, at_el1              // HCR_EL2.E2H: the EL1 names reach EL2's registers
        ldr     x10, =SCTLR_MMU_OFF
        msr     sctlr_el1, x10
        mov     x10, #0x3c5             // EL1h, all masked
        msr     spsr_el2, x10
        address x10, at_el1
        msr     elr_el2, x10
        isb
        eret

at_el1:
        ldr     x10, =SCTLR_MMU_OFF
        msr     sctlr_el1, x10
        mov     x10, #(3 << 20)         // CPACR_EL1.FPEN: FP registers do not trap
        msr     cpacr_el1, x10
        msr     daifset, #0xf
        address x9, exception_vectors
        msr     vbar_el1, x9
        isb
        ret     x17
