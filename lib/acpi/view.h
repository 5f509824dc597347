// SPDX-License-Identifier: MIT
//
// What the parsers of firmware tables read from: little-endian numbers at any alignment in a range
// of bytes, and physical memory. Nothing is read outside the range.
#pragma once

#include "lib/base/result.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace acpi {

class View {
public:
    constexpr View() = default;
    constexpr explicit View(std::span<const std::byte> bytes) : bytes_{bytes} {}

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }

    // Whether [offset, offset + length) is inside.
    [[nodiscard]] bool holds(std::size_t offset, std::size_t length) const
    {
        return offset <= size() && length <= size() - offset;
    }

    // The number at an offset; 0 where the view ends before: what the field of an older and shorter
    // table means.
    template <std::unsigned_integral T>
    [[nodiscard]] T number(std::size_t offset) const
    {
        if (!holds(offset, sizeof(T))) {
            return 0;
        }
        std::uint64_t value = 0;
        for (std::size_t i = sizeof(T); i-- > 0;) {
            value = value << 8 | std::to_integer<std::uint64_t>(bytes_[offset + i]);
        }
        return static_cast<T>(value);
    }

    // Characters; fewer, or none, where the view ends before.
    [[nodiscard]] std::string_view text(std::size_t offset, std::size_t length) const
    {
        const View part = this->part(offset, length);
        return {reinterpret_cast<const char*>(part.bytes_.data()), part.size()};
    }

    // A part, cut off where the view ends.
    [[nodiscard]] View part(std::size_t offset, std::size_t length = SIZE_MAX) const
    {
        if (offset >= size()) {
            return {};
        }
        const std::size_t rest = size() - offset;
        return View{bytes_.subspan(offset, length < rest ? length : rest)};
    }

    // What all bytes add up to: 0 when the checksum among them is right.
    [[nodiscard]] std::uint8_t sum() const
    {
        unsigned total = 0;
        for (const std::byte byte : bytes_) {
            total += std::to_integer<unsigned>(byte);
        }
        return static_cast<std::uint8_t>(total);
    }

private:
    std::span<const std::byte> bytes_;
};

// Physical memory, as far as it can be read. Ranges it gave stay where they are.
class Memory {
public:
    // Error: nothing can be read at some address of the range.
    [[nodiscard]] virtual Result<View> at(std::uint64_t address, std::size_t size) const = 0;

protected:
    ~Memory() = default;
};

// The address of the first structure that begins with `signature` at a multiple of 16 bytes in
// [begin, end) and that `accept`s its address; nothing when there is none or the range cannot be
// read.
template <typename Accept>
[[nodiscard]] std::optional<std::uint64_t> scan(const Memory& memory, std::uint64_t begin,
                                                std::uint64_t end, std::string_view signature,
                                                Accept accept)
{
    constexpr std::uint64_t step = 16;
    const auto range = memory.at(begin, end - begin);
    if (!range) {
        return {};
    }
    for (std::uint64_t offset = 0; offset + step <= range->size(); offset += step) {
        if (range->text(offset, signature.size()) == signature && accept(begin + offset)) {
            return begin + offset;
        }
    }
    return {};
}

// Where a PC's firmware keeps what others look for: the first KiB of the extended BIOS data area,
// whose segment is the word at 0x40e, and the read-only memory below 1 MiB.
inline constexpr std::uint64_t ebda_segment_address = 0x40e;
inline constexpr std::uint64_t bios_end = 0x10'0000;
inline constexpr std::uint64_t kibibyte = 1024;

// The address of the extended BIOS data area; nothing when firmware names none.
[[nodiscard]] inline std::optional<std::uint64_t> extended_bios_data_area(const Memory& memory)
{
    const auto segment = memory.at(ebda_segment_address, sizeof(std::uint16_t));
    if (!segment || segment->number<std::uint16_t>(0) == 0) {
        return {};
    }
    return std::uint64_t{segment->number<std::uint16_t>(0)} * 16;
}

}  // namespace acpi
