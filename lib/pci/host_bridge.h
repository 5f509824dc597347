// SPDX-License-Identifier: MIT
//
// The host bridge of a PCI bus as a `pci-host-ecam-generic` node describes it: where the functions'
// configuration space and memory are, and where their interrupts go.
// Bindings: Linux Documentation/devicetree/bindings/pci/{host-generic-pci.yaml,pci-msi.txt};
// PCI Bus Binding to IEEE 1275, revision 2.1.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/pci/function.h"

#include <array>
#include <cstdint>

namespace pci {

// Addresses of the CPU that reach memory of the bus.
struct Window {
    std::uint64_t bus;
    std::uint64_t cpu;
    std::uint64_t size;
    std::uint64_t used = 0;  // from the start

    [[nodiscard]] constexpr bool contains(std::uint64_t address, std::uint64_t bytes) const
    {
        return address >= bus && bytes <= size && address - bus <= size - bytes;
    }
};

// Where a function's MSIs go: the controller's node, and what they are called there.
struct MsiTarget {
    int controller;  // Tree::at()
    std::uint32_t device;
};

class HostBridge {
public:
    // Reads the node. Errors name the property that is missing or wrong.
    [[nodiscard]] static Result<HostBridge> open(fdt::Node node);

    [[nodiscard]] std::uint8_t first_bus() const { return first_bus_; }
    // The configuration space of a bus; of a function.
    [[nodiscard]] fdt::Region bus_config(std::uint8_t bus) const;
    [[nodiscard]] std::uint64_t config(Address address) const;

    // Gives a function's BAR an address, unless it has one that the CPU reaches, and enables the
    // function. The result is where the CPU finds it. Errors: those of memory_bar(); no room.
    template <typename Io>
    [[nodiscard]] Result<fdt::Region> assign(const Function<Io>& function, unsigned index)
    {
        const auto bar = function.memory_bar(index);
        if (!bar) {
            return std::unexpected{bar.error()};
        }
        const auto address = place(*bar);
        if (!address) {
            return std::unexpected{address.error()};
        }
        function.set_address(*bar, *address);
        function.enable();
        return fdt::Region{cpu_address(*address), bar->size};
    }

    // Where the INTx of a function goes. Errors: those of fdt::Node::map_interrupt().
    [[nodiscard]] Result<fdt::InterruptSpecifier> interrupt(Address address, unsigned pin) const;
    // Where its MSIs go: by `msi-map`, or to `msi-parent` under its requester ID.
    [[nodiscard]] Result<MsiTarget> msi_target(Address address) const;

private:
    explicit HostBridge(fdt::Node node) : node_{node} {}

    [[nodiscard]] Result<> read_windows();
    [[nodiscard]] Result<std::uint64_t> place(const MemoryBar& bar);
    [[nodiscard]] std::uint64_t cpu_address(std::uint64_t bus_address) const;

    static constexpr std::size_t max_windows = 4;

    fdt::Node node_;
    fdt::Region ecam_{};
    std::uint8_t first_bus_ = 0;
    std::array<Window, max_windows> windows_{};
    std::size_t window_count_ = 0;
};

}  // namespace pci
