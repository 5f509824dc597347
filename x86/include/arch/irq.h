// SPDX-License-Identifier: MIT
//
// Architecture seam: finding the machine's interrupt controller.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/irq/irq.h"

namespace boot {
struct Info;
}

namespace arch {

// Finds the controller, initialises it and the calling CPU's part, offers its
// capabilities (or says why not), and calls irq::set_controller(). A machine without one that is
// known is no error.
[[nodiscard]] Result<> discover_interrupts(const boot::Info& info);

// The interrupt that a device node's specifier means for the machine's controller.
[[nodiscard]] Result<irq::Id> interrupt_id(const fdt::InterruptSpecifier& specifier);

}  // namespace arch
