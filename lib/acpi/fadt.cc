// SPDX-License-Identifier: MIT
#include "lib/acpi/fadt.h"

namespace acpi {

namespace {

constexpr std::size_t first_length = 116;  // of ACPI 1.0

// A block of I/O ports that has a 32-bit field, and since ACPI 2.0 an extended one that goes first.
GenericAddress block(const View& bytes, std::size_t extended_offset, std::size_t port_offset,
                     std::size_t length_offset)
{
    const auto extended = GenericAddress::read(bytes, extended_offset);
    if (extended.there()) {
        return extended;
    }
    return {.space = GenericAddress::Space::port,
            .bit_width = static_cast<std::uint8_t>(bytes.number<std::uint8_t>(length_offset) * 8),
            .access_size = 0,
            .address = bytes.number<std::uint32_t>(port_offset)};
}

// AML encodings, 20.3.
constexpr std::uint8_t zero_op = 0x00;
constexpr std::uint8_t one_op = 0x01;
constexpr std::uint8_t name_op = 0x08;
constexpr std::uint8_t byte_prefix = 0x0a;
constexpr std::uint8_t word_prefix = 0x0b;
constexpr std::uint8_t dword_prefix = 0x0c;
constexpr std::uint8_t package_op = 0x12;
constexpr std::uint8_t root_character = 0x5c;

// Whether a name that begins at `offset` is the one that a NameOp defines.
bool is_defined_at(const View& code, std::size_t offset)
{
    if (offset >= 1 && code.number<std::uint8_t>(offset - 1) == name_op) {
        return true;
    }
    return offset >= 2 && code.number<std::uint8_t>(offset - 1) == root_character &&
           code.number<std::uint8_t>(offset - 2) == name_op;
}

// The integer at `offset`, which goes behind it. Error: no integer constant, or one that does not
// fit into SLP_TYP.
Result<std::uint8_t> take_integer(const View& code, std::size_t& offset)
{
    if (!code.holds(offset, 1)) {
        return fail("\\_S5 ends too early", offset);
    }
    const auto op = code.number<std::uint8_t>(offset++);
    std::size_t length = 0;
    switch (op) {
    case zero_op:
    case one_op:
        return op;
    case byte_prefix:
        length = 1;
        break;
    case word_prefix:
        length = 2;
        break;
    case dword_prefix:
        length = 4;
        break;
    default:
        return fail("\\_S5 holds something that is no integer", op);
    }
    if (!code.holds(offset, length)) {
        return fail("\\_S5 ends too early", offset);
    }
    // All of them are little-endian: SLP_TYP has three bits, in the first byte.
    const auto value = code.number<std::uint8_t>(offset);
    offset += length;
    if (value > 7) {
        return fail("a sleep type of \\_S5 has more than three bits", value);
    }
    return value;
}

}  // namespace

Result<Fadt> Fadt::open(const Table& table)
{
    if (table.signature() != "FACP") {
        return fail("not a FADT");
    }
    const View bytes = table.bytes();
    if (bytes.size() < first_length) {
        return fail("the FADT is too short", bytes.size());
    }
    const auto extended_dsdt = bytes.number<std::uint64_t>(140);
    return Fadt{
        .revision = table.revision(),
        .dsdt = extended_dsdt != 0 ? extended_dsdt : bytes.number<std::uint32_t>(40),
        .sci_interrupt = bytes.number<std::uint16_t>(46),
        .smi_command = bytes.number<std::uint32_t>(48),
        .acpi_enable = bytes.number<std::uint8_t>(52),
        .pm1a_event = block(bytes, 148, 56, 88),
        .pm1a_control = block(bytes, 172, 64, 89),
        .pm1b_control = block(bytes, 184, 68, 89),
        .pm_timer = block(bytes, 208, 76, 91),
        .boot_architecture =
            table.revision() >= 3 ? bytes.number<std::uint16_t>(109) : std::uint16_t{0},
        .flags = bytes.number<std::uint32_t>(112),
        .reset_register = GenericAddress::read(bytes, 116),
        .reset_value = bytes.number<std::uint8_t>(128),
        .sleep_control = GenericAddress::read(bytes, 244),
        .sleep_status = GenericAddress::read(bytes, 256),
    };
}

Result<SleepType> soft_off_type(const Table& definitions)
{
    constexpr std::string_view name = "_S5_";
    const View code = definitions.bytes().part(Table::header_size);
    for (std::size_t at = 0; code.holds(at, name.size()); ++at) {
        if (code.text(at, name.size()) != name || !is_defined_at(code, at)) {
            continue;
        }
        std::size_t offset = at + name.size();
        if (code.number<std::uint8_t>(offset) != package_op) {
            return fail("\\_S5 is no package", at);
        }
        // PkgLength: the two upper bits of its first byte count those that follow (20.2.4).
        offset += 2 + (code.number<std::uint8_t>(offset + 1) >> 6);
        if (code.number<std::uint8_t>(offset) == 0) {
            return fail("\\_S5 is empty", at);
        }
        const bool has_b = code.number<std::uint8_t>(offset) > 1;
        ++offset;
        const auto a = take_integer(code, offset);
        if (!a) {
            return std::unexpected{a.error()};
        }
        const auto b = has_b ? take_integer(code, offset) : a;
        if (!b) {
            return std::unexpected{b.error()};
        }
        return SleepType{.a = *a, .b = *b};
    }
    return fail("no \\_S5 in the DSDT");
}

}  // namespace acpi
