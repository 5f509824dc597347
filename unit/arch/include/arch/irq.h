// SPDX-License-Identifier: MIT
//
// Architecture seam, host: there is no interrupt controller.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/irq/irq.h"

namespace boot {
struct Info;
}

namespace arch {

[[nodiscard]] Result<> discover_interrupts(const boot::Info& info);
[[nodiscard]] Result<irq::Id> interrupt_id(const fdt::InterruptSpecifier& specifier);

}  // namespace arch
