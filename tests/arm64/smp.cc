// SPDX-License-Identifier: MIT
//
// CPU identity.

#include "lib/smp/smp.h"
#include "arm64/cpu/control_registers.h"
#include "lib/boot/boot.h"
#include "lib/test/test.h"

#include <algorithm>
#include <cstdint>

TEST(smp, mpidr_equals_reg, .summary = "each CPU's MPIDR_EL1 is the reg of its cpu node",
     .needs = device_tree)
{
    const fdt::Tree& tree = *boot::info().tree;
    smp::on_all_cpus([&] {
        const std::uint64_t affinity = sysreg::read<MPIDR_EL1>().affinity();
        EXPECT_EQ(affinity, smp::this_cpu().hardware_id);
        unsigned matches = 0;
        for (auto node = tree.find_device_type("cpu"); node;
             node = tree.find_device_type("cpu", node)) {
            const auto reg = node->unit_address();
            matches += reg.has_value() && *reg == affinity ? 1 : 0;
        }
        EXPECT_EQ(matches, 1);
    });
}

TEST(smp, mpidr_fixed_bits,
     .summary = "MPIDR_EL1 bit 31 is one, and U is set only on a machine with one CPU")
{
    smp::on_all_cpus([] {
        constexpr Field res1{31};
        constexpr Field U{30};
        const auto mpidr = sysreg::read<MPIDR_EL1>();
        EXPECT_EQ(mpidr[res1], 1);
        if (smp::cpus().size() > 1) {
            EXPECT_EQ(mpidr[U], 0);
        }
    });
}
