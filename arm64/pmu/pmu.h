// SPDX-License-Identifier: MIT
//
// This machine's performance monitors: those of the calling CPU.
//
//     const pmu::Guard saved{pmu::monitors};
//     pmu::monitors.enable();
#pragma once

#include "arm64/pmu/pmuv3.h"
#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/irq/irq.h"

#include <arch/irq.h>

namespace pmu {

inline constexpr Pmu<sysreg::Provider> monitors;

// The interrupt in the device tree, the same number on every CPU. Binding: Linux
// Documentation/devicetree/bindings/arm/pmu.yaml
[[nodiscard]] inline Result<fdt::InterruptSpecifier> interrupt_specifier(const fdt::Tree& tree)
{
    const auto node = tree.find_compatible("arm,armv8-pmuv3");
    return node ? node->interrupt() : fail("no arm,armv8-pmuv3 node");
}
[[nodiscard]] inline Result<irq::Id> interrupt(const fdt::Tree& tree)
{
    const auto specifier = interrupt_specifier(tree);
    return specifier ? arch::interrupt_id(*specifier) : std::unexpected{specifier.error()};
}

}  // namespace pmu
