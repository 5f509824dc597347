// SPDX-License-Identifier: MIT
//
// This machine's GICv2. Arm GIC Architecture Specification, version 2.0 (IHI 0048B.b).
//
//     INTID 0-15 SGI    16-31 PPI (banked: each CPU sees its own)    32-1019 SPI    1020-1023
//     special
//
// irq::Controller is enough for most; the accessors give single registers to a test that needs
// them:
//
//     gicv2::distributor().pending(27)
//     gicv2::cpu_interface().io().read<gicv2::GICC_RPR>()
#pragma once

#include "arm64/gic/gicv2/cpu_interface.h"
#include "arm64/gic/gicv2/distributor.h"
#include "lib/base/mmio.h"
#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/irq/irq.h"

namespace gicv2 {

// Maps the frames of an arm,gic-400 or arm,cortex-*-gic node and initialises the distributor.
// init_cpu() of what it returns makes the calling CPU ready. Errors name what is missing or wrong.
[[nodiscard]] Result<irq::Controller*> start(const fdt::Node& node);

// After start(). Banked registers are those of the calling CPU.
[[nodiscard]] Distributor<Mmio> distributor();
[[nodiscard]] CpuInterface<Mmio> cpu_interface();

}  // namespace gicv2
