// SPDX-License-Identifier: MIT
//
// ACPI tables: from the root pointer to a table by its signature (ACPI Specification 6.5, 5.2).
//
// Nothing is copied. A table that is given has been checked: its length is inside memory and its
// bytes add up to zero.
//
//     const auto tables = acpi::Tables::open(memory, pointer_from_the_loader);
//     if (const auto table = tables->find("HPET")) {
//         const auto hpet = acpi::Hpet::open(*table);
//     }
#pragma once

#include "lib/acpi/view.h"

namespace acpi {

// A register's address in an address space (5.2.3.2), 12 bytes.
struct GenericAddress {
    enum class Space : std::uint8_t { memory = 0, port = 1, pci = 2 };

    Space space{};
    std::uint8_t bit_width = 0;
    std::uint8_t access_size = 0;  // 0 undefined, 1 byte, 2 word, 3 dword, 4 qword
    std::uint64_t address = 0;     // 0: there is no such register

    [[nodiscard]] bool there() const { return address != 0; }
    [[nodiscard]] static GenericAddress read(const View& bytes, std::size_t offset);
    friend bool operator==(const GenericAddress&, const GenericAddress&) = default;
};

// The root system description pointer (5.2.5.3).
struct RootPointer {
    std::uint64_t address = 0;
    std::uint8_t revision = 0;  // 0: ACPI 1.0, without the XSDT; 2: since ACPI 2.0
    std::uint64_t rsdt = 0;
    std::uint64_t xsdt = 0;

    // Errors: not there, a wrong signature, length or checksum.
    [[nodiscard]] static Result<RootPointer> read(const Memory& memory, std::uint64_t address);
    // Looks where a PC's firmware leaves it (5.2.5.1).
    [[nodiscard]] static Result<RootPointer> find(const Memory& memory);
};

// A system description table (5.2.6): 36 bytes of header, then what its signature says.
class Table {
public:
    static constexpr std::size_t header_size = 36;

    // Errors: not there, a length below the header's, a wrong checksum.
    [[nodiscard]] static Result<Table> read(const Memory& memory, std::uint64_t address);

    [[nodiscard]] std::uint64_t address() const { return address_; }
    [[nodiscard]] const View& bytes() const { return bytes_; }  // the header included
    [[nodiscard]] std::string_view signature() const { return bytes_.text(0, 4); }
    [[nodiscard]] std::uint8_t revision() const { return bytes_.number<std::uint8_t>(8); }

private:
    Table(std::uint64_t address, View bytes) : address_{address}, bytes_{bytes} {}

    std::uint64_t address_;
    View bytes_;
};

// The tables that the XSDT lists, or the RSDT where there is none.
class Tables {
public:
    // `pointer` is where the loader says the root pointer is; 0: it does not say. `memory` must
    // outlive what is opened.
    [[nodiscard]] static Result<Tables> open(const Memory& memory, std::uint64_t pointer = 0);

    [[nodiscard]] const RootPointer& root_pointer() const { return pointer_; }
    [[nodiscard]] const Table& root() const { return root_; }
    [[nodiscard]] const Memory& memory() const { return *memory_; }
    [[nodiscard]] std::size_t count() const;
    [[nodiscard]] std::uint64_t address(std::size_t index) const;  // index < count()
    [[nodiscard]] Result<Table> at(std::size_t index) const;

    // The first table with a signature of four characters. Errors: there is none; it is broken.
    [[nodiscard]] Result<Table> find(std::string_view signature) const;

private:
    Tables(const Memory& memory, const RootPointer& pointer, const Table& root)
        : memory_{&memory}, pointer_{pointer}, root_{root}
    {
    }
    [[nodiscard]] std::size_t entry_size() const;

    const Memory* memory_;
    RootPointer pointer_;
    Table root_;
};

}  // namespace acpi
