// SPDX-License-Identifier: MIT
//
// How the machine's interrupt wires lead to I/O APICs, whichever table says so: global system
// interrupts (GSIs) are numbered over all I/O APICs, ISA interrupts are GSIs of the same number
// except where an override says otherwise (ACPI Specification 6.5, 5.2.13).
#pragma once

#include "lib/acpi/madt.h"
#include "lib/acpi/mp_table.h"

#include <array>
#include <cstdint>
#include <span>

namespace apic {

struct Wiring {
    struct Chip {
        std::uint64_t address;
        std::uint32_t first_gsi;  // MP table: counted up in its order once the chips are known
    };
    struct IsaInterrupt {
        std::uint32_t gsi = 0;
        bool level = false;
        bool active_low = false;
    };

    static constexpr unsigned isa_count = 16;
    static constexpr std::size_t max_chips = 8;

    // ISA interrupts are edge-triggered and active high, where nobody says otherwise.
    constexpr Wiring()
    {
        for (unsigned number = 0; number < isa_count; ++number) {
            isa[number].gsi = number;
        }
    }

    [[nodiscard]] static Wiring from(const acpi::Madt& madt)
    {
        Wiring wiring;
        madt.for_each_io_apic([&](const acpi::Madt::IoApic& io_apic) {
            wiring.add({.address = io_apic.address, .first_gsi = io_apic.first_gsi});
        });
        madt.for_each_override([&](const acpi::Madt::SourceOverride& override) {
            wiring.connect(override.source, override.gsi, override.signalling);
        });
        return wiring;
    }

    // The wires of the first I/O APIC that the table has: those of others have no numbers here.
    [[nodiscard]] static Wiring from(const acpi::MpTable& table)
    {
        Wiring wiring;
        std::uint8_t first_id = 0;
        table.for_each_io_apic([&](const acpi::MpTable::IoApic& io_apic) {
            if (io_apic.enabled && wiring.chip_count == 0) {
                first_id = io_apic.id;
                wiring.add({.address = io_apic.address, .first_gsi = 0});
            }
        });
        unsigned isa_bus = 0x100;
        table.for_each_bus([&](const acpi::MpTable::Bus& bus) {
            if (bus.type == "ISA") {
                isa_bus = bus.id;
            }
        });
        table.for_each_io_interrupt([&](const acpi::MpTable::Interrupt& wire) {
            if (wire.kind == acpi::MpTable::Interrupt::Kind::vectored &&
                wire.source_bus == isa_bus &&
                (wire.destination == first_id || wire.destination == 0xff)) {
                wiring.connect(wire.source, wire.pin, wire.signalling);
            }
        });
        return wiring;
    }

    [[nodiscard]] std::span<const Chip> chips() const { return std::span{chip}.first(chip_count); }

    // How a GSI is signalled: as its ISA interrupt is, else as those of PCI are: level, active low.
    [[nodiscard]] IsaInterrupt signalling_of(std::uint32_t gsi) const
    {
        for (const IsaInterrupt& interrupt : isa) {
            if (interrupt.gsi == gsi) {
                return interrupt;
            }
        }
        // The ISA interrupt of this number was led elsewhere.
        const bool pci = gsi >= isa_count;
        return {.gsi = gsi, .level = pci, .active_low = pci};
    }

    std::array<IsaInterrupt, isa_count> isa{};
    std::array<Chip, max_chips> chip{};
    std::size_t chip_count = 0;

private:
    void add(const Chip& found)
    {
        if (chip_count < max_chips) {
            chip[chip_count++] = found;
        }
    }
    void connect(unsigned source, std::uint32_t gsi, acpi::Signalling signalling)
    {
        if (source < isa_count) {
            isa[source] = {.gsi = gsi,
                           .level = signalling.trigger == acpi::Signalling::Trigger::level,
                           .active_low = signalling.polarity == acpi::Signalling::Polarity::low};
        }
    }
};

}  // namespace apic
