// SPDX-License-Identifier: MIT
//
// The receivers of one IPI as hypercalls take them: a bitmap of 128 CPUs and the lowest ID in it.
// x86: Linux Documentation/virt/kvm/x86/hypercalls.rst, KVM_HC_SEND_IPI; LoongArch:
// KVM_HCALL_FUNC_IPI.
#pragma once

#include <cstdint>
#include <span>

namespace pv {

struct Multicast {
    static constexpr std::uint32_t width = 128;

    // Bit n of `low` is the CPU `lowest` + n, of `high` the CPU `lowest` + 64 + n.
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint32_t lowest = 0;
    friend constexpr bool operator==(const Multicast&, const Multicast&) = default;

    [[nodiscard]] constexpr bool empty() const { return (low | high) == 0; }

    [[nodiscard]] constexpr bool contains(std::uint32_t id) const
    {
        const std::uint32_t bit = id - lowest;
        return id >= lowest && bit < width &&
               ((bit < 64 ? low >> bit : high >> (bit - 64)) & 1U) != 0;
    }

    // False: it is too far from the others, and nothing has changed.
    [[nodiscard]] constexpr bool add(std::uint32_t id)
    {
        if (empty()) {
            lowest = id;
        } else if (id < lowest) {
            if (lowest - id >= width || !can_move_up(lowest - id)) {
                return false;
            }
            move_up(lowest - id);
            lowest = id;
        } else if (id - lowest >= width) {
            return false;
        }
        set(id - lowest);
        return true;
    }

private:
    // Whether no bit is lost.
    [[nodiscard]] constexpr bool can_move_up(std::uint32_t distance) const
    {
        return distance < 64 ? high >> (63 - distance) >> 1 == 0
                             : high == 0 && low >> (127 - distance) >> 1 == 0;
    }
    constexpr void move_up(std::uint32_t distance)
    {
        if (distance >= 64) {
            high = low << (distance - 64);
            low = 0;
        } else if (distance != 0) {
            high = high << distance | low >> (64 - distance);
            low <<= distance;
        }
    }
    constexpr void set(std::uint32_t bit)
    {
        (bit < 64 ? low : high) |= std::uint64_t{1} << bit % 64;
    }
};

// As few bitmaps as one pass over the IDs makes, in any order: calls `visit` with each.
template <typename Visit>
constexpr void for_each_multicast(std::span<const std::uint32_t> ids, Visit visit)
{
    Multicast group;
    for (const std::uint32_t id : ids) {
        if (!group.add(id)) {
            visit(group);
            group = {};
            static_cast<void>(group.add(id));
        }
    }
    if (!group.empty()) {
        visit(group);
    }
}

}  // namespace pv
