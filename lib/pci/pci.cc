// SPDX-License-Identifier: MIT
#include "lib/pci/pci.h"

#include "lib/test/capability.h"

#include <arch/mmu.h>

namespace pci {

namespace {

constinit std::optional<HostBridge> the_bridge;

Result<> open_bridge(fdt::Node node)
{
    const auto bridge = HostBridge::open(node);
    if (!bridge) {
        return std::unexpected{bridge.error()};
    }
    if (const auto mapped = arch::map_device(bridge->bus_config(bridge->first_bus())); !mapped) {
        return mapped;
    }
    the_bridge = *bridge;
    return {};
}

}  // namespace

Result<> discover(const fdt::Tree& tree)
{
    const auto node = tree.find_compatible("pci-host-ecam-generic");
    if (!node) {
        test::missing(test::Capability::edu, "no pci-host-ecam-generic node");
        return {};
    }
    if (const auto opened = open_bridge(*node); !opened) {
        test::missing(test::Capability::edu, opened.error().what);
        return opened;
    }
    if (find(edu)) {
        test::offer(test::Capability::edu);
    } else {
        test::missing(test::Capability::edu, "no PCI function 1234:11e8");
    }
    return {};
}

HostBridge* host_bridge()
{
    return the_bridge ? &*the_bridge : nullptr;
}

std::optional<Function<Mmio>> find(Id id)
{
    if (!the_bridge) {
        return {};
    }
    return find(the_bridge->first_bus(), id,
                [](Address address) { return Mmio{the_bridge->config(address)}; });
}

}  // namespace pci
