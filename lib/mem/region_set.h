// SPDX-License-Identifier: MIT
//
// A set of addresses as a short list of ranges: sorted, disjoint, neighbours joined.
#pragma once

#include "lib/fdt/fdt.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mem {

// At most `Capacity` ranges. A range does not reach beyond the last address (base + size does not
// wrap around); an empty one changes nothing.
template <std::size_t Capacity>
class RegionSet {
public:
    [[nodiscard]] constexpr std::span<const fdt::Region> regions() const
    {
        return {regions_.data(), count_};
    }

    constexpr void clear() { count_ = 0; }

    // Adds all addresses of `region`. False, and nothing has changed: that needs one range too
    // many.
    [[nodiscard]] constexpr bool insert(fdt::Region region)
    {
        if (region.size == 0) {
            return true;
        }
        // Ranges that touch the new one become part of it.
        std::size_t first = 0;
        while (first < count_ && end(regions_[first]) < region.base) {
            ++first;
        }
        std::size_t last = first;
        while (last < count_ && regions_[last].base <= end(region)) {
            const std::uint64_t base = std::min(region.base, regions_[last].base);
            region = {base, std::max(end(region), end(regions_[last])) - base};
            ++last;
        }
        return replace(first, last, std::array{region});
    }

    // Removes all addresses of `region`. False, and nothing has changed: that needs one range too
    // many, because it splits one.
    [[nodiscard]] constexpr bool erase(fdt::Region region)
    {
        std::size_t first = 0;
        while (first < count_ && end(regions_[first]) <= region.base) {
            ++first;
        }
        std::size_t last = first;
        while (last < count_ && regions_[last].base < end(region)) {
            ++last;
        }
        if (first == last || region.size == 0) {
            return true;
        }
        // What is left of the first and the last one it overlaps.
        std::array<fdt::Region, 2> rest{};
        std::size_t left = 0;
        if (const fdt::Region front = regions_[first]; front.base < region.base) {
            rest[left++] = {front.base, region.base - front.base};
        }
        if (const fdt::Region back = regions_[last - 1]; end(region) < end(back)) {
            rest[left++] = {end(region), end(back) - end(region)};
        }
        return replace(first, last, std::span{rest}.first(left));
    }

    // Whether all addresses of `region` are in the set.
    [[nodiscard]] constexpr bool contains(fdt::Region region) const
    {
        return std::ranges::any_of(regions(), [&](const fdt::Region& one) {
            return region.base >= one.base && region.size <= one.size &&
                   region.base - one.base <= one.size - region.size;
        });
    }

private:
    [[nodiscard]] static constexpr std::uint64_t end(fdt::Region region)
    {
        return region.base + region.size;
    }

    // Puts `with` in the place of the ranges [first, last).
    [[nodiscard]] constexpr bool replace(std::size_t first, std::size_t last,
                                         std::span<const fdt::Region> with)
    {
        const std::size_t count = count_ - (last - first) + with.size();
        if (count > Capacity) {
            return false;
        }
        const auto tail = regions_.begin() + last;
        const auto old_end = regions_.begin() + count_;
        if (count > count_) {
            std::copy_backward(tail, old_end, regions_.begin() + count);
        } else {
            std::copy(tail, old_end, regions_.begin() + first + with.size());
        }
        std::ranges::copy(with, regions_.begin() + first);
        count_ = count;
        return true;
    }

    std::array<fdt::Region, Capacity> regions_{};
    std::size_t count_ = 0;
};

}  // namespace mem
