// SPDX-License-Identifier: MIT
//
// VMSAv8-64 translation tables, stage 1, 4 KiB granule, 48-bit addresses: Arm ARM D8.3.
#pragma once

#include "lib/base/register.h"

#include <cstddef>
#include <cstdint>

namespace mmu {

inline constexpr unsigned levels = 4;  // 0 ... 3
inline constexpr std::size_t entries = 512;

// log2 of the bytes one entry of a level covers: 39 (512 GiB), 30, 21, 12.
[[nodiscard]] constexpr unsigned shift(unsigned level)
{
    return 12 + 9 * (levels - 1 - level);
}
[[nodiscard]] constexpr std::uint64_t span(unsigned level)
{
    return std::uint64_t{1} << shift(level);
}
[[nodiscard]] constexpr std::size_t index(std::uint64_t address, unsigned level)
{
    return (address >> shift(level)) % entries;
}

// Indices into MAIR_EL1, and its value for them.
enum class MemoryType : std::uint8_t { normal, device };
inline constexpr std::uint64_t mair_value = 0x00ff;  // 0: write-back RW-allocate; 1: Device-nGnRnE

struct Descriptor : Bits<Descriptor, std::uint64_t> {
    static constexpr Field valid{0};
    static constexpr Field table_or_page{1};  // at level 3: page; above: table, 0 = block
    static constexpr Field AttrIndx{4, 2};
    static constexpr Field AP{7, 6};  // bit 7 read-only, bit 6 EL0 access
    static constexpr Field SH{9, 8};  // 3: inner shareable
    static constexpr Field AF{10};
    static constexpr Field PXN{53};
    static constexpr Field UXN{54};
    static constexpr Field software_guard{55};  // ours: invalid on purpose
    static constexpr std::uint64_t address_mask = 0x0000'ffff'ffff'f000;

    [[nodiscard]] constexpr bool is_valid() const { return (*this)[valid] != 0; }
    [[nodiscard]] constexpr bool is_table(unsigned level) const
    {
        return is_valid() && level < levels - 1 && (*this)[table_or_page] != 0;
    }
    [[nodiscard]] constexpr std::uint64_t address() const { return raw & address_mask; }
};

struct Table {
    Descriptor entry[entries];
};
static_assert(sizeof(Table) == 4096);

}  // namespace mmu
