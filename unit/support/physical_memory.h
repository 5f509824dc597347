// SPDX-License-Identifier: MIT
//
// Physical memory for the tests of firmware tables: that of a real machine as far as the tables
// reach (unit/data/acpi/*.mem, saved from QEMU's guests after their firmware had run), or written.
//
// A file is a sequence of pieces: address and size, 64 bits each, little endian, then the bytes.
#pragma once

#include "lib/acpi/view.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace unit {

using Bytes = std::vector<std::byte>;

// Every piece is an allocation of its own, so that AddressSanitizer sees an access beyond it. Below
// 1 MiB, where pointers are searched for, everything is there and what was not written is 0.
class PhysicalMemory final : public acpi::Memory {
public:
    static constexpr std::uint64_t low_size = 0x10'0000;

    PhysicalMemory() : low_(low_size) {}

    // Takes the pieces of a file; what is cut off at its end is left out.
    explicit PhysicalMemory(std::span<const std::byte> file) : PhysicalMemory{}
    {
        constexpr std::size_t header = 2 * sizeof(std::uint64_t);
        const acpi::View view{file};
        for (std::size_t offset = 0; view.holds(offset, header);) {
            const auto address = view.number<std::uint64_t>(offset);
            const acpi::View piece =
                view.part(offset + header, view.number<std::uint64_t>(offset + 8));
            write(address, piece.bytes());
            offset += header + piece.size();
        }
    }

    void write(std::uint64_t address, std::span<const std::byte> bytes)
    {
        if (address < low_size) {
            const std::size_t room = std::min<std::uint64_t>(bytes.size(), low_size - address);
            std::ranges::copy(bytes.first(room),
                              low_.begin() + static_cast<std::ptrdiff_t>(address));
            low_pieces_.emplace_back(address, room);
            return;
        }
        std::erase_if(pieces_, [&](const auto& piece) { return piece.first == address; });
        pieces_.emplace_back(address, Bytes{bytes.begin(), bytes.end()});
    }

    [[nodiscard]] Result<acpi::View> at(std::uint64_t address, std::size_t size) const override
    {
        if (address < low_size && size <= low_size - address) {
            return acpi::View{std::span{low_}.subspan(address, size)};
        }
        for (const auto& [begin, bytes] : pieces_) {
            if (address >= begin && address - begin <= bytes.size() &&
                size <= bytes.size() - (address - begin)) {
                return acpi::View{std::span{bytes}.subspan(address - begin, size)};
            }
        }
        return fail("there is no memory", address);
    }

    // The bytes of each piece that was written, to be changed.
    template <typename Change>
    void for_each_piece(Change change)
    {
        for (const auto& [address, size] : low_pieces_) {
            change(std::span{low_}.subspan(address, size));
        }
        for (auto& [address, bytes] : pieces_) {
            change(std::span{bytes});
        }
    }

private:
    Bytes low_;
    std::vector<std::pair<std::size_t, std::size_t>> low_pieces_;
    std::list<std::pair<std::uint64_t, Bytes>> pieces_;
};

// Bytes that are written down one after the other.
class Writer {
public:
    Writer& u8(std::uint8_t value) { return number(value, 1); }
    Writer& u16(std::uint16_t value) { return number(value, 2); }
    Writer& u32(std::uint32_t value) { return number(value, 4); }
    Writer& u64(std::uint64_t value) { return number(value, 8); }
    Writer& text(std::string_view characters)
    {
        std::ranges::copy(std::as_bytes(std::span{characters}), std::back_inserter(bytes_));
        return *this;
    }
    Writer& zeros(std::size_t count)
    {
        bytes_.resize(bytes_.size() + count);
        return *this;
    }
    Writer& append(const Bytes& bytes)
    {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    // Changes the byte at `place` so that the first `count` bytes add up to zero.
    Writer& checksum(std::size_t place, std::size_t count = SIZE_MAX)
    {
        bytes_[place] = std::byte{0};
        const std::span covered = std::span{bytes_}.first(std::min(count, bytes_.size()));
        bytes_[place] = static_cast<std::byte>(-acpi::View{covered}.sum());
        return *this;
    }
    [[nodiscard]] const Bytes& bytes() const { return bytes_; }

private:
    Writer& number(std::uint64_t value, unsigned count)
    {
        for (unsigned i = 0; i < count; ++i) {
            bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
        }
        return *this;
    }

    Bytes bytes_;
};

// A table with a header and a right checksum.
[[nodiscard]] inline Bytes acpi_table(std::string_view signature, const Bytes& body,
                                      std::uint8_t revision = 1)
{
    Writer table;
    table.text(signature).u32(static_cast<std::uint32_t>(36 + body.size()));
    table.u8(revision).u8(0).zeros(26).append(body);
    return table.checksum(9).bytes();
}

}  // namespace unit
