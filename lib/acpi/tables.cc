// SPDX-License-Identifier: MIT
#include "lib/acpi/tables.h"

namespace acpi {

namespace {

constexpr std::string_view pointer_signature = "RSD PTR ";
constexpr std::size_t first_pointer_size = 20;  // of ACPI 1.0; its checksum is over these alone
constexpr std::size_t pointer_size = 36;
constexpr std::uint64_t pointer_area = 0xe0000;

// Longer than any table there is: a length beyond it is not one.
constexpr std::uint32_t longest_table = 16 * 1024 * 1024;

}  // namespace

GenericAddress GenericAddress::read(const View& bytes, std::size_t offset)
{
    return {.space = static_cast<Space>(bytes.number<std::uint8_t>(offset)),
            .bit_width = bytes.number<std::uint8_t>(offset + 1),
            .access_size = bytes.number<std::uint8_t>(offset + 3),
            .address = bytes.number<std::uint64_t>(offset + 4)};
}

Result<RootPointer> RootPointer::read(const Memory& memory, std::uint64_t address)
{
    const auto first = memory.at(address, first_pointer_size);
    if (!first) {
        return std::unexpected{first.error()};
    }
    if (first->text(0, pointer_signature.size()) != pointer_signature) {
        return fail("no RSDP where one should be", address);
    }
    if (first->sum() != 0) {
        return fail("the RSDP's checksum is wrong", address);
    }
    RootPointer pointer{.address = address,
                        .revision = first->number<std::uint8_t>(15),
                        .rsdt = first->number<std::uint32_t>(16)};
    if (pointer.revision >= 2) {
        const auto whole = memory.at(address, pointer_size);
        if (!whole) {
            return std::unexpected{whole.error()};
        }
        const auto length = whole->number<std::uint32_t>(20);
        if (length < pointer_size || length > kibibyte) {
            return fail("the RSDP's length is wrong", length);
        }
        const auto extended = memory.at(address, length);
        if (!extended) {
            return std::unexpected{extended.error()};
        }
        if (extended->sum() != 0) {
            return fail("the RSDP's extended checksum is wrong", address);
        }
        pointer.xsdt = extended->number<std::uint64_t>(24);
    }
    return pointer;
}

Result<RootPointer> RootPointer::find(const Memory& memory)
{
    const auto valid = [&](std::uint64_t address) { return read(memory, address).has_value(); };
    if (const auto area = extended_bios_data_area(memory)) {
        if (const auto found = scan(memory, *area, *area + kibibyte, pointer_signature, valid)) {
            return read(memory, *found);
        }
    }
    if (const auto found = scan(memory, pointer_area, bios_end, pointer_signature, valid)) {
        return read(memory, *found);
    }
    return fail("no ACPI tables: no RSDP");
}

Result<Table> Table::read(const Memory& memory, std::uint64_t address)
{
    const auto header = memory.at(address, header_size);
    if (!header) {
        return std::unexpected{header.error()};
    }
    const auto length = header->number<std::uint32_t>(4);
    if (length < header_size || length > longest_table) {
        return fail("an ACPI table's length is wrong", length);
    }
    const auto whole = memory.at(address, length);
    if (!whole) {
        return std::unexpected{whole.error()};
    }
    if (whole->sum() != 0) {
        return fail("an ACPI table's checksum is wrong", address);
    }
    return Table{address, *whole};
}

Result<Tables> Tables::open(const Memory& memory, std::uint64_t pointer)
{
    const auto found =
        pointer != 0 ? RootPointer::read(memory, pointer) : RootPointer::find(memory);
    if (!found) {
        return std::unexpected{found.error()};
    }
    // With an XSDT the RSDT is not looked at (5.2.8).
    const auto root = Table::read(memory, found->xsdt != 0 ? found->xsdt : found->rsdt);
    if (!root) {
        return std::unexpected{root.error()};
    }
    if (root->signature() != (found->xsdt != 0 ? "XSDT" : "RSDT")) {
        return fail("the RSDP does not point to an RSDT or XSDT", root->address());
    }
    return Tables{memory, *found, *root};
}

std::size_t Tables::entry_size() const
{
    return pointer_.xsdt != 0 ? sizeof(std::uint64_t) : sizeof(std::uint32_t);
}

std::size_t Tables::count() const
{
    return (root_.bytes().size() - Table::header_size) / entry_size();
}

std::uint64_t Tables::address(std::size_t index) const
{
    const std::size_t offset = Table::header_size + index * entry_size();
    return pointer_.xsdt != 0 ? root_.bytes().number<std::uint64_t>(offset)
                              : root_.bytes().number<std::uint32_t>(offset);
}

Result<Table> Tables::at(std::size_t index) const
{
    if (index >= count()) {
        return fail("no such ACPI table", index);
    }
    return Table::read(*memory_, address(index));
}

Result<Table> Tables::find(std::string_view signature) const
{
    for (std::size_t index = 0; index < count(); ++index) {
        // Another table that is broken is no obstacle to this one.
        const auto header = memory_->at(address(index), Table::header_size);
        if (header && header->text(0, 4) == signature) {
            return at(index);
        }
    }
    return fail("no such ACPI table");
}

}  // namespace acpi
