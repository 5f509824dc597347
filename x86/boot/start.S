// SPDX-License-Identifier: MIT
//
// Entry points of the image: every boot protocol's, each of which leads to long mode on tables and a
// stack of the image's own, and to primary_main(). The code runs wherever it was loaded below 4 GiB.

#include "x86/boot/offsets.h"

// The loader is to tell of memory, and goes by the addresses in the header.
#define MULTIBOOT_FLAGS 0x00010002

// A symbol's offset from the image's beginning: EBP or RBP hold where that is.
#define offset(symbol) ((symbol) - head + SETUP_SIZE)

        .section .note.Xen, "a", @note
        .balign 4
        .long   4, 4, 18                // name and descriptor sizes, XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .long   LOAD_ADDRESS + SETUP_SIZE + PVH_ENTRY

// --- 32-bit entries -------------------------------------------------------------------------------

        .section .head, "ax"
        .code32

// The Linux boot protocol (Documentation/arch/x86/boot.rst), 32-bit entry: the payload's first byte.
// ESI: boot_params. It has room for one word of stack, which is enough to find out where we are.
head:
        movl    %esp, %edi
        leal    0x1e8(%esi), %esp
        call    1f
1:      popl    %ebp
        leal    -offset(1b)(%ebp), %ebp
        movl    %eax, offset(entry_state) + ENTRY_RAX(%ebp)
        movl    $DOOR_LINUX32, %eax
        jmp     enter32

// Xen PVH ABI (docs/misc/pvh.pandoc): EBX: start_info. No stack; the address is the one linked for.
        .org    head + PVH_ENTRY
        movl    %esp, %edi
        movl    $LOAD_ADDRESS, %ebp
        movl    %eax, offset(entry_state) + ENTRY_RAX(%ebp)
        movl    $DOOR_PVH, %eax
        jmp     enter32

// Multiboot 1 (its specification, 3.2): EAX: magic number, EBX: information.
        .org    head + MULTIBOOT_ENTRY
        movl    %esp, %edi
        movl    $LOAD_ADDRESS, %ebp
        movl    %eax, offset(entry_state) + ENTRY_RAX(%ebp)
        movl    $DOOR_MULTIBOOT, %eax
        jmp     enter32

// Its header. QEMU prefers it to PVH where it finds it, in the first 8 KiB of a file: not in the ELF
// file, where the payload begins behind them, but in the bzImage's payload as a file of its own.
        .balign 4
multiboot_header:
        .long   0x1badb002
        .long   MULTIBOOT_FLAGS
        .long   -(0x1badb002 + MULTIBOOT_FLAGS)
        .long   LOAD_ADDRESS + offset(multiboot_header)
        .long   LOAD_ADDRESS + SETUP_SIZE       // load_addr: the file from the payload on
        .long   LOAD_ADDRESS + offset(file_end)
        .long   LOAD_ADDRESS + offset(image_end)
        .long   LOAD_ADDRESS + SETUP_SIZE + MULTIBOOT_ENTRY

// --- 64-bit entry ---------------------------------------------------------------------------------

// The Linux boot protocol, 64-bit entry: 512 bytes behind the 32-bit one. RSI: boot_params. Paging is
// on: the loader's tables map the image at least.
        .org    head + 0x200
        .code64
        leaq    head - SETUP_SIZE(%rip), %rbp
        jmp     enter64

// --- From 32 bits ---------------------------------------------------------------------------------

// EBP: where the image is. EAX: the door; EDI: ESP as it was.
        .code32
enter32:
        movl    %eax, offset(entry_state) + ENTRY_DOOR(%ebp)
        movl    %ebx, offset(entry_state) + ENTRY_RBX(%ebp)
        movl    %esi, offset(entry_state) + ENTRY_RSI(%ebp)
        movl    %edi, offset(entry_state) + ENTRY_RSP(%ebp)
        leal    offset(boot_stack_high)(%ebp), %esp
        pushfl
        popl    offset(entry_state) + ENTRY_RFLAGS(%ebp)
        cli
        cld
        movl    %cr0, %eax
        movl    %eax, offset(entry_state) + ENTRY_CR0(%ebp)
        movl    %cr3, %eax
        movl    %eax, offset(entry_state) + ENTRY_CR3(%ebp)
        movl    %cr4, %eax
        movl    %eax, offset(entry_state) + ENTRY_CR4(%ebp)
        movw    %cs, offset(entry_state) + ENTRY_CS(%ebp)
        movw    %ds, offset(entry_state) + ENTRY_DS(%ebp)
        movw    %es, offset(entry_state) + ENTRY_ES(%ebp)
        movw    %fs, offset(entry_state) + ENTRY_FS(%ebp)
        movw    %gs, offset(entry_state) + ENTRY_GS(%ebp)
        movw    %ss, offset(entry_state) + ENTRY_SS(%ebp)
        str     offset(entry_state) + ENTRY_TR(%ebp)
        sgdt    offset(entry_state) + ENTRY_GDTR(%ebp)
        sidt    offset(entry_state) + ENTRY_IDTR(%ebp)
        movl    $MSR_EFER, %ecx
        rdmsr
        movl    %eax, offset(entry_state) + ENTRY_EFER(%ebp)
        movl    %edx, offset(entry_state) + ENTRY_EFER + 4(%ebp)

// Identity-maps the lower 4 GiB by pages of 2 MiB. The same instructions with 32 and 64 bits; EBP:
// where the image is. Leaves the top table's address in EAX; changes ECX, EDX, EDI.
        .macro  make_page_tables
        leal    offset(boot_page_tables)(%ebp), %edi
        xorl    %eax, %eax
        movl    $(2 * 4096 / 4), %ecx   // the top table and the one below
        rep stosl
        leal    offset(boot_page_tables)(%ebp), %edx
        leal    4096 + 3(%edx), %eax    // present, writable
        movl    %eax, (%edx)
        leal    2 * 4096 + 3(%edx), %eax
        movl    $4096, %ecx
1:      movl    %eax, (%edx, %ecx)
        addl    $4096, %eax
        addl    $8, %ecx
        cmpl    $(4096 + 4 * 8), %ecx
        jne     1b
        movl    $0x83, %eax             // present, writable, a large page
1:      movl    %eax, (%edi)
        movl    $0, 4(%edi)
        addl    $8, %edi
        addl    $0x200000, %eax
        jnc     1b
        movl    %edx, %eax
        .endm

        make_page_tables
        movl    %eax, %cr3
        movl    $CR4_IMAGE, %eax
        movl    %eax, %cr4
        movl    $MSR_EFER, %ecx
        rdmsr
        orl     $EFER_LME, %eax
        wrmsr
        leal    offset(boot_descriptors)(%ebp), %eax
        movl    %eax, -4(%esp)
        movw    $(boot_descriptors_end - boot_descriptors - 1), -6(%esp)
        lgdtl   -6(%esp)
        leal    offset(long_mode)(%ebp), %eax
        pushl   $SELECTOR_CODE64
        pushl   %eax
        movl    $CR0_IMAGE, %eax        // caches on, whatever they were
        movl    %eax, %cr0
        lretl

// --- From 64 bits ---------------------------------------------------------------------------------

        .code64
enter64:
        movq    %rax, entry_state + ENTRY_RAX(%rip)
        movq    %rbx, entry_state + ENTRY_RBX(%rip)
        movq    %rsi, entry_state + ENTRY_RSI(%rip)
        movq    %rsp, entry_state + ENTRY_RSP(%rip)
        leaq    boot_stack_high(%rip), %rsp
        pushfq
        popq    entry_state + ENTRY_RFLAGS(%rip)
        cli
        cld
        movl    $DOOR_LINUX64, entry_state + ENTRY_DOOR(%rip)
        movq    %cr0, %rax
        movq    %rax, entry_state + ENTRY_CR0(%rip)
        movq    %cr3, %rax
        movq    %rax, entry_state + ENTRY_CR3(%rip)
        movq    %cr4, %rax
        movq    %rax, entry_state + ENTRY_CR4(%rip)
        movw    %cs, entry_state + ENTRY_CS(%rip)
        movw    %ds, entry_state + ENTRY_DS(%rip)
        movw    %es, entry_state + ENTRY_ES(%rip)
        movw    %fs, entry_state + ENTRY_FS(%rip)
        movw    %gs, entry_state + ENTRY_GS(%rip)
        movw    %ss, entry_state + ENTRY_SS(%rip)
        str     entry_state + ENTRY_TR(%rip)
        sgdt    entry_state + ENTRY_GDTR(%rip)
        sidt    entry_state + ENTRY_IDTR(%rip)
        movl    $MSR_EFER, %ecx
        rdmsr
        movl    %eax, entry_state + ENTRY_EFER(%rip)
        movl    %edx, entry_state + ENTRY_EFER + 4(%rip)

        make_page_tables
        movq    %rax, %cr3
        movl    $CR4_IMAGE, %eax
        movq    %rax, %cr4
        movl    $CR0_IMAGE, %eax
        movq    %rax, %cr0
        leaq    boot_descriptors(%rip), %rax
        pushq   %rax
        pushw   $(boot_descriptors_end - boot_descriptors - 1)
        lgdt    (%rsp)
        addq    $10, %rsp
        leaq    long_mode(%rip), %rax
        pushq   $SELECTOR_CODE64
        pushq   %rax
        lretq

// --- In long mode ---------------------------------------------------------------------------------

long_mode:
        movl    $SELECTOR_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        lldt    %ax
        leaq    boot_stack_high(%rip), %rsp
        leaq    image_begin(%rip), %rbp

        // Relocate: every entry is relative (the build checks it). Those of RELA are triples.
        leaq    rela_begin(%rip), %rsi
        leaq    rela_end(%rip), %rdi
1:      cmpq    %rdi, %rsi
        jae     2f
        movq    (%rsi), %rax            // r_offset
        movq    16(%rsi), %rcx          // r_addend
        addq    %rbp, %rcx
        movq    %rcx, (%rbp, %rax)
        addq    $24, %rsi
        jmp     1b
2:
        // Of RELR (generic ABI, "Relative Relocation Table"), which not every linker makes: an even
        // word is the offset of a place; an odd one a bitmap of the 63 words behind the last place.
        leaq    relr_begin(%rip), %rsi
        leaq    relr_end(%rip), %rdi
1:      cmpq    %rdi, %rsi
        jae     2f
        movq    (%rsi), %rax
        addq    $8, %rsi
        testb   $1, %al
        jnz     3f
        leaq    8(%rbp, %rax), %rdx     // the word behind
        addq    %rbp, -8(%rdx)
        jmp     1b
3:      movq    %rdx, %rcx
        addq    $(63 * 8), %rdx
4:      shrq    $1, %rax
        jz      1b
        testb   $1, %al
        jz      5f
        addq    %rbp, (%rcx)
5:      addq    $8, %rcx
        jmp     4b
2:
        leaq    bss_begin(%rip), %rdi
        leaq    bss_end(%rip), %rcx
        subq    %rdi, %rcx
        shrq    $3, %rcx
        xorl    %eax, %eax
        rep stosq

        xorl    %ebp, %ebp
        call    primary_main            // does not return; the call aligns the stack

// A CPU that start_cpu() started, from the trampoline, on the tables of all. It takes what was meant
// for one CPU; one that comes twice, or too late, finds nothing and stops.
        .global secondary_entry
secondary_entry:
        xorl    %edi, %edi
        xchgq   %rdi, starting_cpu(%rip)
        testq   %rdi, %rdi
        jz      2f
        movl    $SELECTOR_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        lldt    %ax
        movq    CPU_STACK_HIGH(%rdi), %rsp
        xorl    %ebp, %ebp
        call    secondary_start         // does not return; the call aligns the stack
2:      cli
        hlt
        jmp     2b

        .section .rodata
        .balign 8
// Until each CPU has a table of its own: descriptors as in x86/cpu/descriptors.h.
        .global boot_descriptors, boot_descriptors_end
boot_descriptors:
        .quad   0
        .quad   0x00af9b000000ffff      // code of 64 bits
        .quad   0x00cf93000000ffff      // data
        .quad   0x00cf9b000000ffff      // code of 32 bits
boot_descriptors_end:

        .section .note.GNU-stack, "", @progbits
