// SPDX-License-Identifier: MIT
#include "lib/pci/host_bridge.h"

#include "lib/base/register.h"

#include <algorithm>
#include <span>

namespace pci {

namespace {

// The first cell of an address on the bus (PCI Bus Binding 2.2.1.1).
struct PhysHi : Bits<PhysHi, std::uint32_t> {
    static constexpr Field SPACE{25, 24};  // 0 configuration, 1 I/O, 2 and 3 memory
    static constexpr Field REQUESTER_ID{23, 8};
};
constexpr std::uint32_t first_memory_space = 2;

constexpr std::size_t bus_address_cells = 3;
constexpr std::size_t bus_size_cells = 2;

// ECAM: PCI Express Base Specification 5.0, table 7-1.
constexpr std::uint64_t bytes_per_bus = 1U << 20;
constexpr std::uint64_t bytes_per_function = 1U << 12;

}  // namespace

Result<HostBridge> HostBridge::open(fdt::Node node)
{
    HostBridge bridge{node};
    const auto ecam = node.reg();
    if (!ecam) {
        return std::unexpected{ecam.error()};
    }
    bridge.ecam_ = *ecam;
    if (const auto buses = node.property("bus-range")) {
        const auto first = buses->cell();
        if (!first || *first > 0xff) {
            return fail("PCI host bridge's bus-range does not begin with a bus", first.value_or(0));
        }
        bridge.first_bus_ = static_cast<std::uint8_t>(*first);
    }
    if (ecam->size < bytes_per_bus) {
        return fail("PCI host bridge's reg is smaller than the configuration space of a bus",
                    ecam->size);
    }
    if (const auto read = bridge.read_windows(); !read) {
        return std::unexpected{read.error()};
    }
    return bridge;
}

// Entries of `ranges`: address on the bus, address of the parent's, size.
Result<> HostBridge::read_windows()
{
    const auto ranges = node_.property("ranges");
    const auto parent = node_.parent();
    if (!ranges || !parent) {
        return fail("PCI host bridge without ranges");
    }
    const auto cells = parent->property("#address-cells");
    const std::size_t cpu_cells = cells ? cells->cell().value_or(0) : 2;
    const std::size_t entry = bus_address_cells + cpu_cells + bus_size_cells;
    for (std::size_t at = 0; at + entry <= ranges->cells(); at += entry) {
        const auto space = PhysHi::from(*ranges->cell(at))[PhysHi::SPACE];
        const auto bus = ranges->number(at + 1, 2);
        const auto cpu = ranges->number(at + bus_address_cells, cpu_cells);
        const auto size = ranges->number(at + bus_address_cells + cpu_cells, bus_size_cells);
        if (!bus || !cpu || !size) {
            return fail("PCI host bridge's ranges has addresses of neither 1 nor 2 cells",
                        cpu_cells);
        }
        if (space >= first_memory_space && window_count_ < max_windows) {
            windows_[window_count_++] = {.bus = *bus, .cpu = *cpu, .size = *size};
        }
    }
    return {};
}

fdt::Region HostBridge::bus_config(std::uint8_t bus) const
{
    return {config({.bus = bus}), bytes_per_bus};
}

std::uint64_t HostBridge::config(Address address) const
{
    const Address first{.bus = first_bus_};
    return ecam_.base + (address.requester_id() - first.requester_id()) * bytes_per_function;
}

// An address on the bus: the one the BAR has where that is reached, else the next free one.
Result<std::uint64_t> HostBridge::place(const MemoryBar& bar)
{
    constexpr std::uint64_t address_limit_32 = std::uint64_t{1} << 32;
    for (Window& window : std::span{windows_}.first(window_count_)) {
        if (bar.address != 0 && window.contains(bar.address, bar.size)) {
            window.used = std::max(window.used, bar.address + bar.size - window.bus);
            return bar.address;
        }
    }
    for (Window& window : std::span{windows_}.first(window_count_)) {
        // Not 0, which reads as an address that nobody has given.
        const std::uint64_t lowest = std::max(window.bus + window.used, std::uint64_t{1});
        const std::uint64_t address = (lowest + bar.size - 1) & ~(bar.size - 1);
        if (window.contains(address, bar.size) &&
            (bar.wide || address + bar.size <= address_limit_32)) {
            window.used = address + bar.size - window.bus;
            return address;
        }
    }
    return fail("PCI host bridge has no room for a BAR of this size", bar.size);
}

std::uint64_t HostBridge::cpu_address(std::uint64_t bus_address) const
{
    const auto* window = std::ranges::find_if(
        windows_, [&](const Window& candidate) { return candidate.contains(bus_address, 1); });
    return window->cpu + (bus_address - window->bus);
}

Result<fdt::InterruptSpecifier> HostBridge::interrupt(Address address, unsigned pin) const
{
    const std::uint32_t source[]{PhysHi{}.with(PhysHi::REQUESTER_ID, address.requester_id()).raw, 0,
                                 0, pin};
    return node_.map_interrupt(source);
}

Result<MsiTarget> HostBridge::msi_target(Address address) const
{
    const auto target = [&](Result<std::uint32_t> phandle,
                            std::uint32_t device) -> Result<MsiTarget> {
        const auto controller = phandle ? node_.tree().find_phandle(*phandle) : std::nullopt;
        if (!controller) {
            return fail("PCI host bridge's MSI controller not found", phandle.value_or(0));
        }
        return MsiTarget{.controller = controller->offset(), .device = device};
    };
    const auto map = node_.property("msi-map");
    if (!map) {
        const auto parent = node_.property("msi-parent");
        return parent ? target(parent->cell(), address.requester_id())
                      : fail("PCI host bridge without msi-map and msi-parent");
    }
    const auto mask = node_.property("msi-map-mask");
    const std::uint32_t requester =
        address.requester_id() & (mask ? mask->cell().value_or(~0U) : ~0U);
    // Entries: first requester, controller, what it is called there, how many.
    constexpr std::size_t entry = 4;
    for (std::size_t at = 0; at + entry <= map->cells(); at += entry) {
        const std::uint32_t first = *map->cell(at);
        if (requester >= first && requester - first < *map->cell(at + 3)) {
            return target(map->cell(at + 1), *map->cell(at + 2) + (requester - first));
        }
    }
    return fail("PCI host bridge's msi-map does not have the function", requester);
}

}  // namespace pci
