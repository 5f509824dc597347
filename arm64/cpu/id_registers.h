// SPDX-License-Identifier: MIT
//
// The feature ID registers: op0 = 3, op1 = 0, CRn = 0, CRm = 1 to 7, op2 = 0 to 7. All 56 slots can
// be read without an exception; those without a name here read as zero. Arm ARM (DDI 0487) D24.2
// and D19.1.2.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace id_registers {

inline constexpr unsigned count = 56;

// Slot number of an encoding: CRm 1 op2 0 is slot 0.
[[nodiscard]] constexpr unsigned slot(unsigned crm, unsigned op2)
{
    return (crm - 1) * 8 + op2;
}

// The registers with CRm 1 to 3 describe AArch32 and are UNKNOWN on a CPU without it.
[[nodiscard]] constexpr bool describes_aarch32(unsigned slot_number)
{
    return slot_number < slot(4, 0);
}

// Names by slot; the unallocated ones are called after their encoding.
struct Slot {
    char name[18];
    bool allocated;
};
inline constexpr Slot slots[count]{
    {"ID_PFR0_EL1", true},      {"ID_PFR1_EL1", true},      {"ID_DFR0_EL1", true},
    {"ID_AFR0_EL1", true},      {"ID_MMFR0_EL1", true},     {"ID_MMFR1_EL1", true},
    {"ID_MMFR2_EL1", true},     {"ID_MMFR3_EL1", true},     {"ID_ISAR0_EL1", true},
    {"ID_ISAR1_EL1", true},     {"ID_ISAR2_EL1", true},     {"ID_ISAR3_EL1", true},
    {"ID_ISAR4_EL1", true},     {"ID_ISAR5_EL1", true},     {"ID_MMFR4_EL1", true},
    {"ID_ISAR6_EL1", true},     {"MVFR0_EL1", true},        {"MVFR1_EL1", true},
    {"MVFR2_EL1", true},        {"S3_0_C0_C3_3", false},    {"ID_PFR2_EL1", true},
    {"ID_DFR1_EL1", true},      {"ID_MMFR5_EL1", true},     {"S3_0_C0_C3_7", false},
    {"ID_AA64PFR0_EL1", true},  {"ID_AA64PFR1_EL1", true},  {"ID_AA64PFR2_EL1", true},
    {"S3_0_C0_C4_3", false},    {"ID_AA64ZFR0_EL1", true},  {"ID_AA64SMFR0_EL1", true},
    {"S3_0_C0_C4_6", false},    {"ID_AA64FPFR0_EL1", true}, {"ID_AA64DFR0_EL1", true},
    {"ID_AA64DFR1_EL1", true},  {"ID_AA64DFR2_EL1", true},  {"S3_0_C0_C5_3", false},
    {"ID_AA64AFR0_EL1", true},  {"ID_AA64AFR1_EL1", true},  {"S3_0_C0_C5_6", false},
    {"S3_0_C0_C5_7", false},    {"ID_AA64ISAR0_EL1", true}, {"ID_AA64ISAR1_EL1", true},
    {"ID_AA64ISAR2_EL1", true}, {"ID_AA64ISAR3_EL1", true}, {"S3_0_C0_C6_4", false},
    {"S3_0_C0_C6_5", false},    {"S3_0_C0_C6_6", false},    {"S3_0_C0_C6_7", false},
    {"ID_AA64MMFR0_EL1", true}, {"ID_AA64MMFR1_EL1", true}, {"ID_AA64MMFR2_EL1", true},
    {"ID_AA64MMFR3_EL1", true}, {"ID_AA64MMFR4_EL1", true}, {"S3_0_C0_C7_5", false},
    {"S3_0_C0_C7_6", false},    {"S3_0_C0_C7_7", false},
};

// A field, the values the architecture has given a meaning to as of the 2025 extensions, and
// whether all other values are reserved for good. A value that is not known to this table and not
// reserved may be of a newer architecture.
struct KnownField {
    std::uint8_t slot;
    std::uint8_t high, low;
    bool others_reserved;
    std::uint16_t values;  // bit n: value n
    char name[16];
};

[[nodiscard]] constexpr std::uint16_t up_to(unsigned largest)
{
    return static_cast<std::uint16_t>((2U << largest) - 1);
}
[[nodiscard]] constexpr std::uint16_t one_of(std::initializer_list<unsigned> list)
{
    unsigned values = 0;
    for (const unsigned value : list) {
        values |= 1U << value;
    }
    return static_cast<std::uint16_t>(values);
}

inline constexpr KnownField known_fields[]{
    // ID_PFR0_EL1
    {slot(1, 0), 31, 28, false, up_to(2), "RAS"},
    {slot(1, 0), 27, 24, false, up_to(1), "DIT"},
    {slot(1, 0), 23, 20, false, up_to(2), "AMU"},
    {slot(1, 0), 19, 16, false, up_to(2), "CSV2"},
    {slot(1, 0), 15, 12, false, up_to(1), "State3"},
    {slot(1, 0), 11, 8, false, up_to(2), "State2"},
    {slot(1, 0), 7, 4, false, up_to(3), "State1"},
    {slot(1, 0), 3, 0, false, up_to(1), "State0"},
    // ID_PFR1_EL1
    {slot(1, 1), 31, 28, false, one_of({0, 1, 3}), "GIC"},
    {slot(1, 1), 27, 24, false, up_to(1), "Virt_frac"},
    {slot(1, 1), 23, 20, false, up_to(2), "Sec_frac"},
    {slot(1, 1), 19, 16, false, up_to(2), "GenTimer"},
    {slot(1, 1), 15, 12, false, up_to(1), "Virtualization"},
    {slot(1, 1), 11, 8, false, up_to(1), "MProgMod"},
    {slot(1, 1), 7, 4, false, up_to(2), "Security"},
    {slot(1, 1), 3, 0, false, up_to(1), "ProgMod"},
    // ID_DFR0_EL1
    {slot(1, 2), 31, 28, false, up_to(1), "TraceFilt"},
    {slot(1, 2), 27, 24, false, one_of({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15}), "PerfMon"},
    {slot(1, 2), 23, 20, false, up_to(1), "MProfDbg"},
    {slot(1, 2), 19, 16, false, up_to(1), "MMapTrc"},
    {slot(1, 2), 15, 12, false, up_to(1), "CopTrc"},
    {slot(1, 2), 11, 8, false, one_of({0, 4, 5}), "MMapDbg"},
    {slot(1, 2), 3, 0, false, one_of({0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}), "CopDbg"},
    // ID_MMFR0_EL1
    {slot(1, 4), 31, 28, false, one_of({0, 1, 15}), "InnerShr"},
    {slot(1, 4), 27, 24, false, up_to(1), "FCSE"},
    {slot(1, 4), 23, 20, false, up_to(2), "AuxReg"},
    {slot(1, 4), 19, 16, false, up_to(3), "TCM"},
    {slot(1, 4), 15, 12, false, up_to(1), "ShareLvl"},
    {slot(1, 4), 11, 8, false, one_of({0, 1, 15}), "OuterShr"},
    {slot(1, 4), 7, 4, false, up_to(3), "PMSA"},
    {slot(1, 4), 3, 0, false, up_to(5), "VMSA"},
    // ID_MMFR1_EL1
    {slot(1, 5), 31, 28, false, up_to(4), "BPred"},
    {slot(1, 5), 27, 24, false, up_to(2), "L1TstCln"},
    {slot(1, 5), 23, 20, false, up_to(2), "L1Uni"},
    {slot(1, 5), 19, 16, false, up_to(3), "L1Hvd"},
    {slot(1, 5), 15, 12, false, up_to(3), "L1UniSW"},
    {slot(1, 5), 11, 8, false, up_to(3), "L1HvdSW"},
    {slot(1, 5), 7, 4, false, up_to(2), "L1UniVA"},
    {slot(1, 5), 3, 0, false, up_to(2), "L1HvdVA"},
    // ID_MMFR2_EL1
    {slot(1, 6), 31, 28, false, up_to(1), "HWAccFlg"},
    {slot(1, 6), 27, 24, false, up_to(1), "WFIStall"},
    {slot(1, 6), 23, 20, false, up_to(2), "MemBarr"},
    {slot(1, 6), 19, 16, false, up_to(6), "UniTLB"},
    {slot(1, 6), 15, 12, false, up_to(0), "HvdTLB"},
    {slot(1, 6), 11, 8, false, up_to(1), "L1HvdRng"},
    {slot(1, 6), 7, 4, false, up_to(1), "L1HvdBG"},
    {slot(1, 6), 3, 0, false, up_to(1), "L1HvdFG"},
    // ID_MMFR3_EL1
    {slot(1, 7), 31, 28, false, one_of({0, 15}), "Supersec"},
    {slot(1, 7), 27, 24, false, up_to(2), "CMemSz"},
    {slot(1, 7), 23, 20, false, up_to(1), "CohWalk"},
    {slot(1, 7), 19, 16, false, up_to(2), "PAN"},
    {slot(1, 7), 15, 12, false, up_to(2), "MaintBcst"},
    {slot(1, 7), 11, 8, false, up_to(2), "BPMaint"},
    {slot(1, 7), 7, 4, false, up_to(1), "CMaintSW"},
    {slot(1, 7), 3, 0, false, up_to(1), "CMaintVA"},
    // ID_ISAR0_EL1
    {slot(2, 0), 27, 24, false, up_to(2), "Divide"},
    {slot(2, 0), 23, 20, false, up_to(1), "Debug"},
    {slot(2, 0), 19, 16, false, up_to(4), "Coproc"},
    {slot(2, 0), 15, 12, false, up_to(1), "CmpBranch"},
    {slot(2, 0), 11, 8, false, up_to(1), "BitField"},
    {slot(2, 0), 7, 4, false, up_to(1), "BitCount"},
    {slot(2, 0), 3, 0, false, up_to(1), "Swap"},
    // ID_ISAR1_EL1
    {slot(2, 1), 31, 28, false, up_to(1), "Jazelle"},
    {slot(2, 1), 27, 24, false, up_to(3), "Interwork"},
    {slot(2, 1), 23, 20, false, up_to(1), "Immediate"},
    {slot(2, 1), 19, 16, false, up_to(1), "IfThen"},
    {slot(2, 1), 15, 12, false, up_to(2), "Extend"},
    {slot(2, 1), 11, 8, false, up_to(1), "Except_AR"},
    {slot(2, 1), 7, 4, false, up_to(1), "Except"},
    {slot(2, 1), 3, 0, false, up_to(1), "Endian"},
    // ID_ISAR2_EL1
    {slot(2, 2), 31, 28, false, up_to(2), "Reversal"},
    {slot(2, 2), 27, 24, false, up_to(1), "PSR_AR"},
    {slot(2, 2), 23, 20, false, up_to(2), "MultU"},
    {slot(2, 2), 19, 16, false, up_to(3), "MultS"},
    {slot(2, 2), 15, 12, false, up_to(2), "Mult"},
    {slot(2, 2), 11, 8, false, up_to(2), "MultiAccessInt"},
    {slot(2, 2), 7, 4, false, up_to(4), "MemHint"},
    {slot(2, 2), 3, 0, false, up_to(2), "LoadStore"},
    // ID_ISAR3_EL1
    {slot(2, 3), 31, 28, false, up_to(1), "T32EE"},
    {slot(2, 3), 27, 24, false, up_to(1), "TrueNOP"},
    {slot(2, 3), 23, 20, false, up_to(1), "T32Copy"},
    {slot(2, 3), 19, 16, false, up_to(1), "TabBranch"},
    {slot(2, 3), 15, 12, false, up_to(2), "SynchPrim"},
    {slot(2, 3), 11, 8, false, up_to(1), "SVC"},
    {slot(2, 3), 7, 4, false, one_of({0, 1, 3}), "SIMD"},
    {slot(2, 3), 3, 0, false, up_to(1), "Saturate"},
    // ID_ISAR4_EL1
    {slot(2, 4), 31, 28, false, up_to(1), "SWP_frac"},
    {slot(2, 4), 27, 24, false, up_to(1), "PSR_M"},
    {slot(2, 4), 23, 20, false, one_of({0, 3}), "SynchPrim_frac"},
    {slot(2, 4), 19, 16, false, up_to(1), "Barrier"},
    {slot(2, 4), 15, 12, false, up_to(1), "SMC"},
    {slot(2, 4), 11, 8, false, up_to(1), "Writeback"},
    {slot(2, 4), 7, 4, false, one_of({0, 1, 3, 4}), "WithShifts"},
    {slot(2, 4), 3, 0, false, up_to(2), "Unpriv"},
    // ID_ISAR5_EL1
    {slot(2, 5), 31, 28, false, up_to(1), "VCMA"},
    {slot(2, 5), 27, 24, false, up_to(1), "RDM"},
    {slot(2, 5), 19, 16, false, up_to(1), "CRC32"},
    {slot(2, 5), 15, 12, false, up_to(1), "SHA2"},
    {slot(2, 5), 11, 8, false, up_to(1), "SHA1"},
    {slot(2, 5), 7, 4, false, up_to(2), "AES"},
    {slot(2, 5), 3, 0, false, up_to(1), "SEVL"},
    // ID_ISAR6_EL1
    {slot(2, 7), 27, 24, false, up_to(1), "I8MM"},
    {slot(2, 7), 23, 20, false, up_to(1), "BF16"},
    {slot(2, 7), 19, 16, false, up_to(1), "SPECRES"},
    {slot(2, 7), 15, 12, false, up_to(1), "SB"},
    {slot(2, 7), 11, 8, false, up_to(1), "FHM"},
    {slot(2, 7), 7, 4, false, up_to(1), "DP"},
    {slot(2, 7), 3, 0, false, up_to(1), "JSCVT"},
    // ID_MMFR4_EL1
    {slot(2, 6), 31, 28, false, up_to(2), "EVT"},
    {slot(2, 6), 27, 24, false, up_to(1), "CCIDX"},
    {slot(2, 6), 23, 20, false, up_to(1), "LSM"},
    {slot(2, 6), 19, 16, false, up_to(2), "HPDS"},
    {slot(2, 6), 15, 12, false, up_to(1), "CnP"},
    {slot(2, 6), 11, 8, false, up_to(1), "XNX"},
    {slot(2, 6), 7, 4, false, up_to(1), "AC2"},
    {slot(2, 6), 3, 0, false, up_to(1), "SpecSEI"},
    // MVFR0_EL1
    {slot(3, 0), 31, 28, false, up_to(1), "FPRound"},
    {slot(3, 0), 27, 24, false, up_to(1), "FPShVec"},
    {slot(3, 0), 23, 20, false, up_to(1), "FPSqrt"},
    {slot(3, 0), 19, 16, false, up_to(1), "FPDivide"},
    {slot(3, 0), 15, 12, false, up_to(1), "FPTrap"},
    {slot(3, 0), 11, 8, false, up_to(2), "FPDP"},
    {slot(3, 0), 7, 4, false, up_to(2), "FPSP"},
    {slot(3, 0), 3, 0, false, up_to(2), "SIMDReg"},
    // MVFR1_EL1
    {slot(3, 1), 31, 28, false, up_to(1), "SIMDFMAC"},
    {slot(3, 1), 27, 24, false, up_to(3), "FPHP"},
    {slot(3, 1), 23, 20, false, up_to(2), "SIMDHP"},
    {slot(3, 1), 19, 16, false, up_to(1), "SIMDSP"},
    {slot(3, 1), 15, 12, false, up_to(1), "SIMDInt"},
    {slot(3, 1), 11, 8, false, up_to(1), "SIMDLS"},
    {slot(3, 1), 7, 4, false, up_to(1), "FPDNaN"},
    {slot(3, 1), 3, 0, false, up_to(1), "FPFtZ"},
    // MVFR2_EL1
    {slot(3, 2), 7, 4, false, up_to(4), "FPMisc"},
    {slot(3, 2), 3, 0, false, up_to(3), "SIMDMisc"},
    // ID_PFR2_EL1
    {slot(3, 4), 11, 8, false, up_to(1), "RAS_frac"},
    {slot(3, 4), 7, 4, false, up_to(1), "SSBS"},
    {slot(3, 4), 3, 0, false, up_to(1), "CSV3"},
    // ID_DFR1_EL1
    {slot(3, 5), 7, 4, false, up_to(1), "HPMN0"},
    {slot(3, 5), 3, 0, false, one_of({0, 1, 15}), "MTPMU"},
    // ID_MMFR5_EL1
    {slot(3, 6), 7, 4, false, up_to(1), "nTLBPA"},
    {slot(3, 6), 3, 0, false, up_to(3), "ETS"},
    // ID_AA64PFR0_EL1
    {slot(4, 0), 63, 60, false, up_to(1), "CSV3"},
    {slot(4, 0), 59, 56, false, up_to(3), "CSV2"},
    {slot(4, 0), 55, 52, false, up_to(1), "RME"},
    {slot(4, 0), 51, 48, false, up_to(1), "DIT"},
    {slot(4, 0), 47, 44, false, up_to(2), "AMU"},
    {slot(4, 0), 43, 40, false, up_to(1), "MPAM"},
    {slot(4, 0), 39, 36, false, up_to(1), "SEL2"},
    {slot(4, 0), 35, 32, false, up_to(1), "SVE"},
    {slot(4, 0), 31, 28, false, up_to(3), "RAS"},
    {slot(4, 0), 27, 24, true, one_of({0, 1, 3}), "GIC"},
    {slot(4, 0), 23, 20, true, one_of({0, 1, 15}), "AdvSIMD"},
    {slot(4, 0), 19, 16, true, one_of({0, 1, 15}), "FP"},
    {slot(4, 0), 15, 12, false, up_to(2), "EL3"},
    {slot(4, 0), 11, 8, false, up_to(2), "EL2"},
    {slot(4, 0), 7, 4, true, one_of({1, 2}), "EL1"},
    {slot(4, 0), 3, 0, true, one_of({1, 2}), "EL0"},
    // ID_AA64PFR1_EL1
    {slot(4, 1), 63, 60, false, up_to(1), "PFAR"},
    {slot(4, 1), 59, 56, false, up_to(1), "DF2"},
    {slot(4, 1), 55, 52, false, up_to(1), "MTEX"},
    {slot(4, 1), 51, 48, false, up_to(1), "THE"},
    {slot(4, 1), 47, 44, false, up_to(1), "GCS"},
    {slot(4, 1), 43, 40, false, one_of({0, 15}), "MTE_frac"},
    {slot(4, 1), 39, 36, false, up_to(1), "NMI"},
    {slot(4, 1), 35, 32, false, up_to(2), "CSV2_frac"},
    {slot(4, 1), 31, 28, false, up_to(1), "RNDR_trap"},
    {slot(4, 1), 27, 24, false, up_to(2), "SME"},
    {slot(4, 1), 19, 16, false, up_to(1), "MPAM_frac"},
    {slot(4, 1), 15, 12, false, up_to(1), "RAS_frac"},
    {slot(4, 1), 11, 8, false, up_to(3), "MTE"},
    {slot(4, 1), 7, 4, false, up_to(2), "SSBS"},
    {slot(4, 1), 3, 0, false, up_to(1), "BT"},
    // ID_AA64PFR2_EL1
    {slot(4, 2), 35, 32, false, up_to(1), "FPMR"},
    {slot(4, 2), 19, 16, false, up_to(1), "UINJ"},
    {slot(4, 2), 15, 12, false, up_to(1), "GCIE"},
    {slot(4, 2), 11, 8, false, up_to(1), "MTEFAR"},
    {slot(4, 2), 7, 4, false, up_to(1), "MTESTOREONLY"},
    {slot(4, 2), 3, 0, false, up_to(1), "MTEPERM"},
    // ID_AA64ZFR0_EL1
    {slot(4, 4), 59, 56, false, up_to(1), "F64MM"},
    {slot(4, 4), 55, 52, false, up_to(1), "F32MM"},
    {slot(4, 4), 51, 48, false, up_to(1), "F16MM"},
    {slot(4, 4), 47, 44, false, up_to(1), "I8MM"},
    {slot(4, 4), 43, 40, false, up_to(1), "SM4"},
    {slot(4, 4), 35, 32, false, up_to(1), "SHA3"},
    {slot(4, 4), 27, 24, false, up_to(3), "B16B16"},
    {slot(4, 4), 23, 20, false, up_to(2), "BF16"},
    {slot(4, 4), 19, 16, false, up_to(1), "BitPerm"},
    {slot(4, 4), 15, 12, false, up_to(1), "EltPerm"},
    {slot(4, 4), 7, 4, false, up_to(3), "AES"},
    {slot(4, 4), 3, 0, false, up_to(4), "SVEver"},
    // ID_AA64SMFR0_EL1
    {slot(4, 5), 59, 56, false, up_to(4), "SMEver"},
    {slot(4, 5), 55, 52, false, one_of({0, 15}), "I16I64"},
    {slot(4, 5), 47, 44, false, one_of({0, 5}), "I16I32"},
    {slot(4, 5), 39, 36, false, one_of({0, 15}), "I8I32"},
    // ID_AA64DFR0_EL1
    {slot(5, 0), 63, 60, false, up_to(1), "HPMN0"},
    {slot(5, 0), 59, 56, false, up_to(1), "ExtTrcBuff"},
    {slot(5, 0), 55, 52, false, up_to(2), "BRBE"},
    {slot(5, 0), 51, 48, false, one_of({0, 1, 15}), "MTPMU"},
    {slot(5, 0), 47, 44, false, up_to(2), "TraceBuffer"},
    {slot(5, 0), 43, 40, false, up_to(1), "TraceFilt"},
    {slot(5, 0), 39, 36, false, one_of({0, 15}), "DoubleLock"},
    {slot(5, 0), 35, 32, false, up_to(6), "PMSVer"},
    {slot(5, 0), 27, 24, false, up_to(1), "SEBEP"},
    {slot(5, 0), 19, 16, false, up_to(1), "PMSS"},
    {slot(5, 0), 11, 8, false, one_of({0, 1, 4, 5, 6, 7, 8, 9, 15}), "PMUVer"},
    {slot(5, 0), 7, 4, false, up_to(1), "TraceVer"},
    {slot(5, 0), 3, 0, false, one_of({6, 7, 8, 9, 10, 11}), "DebugVer"},
    // ID_AA64DFR1_EL1
    {slot(5, 1), 55, 52, false, up_to(1), "DPFZS"},
    {slot(5, 1), 51, 48, false, up_to(1), "EBEP"},
    {slot(5, 1), 47, 44, false, up_to(1), "ITE"},
    {slot(5, 1), 43, 40, false, up_to(1), "ABLE"},
    {slot(5, 1), 39, 36, false, up_to(1), "PMICNTR"},
    {slot(5, 1), 35, 32, false, up_to(2), "SPMU"},
    // ID_AA64DFR2_EL1
    {slot(5, 2), 27, 24, false, up_to(1), "TRBE_EXC"},
    {slot(5, 2), 23, 20, false, up_to(1), "SPE_nVM"},
    {slot(5, 2), 19, 16, false, up_to(1), "SPE_EXC"},
    {slot(5, 2), 7, 4, false, up_to(2), "BWE"},
    {slot(5, 2), 3, 0, false, up_to(1), "STEP"},
    // ID_AA64ISAR0_EL1
    {slot(6, 0), 63, 60, false, up_to(1), "RNDR"},
    {slot(6, 0), 59, 56, false, up_to(2), "TLB"},
    {slot(6, 0), 55, 52, false, up_to(2), "TS"},
    {slot(6, 0), 51, 48, false, up_to(3), "FHM"},
    {slot(6, 0), 47, 44, false, up_to(1), "DP"},
    {slot(6, 0), 43, 40, false, up_to(1), "SM4"},
    {slot(6, 0), 39, 36, false, up_to(1), "SM3"},
    {slot(6, 0), 35, 32, false, up_to(1), "SHA3"},
    {slot(6, 0), 31, 28, false, up_to(1), "RDM"},
    {slot(6, 0), 23, 20, false, one_of({0, 2, 3}), "ATOMIC"},
    {slot(6, 0), 19, 16, false, up_to(1), "CRC32"},
    {slot(6, 0), 15, 12, false, up_to(2), "SHA2"},
    {slot(6, 0), 11, 8, false, up_to(1), "SHA1"},
    {slot(6, 0), 7, 4, false, up_to(2), "AES"},
    // ID_AA64ISAR1_EL1
    {slot(6, 1), 63, 60, false, up_to(4), "LS64"},
    {slot(6, 1), 59, 56, false, up_to(1), "XS"},
    {slot(6, 1), 55, 52, false, up_to(1), "I8MM"},
    {slot(6, 1), 51, 48, false, up_to(1), "DGH"},
    {slot(6, 1), 47, 44, false, up_to(2), "BF16"},
    {slot(6, 1), 43, 40, false, up_to(2), "SPECRES"},
    {slot(6, 1), 39, 36, false, up_to(1), "SB"},
    {slot(6, 1), 35, 32, false, up_to(1), "FRINTTS"},
    {slot(6, 1), 31, 28, false, up_to(1), "GPI"},
    {slot(6, 1), 27, 24, false, up_to(1), "GPA"},
    {slot(6, 1), 23, 20, false, up_to(3), "LRCPC"},
    {slot(6, 1), 19, 16, false, up_to(1), "FCMA"},
    {slot(6, 1), 15, 12, false, up_to(1), "JSCVT"},
    {slot(6, 1), 11, 8, false, up_to(6), "API"},
    {slot(6, 1), 7, 4, false, up_to(6), "APA"},
    {slot(6, 1), 3, 0, false, up_to(2), "DPB"},
    // ID_AA64ISAR2_EL1
    {slot(6, 2), 63, 60, false, up_to(1), "ATS1A"},
    {slot(6, 2), 59, 56, false, up_to(2), "LUT"},
    {slot(6, 2), 55, 52, false, up_to(2), "CSSC"},
    {slot(6, 2), 51, 48, false, up_to(1), "RPRFM"},
    {slot(6, 2), 47, 44, false, up_to(1), "PCDPHINT"},
    {slot(6, 2), 43, 40, false, up_to(1), "PRFMSLC"},
    {slot(6, 2), 39, 36, false, up_to(1), "SYSINSTR_128"},
    {slot(6, 2), 35, 32, false, up_to(1), "SYSREG_128"},
    {slot(6, 2), 31, 28, false, up_to(1), "CLRBHB"},
    {slot(6, 2), 27, 24, false, up_to(1), "PAC_frac"},
    {slot(6, 2), 23, 20, false, up_to(1), "BC"},
    {slot(6, 2), 19, 16, false, up_to(1), "MOPS"},
    {slot(6, 2), 15, 12, false, up_to(6), "APA3"},
    {slot(6, 2), 11, 8, false, up_to(1), "GPA3"},
    {slot(6, 2), 7, 4, false, up_to(1), "RPRES"},
    {slot(6, 2), 3, 0, false, one_of({0, 2}), "WFxT"},
    // ID_AA64ISAR3_EL1
    {slot(6, 3), 31, 28, false, up_to(1), "FPRCVT"},
    {slot(6, 3), 27, 24, false, up_to(1), "LSUI"},
    {slot(6, 3), 23, 20, false, up_to(1), "OCCMO"},
    {slot(6, 3), 19, 16, false, up_to(1), "LSFE"},
    {slot(6, 3), 15, 12, false, up_to(2), "PACM"},
    {slot(6, 3), 11, 8, false, up_to(1), "TLBIW"},
    {slot(6, 3), 7, 4, false, up_to(1), "FAMINMAX"},
    {slot(6, 3), 3, 0, false, up_to(2), "CPA"},
    // ID_AA64MMFR0_EL1
    {slot(7, 0), 63, 60, false, up_to(2), "ECV"},
    {slot(7, 0), 59, 56, false, up_to(2), "FGT"},
    {slot(7, 0), 47, 44, false, up_to(1), "EXS"},
    {slot(7, 0), 43, 40, true, up_to(3), "TGRAN4_2"},
    {slot(7, 0), 39, 36, true, up_to(2), "TGRAN64_2"},
    {slot(7, 0), 35, 32, true, up_to(3), "TGRAN16_2"},
    {slot(7, 0), 31, 28, false, one_of({0, 1, 15}), "TGRAN4"},
    {slot(7, 0), 27, 24, true, one_of({0, 15}), "TGRAN64"},
    {slot(7, 0), 23, 20, false, up_to(2), "TGRAN16"},
    {slot(7, 0), 19, 16, false, up_to(1), "BIGENDEL0"},
    {slot(7, 0), 15, 12, false, up_to(1), "SNSMEM"},
    {slot(7, 0), 11, 8, false, up_to(1), "BIGEND"},
    {slot(7, 0), 7, 4, true, one_of({0, 2}), "ASIDBITS"},
    {slot(7, 0), 3, 0, false, up_to(7), "PARANGE"},
    // ID_AA64MMFR1_EL1
    {slot(7, 1), 63, 60, false, up_to(1), "ECBHB"},
    {slot(7, 1), 59, 56, false, up_to(1), "CMOW"},
    {slot(7, 1), 55, 52, false, up_to(1), "TIDCP1"},
    {slot(7, 1), 51, 48, false, up_to(1), "nTLBPA"},
    {slot(7, 1), 47, 44, false, up_to(1), "AFP"},
    {slot(7, 1), 43, 40, false, up_to(1), "HCX"},
    {slot(7, 1), 39, 36, false, up_to(3), "ETS"},
    {slot(7, 1), 35, 32, false, up_to(1), "TWED"},
    {slot(7, 1), 31, 28, false, up_to(1), "XNX"},
    {slot(7, 1), 27, 24, false, up_to(1), "SpecSEI"},
    {slot(7, 1), 23, 20, false, up_to(3), "PAN"},
    {slot(7, 1), 19, 16, false, up_to(1), "LO"},
    {slot(7, 1), 15, 12, false, up_to(2), "HPDS"},
    {slot(7, 1), 11, 8, false, up_to(1), "VH"},
    {slot(7, 1), 7, 4, true, one_of({0, 2}), "VMIDBits"},
    {slot(7, 1), 3, 0, false, up_to(4), "HAFDBS"},
    // ID_AA64MMFR2_EL1
    {slot(7, 2), 63, 60, false, up_to(1), "E0PD"},
    {slot(7, 2), 59, 56, false, up_to(2), "EVT"},
    {slot(7, 2), 55, 52, false, up_to(2), "BBM"},
    {slot(7, 2), 51, 48, false, up_to(1), "TTL"},
    {slot(7, 2), 43, 40, false, up_to(1), "FWB"},
    {slot(7, 2), 39, 36, false, up_to(2), "IDS"},
    {slot(7, 2), 35, 32, false, up_to(1), "AT"},
    {slot(7, 2), 31, 28, false, up_to(1), "ST"},
    {slot(7, 2), 27, 24, false, up_to(2), "NV"},
    {slot(7, 2), 23, 20, false, up_to(1), "CCIDX"},
    {slot(7, 2), 19, 16, false, up_to(1), "VARange"},
    {slot(7, 2), 15, 12, false, up_to(1), "IESB"},
    {slot(7, 2), 11, 8, false, up_to(1), "LSM"},
    {slot(7, 2), 7, 4, false, up_to(1), "UAO"},
    {slot(7, 2), 3, 0, false, up_to(1), "CnP"},
    // ID_AA64MMFR3_EL1
    {slot(7, 3), 63, 60, false, up_to(1), "Spec_FPACC"},
    {slot(7, 3), 59, 56, false, up_to(3), "ADERR"},
    {slot(7, 3), 55, 52, false, up_to(3), "SDERR"},
    {slot(7, 3), 47, 44, false, up_to(3), "ANERR"},
    {slot(7, 3), 43, 40, false, up_to(3), "SNERR"},
    {slot(7, 3), 39, 36, false, up_to(1), "D128_2"},
    {slot(7, 3), 35, 32, false, up_to(1), "D128"},
    {slot(7, 3), 31, 28, false, up_to(1), "MEC"},
    {slot(7, 3), 27, 24, false, up_to(1), "AIE"},
    {slot(7, 3), 23, 20, false, up_to(1), "S2POE"},
    {slot(7, 3), 19, 16, false, up_to(1), "S1POE"},
    {slot(7, 3), 15, 12, false, up_to(1), "S2PIE"},
    {slot(7, 3), 11, 8, false, up_to(1), "S1PIE"},
    {slot(7, 3), 7, 4, false, up_to(1), "SCTLRX"},
    {slot(7, 3), 3, 0, false, up_to(1), "TCRX"},
    // ID_AA64MMFR4_EL1
    {slot(7, 4), 47, 44, false, up_to(1), "SRMASK"},
    {slot(7, 4), 39, 36, false, up_to(1), "E3DSE"},
    {slot(7, 4), 31, 28, false, up_to(1), "RMEGDI"},
    {slot(7, 4), 27, 24, false, one_of({0, 14, 15}), "E2H0"},
    {slot(7, 4), 23, 20, false, up_to(2), "NV_frac"},
    {slot(7, 4), 19, 16, false, up_to(1), "FGWTE3"},
    {slot(7, 4), 15, 12, false, up_to(1), "HACDBS"},
    {slot(7, 4), 11, 8, false, up_to(1), "ASID2"},
    {slot(7, 4), 7, 4, false, one_of({0, 1, 2, 15}), "EIESB"},
    {slot(7, 4), 3, 0, false, up_to(1), "PoPS"},
};

}  // namespace id_registers
