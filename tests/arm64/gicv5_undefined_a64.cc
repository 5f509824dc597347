// SPDX-License-Identifier: MIT
//
// What a GICv5 CPU interface does not have (AES 0070): registers of GICv3, of higher exception
// levels, unallocated encodings, accesses in the wrong direction, and everything at EL0. Each is
// UNDEFINED: an exception of unknown reason with an ISS of 0.

#include "arm64/gic/gicv3/cpu_interface.h"
#include "arm64/gic/gicv5/cpu_interface.h"
#include "tests/support/arm64/probe.h"
#include "tests/support/arm64/undefined.h"

#include <arch/mmu.h>

#include <cstdint>
#include <iterator>
#include <string_view>

using namespace gicv5;

namespace {

template <unsigned Op1, unsigned CRm, unsigned Op2>
struct HigherRegister : SystemRegister<HigherRegister<Op1, CRm, Op2>, 3, Op1, 12, CRm, Op2> {};
template <unsigned CRm, unsigned Op2>
using El2Register = HigherRegister<4, CRm, Op2>;
template <unsigned CRm, unsigned Op2>
using El3Register = HigherRegister<6, CRm, Op2>;

// GIC VD* and GIC LD*: the instructions of EL2 and EL3, beside those of the current domain.
template <unsigned Op1, unsigned CRm, unsigned Op2>
struct HigherInstruction : SystemRegister<HigherInstruction<Op1, CRm, Op2>, 1, Op1, 12, CRm, Op2> {
};

// Encodings without a register or an instruction.
struct RemovedHapr : SystemRegister<RemovedHapr, 3, 1, 12, 0, 3> {};
struct UnallocatedSys : SystemRegister<UnallocatedSys, 1, 0, 12, 1, 6> {};
struct UnallocatedSysl : SystemRegister<UnallocatedSysl, 1, 0, 12, 3, 2> {};

constexpr UndefinedAccess of_gicv3[]{
    reads<gicv3::ICC_SRE_EL1>("read ICC_SRE_EL1"),
    writes<gicv3::ICC_SRE_EL1>("write ICC_SRE_EL1"),
    reads<gicv3::ICC_IAR1_EL1>("read ICC_IAR1_EL1"),
    writes<gicv3::ICC_EOIR1_EL1>("write ICC_EOIR1_EL1"),
    reads<gicv3::ICC_PMR_EL1>("read ICC_PMR_EL1"),
    writes<gicv3::ICC_PMR_EL1>("write ICC_PMR_EL1"),
    writes<gicv3::ICC_SGI1R_EL1>("write ICC_SGI1R_EL1"),
    reads<gicv3::ICC_BPR1_EL1>("read ICC_BPR1_EL1"),
    reads<gicv3::ICC_CTLR_EL1>("read ICC_CTLR_EL1"),
    reads<gicv3::ICC_RPR_EL1>("read ICC_RPR_EL1"),
    writes<gicv3::ICC_DIR_EL1>("write ICC_DIR_EL1"),
};

constexpr UndefinedAccess against_the_direction[]{
    writes<ICC_IDR0_EL1>("write ICC_IDR0_EL1"),
    writes<ICC_PPI_HMR_EL1<0>>("write ICC_PPI_HMR0_EL1"),
    writes<ICC_PPI_HMR_EL1<1>>("write ICC_PPI_HMR1_EL1"),
    writes<ICC_HPPIR_EL1>("write ICC_HPPIR_EL1"),
    writes<ICC_IAFFIDR_EL1>("write ICC_IAFFIDR_EL1"),
    reads<GSB_SYS>("read GSB SYS"),
    reads<GSB_ACK>("read GSB ACK"),
    reads<CDDIS>("read GIC CDDIS"),
    reads<CDEN>("read GIC CDEN"),
    reads<CDPRI>("read GIC CDPRI"),
    reads<CDAFF>("read GIC CDAFF"),
    reads<CDPEND>("read GIC CDPEND"),
    reads<CDRCFG>("read GIC CDRCFG"),
    reads<CDEOI>("read GIC CDEOI"),
    reads<CDDI>("read GIC CDDI"),
    reads<CDHM>("read GIC CDHM"),
    writes<CDIA>("write GICR CDIA"),
    writes<CDNMIA>("write GICR CDNMIA"),
};

constexpr UndefinedAccess unallocated[]{
    reads<RemovedHapr>("read S3_1_C12_C0_3"),
    writes<RemovedHapr>("write S3_1_C12_C0_3"),
    writes<UnallocatedSys>("write S1_0_C12_C1_6"),
    reads<UnallocatedSysl>("read S1_0_C12_C3_2"),
};

constexpr UndefinedAccess of_higher_levels[]{
    reads<El2Register<8, 4>>("read ICH_APR_EL2"),
    reads<El2Register<9, 4>>("read ICH_HFGRTR_EL2"),
    reads<El2Register<10, 0>>("read ICH_PPI_DVIR0_EL2"),
    reads<El2Register<10, 2>>("read ICH_PPI_ENABLER0_EL2"),
    reads<El2Register<10, 4>>("read ICH_PPI_PENDR0_EL2"),
    reads<El2Register<10, 6>>("read ICH_PPI_ACTIVER0_EL2"),
    reads<El2Register<11, 6>>("read ICH_CONTEXTR_EL2"),
    reads<El2Register<11, 7>>("read ICH_VMCR_EL2"),
    writes<El2Register<11, 7>>("write ICH_VMCR_EL2"),
    reads<El2Register<14, 0>>("read ICH_PPI_PRIORITYR0_EL2"),
    reads<El3Register<8, 4>>("read ICC_PPI_DOMAINR0_EL3"),
    writes<El3Register<8, 4>>("write ICC_PPI_DOMAINR0_EL3"),
    writes<HigherInstruction<4, 1, 1>>("write GIC VDEN"),
    writes<HigherInstruction<4, 1, 4>>("write GIC VDPEND"),
    writes<HigherInstruction<6, 1, 1>>("write GIC LDEN"),
    writes<HigherInstruction<6, 1, 4>>("write GIC LDPEND"),
};

}  // namespace

TEST(gicv5_undefined, gicv3_registers, .summary = "registers of GICv3 are undefined",
     .needs = gicv5)
{
    expect_undefined(of_gicv3);
}

TEST(gicv5_undefined, direction,
     .summary = "what can only be read is undefined as a write, and the other way round",
     .needs = gicv5)
{
    expect_undefined(against_the_direction);
}

TEST(gicv5_undefined, unallocated, .summary = "unallocated encodings are undefined", .needs = gicv5)
{
    expect_undefined(unallocated);
}

TEST(gicv5_undefined, higher_levels,
     .summary = "registers and instructions of EL2 and EL3 are undefined at EL1",
     .needs = gicv5 && !el2)
{
    expect_undefined(of_higher_levels);
}

// Name, and the access: R a read, W a write. (Assemblers do not know the names.)
#define ASSAY_AT_EL0(X)                           \
    X(ICC_PPI_HMR0_EL1, R, s3_0_c12_c10_0)        \
    X(ICC_PPI_HMR1_EL1, R, s3_0_c12_c10_1)        \
    X(ICC_IDR0_EL1, R, s3_0_c12_c10_2)            \
    X(ICC_HPPIR_EL1, R, s3_0_c12_c10_3)           \
    X(ICC_ICSR_EL1, R, s3_0_c12_c10_4)            \
    X(ICC_IAFFIDR_EL1, R, s3_0_c12_c10_5)         \
    X(ICC_PPI_ENABLER0_EL1, R, s3_0_c12_c10_6)    \
    X(ICC_PPI_ENABLER0_EL1, W, s3_0_c12_c10_6)    \
    X(ICC_PPI_ENABLER1_EL1, R, s3_0_c12_c10_7)    \
    X(ICC_PPI_CACTIVER0_EL1, R, s3_0_c12_c13_0)   \
    X(ICC_PPI_CACTIVER1_EL1, R, s3_0_c12_c13_1)   \
    X(ICC_PPI_SACTIVER0_EL1, R, s3_0_c12_c13_2)   \
    X(ICC_PPI_SACTIVER1_EL1, R, s3_0_c12_c13_3)   \
    X(ICC_PPI_CPENDR0_EL1, R, s3_0_c12_c13_4)     \
    X(ICC_PPI_CPENDR1_EL1, R, s3_0_c12_c13_5)     \
    X(ICC_PPI_SPENDR0_EL1, R, s3_0_c12_c13_6)     \
    X(ICC_PPI_SPENDR0_EL1, W, s3_0_c12_c13_6)     \
    X(ICC_PPI_SPENDR1_EL1, R, s3_0_c12_c13_7)     \
    X(ICC_PPI_PRIORITYR0_EL1, R, s3_0_c12_c14_0)  \
    X(ICC_PPI_PRIORITYR15_EL1, R, s3_0_c12_c15_7) \
    X(ICC_APR_EL1, R, s3_1_c12_c0_0)              \
    X(ICC_APR_EL1, W, s3_1_c12_c0_0)              \
    X(ICC_CR0_EL1, R, s3_1_c12_c0_1)              \
    X(ICC_CR0_EL1, W, s3_1_c12_c0_1)              \
    X(ICC_PCR_EL1, R, s3_1_c12_c0_2)              \
    X(ICC_PCR_EL1, W, s3_1_c12_c0_2)              \
    X(GSB_SYS, W, s1_0_c12_c0_0)                  \
    X(GSB_ACK, W, s1_0_c12_c0_1)                  \
    X(CDDIS, W, s1_0_c12_c1_0)                    \
    X(CDEN, W, s1_0_c12_c1_1)                     \
    X(CDPRI, W, s1_0_c12_c1_2)                    \
    X(CDAFF, W, s1_0_c12_c1_3)                    \
    X(CDPEND, W, s1_0_c12_c1_4)                   \
    X(CDRCFG, W, s1_0_c12_c1_5)                   \
    X(CDEOI, W, s1_0_c12_c1_7)                    \
    X(CDDI, W, s1_0_c12_c2_0)                     \
    X(CDHM, W, s1_0_c12_c2_1)                     \
    X(CDIA, R, s1_0_c12_c3_0)                     \
    X(CDNMIA, R, s1_0_c12_c3_1)
#define ASSAY_R(encoding) "mrs x0, " #encoding
#define ASSAY_W(encoding) "msr " #encoding ", x0"
#define ASSAY_PROBE_AT_EL0(name, access, encoding) \
    USER_PROBE(user_##access##_##name, ASSAY_##access(encoding));
#define ASSAY_ITEM_AT_EL0(name, access, encoding) {#access " " #name, user_##access##_##name},

ASSAY_AT_EL0(ASSAY_PROBE_AT_EL0)

TEST(gicv5_undefined, at_el0, .summary = "registers and instructions of GICv5 are undefined at EL0",
     .needs = gicv5)
{
    struct {
        std::string_view name;
        void (*probe)(std::uint64_t);
    } constexpr probes[]{ASSAY_AT_EL0(ASSAY_ITEM_AT_EL0)};
    const arch::UserAccess access;
    test::Items items{std::size(probes)};
    for (const auto& probe : probes) {
        items.run(probe.name, [&] {
            const arch::Exception taken = arch::run_in_user(probe.probe, 0);
            EXPECT_EQ(taken.esr, syndrome::undefined);
            EXPECT_EQ(taken.elr, probe_address(probe.probe));
        });
    }
}
