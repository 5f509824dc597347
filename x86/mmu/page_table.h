// SPDX-License-Identifier: MIT
//
// Page tables of four levels: Intel SDM volume 3, 4.5; AMD64 APM volume 2, 5.3.
#pragma once

#include "lib/base/register.h"

#include <cstddef>
#include <cstdint>

namespace mmu {

inline constexpr unsigned levels = 4;  // 0 (PML4) … 3 (page table)
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

// Addresses below this are the same in both halves of the address space: canonical, and mapped.
inline constexpr std::uint64_t mapped_end = std::uint64_t{1} << 47;

struct Entry : Bits<Entry, std::uint64_t> {
    static constexpr Field P{0};
    static constexpr Field RW{1};
    static constexpr Field US{2};   // ring 3 as well
    static constexpr Field PWT{3};  // with PCD: uncacheable, as the PAT has it after reset
    static constexpr Field PCD{4};
    static constexpr Field A{5};
    static constexpr Field D{6};
    static constexpr Field PS{7};  // a large page; of levels 1 and 2
    static constexpr Field G{8};
    static constexpr Field software_guard{9};  // ours: not present on purpose
    static constexpr Field NX{63};
    static constexpr std::uint64_t address_mask = 0x000f'ffff'ffff'f000;

    [[nodiscard]] constexpr bool is_present() const { return (*this)[P] != 0; }
    [[nodiscard]] constexpr bool is_table(unsigned level) const
    {
        return is_present() && level < levels - 1 && (*this)[PS] == 0;
    }
    // An address, or a guard: something that protect() may change.
    [[nodiscard]] constexpr bool is_used() const { return raw != 0; }
    [[nodiscard]] constexpr std::uint64_t address() const { return raw & address_mask; }
};

struct Table {
    Entry entry[entries];
};
static_assert(sizeof(Table) == 4096);

}  // namespace mmu
