// SPDX-License-Identifier: MIT
//
// The multiple APIC description table, "APIC" (ACPI Specification 6.5, 5.2.12): processors, I/O
// APICs and how they are wired. open() checks every entry; after that nothing can fail.
#pragma once

#include "lib/acpi/tables.h"
#include "lib/base/function_ref.h"

namespace acpi {

// How an interrupt is signalled (MPS INTI flags, 5.2.12.5).
struct Signalling {
    enum class Polarity : std::uint8_t { of_bus = 0, high = 1, low = 3 };
    enum class Trigger : std::uint8_t { of_bus = 0, edge = 1, level = 3 };

    Polarity polarity{};
    Trigger trigger{};

    [[nodiscard]] static Signalling from_flags(std::uint16_t flags);
    friend bool operator==(const Signalling&, const Signalling&) = default;
};

class Madt {
public:
    // A processor's local APIC (type 0) or local x2APIC (type 9).
    struct Processor {
        std::uint32_t uid;
        std::uint32_t apic_id;
        bool enabled;         // can be used now
        bool online_capable;  // if not enabled: it may come later
        bool x2apic;          // described by a type 9 entry
    };
    struct IoApic {  // type 1
        std::uint8_t id;
        std::uint32_t address;
        std::uint32_t first_gsi;
    };
    struct SourceOverride {  // type 2: an ISA interrupt that is not the GSI of its number
        std::uint8_t source;
        std::uint32_t gsi;
        Signalling signalling;
    };
    struct LocalNmi {       // types 4 and 10
        std::uint32_t uid;  // all ones: every processor
        unsigned pin;       // LINT0 or LINT1
        Signalling signalling;
    };

    static constexpr std::uint32_t every_processor = 0xffff'ffff;

    // Errors: another table; an entry shorter than its type or beyond the end.
    [[nodiscard]] static Result<Madt> open(const Table& table);

    // Of the local APICs; type 5 overrides the table's own field.
    [[nodiscard]] std::uint64_t local_apic_address() const;
    // PCAT_COMPAT: there are two 8259 as well, to be masked.
    [[nodiscard]] bool has_legacy_pics() const;

    // In the table's order.
    void for_each_processor(FunctionRef<void(const Processor&)> visit) const;
    void for_each_io_apic(FunctionRef<void(const IoApic&)> visit) const;
    void for_each_override(FunctionRef<void(const SourceOverride&)> visit) const;
    void for_each_local_nmi(FunctionRef<void(const LocalNmi&)> visit) const;

private:
    explicit Madt(View bytes) : bytes_{bytes} {}
    void for_each_entry(FunctionRef<void(unsigned type, const View& entry)> visit) const;

    View bytes_;
};

}  // namespace acpi
