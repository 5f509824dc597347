// SPDX-License-Identifier: MIT
#include "lib/acpi/mp_table.h"

namespace acpi {

namespace {

constexpr std::string_view pointer_signature = "_MP_";
constexpr std::size_t pointer_unit = 16;  // the pointer's length is counted in
constexpr std::size_t header_size = 44;

constexpr unsigned processor = 0;
constexpr unsigned bus = 1;
constexpr unsigned io_apic = 2;
constexpr unsigned io_interrupt = 3;
constexpr unsigned local_interrupt = 4;

// 4.3: processors have 20 bytes, everything else 8.
constexpr std::size_t entry_size(unsigned type)
{
    return type == processor ? 20 : 8;
}

std::string_view without_blanks(std::string_view text)
{
    const std::size_t last = text.find_last_not_of(std::string_view{" \0", 2});
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

MpTable::Interrupt interrupt(const View& entry)
{
    return {.kind = static_cast<MpTable::Interrupt::Kind>(entry.number<std::uint8_t>(1)),
            .signalling = Signalling::from_flags(entry.number<std::uint16_t>(2)),
            .source_bus = entry.number<std::uint8_t>(4),
            .source = entry.number<std::uint8_t>(5),
            .destination = entry.number<std::uint8_t>(6),
            .pin = entry.number<std::uint8_t>(7)};
}

Result<View> read_pointer(const Memory& memory, std::uint64_t address)
{
    const auto first = memory.at(address, pointer_unit);
    if (!first) {
        return first;
    }
    if (first->text(0, pointer_signature.size()) != pointer_signature) {
        return fail("no MP floating pointer where one should be", address);
    }
    const std::size_t length = first->number<std::uint8_t>(8) * pointer_unit;
    if (length == 0) {
        return fail("the MP floating pointer has no length", address);
    }
    auto whole = memory.at(address, length);
    if (whole && whole->sum() != 0) {
        return fail("the MP floating pointer's checksum is wrong", address);
    }
    return whole;
}

}  // namespace

Result<MpTable> MpTable::find(const Memory& memory)
{
    const auto valid = [&](std::uint64_t address) {
        return read_pointer(memory, address).has_value();
    };
    struct Area {
        std::uint64_t begin;
        std::uint64_t end;
    };
    // The last KiB of 640, and of 639 where the extended BIOS data area is above: Firecracker and
    // crosvm have the pointer at its begin. Then read-only memory.
    constexpr Area areas[]{{0x9'f800, 0xa'0000}, {0xe'0000, bios_end}};
    const auto named = extended_bios_data_area(memory);
    if (named) {
        if (const auto found = scan(memory, *named, *named + kibibyte, pointer_signature, valid)) {
            return open(memory, *found);
        }
    }
    for (const Area& area : areas) {
        if (const auto found = scan(memory, area.begin, area.end, pointer_signature, valid)) {
            return open(memory, *found);
        }
    }
    return fail("no MP table: no floating pointer");
}

Result<MpTable> MpTable::open(const Memory& memory, std::uint64_t address)
{
    const auto pointer = read_pointer(memory, address);
    if (!pointer) {
        return std::unexpected{pointer.error()};
    }
    const auto table = pointer->number<std::uint32_t>(4);
    if (table == 0) {
        return fail("the MP floating pointer has no table but a default configuration",
                    pointer->number<std::uint8_t>(11));
    }
    const auto header = memory.at(table, header_size);
    if (!header) {
        return std::unexpected{header.error()};
    }
    if (header->text(0, 4) != "PCMP") {
        return fail("the MP floating pointer does not point to an MP table", table);
    }
    const std::size_t length = header->number<std::uint16_t>(4);
    if (length < header_size) {
        return fail("the MP table's length is wrong", length);
    }
    const auto bytes = memory.at(table, length);
    if (!bytes) {
        return std::unexpected{bytes.error()};
    }
    if (bytes->sum() != 0) {
        return fail("the MP table's checksum is wrong", table);
    }
    const MpTable opened{address, *bytes, (pointer->number<std::uint8_t>(12) & 0x80U) != 0};
    for (std::size_t offset = header_size; offset < length;) {
        const unsigned type = bytes->number<std::uint8_t>(offset);
        if (type > local_interrupt) {
            return fail("an entry of the MP table has no known type", type);
        }
        if (!bytes->holds(offset, entry_size(type))) {
            return fail("an entry of the MP table is beyond its end", offset);
        }
        offset += entry_size(type);
    }
    return opened;
}

void MpTable::for_each_entry(FunctionRef<void(unsigned, const View&)> visit) const
{
    for (std::size_t offset = header_size; offset < bytes_.size();) {
        const unsigned type = bytes_.number<std::uint8_t>(offset);
        visit(type, bytes_.part(offset, entry_size(type)));
        offset += entry_size(type);
    }
}

std::uint32_t MpTable::local_apic_address() const
{
    return bytes_.number<std::uint32_t>(36);
}

unsigned MpTable::stated_count() const
{
    return bytes_.number<std::uint16_t>(34);
}

void MpTable::for_each_processor(FunctionRef<void(const Processor&)> visit) const
{
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == processor) {
            const auto flags = entry.number<std::uint8_t>(3);
            visit({.apic_id = entry.number<std::uint8_t>(1),
                   .enabled = (flags & 1U) != 0,
                   .boot = (flags & 2U) != 0});
        }
    });
}

void MpTable::for_each_bus(FunctionRef<void(const Bus&)> visit) const
{
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == bus) {
            visit({.id = entry.number<std::uint8_t>(1), .type = without_blanks(entry.text(2, 6))});
        }
    });
}

void MpTable::for_each_io_apic(FunctionRef<void(const IoApic&)> visit) const
{
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == io_apic) {
            visit({.id = entry.number<std::uint8_t>(1),
                   .enabled = (entry.number<std::uint8_t>(3) & 1U) != 0,
                   .address = entry.number<std::uint32_t>(4)});
        }
    });
}

void MpTable::for_each_io_interrupt(FunctionRef<void(const Interrupt&)> visit) const
{
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == io_interrupt) {
            visit(interrupt(entry));
        }
    });
}

void MpTable::for_each_local_interrupt(FunctionRef<void(const Interrupt&)> visit) const
{
    for_each_entry([&](unsigned type, const View& entry) {
        if (type == local_interrupt) {
            visit(interrupt(entry));
        }
    });
}

}  // namespace acpi
