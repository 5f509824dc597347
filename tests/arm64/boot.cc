// SPDX-License-Identifier: MIT
//
// The boot protocol (Linux Documentation/arch/arm64/booting.rst): the state at the image's first
// instruction. Loaded as an ELF file instead, nothing is promised and x0 names no device tree.

#include "lib/boot/boot.h"
#include "arm64/boot/entry_state.h"
#include "arm64/cpu/control_registers.h"
#include "lib/boot/words.h"
#include "lib/mem/memory.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"

#include <arch/exception.h>

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

TEST(boot, image_place,
     .summary = "the image begins at a multiple of 2 MiB, and all the memory it asks for is RAM")
{
    if (!entered_by_protocol()) {
        return;
    }
    constexpr std::uint64_t alignment = 2U << 20;
    EXPECT_EQ(arch::image_base() % alignment, 0);
    EXPECT_TRUE(mem::is_ram(arch::image_base(), arch::image_end() - arch::image_base()));
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

TEST(boot, level,
     .summary = "every CPU runs at EL1, or at EL2 where that is asked for and can be had")
{
    const bool asked = boot::option(boot::info().command_line, "assay.el2") == "stay";
    const bool can_be_had = entry_state.level >= 2 &&
                            sysreg::read<ID_AA64PFR0_EL1>()[ID_AA64PFR0_EL1::EL2] != 0 &&
                            sysreg::read<ID_AA64MMFR1_EL1>()[ID_AA64MMFR1_EL1::VH] != 0;
    const std::uint64_t expected = asked && can_be_had ? 2 : 1;
    EXPECT_EQ(std::uint64_t{boot::info().level}, expected);
    smp::on_all_cpus([&] { EXPECT_EQ(sysreg::read<CurrentEL>()[CurrentEL::EL], expected); });
}
