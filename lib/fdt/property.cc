// SPDX-License-Identifier: MIT

#include "lib/fdt/fdt.h"

#include <algorithm>

namespace fdt {

namespace {

[[nodiscard]] std::uint32_t load_big_endian(std::span<const std::byte> bytes)
{
    std::uint32_t value = 0;
    for (const std::byte byte : bytes) {
        value = value << 8 | std::to_integer<std::uint32_t>(byte);
    }
    return value;
}

// Takes the first string off a list; nothing when none is left that ends.
[[nodiscard]] std::optional<std::string_view> take_string(std::span<const std::byte>& list)
{
    const auto end = std::ranges::find(list, std::byte{0});
    if (end == list.end()) {
        return {};
    }
    const auto length = static_cast<std::size_t>(end - list.begin());
    const std::string_view text{reinterpret_cast<const char*>(list.data()), length};
    list = list.subspan(length + 1);
    return text;
}

}  // namespace

Result<std::uint32_t> Property::cell(std::size_t index) const
{
    if (index >= cells()) {
        return fail("property has too few cells", index);
    }
    return load_big_endian(bytes_.subspan(index * 4, 4));
}

Result<std::uint16_t> Property::half(std::size_t index) const
{
    if (index >= bytes_.size() / 2) {
        return fail("property has too few elements", index);
    }
    return static_cast<std::uint16_t>(load_big_endian(bytes_.subspan(index * 2, 2)));
}

Result<std::uint64_t> Property::number(std::size_t index, std::size_t count) const
{
    if (count != 1 && count != 2) {
        return fail("number of neither 1 nor 2 cells", count);
    }
    if (count > cells() || index > cells() - count) {
        return fail("property has too few cells", index);
    }
    const std::uint64_t low = load_big_endian(bytes_.subspan((index + count - 1) * 4, 4));
    const std::uint64_t high = count == 2 ? load_big_endian(bytes_.subspan(index * 4, 4)) : 0;
    return high << 32 | low;
}

Result<std::string_view> Property::string(std::size_t index) const
{
    auto list = bytes_;
    for (std::size_t i = 0; const auto text = take_string(list); ++i) {
        if (i == index) {
            return *text;
        }
    }
    return fail("property has too few strings, or one without an end", index);
}

std::optional<std::size_t> Property::index_of(std::string_view text) const
{
    auto list = bytes_;
    for (std::size_t i = 0; const auto actual = take_string(list); ++i) {
        if (*actual == text) {
            return i;
        }
    }
    return {};
}

}  // namespace fdt
