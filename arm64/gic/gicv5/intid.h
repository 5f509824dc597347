// SPDX-License-Identifier: MIT
//
// GICv5 interrupt numbers: type and ID in one word. Arm GIC Architecture Specification, GICv5
// (AES 0070), "INTID". IDs count from 0 in every type; there is no offset as in GICv2 and GICv3.
#pragma once

#include "lib/base/register.h"
#include "lib/base/result.h"
#include "lib/irq/irq.h"

#include <cstdint>
#include <span>

namespace gicv5 {

struct Intid : Bits<Intid, std::uint32_t> {
    static constexpr Field TYPE{31, 29};
    static constexpr Field ID{23, 0};
};

enum class IntidType : std::uint8_t { ppi = 1, lpi = 2, spi = 3 };

// What makes an interrupt pending: an event, or the state of a wire. As ICC_ICSR_EL1.HM,
// IRS_SPI_CFGR.TM and the operand of CDHM have it.
enum class HandlingMode : std::uint8_t { edge = 0, level = 1 };

// 0 to 63 are the architecture's, which has a meaning for some of 0 to 31 so far; the others are
// the implementation's.
inline constexpr unsigned ppi_count = 128;

// PPIs that the architecture gives a meaning to. SW_PPI, which software raises on its own CPU, is
// the only edge-triggered one of them.
inline constexpr unsigned sw_ppi = 3;
inline constexpr unsigned pmu_ppi = 23;    // PMUIRQ
inline constexpr unsigned cnthp_ppi = 26;  // EL2 physical timer
inline constexpr unsigned cntv_ppi = 27;   // EL1 virtual timer
inline constexpr unsigned cnthv_ppi = 28;  // EL2 virtual timer
inline constexpr unsigned cntp_ppi = 30;   // EL1 physical timer

[[nodiscard]] constexpr irq::Id intid(IntidType type, std::uint32_t id)
{
    return {Intid{}.with(Intid::TYPE, static_cast<std::uint32_t>(type)).with(Intid::ID, id).raw};
}
[[nodiscard]] constexpr irq::Id ppi(unsigned number)
{
    return intid(IntidType::ppi, number);
}
[[nodiscard]] constexpr irq::Id lpi(std::uint32_t number)
{
    return intid(IntidType::lpi, number);
}
[[nodiscard]] constexpr irq::Id spi(std::uint32_t number)
{
    return intid(IntidType::spi, number);
}
[[nodiscard]] constexpr bool is_a(IntidType type, irq::Id id)
{
    return Intid::from(id.value)[Intid::TYPE] == static_cast<std::uint32_t>(type);
}
[[nodiscard]] constexpr bool is_ppi(irq::Id id)
{
    return is_a(IntidType::ppi, id);
}
[[nodiscard]] constexpr std::uint32_t number(irq::Id id)
{
    return Intid::from(id.value)[Intid::ID];
}

// A device's interrupt as its device tree node tells it.
struct DeviceInterrupt {
    irq::Id id;
    HandlingMode mode;  // of an SPI's wire; for a PPI it is advice: ICC_PPI_HMR_EL1 has the truth
};

// Device tree specifier <type id flags>: types as in INTIDs, flags 1 and 2 for edges, 4 and 8 for
// levels. Binding: Linux Documentation/devicetree/bindings/interrupt-controller/arm,gic-v5.yaml
[[nodiscard]] constexpr Result<DeviceInterrupt>
device_interrupt(std::span<const std::uint32_t> cells)
{
    if (cells.size() < 3) {
        return fail("interrupt specifier for a GICv5 has fewer than three cells", cells.size());
    }
    const auto type = static_cast<IntidType>(cells[0]);
    if (cells[0] > 3 || (type != IntidType::ppi && type != IntidType::spi)) {
        return fail("interrupt specifier for a GICv5 names neither a PPI nor an SPI", cells[0]);
    }
    if (type == IntidType::ppi && cells[1] >= ppi_count) {
        return fail("interrupt specifier for a GICv5 names a PPI beyond 127", cells[1]);
    }
    if (cells[1] > Intid::ID.mask()) {
        return fail("interrupt specifier for a GICv5 has an ID of more than 24 bits", cells[1]);
    }
    constexpr std::uint32_t edges = 0x1 | 0x2;
    const auto mode = (cells[2] & edges) != 0 ? HandlingMode::edge : HandlingMode::level;
    return DeviceInterrupt{.id = intid(type, cells[1]), .mode = mode};
}
[[nodiscard]] constexpr Result<irq::Id> interrupt_id(std::span<const std::uint32_t> cells)
{
    const auto interrupt = device_interrupt(cells);
    if (!interrupt) {
        return std::unexpected{interrupt.error()};
    }
    return interrupt->id;
}

}  // namespace gicv5
