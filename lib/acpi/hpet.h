// SPDX-License-Identifier: MIT
//
// The table of a high precision event timer, "HPET" (IA-PC HPET Specification 1.0a, 3.2.4).
#pragma once

#include "lib/acpi/tables.h"

namespace acpi {

struct Hpet {
    std::uint32_t event_timer_block_id = 0;  // the low half of the timer's capabilities register
    GenericAddress registers;
    std::uint8_t number = 0;
    std::uint16_t minimum_tick = 0;  // of a periodic timer, in ticks of the counter

    // Errors: another table; too short; registers that are not in memory.
    [[nodiscard]] static Result<Hpet> open(const Table& table)
    {
        if (table.signature() != "HPET") {
            return fail("not an HPET table");
        }
        const View bytes = table.bytes();
        if (bytes.size() < 56) {
            return fail("the HPET table is too short", bytes.size());
        }
        const Hpet hpet{.event_timer_block_id = bytes.number<std::uint32_t>(36),
                        .registers = GenericAddress::read(bytes, 40),
                        .number = bytes.number<std::uint8_t>(52),
                        .minimum_tick = bytes.number<std::uint16_t>(53)};
        if (hpet.registers.space != GenericAddress::Space::memory || !hpet.registers.there()) {
            return fail("the HPET's registers are not in memory", hpet.registers.address);
        }
        return hpet;
    }
};

}  // namespace acpi
