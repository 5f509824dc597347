// SPDX-License-Identifier: MIT
//
// The boot protocol (Linux Documentation/arch/arm64/booting.rst): the state at the image's first
// instruction. Loaded as an ELF file instead, nothing is promised and x0 names no device tree.

#include "lib/boot/boot.h"
#include "arm64/boot/entry_state.h"
#include "arm64/cpu/control_registers.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"

#include <cstdint>

namespace {

bool entered_by_protocol()
{
    if (entry_state.x0 == 0) {
        test::skip("not loaded by the Linux boot protocol: x0 is 0 at entry");
        return false;
    }
    return true;
}

}  // namespace

TEST(boot, device_tree_register,
     .summary = "x0 holds the address of the device tree at entry, a multiple of 8")
{
    if (!entered_by_protocol()) {
        return;
    }
    EXPECT_EQ(entry_state.x0 % 8, 0);
    EXPECT_EQ(entry_state.x0,
              std::uint64_t{reinterpret_cast<std::uintptr_t>(boot::info().tree->blob())});
}

TEST(boot, reserved_registers, .summary = "x1, x2 and x3 are zero at entry")
{
    if (!entered_by_protocol()) {
        return;
    }
    EXPECT_EQ(entry_state.x1, 0);
    EXPECT_EQ(entry_state.x2, 0);
    EXPECT_EQ(entry_state.x3, 0);
}

TEST(boot, exceptions_masked,
     .summary = "debug exceptions, SError, IRQ and FIQ are masked at entry")
{
    EXPECT_EQ(entry_state.daif, 0xf << 6);
}

TEST(boot, mmu_off, .summary = "the MMU and the data cache are off at entry")
{
    const auto control = SCTLR_EL1::from(entry_state.sctlr);
    EXPECT_EQ(control[SCTLR_EL1::M], 0);
    EXPECT_EQ(control[SCTLR_EL1::C], 0);
}

TEST(boot, level, .summary = "every CPU runs at the exception level the image chose")
{
    EXPECT_GE(entry_state.level, std::uint64_t{boot::info().level});
    smp::on_all_cpus([] {
        const auto level = sysreg::read<CurrentEL>()[CurrentEL::EL];
        EXPECT_EQ(level, std::uint64_t{boot::info().level});
    });
}
