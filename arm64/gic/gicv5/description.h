// SPDX-License-Identifier: MIT
//
// What the device tree says of a GICv5, checked: frames, CPUs, coherency. Binding: Linux
// Documentation/devicetree/bindings/interrupt-controller/arm,gic-v5{,-iwb}.yaml
//
// Tolerated, as VMMs have it: more `reg` entries than names (kvmtool), no children at all (a VM
// with a CPU interface only). Everything else that contradicts the binding is an Error that names
// it.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"

#include <cstdint>
#include <optional>

namespace gicv5 {

inline constexpr std::uint64_t frame_size = 0x10000;

struct IrsDescription {
    fdt::Region config;
    std::optional<fdt::Region> setlpi;
    unsigned cpu_count;  // that it serves
    bool coherent;
};

struct ItsDescription {
    fdt::Region config;
    std::optional<fdt::Region> translate;  // the first frame that devices write to
    bool coherent;
};

// An IWB's wires are events of one device of an ITS.
struct IwbDescription {
    fdt::Region config;
    std::uint32_t device;
};

// Of an arm,gic-v5-irs, arm,gic-v5-its, arm,gic-v5-iwb node.
[[nodiscard]] Result<IrsDescription> describe_irs(const fdt::Node& node);
[[nodiscard]] Result<ItsDescription> describe_its(const fdt::Node& node);
[[nodiscard]] Result<IwbDescription> describe_iwb(const fdt::Node& node);

// The IAFFID that the IRS nodes below `gic` give the CPU whose `reg` is `hardware_id`. Error: none
// of them names that CPU.
[[nodiscard]] Result<std::uint16_t> described_iaffid(const fdt::Node& gic,
                                                     std::uint64_t hardware_id);

// SPIs from this one on are not named by any device: not in `interrupts` or `interrupts-extended`,
// and by no number in an interrupt-map.
[[nodiscard]] std::uint32_t first_unnamed_spi(const fdt::Tree& tree);

}  // namespace gicv5
