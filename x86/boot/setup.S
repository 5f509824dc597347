// SPDX-License-Identifier: MIT
//
// The first page of the bzImage: its header, and the code that a loader enters in real mode
// (Documentation/arch/x86/boot.rst). It asks the BIOS for the memory map, makes boot_params of that
// and the header, and enters the payload with 32 bits.

#include "x86/boot/offsets.h"

// Where the header begins, what comes behind syssize, and any label in there: offsets in the page.
#define HEADER 0x1f1
#define REST 0x1f8
#define offset(label) ((label) - rest + REST)

        .code16

        .section .setup.begin, "ax"
        .org    HEADER
        .byte   SETUP_SIZE / 512 - 1    // setup_sects
        .word   0                       // root_flags

        // The linker script puts syssize in between.
        .section .setup.rest, "ax"
rest:   .word   0                       // ram_size
        .word   0                       // vid_mode
        .word   0                       // root_dev
        .word   0xaa55                  // boot_flag
        .byte   0xeb, header_end - 1f   // a jump, which says also how long the header is
1:      .ascii  "HdrS"
        .word   0x020f                  // version
        .long   0                       // realmode_swtch
        .word   0                       // start_sys_seg
        .word   offset(version) - 0x200 // kernel_version
        .byte   0                       // type_of_loader
        .byte   1                       // loadflags: LOADED_HIGH
        .word   0                       // setup_move_size
        .long   0x100000                // code32_start
        .long   0, 0                    // ramdisk_image, ramdisk_size
        .long   0                       // bootsect_kludge
        .word   0                       // heap_end_ptr
        .byte   0, 0                    // ext_loader_ver, ext_loader_type
        .long   0                       // cmd_line_ptr
        .long   0x7fffffff              // initrd_addr_max
        .long   0x200000                // kernel_alignment
        .byte   1                       // relocatable_kernel
        .byte   21                      // min_alignment
        .word   1                       // xloadflags: XLF_KERNEL_64
        .long   0x7ff                   // cmdline_size
        .long   0                       // hardware_subarch
        .quad   0                       // hardware_subarch_data
        .long   0, 0                    // payload_offset, payload_length
        .quad   0                       // setup_data
        .quad   0x100000                // pref_address
        .long   image_end - rest + REST - SETUP_SIZE // init_size
        .long   0                       // handover_offset
        .long   0                       // kernel_info_offset
header_end:

// boot_params, in the page behind this one, as an offset in the segment of the setup code.
#define BOOT_PARAMS SETUP_SIZE
#define E820_ENTRIES (BOOT_PARAMS + 0x1e8)
#define E820_TABLE (BOOT_PARAMS + 0x2d0)
#define CODE32_START 0x214
#define STATE (BOOT_PARAMS + REAL_MODE_STATE)

// Only DS is the segment of the setup code with every loader.
start:
        pushfw
        popw    %bx
        cli
        cld
        movw    %es, %dx
        movw    %ds, %ax
        movw    %ax, %es
        movw    $BOOT_PARAMS, %di
        xorl    %eax, %eax
        movw    $(4096 / 4), %cx
        rep stosl
        movl    $REAL_MODE_MAGIC, STATE
        movl    %cr0, %eax
        movl    %eax, STATE + 4
        movw    %bx, STATE + 8
        movw    %cs, STATE + 10
        movw    %ds, STATE + 12
        movw    %dx, STATE + 14
        movw    %ss, STATE + 16
        movw    %sp, STATE + 18

        movw    $HEADER, %si
        movw    $(BOOT_PARAMS + HEADER), %di
        movw    $(offset(header_end) - HEADER), %cx
        rep movsb

        // System address map: INT 15h, E820h (ACPI specification, 15.1).
        movw    $E820_TABLE, %di
        xorl    %ebx, %ebx
1:      movl    $0xe820, %eax
        movl    $20, %ecx
        movl    $0x534d4150, %edx       // "SMAP"
        int     $0x15
        jc      2f
        cmpl    $0x534d4150, %eax
        jne     2f
        incb    E820_ENTRIES
        addw    $20, %di
        cmpw    $(E820_TABLE + 128 * 20), %di
        jae     2f
        testl   %ebx, %ebx
        jnz     1b
2:      cli

        xorl    %ebx, %ebx
        movw    %ds, %bx
        shll    $4, %ebx                // where the setup code is
        addl    %ebx, offset(descriptors_base)
        lgdtl   offset(descriptors_register)
        leal    offset(protected_mode)(%ebx), %eax
        pushl   $0x10
        pushl   %eax
        movl    %cr0, %eax
        andl    $~CR0_CACHE_OFF, %eax
        orl     $CR0_PE, %eax
        movl    %eax, %cr0
        lretl

        .code32
protected_mode:
        movl    $0x18, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        leal    BOOT_PARAMS(%ebx), %esi
        xorl    %ebx, %ebx
        xorl    %ebp, %ebp
        xorl    %edi, %edi
        jmpl    *CODE32_START(%esi)

        .balign 8
descriptors:
        .quad   0
        .quad   0
        .quad   0x00cf9b000000ffff      // code of 32 bits
        .quad   0x00cf93000000ffff      // data
descriptors_register:
        .word   descriptors_register - descriptors - 1
descriptors_base:
        .long   offset(descriptors)
version:
        .asciz  "Assay"

        .section .note.GNU-stack, "", @progbits
