// SPDX-License-Identifier: MIT
//
// Offsets and constants that assembly shares with C++; each is checked there by static_assert.
#pragma once

// struct arch::CpuData
#define CPU_STACK_HIGH 0
#define CPU_EXCEPTION_STACK_HIGH 8
#define CPU_EXCEPTION_STACK_LOW 16

// struct arch::Frame
#define FRAME_X0 0
#define FRAME_SP 248
#define FRAME_ELR 256
#define FRAME_SPSR 264
#define FRAME_ESR 272
#define FRAME_FAR 280
#define FRAME_KIND 288
#define FRAME_SIZE 304

// struct arch::RecoveryPoint
#define RECOVERY_X19 0
#define RECOVERY_FP 80
#define RECOVERY_SP 88

// struct EntryState
#define ENTRY_STATE_X0 0
#define ENTRY_STATE_X2 16
#define ENTRY_STATE_LEVEL 32
#define ENTRY_STATE_SCTLR 48

// struct PrivilegeSettings
#define PRIVILEGE_SCR_EL3 0
#define PRIVILEGE_CPTR_EL3 8
#define PRIVILEGE_MDCR_EL3 16
#define PRIVILEGE_SPSR_EL3 24
#define PRIVILEGE_HCR_EL2 32
#define PRIVILEGE_CPTR_EL2 40
#define PRIVILEGE_CNTHCTL_EL2 48
#define PRIVILEGE_MDCR_EL2 56
#define PRIVILEGE_GIC_SYSTEM_REGISTERS 64
#define PRIVILEGE_FINE_GRAINED_TRAPS 72
#define PRIVILEGE_EXTENDED_HCR 80
#define PRIVILEGE_STAY_AT_EL2 88

// struct TranslationSettings
#define TRANSLATION_MAIR 0
#define TRANSLATION_TCR 8
#define TRANSLATION_TTBR0 16
#define TRANSLATION_SCTLR 24

// struct PenRelease
#define PEN_AFFINITY 0
#define PEN_CPU 8

// SCTLR_EL1 with the bits that are RES1 in Armv8.0 and nothing enabled (Arm ARM D24.2.175).
#define SCTLR_MMU_OFF 0x30d00800
// The same for SCTLR_EL2 (D24.2.176).
#define SCTLR_EL2_MMU_OFF 0x30c50830
