// SPDX-License-Identifier: MIT
//
// This machine's GICv3. Arm GIC Architecture Specification for GICv3 and GICv4 (IHI 0069H.b).
//
//     INTID 0-15 SGI    16-31 PPI    32-1019 SPI    1020-1023 special    from 8192 LPI
//
// irq::Controller is enough for most; the accessors give single registers to a test that needs
// them:
//
//     gicv3::redistributor().pending(27)
//     gicv3::redistributor().control().read<gicv3::GICR_TYPER>()
#pragma once

#include "arm64/gic/gicv3/cpu_interface.h"
#include "arm64/gic/gicv3/distributor.h"
#include "arm64/gic/gicv3/redistributor.h"
#include "lib/base/mmio.h"
#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/irq/irq.h"

namespace gicv3 {

// Maps the distributor and all redistributors of an arm,gic-v3 node and initialises the
// distributor. init_cpu() of what it returns makes the calling CPU ready. Errors name what is
// missing or wrong.
[[nodiscard]] Result<irq::Controller*> start(const fdt::Node& node);

// After start().
[[nodiscard]] Distributor<Mmio> distributor();
// Of the calling CPU, after its init_cpu().
[[nodiscard]] Redistributor<Mmio> redistributor();
[[nodiscard]] constexpr CpuInterface<sysreg::Provider> cpu_interface()
{
    return {};
}

}  // namespace gicv3
