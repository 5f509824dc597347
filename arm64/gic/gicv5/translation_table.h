// SPDX-License-Identifier: MIT
//
// A table of the ITS in memory: the device table, or the interrupt translation table (ITT) of one
// device. Both are arrays of 8-byte entries of one or two levels; level-2 tables are made on
// demand. Arm GIC Architecture Specification, GICv5 (AES 0070), "ITS tables".
//
// Nothing but its place and its geometry is remembered: which level-2 tables there are is read from
// the level-1 table, which is software's. `Memory` is as in ist.h. One caller at a time.
#pragma once

#include "arm64/gic/gicv5/tables.h"
#include "lib/base/result.h"

#include <cstdint>
#include <optional>

namespace gicv5 {

template <typename Memory>
class TranslationTable {
public:
    // Where an entry lies. `is_new`: its level-2 table was made for it, so that the ITS has to
    // forget the level-1 entry, too.
    struct Place {
        std::uint64_t address;
        bool is_new;
    };

    constexpr TranslationTable() = default;
    // One that is in memory already.
    constexpr TranslationTable(Memory memory, const TranslationGeometry& geometry,
                               std::uint64_t address)
        : memory_{memory}, geometry_{geometry}, address_{address}
    {
    }

    // An empty one: of two levels, its first.
    [[nodiscard]] static Result<TranslationTable> create(Memory memory,
                                                         const TranslationGeometry& geometry)
    {
        const auto address = memory.allocate(geometry.base_table_bytes());
        if (!address) {
            return std::unexpected{address.error()};
        }
        return TranslationTable{memory, geometry, *address};
    }
    // Frees its memory, which the ITS no longer reads.
    void destroy() const
    {
        if (geometry_.two_level) {
            for (std::uint64_t first = 0; holds(first); first += level2_entries()) {
                if (const auto entry = level1(first); entry[L1_DTE::VALID] != 0) {
                    memory_.free(level2_address(entry), bytes(geometry_.level2_size));
                }
            }
        }
        memory_.free(address_, geometry_.base_table_bytes());
    }

    // Whether an ID is one of the table's.
    [[nodiscard]] constexpr bool holds(std::uint64_t id) const
    {
        return id >> geometry_.id_bits == 0;
    }

    // The place of an ID's entry. The ID is one of the table's. Nothing: it has no level-2 table,
    // or is beyond the span of it.
    [[nodiscard]] std::optional<Place> find(std::uint32_t id) const
    {
        if (!geometry_.two_level) {
            return Place{.address = address_ + entry_bytes * id, .is_new = false};
        }
        const auto entry = level1(id);
        const std::uint64_t index = id % level2_entries();
        if (entry[L1_DTE::VALID] == 0 || index >> entry[L1_DTE::SPAN] != 0) {
            return {};
        }
        return Place{.address = level2_address(entry) + entry_bytes * index, .is_new = false};
    }

    // The same, and makes the level-2 table where it is missing. Errors: no memory; beyond a span.
    [[nodiscard]] Result<Place> reach(std::uint32_t id) const
    {
        if (const auto place = find(id)) {
            return *place;
        }
        if (level1(id)[L1_DTE::VALID] != 0) {
            return fail("ID beyond the span of its level-2 table", id);
        }
        const auto table = memory_.allocate(bytes(geometry_.level2_size));
        if (!table) {
            return std::unexpected{table.error()};
        }
        store(level1_address(id), L1_DTE::from(*table & L1_DTE::L2_ADDR.mask())
                                      .with(L1_DTE::SPAN, geometry_.level2_id_bits())
                                      .with(L1_DTE::VALID, 1));
        return Place{.address = *table + entry_bytes * (id % level2_entries()), .is_new = true};
    }

    // Entries change by one store each, which the ITS sees before what it is told next.
    template <typename Entry>
    [[nodiscard]] Entry load(std::uint64_t address) const
    {
        return Entry::from(memory_.read64(address));
    }
    template <typename Entry>
    void store(std::uint64_t address, Entry entry) const
    {
        memory_.write64(address, entry.raw);
        memory_.publish(address, entry_bytes);
    }

    // The level-1 entry of an ID. Two levels only.
    [[nodiscard]] std::uint64_t level1_address(std::uint64_t id) const
    {
        return address_ + entry_bytes * (id / level2_entries());
    }

    [[nodiscard]] constexpr const TranslationGeometry& geometry() const { return geometry_; }
    [[nodiscard]] constexpr std::uint64_t address() const { return address_; }

private:
    static constexpr std::uint64_t entry_bytes = sizeof(std::uint64_t);
    // A level-1 entry is the same in both kinds of table.
    static_assert(L1_DTE::SPAN.mask() == L1_ITTE::SPAN.mask() &&
                  L1_DTE::L2_ADDR.mask() == L1_ITTE::L2_ADDR.mask() &&
                  L1_DTE::VALID.mask() == L1_ITTE::VALID.mask());

    [[nodiscard]] constexpr std::uint64_t level2_entries() const
    {
        return std::uint64_t{1} << geometry_.level2_id_bits();
    }
    [[nodiscard]] L1_DTE level1(std::uint64_t id) const { return load<L1_DTE>(level1_address(id)); }
    [[nodiscard]] static constexpr std::uint64_t level2_address(L1_DTE entry)
    {
        return entry.raw & L1_DTE::L2_ADDR.mask();
    }

    Memory memory_{};
    TranslationGeometry geometry_{};
    std::uint64_t address_ = 0;
};

}  // namespace gicv5
