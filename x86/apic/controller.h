// SPDX-License-Identifier: MIT
//
// The machine's APICs as what lib/irq knows. Interrupts are vectors (x86/apic/vectors.h):
//
//   the wires of I/O APICs   enabled: routed to the calling CPU and not masked
//   the local vector table   enabled: not masked
//   IPIs, and every other    always enabled: a fixed interrupt cannot be refused
//
// Pending is the IRR's bit of the calling CPU, active the ISR's.
#pragma once

#include "lib/base/result.h"
#include "lib/irq/irq.h"
#include "x86/apic/io_apic.h"
#include "x86/apic/local_apic.h"
#include "x86/apic/vectors.h"
#include "x86/apic/wiring.h"

#include <optional>

namespace apic {

using Local = LocalApic<AnyMode>;

// The calling CPU's local APIC, in the mode the machine runs in. After discover_interrupts().
[[nodiscard]] Local local();
// The mode all CPUs are in; and whether the other one can be reached.
[[nodiscard]] Mode machine_mode();
[[nodiscard]] bool has_x2apic();

// The vector of an ISA interrupt or of a GSI. Errors: no I/O APIC has this wire; no vector is left.
[[nodiscard]] Result<irq::Id> isa_interrupt(unsigned number);
[[nodiscard]] Result<irq::Id> gsi_interrupt(unsigned gsi);

// A wire: the chip it leads to, and its number there.
struct Wire {
    IoApic<Mmio> chip;
    unsigned number;
};
[[nodiscard]] std::optional<Wire> wire_of(unsigned gsi);
[[nodiscard]] const Wiring& wiring();

}  // namespace apic
