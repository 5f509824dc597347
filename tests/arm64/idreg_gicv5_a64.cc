// SPDX-License-Identifier: MIT
//
// GICv5 on machines that do not have it: a CPU that can may be given a GICv3, or no interrupt
// controller, and then must not show it (Arm ARM D24.2, ID_AA64PFR2_EL1.GCIE).

#include "arm64/cpu/control_registers.h"
#include "arm64/gic/gicv5/cpu_interface.h"
#include "tests/support/arm64/undefined.h"

using namespace gicv5;

namespace {

constexpr UndefinedAccess accesses[]{
    reads<ICC_IDR0_EL1>("read ICC_IDR0_EL1"),
    reads<ICC_CR0_EL1>("read ICC_CR0_EL1"),
    reads<ICC_PCR_EL1>("read ICC_PCR_EL1"),
    reads<ICC_APR_EL1>("read ICC_APR_EL1"),
    reads<ICC_IAFFIDR_EL1>("read ICC_IAFFIDR_EL1"),
    reads<ICC_PPI_HMR_EL1<0>>("read ICC_PPI_HMR0_EL1"),
    reads<ICC_PPI_ENABLER_EL1<0>>("read ICC_PPI_ENABLER0_EL1"),
    reads<ICC_PPI_PRIORITYR_EL1<0>>("read ICC_PPI_PRIORITYR0_EL1"),
    reads<CDIA>("read GICR CDIA"),
    writes<CDEN>("write GIC CDEN"),
    writes<CDEOI>("write GIC CDEOI"),
    writes<GSB_SYS>("write GSB SYS"),
};

}  // namespace

TEST(idreg, gicv5_absent,
     .summary = "a machine without GICv5 has none of its registers and instructions",
     .needs = !gicv5)
{
    if (sysreg::read<ID_AA64PFR2_EL1>()[ID_AA64PFR2_EL1::GCIE] != 0) {
        EXPECT_FALSE(test::has(test::Capability::irq));  // another controller
        return test::skip("a GICv5 CPU interface that the device tree does not name");
    }
    expect_undefined(accesses);
}
