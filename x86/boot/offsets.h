// SPDX-License-Identifier: MIT
//
// Offsets and constants that assembly shares with C++; each is checked there by static_assert.
#pragma once

// struct arch::CpuData
#define CPU_SELF 0
#define CPU_STACK_HIGH 8
#define CPU_RSP0 (72 + 4)  // task_state.rsp[0]

// struct arch::Frame
#define FRAME_GS_BASE 0
#define FRAME_CR2 8
#define FRAME_R15 16
#define FRAME_RAX 128
#define FRAME_VECTOR 136
#define FRAME_ERROR_CODE 144
#define FRAME_RIP 152
#define FRAME_CS 160
#define FRAME_SIZE 192

// struct arch::RecoveryPoint
#define RECOVERY_RBX 0
#define RECOVERY_RBP 8
#define RECOVERY_R12 16
#define RECOVERY_R13 24
#define RECOVERY_R14 32
#define RECOVERY_R15 40
#define RECOVERY_RSP 48

// struct EntryState
#define ENTRY_DOOR 0
#define ENTRY_RAX 8
#define ENTRY_RBX 16
#define ENTRY_RSI 24
#define ENTRY_RSP 32
#define ENTRY_RFLAGS 40
#define ENTRY_CR0 48
#define ENTRY_CR3 56
#define ENTRY_CR4 64
#define ENTRY_EFER 72
#define ENTRY_CS 80
#define ENTRY_DS 82
#define ENTRY_ES 84
#define ENTRY_FS 86
#define ENTRY_GS 88
#define ENTRY_SS 90
#define ENTRY_TR 92
#define ENTRY_GDTR 96  // 16-bit limit at + 0, base at + 2
#define ENTRY_IDTR 112

// enum class Door
#define DOOR_PVH 1
#define DOOR_MULTIBOOT 2
#define DOOR_LINUX32 3
#define DOOR_LINUX64 4

// struct RealModeState, and where the setup code puts it in boot_params: a part of that page that
// loaders fill for BIOS disks only.
#define REAL_MODE_STATE 0xd00
#define REAL_MODE_MAGIC 0x65646f4d  // "Mode"

// struct Trampoline
#define TRAMPOLINE_ENTRY32 0  // offset of 32 bits, selector
#define TRAMPOLINE_ENTRY64 8
#define TRAMPOLINE_GDTR 16
#define TRAMPOLINE_CR3 24
#define TRAMPOLINE_CONTINUE 32
#define TRAMPOLINE_SIZE 40

// The image: linked at 0, loaded there as an ELF file or by multiboot. The first page is the
// real-mode part of the bzImage; loaded as one, the image begins behind it.
#define LOAD_ADDRESS 0x200000
#define SETUP_SIZE 0x1000

// Entries in the payload, beside those that the Linux boot protocol has at 0 and 0x200.
#define PVH_ENTRY 0x40
#define MULTIBOOT_ENTRY 0x80

// Selectors of x86/cpu/descriptors.h
#define SELECTOR_CODE64 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_CODE32 0x18
#define SELECTOR_USER_DATA 0x2b
#define SELECTOR_USER_CODE64 0x33

// x86::system_call
#define SYSTEM_CALL_VECTOR 0xf0

// Control register bits: Intel SDM volume 3, 2.5.
#define CR0_PE 0x00000001
#define CR0_MP 0x00000002
#define CR0_ET 0x00000010
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_PG 0x80000000
#define CR0_CACHE_OFF 0x60000000  // CD, NW
#define CR0_IMAGE (CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE)
#define CR4_PAE 0x00000020
#define CR4_MCE 0x00000040
#define CR4_OSFXSR 0x00000200
#define CR4_OSXMMEXCPT 0x00000400
#define CR4_IMAGE (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)
#define MSR_EFER 0xc0000080
#define MSR_GS_BASE 0xc0000101
#define EFER_SCE 0x00000001
#define EFER_LME 0x00000100
#define EFER_NXE 0x00000800
#define EFER_IMAGE (EFER_NXE | EFER_LME | EFER_SCE)
