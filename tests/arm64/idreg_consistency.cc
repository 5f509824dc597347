// SPDX-License-Identifier: MIT
//
// ID registers that speak of the same thing agree with each other and with the device tree.

#include "arm64/cpu/control_registers.h"
#include "lib/boot/boot.h"
#include "lib/test/test.h"

#include <arch/exception.h>

#include <cstdint>

namespace {

struct MIDR_EL1 : SystemRegister<MIDR_EL1, 3, 0, 0, 0, 0> {
    static constexpr Field Architecture{19, 16};
};
struct CLIDR_EL1 : SystemRegister<CLIDR_EL1, 3, 1, 0, 0, 1> {};
struct CSSELR_EL1 : SystemRegister<CSSELR_EL1, 3, 2, 0, 0, 0> {
    static constexpr Field InD{0};
    static constexpr Field Level{3, 1};
};
struct CCSIDR_EL1 : SystemRegister<CCSIDR_EL1, 3, 1, 0, 0, 0> {};
struct DCZID_EL0 : SystemRegister<DCZID_EL0, 3, 3, 0, 0, 7> {
    static constexpr Field BS{3, 0};
};
struct ID_DFR0_EL1 : SystemRegister<ID_DFR0_EL1, 3, 0, 0, 1, 2> {
    static constexpr Field PerfMon{27, 24};
};
struct ID_AA64ZFR0_EL1 : SystemRegister<ID_AA64ZFR0_EL1, 3, 0, 0, 4, 4> {};
struct ID_AA64SMFR0_EL1 : SystemRegister<ID_AA64SMFR0_EL1, 3, 0, 0, 4, 5> {};

namespace PFR0 {
constexpr Field FP{19, 16};
constexpr Field AdvSIMD{23, 20};
constexpr Field SVE{35, 32};
}  // namespace PFR0
constexpr Field SME{27, 24};  // of ID_AA64PFR1_EL1
constexpr Field SHA1{11, 8};  // of ID_AA64ISAR0_EL1
constexpr Field SHA2{15, 12};

constexpr std::uint64_t aarch64_only = 1;
constexpr std::uint64_t aarch32_too = 2;

}  // namespace

TEST(idreg, vector_registers_agree,
     .summary = "what describes SVE and SME is zero on a CPU without them")
{
    const auto pfr0 = sysreg::read<ID_AA64PFR0_EL1>();
    const auto pfr1 = sysreg::read<ID_AA64PFR1_EL1>();
    EXPECT_TRUE(pfr0[PFR0::SVE] != 0 || pfr1[SME] != 0 || sysreg::read<ID_AA64ZFR0_EL1>().raw == 0);
    EXPECT_TRUE(pfr1[SME] != 0 || sysreg::read<ID_AA64SMFR0_EL1>().raw == 0);
}

TEST(idreg, floating_point_agrees,
     .summary = "floating point and Advanced SIMD come together, and SVE not without them")
{
    constexpr std::uint64_t not_implemented = 0xf;
    const auto pfr0 = sysreg::read<ID_AA64PFR0_EL1>();
    EXPECT_EQ(pfr0[PFR0::AdvSIMD], pfr0[PFR0::FP]);
    EXPECT_TRUE(pfr0[PFR0::SVE] == 0 || pfr0[PFR0::FP] != not_implemented);
}

TEST(idreg, aarch32_agrees, .summary = "AArch32 at EL1 comes with AArch32 at EL0")
{
    const auto pfr0 = sysreg::read<ID_AA64PFR0_EL1>();
    const auto el0 = pfr0[ID_AA64PFR0_EL1::EL0];
    const auto el1 = pfr0[ID_AA64PFR0_EL1::EL1];
    EXPECT_TRUE(el0 == aarch64_only || el0 == aarch32_too);
    EXPECT_TRUE(el1 == aarch64_only || el1 == aarch32_too);
    EXPECT_TRUE(el1 == aarch64_only || el0 == aarch32_too);
}

TEST(idreg, sha_agrees, .summary = "SHA1 and SHA256 instructions come together")
{
    struct ID_AA64ISAR0_EL1 : SystemRegister<ID_AA64ISAR0_EL1, 3, 0, 0, 6, 0> {};
    const auto isar0 = sysreg::read<ID_AA64ISAR0_EL1>();
    EXPECT_EQ(isar0[SHA1] != 0, isar0[SHA2] != 0);
}

TEST(idreg, pmu_versions_agree,
     .summary = "ID_DFR0_EL1.PerfMon tells the PMU version of ID_AA64DFR0_EL1.PMUVer",
     .needs = aarch32_el0)
{
    constexpr std::uint64_t v3_in_aarch64 = 1;
    constexpr std::uint64_t v3_in_aarch32 = 3;
    const auto version = sysreg::read<ID_AA64DFR0_EL1>()[ID_AA64DFR0_EL1::PMUVer];
    const auto expected = version == v3_in_aarch64 ? v3_in_aarch32 : version;
    EXPECT_EQ(sysreg::read<ID_DFR0_EL1>()[ID_DFR0_EL1::PerfMon], expected);
}

TEST(idreg, pmu_agrees_with_tree, .summary = "a CPU has a PMU when the device tree has one",
     .needs = device_tree)
{
    if (!boot::info().tree->find_compatible("arm,armv8-pmuv3")) {
        return test::skip("no arm,armv8-pmuv3 node");
    }
    constexpr std::uint64_t implementation_defined = 0xf;
    const auto version = sysreg::read<ID_AA64DFR0_EL1>()[ID_AA64DFR0_EL1::PMUVer];
    EXPECT_NE(version, 0);
    EXPECT_NE(version, implementation_defined);
}

TEST(idreg, gic_agrees_with_tree,
     .summary = "the interrupt controller registers announced are those of the device tree's GIC",
     .needs = device_tree)
{
    const fdt::Tree& tree = *boot::info().tree;
    const auto gicv3 = sysreg::read<ID_AA64PFR0_EL1>()[ID_AA64PFR0_EL1::GIC];
    const auto gicv5 = sysreg::read<ID_AA64PFR2_EL1>()[ID_AA64PFR2_EL1::GCIE];
    if (tree.find_compatible("arm,gic-v5")) {
        EXPECT_EQ(gicv5, 1);
        EXPECT_EQ(gicv3, 0);
    } else if (tree.find_compatible("arm,gic-v3")) {
        EXPECT_EQ(gicv5, 0);
        EXPECT_NE(gicv3, 0);
    } else {
        EXPECT_EQ(gicv5, 0);
    }
}

TEST(idreg, main_id, .summary = "MIDR_EL1 says that features are described by the ID registers")
{
    constexpr std::uint64_t by_id_registers = 0xf;
    EXPECT_EQ(sysreg::read<MIDR_EL1>()[MIDR_EL1::Architecture], by_id_registers);
}

TEST(idreg, cache_type, .summary = "CTR_EL0 and DCZID_EL0 describe lines and blocks of sane sizes")
{
    constexpr Field res1{31};
    constexpr std::uint64_t largest = 9;  // log2 of words: 2 KiB
    const auto type = sysreg::read<CTR_EL0>();
    EXPECT_EQ(type[res1], 1);
    EXPECT_GE(type[CTR_EL0::DminLine], 2);
    EXPECT_GE(type[CTR_EL0::IminLine], 2);
    EXPECT_LE(sysreg::read<DCZID_EL0>()[DCZID_EL0::BS], largest);
}

TEST(idreg, cache_sizes,
     .summary = "CCSIDR_EL1 can be read for every cache level, whether it exists or not")
{
    constexpr unsigned levels = 7;
    const auto caches = sysreg::read<CLIDR_EL1>();
    const auto selected_before = sysreg::read<CSSELR_EL1>();
    for (unsigned level = 0; level < levels; ++level) {
        for (const unsigned instruction : {0U, 1U}) {
            const auto taken = arch::raised([&] {
                sysreg::write(
                    CSSELR_EL1{}.with(CSSELR_EL1::Level, level).with(CSSELR_EL1::InD, instruction));
                sysreg::synchronize();
                static_cast<void>(sysreg::read<CCSIDR_EL1>());
            });
            EXPECT_FALSE(taken.has_value());
        }
        const auto type = caches[Field{3 * level + 2, 3 * level}];
        EXPECT_LE(type, 4);  // none, instruction, data, separate, unified
    }
    sysreg::write(selected_before);
}
