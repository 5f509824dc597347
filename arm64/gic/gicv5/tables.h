// SPDX-License-Identifier: MIT
//
// Entries and sizes of the GICv5 tables in memory: the IRS's interrupt state table (IST), the ITS's
// device table (DT) and interrupt translation tables (ITT). Entries are little-endian. A table is
// aligned to its size. Arm GIC Architecture Specification, GICv5 (AES 0070).
//
// The IST belongs to the IRS from the moment it is handed over: its words are neither written nor
// trusted, and the IRS sets VALID of a level-1 entry itself. The ITS's tables stay software's: it
// writes VALID, by one 64-bit store of the entry, and tells the ITS to forget the old one.
#pragma once

#include "lib/base/register.h"

#include <algorithm>
#include <cstdint>

namespace gicv5 {

// Level-2 tables of 4 KiB, 16 KiB and 64 KiB, as L2SZ fields have them.
enum class Level2Size : std::uint8_t { kib4 = 0, kib16 = 1, kib64 = 2 };

[[nodiscard]] constexpr std::uint64_t bytes(Level2Size size)
{
    return std::uint64_t{4096} << 2 * static_cast<unsigned>(size);
}

// --- Interrupt state table ----------------------------------------------------------------------

struct L1_ISTE : Bits<L1_ISTE, std::uint64_t> {
    static constexpr Field L2_ADDR{55, 12};  // bits [55:12] of the address
    static constexpr Field VALID{0};
};
// The first word of an entry; longer entries have metadata of the IRS behind it.
struct L2_ISTE : Bits<L2_ISTE, std::uint32_t> {
    static constexpr Field IAFFID{31, 16};
    static constexpr Field Priority{15, 11};
    static constexpr Field HWU{10, 9};
    static constexpr Field IRM{4};
    static constexpr Field Enable{3};
    static constexpr Field HM{2};
    static constexpr Field Active{1};
    static constexpr Field Pending{0};
};

// What a table of `id_bits` bits of LPI ID looks like.
struct IstGeometry {
    unsigned id_bits = 0;
    unsigned istsz = 0;  // as IRS_IST_CFGR.ISTSZ: 0 to 2
    bool two_level = false;
    Level2Size level2_size = Level2Size::kib4;

    friend constexpr bool operator==(const IstGeometry&, const IstGeometry&) = default;

    [[nodiscard]] constexpr unsigned entry_bytes() const { return 4U << istsz; }
    // LPIs of one level-2 table, as a power of two.
    [[nodiscard]] constexpr unsigned level2_id_bits() const
    {
        return 10 - istsz + 2 * static_cast<unsigned>(level2_size);
    }
    // Bytes of the table that IRS_IST_BASER points to; its alignment, too.
    [[nodiscard]] constexpr std::uint64_t base_table_bytes() const
    {
        const unsigned level1_bits = id_bits > level2_id_bits() ? id_bits - level2_id_bits() : 0;
        return std::uint64_t{2} << std::max(5U, two_level ? level1_bits + 2 : id_bits + 1 + istsz);
    }
    [[nodiscard]] constexpr std::uint32_t level1_index(std::uint32_t lpi) const
    {
        return lpi >> level2_id_bits();
    }
};

// --- Device table and interrupt translation tables ----------------------------------------------

struct L1_DTE : Bits<L1_DTE, std::uint64_t> {
    static constexpr Field SPAN{63, 60};    // log2 of the level-2 entries that are valid
    static constexpr Field L2_ADDR{55, 3};  // bits [55:3] of the address
    static constexpr Field VALID{0};
};
struct L2_DTE : Bits<L2_DTE, std::uint64_t> {
    static constexpr Field EVENTID_BITS{63, 59};
    static constexpr Field ITT_STRUCTURE{58};  // 1: two-level
    static constexpr Field DSWE{57};
    static constexpr Field ITT_ADDR{55, 3};
    static constexpr Field ITT_L2SZ{2, 1};
    static constexpr Field VALID{0};
};
struct L1_ITTE : Bits<L1_ITTE, std::uint64_t> {
    static constexpr Field SPAN{63, 60};
    static constexpr Field L2_ADDR{55, 3};
    static constexpr Field VALID{0};
};
struct L2_ITTE : Bits<L2_ITTE, std::uint64_t> {
    static constexpr Field VM_ID{47, 32};
    static constexpr Field VALID{31};
    static constexpr Field VIRTUAL{30};
    static constexpr Field DAC{29, 28};  // domain of the event
    static constexpr Field LPI_ID{23, 0};
};

// Of a device table (id_bits: DeviceID) and of an ITT (id_bits: EventID): 8 bytes an entry.
struct TranslationGeometry {
    unsigned id_bits = 0;
    bool two_level = false;
    Level2Size level2_size = Level2Size::kib4;

    friend constexpr bool operator==(const TranslationGeometry&,
                                     const TranslationGeometry&) = default;

    [[nodiscard]] constexpr unsigned level2_id_bits() const
    {
        return 9 + 2 * static_cast<unsigned>(level2_size);
    }
    // Bytes of the first table; its alignment, too.
    [[nodiscard]] constexpr std::uint64_t base_table_bytes() const
    {
        if (!two_level) {
            return std::uint64_t{8} << id_bits;
        }
        const unsigned level1_bits = id_bits > level2_id_bits() ? id_bits - level2_id_bits() : 0;
        return std::uint64_t{2} << std::max(2U, level1_bits + 2);
    }
};

}  // namespace gicv5
