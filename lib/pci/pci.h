// SPDX-License-Identifier: MIT
//
// This machine's PCI bus.
//
//     const auto device = pci::find(pci::edu);
//     const auto registers = pci::host_bridge()->assign(*device, 0);
#pragma once

#include "lib/base/mmio.h"
#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/pci/function.h"
#include "lib/pci/host_bridge.h"

#include <optional>

namespace pci {

// Opens the first pci-host-ecam-generic node and offers what is on its first bus: the edu device. A
// machine without such a node is no error. After the interrupt controller's discovery.
[[nodiscard]] Result<> discover(const fdt::Tree& tree);

// Null on a machine without one that is known.
[[nodiscard]] HostBridge* host_bridge();

// A function on the bridge's first bus. Needs a bridge.
[[nodiscard]] std::optional<Function<Mmio>> find(Id id);

}  // namespace pci
