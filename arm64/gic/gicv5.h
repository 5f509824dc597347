// SPDX-License-Identifier: MIT
//
// This machine's GICv5: the CPU interface, and where the device tree has them the routing services
// (IRS) with SPIs and LPIs, translation services (ITS) and wire bridges (IWB).
// Arm GIC Architecture Specification, GICv5 (AES 0070).
//
// A machine may offer the CPU interface alone: then there are PPIs and nothing else, and no
// inter-processor interrupts. irq::Controller is enough for most; the accessors give single
// registers and tables to a test:
//
//     gicv5::cpu_interface().set_pending(gicv5::sw_ppi)
//     gicv5::commands().set_pending(gicv5::lpi(number))
//     gicv5::cpu_interface().io().read<gicv5::ICC_APR_EL1>()
#pragma once

#include "arm64/gic/gicv5/commands.h"
#include "arm64/gic/gicv5/cpu_interface.h"
#include "arm64/gic/gicv5/irs.h"
#include "arm64/gic/gicv5/ist.h"
#include "arm64/gic/gicv5/its.h"
#include "arm64/gic/gicv5/iwb.h"
#include "arm64/gic/gicv5/table_memory.h"
#include "lib/base/mmio.h"
#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/irq/irq.h"

#include <optional>
#include <span>

namespace gicv5 {

// Brings up what is below an arm,gic-v5 node and offers the capabilities of the parts, or says why
// not; init_cpu() of what it returns makes the calling CPU ready. Error: no CPU interface. A part
// that does not work leaves the others usable.
[[nodiscard]] Result<irq::Controller*> start(const fdt::Node& node);
// What is said of the parts' capabilities on a machine without a GICv5.
void report_absent(const char* reason);

// A device's interrupt, made ready to be enabled: an SPI gets the trigger mode its specifier has.
// Errors: a malformed specifier, an SPI that no IRS has.
[[nodiscard]] Result<irq::Id> prepare_interrupt(std::span<const std::uint32_t> cells);

[[nodiscard]] constexpr CpuInterface<sysreg::Provider> cpu_interface()
{
    return {};
}
[[nodiscard]] constexpr Commands<sysreg::Provider> commands()
{
    return {};
}

// Empty on a machine that has CPU interfaces only. LPIs are set up at the first one.
[[nodiscard]] std::span<const Irs<Mmio>> routing_services();
// The IRS that has an SPI.
[[nodiscard]] const Irs<Mmio>* routing_service_of(std::uint32_t spi_number);
[[nodiscard]] std::optional<SetLpiFrame<Mmio>> setlpi_frame();

struct TranslationService {
    Its<Mmio, TableMemory> its;
    std::uint64_t translater;  // where a device writes its EventIDs; 0: nothing tells
};
[[nodiscard]] std::span<const TranslationService> translation_services();

struct WireBridge {
    Iwb<Mmio> iwb;
    std::uint32_t device;  // its events' DeviceID at the ITS
};
[[nodiscard]] std::span<const WireBridge> wire_bridges();

// The table of this machine's LPIs: with gicv5_lpi.
using LpiTable = InterruptStateTable<Mmio, TableMemory>;
[[nodiscard]] LpiTable& lpi_table();
[[nodiscard]] TableMemory table_memory();

// The first of `count` consecutive LPIs that nobody else uses, their entries mapped.
[[nodiscard]] Result<std::uint32_t> allocate_lpis(unsigned count);
void free_lpis(std::uint32_t first, unsigned count);

// What the IRS keeps for the inter-processor interrupts of every online CPU, written again: after a
// test has put another table in the place of lpi_table().
void restore_ipis();

}  // namespace gicv5
