// SPDX-License-Identifier: MIT
//
// Whatever firmware left in memory: it is refused, or every view of it stays inside and ends. The
// input is memory as unit/support/physical_memory.h reads it; it is looked at as it is, and once
// more with the checksums made right, which chance never does.

#include "lib/acpi/fadt.h"
#include "lib/acpi/hpet.h"
#include "lib/acpi/madt.h"
#include "lib/acpi/mcfg.h"
#include "lib/acpi/mp_table.h"
#include "lib/acpi/tables.h"
#include "unit/support/physical_memory.h"

#include <cstdlib>

namespace {

void read_madt(const acpi::Table& table)
{
    const auto madt = acpi::Madt::open(table);
    if (!madt) {
        return;
    }
    static_cast<void>(madt->local_apic_address());
    std::size_t entries = 0;
    madt->for_each_processor([&](const auto&) { ++entries; });
    madt->for_each_io_apic([&](const auto&) { ++entries; });
    madt->for_each_override([&](const auto&) { ++entries; });
    madt->for_each_local_nmi([&](const auto&) { ++entries; });
    if (entries > table.bytes().size()) {
        std::abort();
    }
}

void read_tables(const acpi::Memory& memory)
{
    const auto tables = acpi::Tables::open(memory);
    if (!tables) {
        return;
    }
    for (std::size_t i = 0; i < tables->count(); ++i) {
        const auto table = tables->at(i);
        if (!table) {
            continue;
        }
        if (table->bytes().sum() != 0) {
            std::abort();
        }
        read_madt(*table);
        static_cast<void>(acpi::Hpet::open(*table));
        static_cast<void>(acpi::Mcfg::open(*table));
        static_cast<void>(acpi::soft_off_type(*table));
        if (const auto fadt = acpi::Fadt::open(*table)) {
            if (const auto dsdt = acpi::Table::read(memory, fadt->dsdt)) {
                static_cast<void>(acpi::soft_off_type(*dsdt));
            }
        }
    }
}

void read_mp_table(const acpi::Memory& memory)
{
    const auto table = acpi::MpTable::find(memory);
    if (!table) {
        return;
    }
    unsigned entries = 0;
    std::size_t characters = 0;
    table->for_each_processor([&](const auto&) { ++entries; });
    table->for_each_bus([&](const acpi::MpTable::Bus& bus) {
        ++entries;
        for (const char c : bus.type) {
            characters += c != ' ' ? 1 : 0;
        }
    });
    table->for_each_io_apic([&](const auto&) { ++entries; });
    table->for_each_io_interrupt([&](const auto&) { ++entries; });
    table->for_each_local_interrupt([&](const auto&) { ++entries; });
    if (entries > 0xffff / 8 || characters > std::size_t{6} * entries) {
        std::abort();
    }
}

void make_sum_right(std::span<std::byte> bytes, std::size_t place)
{
    if (place < bytes.size()) {
        bytes[place] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[place]) -
                                              acpi::View{bytes}.sum());
    }
}

// A structure by its first bytes.
void make_sums_right(std::span<std::byte> bytes)
{
    const acpi::View view{bytes};
    if (view.text(0, 8) == "RSD PTR ") {
        make_sum_right(bytes.first(std::min<std::size_t>(bytes.size(), 20)), 8);
        make_sum_right(bytes, 32);
    } else if (view.text(0, 4) == "_MP_") {
        make_sum_right(bytes, 10);
    } else if (view.text(0, 4) == "PCMP") {
        make_sum_right(bytes, 7);
    } else {
        make_sum_right(bytes, 9);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    unit::PhysicalMemory memory{std::as_bytes(std::span{data, size})};
    read_tables(memory);
    read_mp_table(memory);
    memory.for_each_piece(make_sums_right);
    read_tables(memory);
    read_mp_table(memory);
    return 0;
}
