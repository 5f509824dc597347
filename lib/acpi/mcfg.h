// SPDX-License-Identifier: MIT
//
// The table of PCI Express configuration space in memory, "MCFG" (PCI Firmware Specification 3.3,
// 4.1.2).
#pragma once

#include "lib/acpi/tables.h"

namespace acpi {

class Mcfg {
public:
    // Configuration space of the buses [first_bus, last_bus] of a segment group. Bus `b` of it is
    // at base + (b << 20): the base is that of bus 0 even where that is not among them.
    struct Allocation {
        std::uint64_t base;
        std::uint16_t segment;
        std::uint8_t first_bus;
        std::uint8_t last_bus;
    };

    // Errors: another table; too short; an allocation whose last bus is before its first.
    [[nodiscard]] static Result<Mcfg> open(const Table& table)
    {
        if (table.signature() != "MCFG") {
            return fail("not an MCFG table");
        }
        const Mcfg mcfg{table.bytes()};
        if (table.bytes().size() < first_allocation) {
            return fail("the MCFG table is too short", table.bytes().size());
        }
        for (std::size_t i = 0; i < mcfg.count(); ++i) {
            if (mcfg.at(i).last_bus < mcfg.at(i).first_bus) {
                return fail("an allocation of the MCFG has no buses", i);
            }
        }
        return mcfg;
    }

    [[nodiscard]] std::size_t count() const
    {
        return (bytes_.size() - first_allocation) / allocation_size;
    }
    [[nodiscard]] Allocation at(std::size_t index) const
    {
        const std::size_t offset = first_allocation + index * allocation_size;
        return {.base = bytes_.number<std::uint64_t>(offset),
                .segment = bytes_.number<std::uint16_t>(offset + 8),
                .first_bus = bytes_.number<std::uint8_t>(offset + 10),
                .last_bus = bytes_.number<std::uint8_t>(offset + 11)};
    }

private:
    static constexpr std::size_t first_allocation = 44;
    static constexpr std::size_t allocation_size = 16;

    explicit Mcfg(View bytes) : bytes_{bytes} {}

    View bytes_;
};

}  // namespace acpi
