// SPDX-License-Identifier: MIT
#include "lib/acpi/madt.h"

namespace acpi {

namespace {

constexpr std::size_t address_offset = 36;
constexpr std::size_t flags_offset = 40;
constexpr std::size_t first_entry = 44;

constexpr unsigned local_apic = 0;
constexpr unsigned io_apic = 1;
constexpr unsigned source_override = 2;
constexpr unsigned local_nmi = 4;
constexpr unsigned address_override = 5;
constexpr unsigned local_x2apic = 9;
constexpr unsigned local_x2apic_nmi = 10;

// The least size of the entries that are read; of others there is only the header.
constexpr std::size_t least_size(unsigned type)
{
    switch (type) {
    case local_apic:
        return 8;
    case io_apic:
        return 12;
    case source_override:
        return 10;
    case local_nmi:
        return 6;
    case address_override:
        return 12;
    case local_x2apic:
        return 16;
    case local_x2apic_nmi:
        return 12;
    default:
        return 2;
    }
}

}  // namespace

Signalling Signalling::from_flags(std::uint16_t flags)
{
    return {.polarity = static_cast<Polarity>(flags & 3U),
            .trigger = static_cast<Trigger>(flags >> 2 & 3U)};
}

Result<Madt> Madt::open(const Table& table)
{
    if (table.signature() != "APIC") {
        return fail("not a MADT");
    }
    const View bytes = table.bytes();
    if (bytes.size() < first_entry) {
        return fail("the MADT is too short", bytes.size());
    }
    for (std::size_t offset = first_entry; offset < bytes.size();) {
        const unsigned type = bytes.number<std::uint8_t>(offset);
        const std::size_t length = bytes.number<std::uint8_t>(offset + 1);
        if (length < least_size(type)) {
            return fail("an entry of the MADT is shorter than its type", offset);
        }
        if (!bytes.holds(offset, length)) {
            return fail("an entry of the MADT is beyond its end", offset);
        }
        offset += length;
    }
    return Madt{bytes};
}

void Madt::for_each_entry(FunctionRef<void(unsigned, const View&)> visit) const
{
    for (std::size_t offset = first_entry; offset < bytes_.size();) {
        const std::size_t length = bytes_.number<std::uint8_t>(offset + 1);
        visit(bytes_.number<std::uint8_t>(offset), bytes_.part(offset, length));
        offset += length;
    }
}

std::uint64_t Madt::local_apic_address() const
{
    std::uint64_t address = bytes_.number<std::uint32_t>(address_offset);
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == address_override) {
            address = entry.number<std::uint64_t>(4);
        }
    });
    return address;
}

bool Madt::has_legacy_pics() const
{
    return (bytes_.number<std::uint32_t>(flags_offset) & 1U) != 0;
}

void Madt::for_each_processor(FunctionRef<void(const Processor&)> visit) const
{
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == local_apic) {
            const auto flags = entry.number<std::uint32_t>(4);
            visit({.uid = entry.number<std::uint8_t>(2),
                   .apic_id = entry.number<std::uint8_t>(3),
                   .enabled = (flags & 1U) != 0,
                   .online_capable = (flags & 2U) != 0,
                   .x2apic = false});
        } else if (type == local_x2apic) {
            const auto flags = entry.number<std::uint32_t>(8);
            visit({.uid = entry.number<std::uint32_t>(12),
                   .apic_id = entry.number<std::uint32_t>(4),
                   .enabled = (flags & 1U) != 0,
                   .online_capable = (flags & 2U) != 0,
                   .x2apic = true});
        }
    });
}

void Madt::for_each_io_apic(FunctionRef<void(const IoApic&)> visit) const
{
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == io_apic) {
            visit({.id = entry.number<std::uint8_t>(2),
                   .address = entry.number<std::uint32_t>(4),
                   .first_gsi = entry.number<std::uint32_t>(8)});
        }
    });
}

void Madt::for_each_override(FunctionRef<void(const SourceOverride&)> visit) const
{
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == source_override) {
            visit({.source = entry.number<std::uint8_t>(3),
                   .gsi = entry.number<std::uint32_t>(4),
                   .signalling = Signalling::from_flags(entry.number<std::uint16_t>(8))});
        }
    });
}

void Madt::for_each_local_nmi(FunctionRef<void(const LocalNmi&)> visit) const
{
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == local_nmi) {
            const auto uid = entry.number<std::uint8_t>(2);
            visit({.uid = uid == 0xff ? every_processor : std::uint32_t{uid},
                   .pin = entry.number<std::uint8_t>(5),
                   .signalling = Signalling::from_flags(entry.number<std::uint16_t>(3))});
        } else if (type == local_x2apic_nmi) {
            visit({.uid = entry.number<std::uint32_t>(4),
                   .pin = entry.number<std::uint8_t>(8),
                   .signalling = Signalling::from_flags(entry.number<std::uint16_t>(2))});
        }
    });
}

}  // namespace acpi
