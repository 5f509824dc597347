// SPDX-License-Identifier: MIT
//
// What a GICv5 CPU interface does not have: registers of GICv3, unallocated encodings, writes to
// read-only registers, and everything at EL0. And that a machine without GICv5 has none of it.

#include "arm64/gic/gicv3/cpu_interface.h"
#include "arm64/gic/gicv5.h"
#include "lib/test/test.h"
#include "tests/support/arm64/probe.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/exception.h>
#include <arch/mmu.h>

#include <cstdint>
#include <iterator>
#include <string_view>

using namespace gicv5;

USER_PROBE(user_read_idr0, "mrs x0, s3_0_c12_c10_2");
USER_PROBE(user_read_pcr, "mrs x0, s3_1_c12_c0_2");
USER_PROBE(user_cdia, ".inst 0xd528c300");
USER_PROBE(user_cden, ".inst 0xd508c120");

namespace {

// Encodings without a register.
struct RemovedHapr : SystemRegister<RemovedHapr, 3, 1, 12, 0, 3> {};
struct UnallocatedSys : SystemRegister<UnallocatedSys, 1, 0, 12, 1, 6> {};
struct UnallocatedSysl : SystemRegister<UnallocatedSysl, 1, 0, 12, 3, 2> {};

struct Probe {
    std::string_view name;
    void (*run)();
};

template <typename R>
constexpr Probe reads(std::string_view name)
{
    return {name, [] { static_cast<void>(sysreg::read<R>()); }};
}

template <typename R>
constexpr Probe writes(std::string_view name)
{
    return {name, [] { sysreg::write(R{}); }};
}

void expect_undefined(std::span<const Probe> probes)
{
    test::Items items{probes.size()};
    for (const Probe& probe : probes) {
        items.run(probe.name, [&] {
            const auto taken = arch::raised([&] { probe.run(); });
            ASSERT_TRUE(taken.has_value());
            EXPECT_EQ(taken->esr, syndrome::undefined);
        });
    }
}

constexpr Probe undefined_on_gicv5[]{
    reads<gicv3::ICC_SRE_EL1>("read ICC_SRE_EL1"),
    reads<gicv3::ICC_IAR1_EL1>("read ICC_IAR1_EL1"),
    writes<gicv3::ICC_EOIR1_EL1>("write ICC_EOIR1_EL1"),
    reads<gicv3::ICC_PMR_EL1>("read ICC_PMR_EL1"),
    writes<gicv3::ICC_SGI1R_EL1>("write ICC_SGI1R_EL1"),
    reads<gicv3::ICC_BPR1_EL1>("read ICC_BPR1_EL1"),
    reads<gicv3::ICC_CTLR_EL1>("read ICC_CTLR_EL1"),
    reads<gicv3::ICC_RPR_EL1>("read ICC_RPR_EL1"),
    writes<gicv3::ICC_DIR_EL1>("write ICC_DIR_EL1"),
    writes<ICC_IDR0_EL1>("write ICC_IDR0_EL1"),
    writes<ICC_PPI_HMR_EL1<0>>("write ICC_PPI_HMR0_EL1"),
    writes<ICC_PPI_HMR_EL1<1>>("write ICC_PPI_HMR1_EL1"),
    writes<ICC_HPPIR_EL1>("write ICC_HPPIR_EL1"),
    writes<ICC_IAFFIDR_EL1>("write ICC_IAFFIDR_EL1"),
    reads<RemovedHapr>("read S3_1_C12_C0_3"),
    writes<UnallocatedSys>("write S1_0_C12_C1_6"),
    reads<UnallocatedSysl>("read S1_0_C12_C3_2"),
    reads<CDEN>("read GIC CDEN"),
};

constexpr Probe undefined_without_gicv5[]{
    reads<ICC_IDR0_EL1>("read ICC_IDR0_EL1"),
    reads<ICC_CR0_EL1>("read ICC_CR0_EL1"),
    reads<ICC_PCR_EL1>("read ICC_PCR_EL1"),
    reads<ICC_PPI_ENABLER_EL1<0>>("read ICC_PPI_ENABLER0_EL1"),
    reads<CDIA>("read GICR CDIA"),
};

}  // namespace

TEST(
    gicv5, undefined,
    .summary =
        "registers of GICv3, unallocated encodings and writes to read-only registers are undefined",
    .needs = gicv5)
{
    expect_undefined(undefined_on_gicv5);
}

TEST(gicv5, absent, .summary = "a machine without GICv5 has none of its registers and instructions",
     .needs = irq && !gicv5)
{
    expect_undefined(undefined_without_gicv5);
}

TEST(gicv5, undefined_at_el0, .summary = "registers and instructions of GICv5 are undefined at EL0",
     .needs = gicv5)
{
    struct {
        std::string_view name;
        void (*probe)(std::uint64_t);
    } constexpr probes[]{
        {"ICC_IDR0_EL1", user_read_idr0},
        {"ICC_PCR_EL1", user_read_pcr},
        {"GICR CDIA", user_cdia},
        {"GIC CDEN", user_cden},
    };
    const arch::UserAccess access;
    test::Items items{std::size(probes)};
    for (const auto& probe : probes) {
        items.run(probe.name,
                  [&] { EXPECT_EQ(arch::run_in_user(probe.probe, 0).esr, syndrome::undefined); });
    }
}
