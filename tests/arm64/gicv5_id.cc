// SPDX-License-Identifier: MIT
//
// What a GICv5 CPU interface says about itself (AES 0070).

#include "arm64/cpu/control_registers.h"
#include "lib/boot/boot.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/register_guard.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

using namespace gicv5;

TEST(gicv5_id, features,
     .summary = "the CPU's feature registers announce GICv5 and not GICv3 as well", .needs = gicv5)
{
    const auto gcie = sysreg::read<ID_AA64PFR2_EL1>()[ID_AA64PFR2_EL1::GCIE];
    const auto gic = sysreg::read<ID_AA64PFR0_EL1>()[ID_AA64PFR0_EL1::GIC];
    test::Items items{2};
    items.run("ID_AA64PFR2_EL1.GCIE", [&] { EXPECT_EQ(gcie, 1); });
    items.run("ID_AA64PFR0_EL1.GIC", [&] { EXPECT_EQ(gic, 0); });
}

TEST(gicv5_id, idr0,
     .summary = "every field of ICC_IDR0_EL1 has a value that the architecture gives a meaning to",
     .needs = gicv5)
{
    struct {
        std::string_view name;
        Field field;
        std::uint64_t lowest, highest;
    } constexpr fields[]{
        {"ID_BITS", ICC_IDR0_EL1::ID_BITS, 0, 1},
        {"PRI_BITS", ICC_IDR0_EL1::PRI_BITS, 3, 4},
        {"GCIE_LEGACY", ICC_IDR0_EL1::GCIE_LEGACY, 0, 1},
        {"RES0", {63, 12}, 0, 0},
    };
    const auto id = sysreg::read<ICC_IDR0_EL1>();
    test::Items items{std::size(fields)};
    for (const auto& entry : fields) {
        items.run(entry.name, [&] {
            test::item_value("{:#x}", id[entry.field]);
            EXPECT_GE(id[entry.field], entry.lowest);
            EXPECT_LE(id[entry.field], entry.highest);
        });
    }
}

TEST(gicv5_id, same_everywhere,
     .summary = "identification and handling modes are the same on every CPU",
     .needs = gicv5 && cpus(2))
{
    const auto identification = sysreg::read<ICC_IDR0_EL1>().raw;
    const auto low_modes = sysreg::read<ICC_PPI_HMR_EL1<0>>().raw;
    const auto high_modes = sysreg::read<ICC_PPI_HMR_EL1<1>>().raw;
    smp::on_all_cpus([&] {
        EXPECT_EQ(sysreg::read<ICC_IDR0_EL1>().raw, identification);
        EXPECT_EQ(sysreg::read<ICC_PPI_HMR_EL1<0>>().raw, low_modes);
        EXPECT_EQ(sysreg::read<ICC_PPI_HMR_EL1<1>>().raw, high_modes);
    });
}

TEST(gicv5_id, iaffid, .summary = "every CPU has an IAFFID of its own", .needs = gicv5 && cpus(2))
{
    constexpr unsigned max_cpus = 512;
    static constinit std::array<std::uint16_t, max_cpus> iaffids{};
    const auto cpus = smp::cpus().first(std::min<std::size_t>(smp::cpus().size(), max_cpus));
    for (const smp::Cpu& cpu : cpus) {
        if (!cpu.online) {
            continue;
        }
        smp::on_cpu(cpu.index, [&] { iaffids[cpu.index] = interface.iaffid(); });
        for (const smp::Cpu& other : cpus.first(cpu.index)) {
            if (other.online) {
                ASSERT_NE(iaffids[cpu.index], iaffids[other.index]);
            }
        }
    }
}

TEST(gicv5_id, iaffid_of_tree,
     .summary = "the IAFFID of every CPU is the one that an IRS's node gives it",
     .needs = gicv5_irs)
{
    const auto gic = boot::info().tree->find_compatible("arm,gic-v5");
    ASSERT_TRUE(gic.has_value());
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (!cpu.online) {
            continue;
        }
        const auto expected = described_iaffid(*gic, cpu.hardware_id);
        ASSERT_TRUE(expected.has_value());
        smp::on_cpu(cpu.index, [&] { EXPECT_EQ(interface.iaffid(), *expected); });
    }
}

TEST(gicv5_id, handling_modes,
     .summary = "SW_PPI is edge-triggered; the PPIs of timers and PMU are level-sensitive",
     .needs = gicv5)
{
    struct {
        std::string_view name;
        unsigned ppi;
        bool level;
    } constexpr ppis[]{
        {"SW_PPI", sw_ppi, false},
        {"PMUIRQ", pmu_ppi, true},
        {"CNTV", cntv_ppi, true},
        {"CNTP", cntp_ppi, true},
    };
    test::Items items{std::size(ppis)};
    for (const auto& entry : ppis) {
        items.run(entry.name, [&] {
            if (entry.ppi == pmu_ppi && !test::has(test::Capability::pmu)) {
                return test::skip("no PMU");
            }
            EXPECT_EQ(interface.level_sensitive(entry.ppi), entry.level);
        });
    }
}

TEST(gicv5_id, link, .summary = "the CPU interface is linked, and stays so while it is off and on",
     .needs = gicv5)
{
    const irq::Masked masked;
    const auto linked = [] {
        const auto control = sysreg::read<ICC_CR0_EL1>();
        EXPECT_EQ(control[ICC_CR0_EL1::LINK], 1);
        EXPECT_EQ(control[ICC_CR0_EL1::LINK_IDLE], 1);
    };
    linked();
    RegisterGuard<ICC_CR0_EL1> control{ICC_CR0_EL1::EN, 0};
    EXPECT_EQ(sysreg::read<ICC_CR0_EL1>()[ICC_CR0_EL1::EN], 0);
    linked();
    control.set(ICC_CR0_EL1::EN, 1);
    EXPECT_EQ(sysreg::read<ICC_CR0_EL1>()[ICC_CR0_EL1::EN], 1);
    linked();
}
