// SPDX-License-Identifier: MIT
//
// GICv5 as KVM shows it to a VM: Linux Documentation/virt/kvm/devices/arm-vgic-v5.rst. A VM sees
// SW_PPI, the EL1 timers, and the PMU's PPI when it has a PMU; all others are hidden.

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/register_guard.h"

#include <cstdint>

using namespace gicv5;

namespace {

constexpr std::uint64_t bit(unsigned ppi)
{
    return std::uint64_t{1} << ppi;
}

// Of the first register.
std::uint64_t exposed_ppis()
{
    const bool has_pmu = test::has(test::Capability::pmu);
    return bit(sw_ppi) | bit(cntv_ppi) | bit(cntp_ppi) | (has_pmu ? bit(pmu_ppi) : 0);
}

}  // namespace

TEST(gicv5_kvm, idr0,
     .summary = "a VM has 16 bits of ID, 5 bits of priority and no compatibility with GICv3",
     .needs = gicv5 && kvm)
{
    const auto id = sysreg::read<ICC_IDR0_EL1>();
    EXPECT_EQ(id[ICC_IDR0_EL1::ID_BITS], 0);
    EXPECT_EQ(id[ICC_IDR0_EL1::PRI_BITS], 4);
    EXPECT_EQ(id[ICC_IDR0_EL1::GCIE_LEGACY], 0);
}

TEST(gicv5_kvm, hidden_are_not_enabled,
     .summary = "of PPIs 0 to 63 only those can be enabled that the VM has", .needs = gicv5 && kvm)
{
    const irq::Masked masked;
    RegisterGuard<ICC_PPI_ENABLER_EL1<0>> saved;
    saved.set(ICC_PPI_ENABLER_EL1<0>::from(~std::uint64_t{0}));
    EXPECT_EQ(sysreg::read<ICC_PPI_ENABLER_EL1<0>>().raw, exposed_ppis());
}

TEST(gicv5_kvm, upper_are_hidden, .summary = "no PPI from 64 to 127 can be enabled",
     .needs = gicv5 && kvm)
{
    const irq::Masked masked;
    RegisterGuard<ICC_PPI_ENABLER_EL1<1>> saved;
    saved.set(ICC_PPI_ENABLER_EL1<1>::from(~std::uint64_t{0}));
    EXPECT_EQ(sysreg::read<ICC_PPI_ENABLER_EL1<1>>().raw, 0);
}

TEST(gicv5_kvm, hidden_are_not_signalled,
     .summary = "a hidden PPI is not signalled, whichever of its registers is written",
     .needs = gicv5 && kvm)
{
    const irq::Masked masked;
    const RegisterGuard<ICC_PPI_ENABLER_EL1<0>> saved;
    test::Items items{64};
    for (unsigned hidden = 0; hidden < 64; ++hidden) {
        TextBuffer<16> name;
        format_to(name, "PPI {}", hidden);
        items.run(name.text(), [&] {
            if ((exposed_ppis() & bit(hidden)) != 0) {
                return test::skip("the VM has it");
            }
            interface.set_priority(hidden, 0);
            interface.set_pending(hidden);
            interface.enable(hidden);
            EXPECT_EQ(candidate(), nothing);
            interface.set_active(hidden);
            interface.clear_active(hidden);
            EXPECT_EQ(candidate(), nothing);
            const irq::Id taken = acknowledged();
            EXPECT_EQ(taken, nothing);
            if (taken != nothing) {
                finish(taken);
            }
            interface.clear_pending(hidden);
            interface.set_priority(hidden, default_priority);
        });
    }
}

TEST(gicv5_kvm, pmu_is_hidden, .summary = "a VM without PMU has no PPI of one",
     .needs = gicv5 && kvm && !pmu)
{
    const irq::Masked masked;
    const RegisterGuard<ICC_PPI_ENABLER_EL1<0>> saved;
    interface.enable(pmu_ppi);
    EXPECT_FALSE(interface.enabled(pmu_ppi));
}
