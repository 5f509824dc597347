// SPDX-License-Identifier: MIT
//
// System registers that control the CPU: Arm ARM (DDI 0487) D24.2. Feature ID fields used by the
// start code are here as well; the complete table for the tests is in id_registers.h.
#pragma once

#include "arm64/cpu/sysreg.h"

struct CurrentEL : SystemRegister<CurrentEL, 3, 0, 4, 2, 2> {
    static constexpr Field EL{3, 2};
};

// Multiprocessor affinity.
struct MPIDR_EL1 : SystemRegister<MPIDR_EL1, 3, 0, 0, 0, 5> {
    static constexpr std::uint64_t affinity_mask = 0xff'00ff'ffff;
    [[nodiscard]] constexpr std::uint64_t affinity() const { return raw & affinity_mask; }
};

struct SCTLR_EL1 : SystemRegister<SCTLR_EL1, 3, 0, 1, 0, 0> {
    static constexpr Field M{0};    // MMU
    static constexpr Field A{1};    // alignment check
    static constexpr Field C{2};    // data cacheability
    static constexpr Field SA{3};   // SP alignment check
    static constexpr Field SA0{4};  // the same at EL0
    static constexpr Field I{12};   // instruction cacheability
    static constexpr Field UCT{15};
    static constexpr Field NMI{61};        // interrupts with superpriority are NMIs
    static constexpr Field SPINTMASK{62};  // code on SP_EL1 is not interrupted, not even by an NMI
};

// PSTATE.ALLINT: masks NMIs as well (FEAT_NMI).
struct ALLINT : SystemRegister<ALLINT, 3, 0, 4, 3, 0> {
    static constexpr Field mask{13};
};

struct CPACR_EL1 : SystemRegister<CPACR_EL1, 3, 0, 1, 0, 2> {
    static constexpr Field FPEN{21, 20};  // 3: no trap
};

struct TTBR0_EL1 : SystemRegister<TTBR0_EL1, 3, 0, 2, 0, 0> {};

struct TCR_EL1 : SystemRegister<TCR_EL1, 3, 0, 2, 0, 2> {
    static constexpr Field T0SZ{5, 0};   // 64 - size of the address space in bits
    static constexpr Field IRGN0{9, 8};  // 1: write-back, write-allocate
    static constexpr Field ORGN0{11, 10};
    static constexpr Field SH0{13, 12};  // 3: inner shareable
    static constexpr Field TG0{15, 14};  // 0: 4 KiB
    static constexpr Field EPD1{23};     // no walks for TTBR1
    static constexpr Field IPS{34, 32};  // as ID_AA64MMFR0_EL1.PARange
};

struct MAIR_EL1 : SystemRegister<MAIR_EL1, 3, 0, 10, 2, 0> {};

// Result of an address translation instruction.
struct PAR_EL1 : SystemRegister<PAR_EL1, 3, 0, 7, 4, 0> {
    static constexpr Field F{0};
    static constexpr Field FST{6, 1};
    static constexpr Field SH{8, 7};
    static constexpr Field ATTR{63, 56};
    static constexpr std::uint64_t address_mask = 0xf'ffff'ffff'f000;
};

struct ISR_EL1 : SystemRegister<ISR_EL1, 3, 0, 12, 1, 0> {
    static constexpr Field F{6};
    static constexpr Field I{7};
    static constexpr Field A{8};
    static constexpr Field IS{10};  // the IRQ has superpriority
};

struct CTR_EL0 : SystemRegister<CTR_EL0, 3, 3, 0, 0, 1> {
    static constexpr Field IminLine{3, 0};  // log2 of words
    static constexpr Field DminLine{19, 16};
    static constexpr Field IDC{28};
    static constexpr Field DIC{29};
};

struct ID_AA64PFR0_EL1 : SystemRegister<ID_AA64PFR0_EL1, 3, 0, 0, 4, 0> {
    static constexpr Field EL0{3, 0};
    static constexpr Field EL1{7, 4};
    static constexpr Field EL2{11, 8};
    static constexpr Field EL3{15, 12};
    static constexpr Field GIC{27, 24};
};
struct ID_AA64PFR1_EL1 : SystemRegister<ID_AA64PFR1_EL1, 3, 0, 0, 4, 1> {
    static constexpr Field MTE{11, 8};
    static constexpr Field NMI{39, 36};
};
struct ID_AA64PFR2_EL1 : SystemRegister<ID_AA64PFR2_EL1, 3, 0, 0, 4, 2> {
    static constexpr Field GCIE{15, 12};
};
struct ID_AA64DFR0_EL1 : SystemRegister<ID_AA64DFR0_EL1, 3, 0, 0, 5, 0> {
    static constexpr Field PMUVer{11, 8};
};
struct ID_AA64ISAR1_EL1 : SystemRegister<ID_AA64ISAR1_EL1, 3, 0, 0, 6, 1> {
    static constexpr Field APA{7, 4};
    static constexpr Field API{11, 8};
};
struct ID_AA64ISAR2_EL1 : SystemRegister<ID_AA64ISAR2_EL1, 3, 0, 0, 6, 2> {
    static constexpr Field APA3{15, 12};
};
struct ID_AA64MMFR0_EL1 : SystemRegister<ID_AA64MMFR0_EL1, 3, 0, 0, 7, 0> {
    static constexpr Field PARange{3, 0};
    static constexpr Field FGT{59, 56};
    static constexpr Field ECV{63, 60};
};
struct ID_AA64MMFR1_EL1 : SystemRegister<ID_AA64MMFR1_EL1, 3, 0, 0, 7, 1> {
    static constexpr Field VH{11, 8};
    static constexpr Field HCX{43, 40};
};
struct ID_AA64MMFR4_EL1 : SystemRegister<ID_AA64MMFR4_EL1, 3, 0, 0, 7, 4> {
    static constexpr Field E2H0{27, 24};  // signed; below 0: HCR_EL2.E2H cannot be cleared
};

// Hypervisor configuration.
struct HCR_EL2 : SystemRegister<HCR_EL2, 3, 4, 1, 1, 0> {
    static constexpr Field TGE{27};  // EL0 belongs to EL2
    static constexpr Field RW{31};   // EL1 is AArch64
    static constexpr Field E2H{34};  // host extensions in use
    static constexpr Field APK{40};  // no pointer authentication traps
    static constexpr Field API{41};
    static constexpr Field ATA{56};  // no memory tagging traps
};

// Architectural feature traps to EL2, with HCR_EL2.E2H = 0.
struct CPTR_EL2 : SystemRegister<CPTR_EL2, 3, 4, 1, 1, 2> {
    static constexpr std::uint64_t no_fp_trap = 0x33ff;        // RES1 bits; SVE and SME trap
    static constexpr std::uint64_t no_fp_trap_e2h = 3U << 20;  // FPEN, the layout of CPACR_EL1
};

struct CNTHCTL_EL2 : SystemRegister<CNTHCTL_EL2, 3, 4, 14, 1, 0> {
    static constexpr std::uint64_t no_el1_trap = 3;             // EL1PCTEN, EL1PCEN
    static constexpr std::uint64_t no_el1_trap_e2h = 3U << 10;  // EL1PCTEN, EL1PTEN
};

struct MDCR_EL2 : SystemRegister<MDCR_EL2, 3, 4, 1, 1, 1> {
    static constexpr Field HPMN{4, 0};  // event counters of EL1
};

struct SCR_EL3 : SystemRegister<SCR_EL3, 3, 6, 1, 1, 0> {
    static constexpr Field NS{0};
    static constexpr Field FIQ{2};  // FIQs, which are not the Non-secure world's, go to EL3
    static constexpr Field RES1{5, 4};
    static constexpr Field HCE{8};
    static constexpr Field RW{10};
    static constexpr Field APK{16};
    static constexpr Field API{17};
    static constexpr Field ATA{26};
    static constexpr Field FGTEn{27};
    static constexpr Field ECVEn{28};
    static constexpr Field HXEn{38};
};

// Exception levels as SPSR_ELx.M has them.
inline constexpr std::uint64_t spsr_el1h = 0x5;
inline constexpr std::uint64_t spsr_el2h = 0x9;
inline constexpr std::uint64_t spsr_all_masked = 0x3c0;

[[nodiscard]] constexpr bool is_negative_id(std::uint64_t field)
{
    return (field & 8) != 0;
}
