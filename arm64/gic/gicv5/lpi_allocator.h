// SPDX-License-Identifier: MIT
//
// Which LPI IDs are in use. One caller at a time.
#pragma once

#include "lib/base/result.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace gicv5 {

class LpiAllocator {
public:
    // IDs from this on are never handed out.
    static constexpr std::uint32_t capacity = 1U << 14;

    // IDs below `limit` are there to be used.
    constexpr explicit LpiAllocator(std::uint32_t limit = 0) : limit_{std::min(limit, capacity)} {}

    // The first of `count` consecutive IDs. Error: there are not that many in a row.
    [[nodiscard]] constexpr Result<std::uint32_t> allocate(std::uint32_t count)
    {
        std::uint32_t run = 0;
        for (std::uint32_t id = 0; id < limit_; ++id) {
            run = used(id) ? 0 : run + 1;
            if (run == count) {
                mark(id + 1 - count, count, true);
                return id + 1 - count;
            }
        }
        return fail("not that many consecutive LPIs are free", count);
    }
    constexpr void free(std::uint32_t first, std::uint32_t count) { mark(first, count, false); }

private:
    static constexpr unsigned word_bits = 64;

    [[nodiscard]] constexpr bool used(std::uint32_t id) const
    {
        return (words_[id / word_bits] >> id % word_bits & 1) != 0;
    }
    constexpr void mark(std::uint32_t first, std::uint32_t count, bool in_use)
    {
        for (std::uint32_t id = first; id < first + count; ++id) {
            const std::uint64_t bit = std::uint64_t{1} << id % word_bits;
            words_[id / word_bits] =
                in_use ? words_[id / word_bits] | bit : words_[id / word_bits] & ~bit;
        }
    }

    std::array<std::uint64_t, capacity / word_bits> words_{};
    std::uint32_t limit_;
};

}  // namespace gicv5
