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

inline constexpr unsigned ppi_count = 128;  // 0 to 63 have an architected meaning

[[nodiscard]] constexpr irq::Id intid(IntidType type, std::uint32_t id)
{
    return {Intid{}.with(Intid::TYPE, static_cast<std::uint32_t>(type)).with(Intid::ID, id).raw};
}
[[nodiscard]] constexpr irq::Id ppi(unsigned number)
{
    return intid(IntidType::ppi, number);
}
[[nodiscard]] constexpr bool is_ppi(irq::Id id)
{
    return Intid::from(id.value)[Intid::TYPE] == static_cast<std::uint32_t>(IntidType::ppi);
}
[[nodiscard]] constexpr unsigned number(irq::Id id)
{
    return Intid::from(id.value)[Intid::ID];
}

// The PPI that software raises on its own CPU. The only architected one that is edge-triggered.
inline constexpr unsigned sw_ppi = 3;

// Device tree specifier <type id flags>: types as in INTIDs. The mode of a PPI is fixed, its flags
// are advice. Binding: Linux Documentation/devicetree/bindings/interrupt-controller/arm,gic-v5.yaml
[[nodiscard]] constexpr Result<irq::Id> interrupt_id(std::span<const std::uint32_t> cells)
{
    if (cells.size() < 3) {
        return fail("interrupt specifier for a GICv5 has fewer than three cells", cells.size());
    }
    if (cells[0] != static_cast<std::uint32_t>(IntidType::ppi)) {
        return fail("interrupt specifier for a GICv5 is not of a PPI, the type with a driver",
                    cells[0]);
    }
    if (cells[1] >= ppi_count) {
        return fail("interrupt specifier for a GICv5 names a PPI beyond 127", cells[1]);
    }
    return ppi(cells[1]);
}

}  // namespace gicv5
