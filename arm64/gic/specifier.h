// SPDX-License-Identifier: MIT
//
// Interrupt specifiers of GICv2 and GICv3 in a device tree: <type number flags>.
// Binding: Linux Documentation/devicetree/bindings/interrupt-controller/arm,gic{,-v3}.yaml
#pragma once

#include "arm64/gic/interrupt_bank.h"
#include "lib/base/result.h"
#include "lib/irq/irq.h"

#include <cstdint>
#include <span>

namespace gic {

// Polarity and, on GICv2, the CPU mask in the flags say nothing about the number.
[[nodiscard]] constexpr Result<irq::Id> interrupt_id(std::span<const std::uint32_t> cells)
{
    constexpr std::uint32_t spi = 0;
    constexpr std::uint32_t ppi = 1;
    constexpr std::uint32_t ppi_count = 16;
    constexpr std::uint32_t spi_count = 988;
    if (cells.size() < 3) {
        return fail("interrupt specifier for a GIC has fewer than three cells", cells.size());
    }
    if (cells[0] == spi && cells[1] < spi_count) {
        return irq::Id{first_spi + cells[1]};
    }
    if (cells[0] == ppi && cells[1] < ppi_count) {
        return irq::Id{first_ppi + cells[1]};
    }
    return fail("interrupt specifier for a GIC names neither an SPI nor a PPI", cells[1]);
}

}  // namespace gic
