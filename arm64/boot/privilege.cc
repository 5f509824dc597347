// SPDX-License-Identifier: MIT

#include "arm64/boot/privilege.h"

#include "arm64/boot/offsets.h"
#include "arm64/cpu/control_registers.h"
#include "arm64/pmu/pmuv3.h"

#include <cstddef>

PrivilegeSettings privilege_settings;

static_assert(offsetof(PrivilegeSettings, scr_el3) == PRIVILEGE_SCR_EL3);
static_assert(offsetof(PrivilegeSettings, cptr_el3) == PRIVILEGE_CPTR_EL3);
static_assert(offsetof(PrivilegeSettings, mdcr_el3) == PRIVILEGE_MDCR_EL3);
static_assert(offsetof(PrivilegeSettings, spsr_el3) == PRIVILEGE_SPSR_EL3);
static_assert(offsetof(PrivilegeSettings, hcr_el2) == PRIVILEGE_HCR_EL2);
static_assert(offsetof(PrivilegeSettings, cptr_el2) == PRIVILEGE_CPTR_EL2);
static_assert(offsetof(PrivilegeSettings, cnthctl_el2) == PRIVILEGE_CNTHCTL_EL2);
static_assert(offsetof(PrivilegeSettings, mdcr_el2) == PRIVILEGE_MDCR_EL2);
static_assert(offsetof(PrivilegeSettings, gic_system_registers) == PRIVILEGE_GIC_SYSTEM_REGISTERS);
static_assert(offsetof(PrivilegeSettings, fine_grained_traps) == PRIVILEGE_FINE_GRAINED_TRAPS);
static_assert(offsetof(PrivilegeSettings, extended_hcr) == PRIVILEGE_EXTENDED_HCR);
static_assert(offsetof(PrivilegeSettings, stay_at_el2) == PRIVILEGE_STAY_AT_EL2);

namespace {

struct Features {
    bool el2, vhe, e2h_fixed, pauth, mte, fgt, hcx, ecv, gic_system_registers;
    std::uint64_t pmu_counters;
};

Features find_features()
{
    const auto pfr0 = sysreg::read<ID_AA64PFR0_EL1>();
    const auto isar1 = sysreg::read<ID_AA64ISAR1_EL1>();
    const auto mmfr0 = sysreg::read<ID_AA64MMFR0_EL1>();
    const auto mmfr1 = sysreg::read<ID_AA64MMFR1_EL1>();
    const auto pmu_version = sysreg::read<ID_AA64DFR0_EL1>()[ID_AA64DFR0_EL1::PMUVer];
    return {
        .el2 = pfr0[ID_AA64PFR0_EL1::EL2] != 0,
        .vhe = mmfr1[ID_AA64MMFR1_EL1::VH] != 0,
        .e2h_fixed = is_negative_id(sysreg::read<ID_AA64MMFR4_EL1>()[ID_AA64MMFR4_EL1::E2H0]),
        .pauth = isar1[ID_AA64ISAR1_EL1::APA] != 0 || isar1[ID_AA64ISAR1_EL1::API] != 0 ||
                 sysreg::read<ID_AA64ISAR2_EL1>()[ID_AA64ISAR2_EL1::APA3] != 0,
        .mte = sysreg::read<ID_AA64PFR1_EL1>()[ID_AA64PFR1_EL1::MTE] >= 2,
        .fgt = mmfr0[ID_AA64MMFR0_EL1::FGT] != 0,
        .hcx = mmfr1[ID_AA64MMFR1_EL1::HCX] != 0,
        .ecv = mmfr0[ID_AA64MMFR0_EL1::ECV] >= 2,
        .gic_system_registers = pfr0[ID_AA64PFR0_EL1::GIC] != 0,
        .pmu_counters = pmu_version != 0 && pmu_version != 0xf
                            ? sysreg::read<pmu::PMCR_EL0>()[pmu::PMCR_EL0::N]
                            : 0,
    };
}

}  // namespace

void choose_privilege(unsigned entry_level, RunLevel wanted)
{
    if (entry_level == 1) {
        return;
    }
    const Features has = find_features();
    const bool stay = wanted == RunLevel::el2 && has.el2 && has.vhe;
    const bool e2h = stay || has.e2h_fixed;

    privilege_settings = {
        .scr_el3 = SCR_EL3{}
                       .with(SCR_EL3::NS, 1)
                       .with(SCR_EL3::FIQ, 1)  // priorities: the Non-secure view (IHI 0069 4.8.1)
                       .with(SCR_EL3::RES1, 3)
                       .with(SCR_EL3::HCE, has.el2)
                       .with(SCR_EL3::RW, 1)
                       .with(SCR_EL3::APK, has.pauth)
                       .with(SCR_EL3::API, has.pauth)
                       .with(SCR_EL3::ATA, has.mte)
                       .with(SCR_EL3::FGTEn, has.fgt)
                       .with(SCR_EL3::ECVEn, has.ecv)
                       .with(SCR_EL3::HXEn, has.hcx)
                       .raw,
        .cptr_el3 = 0,
        .mdcr_el3 = 0,
        .spsr_el3 = spsr_all_masked | (has.el2 ? spsr_el2h : spsr_el1h),
        .hcr_el2 = HCR_EL2{}
                       .with(HCR_EL2::RW, 1)
                       .with(HCR_EL2::E2H, e2h)
                       .with(HCR_EL2::TGE, stay)
                       .with(HCR_EL2::APK, has.pauth)
                       .with(HCR_EL2::API, has.pauth)
                       .with(HCR_EL2::ATA, has.mte)
                       .raw,
        .cptr_el2 = e2h ? CPTR_EL2::no_fp_trap_e2h : CPTR_EL2::no_fp_trap,
        .cnthctl_el2 = e2h ? CNTHCTL_EL2::no_el1_trap_e2h : CNTHCTL_EL2::no_el1_trap,
        .mdcr_el2 = MDCR_EL2{}.with(MDCR_EL2::HPMN, has.pmu_counters).raw,
        .gic_system_registers = has.gic_system_registers,
        .fine_grained_traps = has.fgt,
        .extended_hcr = has.hcx,
        .stay_at_el2 = stay,
    };
}
