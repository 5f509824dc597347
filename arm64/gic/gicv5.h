// SPDX-License-Identifier: MIT
//
// This machine's GICv5: the CPU interface, and interrupt routing services where it has some.
// Arm GIC Architecture Specification, GICv5 (AES 0070).
//
// PPIs alone have a driver: a machine may offer nothing else, and then there are no inter-processor
// interrupts. irq::Controller is enough for most; the accessor gives single registers to a test:
//
//     gicv5::cpu_interface().set_pending(gicv5::sw_ppi)
//     gicv5::cpu_interface().io().read<gicv5::ICC_APR_EL1>()
#pragma once

#include "arm64/gic/gicv5/cpu_interface.h"
#include "arm64/gic/gicv5/irs.h"
#include "lib/base/mmio.h"
#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/irq/irq.h"

#include <span>

namespace gicv5 {

// Enables the routing services below an arm,gic-v5 node. init_cpu() of what it returns makes the
// calling CPU ready. Errors name what is missing or wrong.
[[nodiscard]] Result<irq::Controller*> start(const fdt::Node& node);

[[nodiscard]] constexpr CpuInterface<sysreg::Provider> cpu_interface()
{
    return {};
}
// After start(); empty on a machine that has CPU interfaces only.
[[nodiscard]] std::span<const Irs<Mmio>> routing_services();

}  // namespace gicv5
