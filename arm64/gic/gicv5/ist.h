// SPDX-License-Identifier: MIT
//
// The interrupt state table: memory that software lends to the IRS for the state of LPIs.
// Arm GIC Architecture Specification, GICv5 (AES 0070), "Interrupt State Table".
//
// `Memory` is where tables live: table_memory.h on the machine, an arena in the unit tests. Its
// addresses are those the IRS uses. One caller at a time.
#pragma once

#include "arm64/gic/gicv5/irs.h"
#include "arm64/gic/gicv5/tables.h"

#include <cstdint>

namespace gicv5 {

template <typename Io, typename Memory>
class InterruptStateTable {
public:
    constexpr InterruptStateTable() = default;

    // Allocates the (first-level) table and hands it to the IRS.
    [[nodiscard]] Result<> create(const Irs<Io>& irs, Memory memory, const IstGeometry& geometry)
    {
        const auto table = memory.allocate(geometry.base_table_bytes());
        if (!table) {
            return std::unexpected{table.error()};
        }
        irs_ = irs;
        memory_ = memory;
        geometry_ = geometry;
        address_ = *table;
        const auto installed = irs_.install_ist(address_, geometry_);
        if (!installed) {
            release();
        }
        return installed;
    }

    // Makes an LPI usable: where its level-2 table is missing, allocates it and hands it over.
    [[nodiscard]] Result<> map(std::uint32_t lpi_number)
    {
        if (lpi_number >> geometry_.id_bits != 0) {
            return fail("LPI beyond the interrupt state table", lpi_number);
        }
        if (!geometry_.two_level || level1_entry(lpi_number)[L1_ISTE::VALID] != 0) {
            return {};
        }
        const auto table = memory_.allocate(bytes(geometry_.level2_size));
        if (!table) {
            return std::unexpected{table.error()};
        }
        write_level1(lpi_number, *table);
        if (const auto mapped = irs_.map_level2(lpi_number); !mapped) {
            return mapped;
        }
        if (level1_entry(lpi_number)[L1_ISTE::VALID] == 0) {
            return fail("the IRS does not set VALID in the level-1 entry of the LPI", lpi_number);
        }
        return {};
    }

    // Takes the tables back and frees them. No LPI may be in use.
    [[nodiscard]] Result<> destroy()
    {
        if (const auto removed = irs_.remove_ist(); !removed) {
            return removed;
        }
        release();
        return {};
    }

    // The IRS lets go of the table and takes it again: the state of the LPIs survives.
    [[nodiscard]] Result<> suspend() const { return irs_.remove_ist(); }
    [[nodiscard]] Result<> resume() const { return irs_.install_ist(address_, geometry_); }
    // After suspend(): the same with the tables as they were at first, every LPI idle and disabled.
    [[nodiscard]] Result<> restart() const
    {
        if (!geometry_.two_level) {
            clear(address_, geometry_.base_table_bytes());
            return resume();
        }
        for_each_level2([this](std::uint32_t first, std::uint64_t table) {
            clear(table, bytes(geometry_.level2_size));
            write_level1(first, table);
        });
        Result<> done = resume();
        for_each_level2([&](std::uint32_t first, std::uint64_t) {
            if (done) {
                done = irs_.map_level2(first);
            }
        });
        return done;
    }

    [[nodiscard]] bool exists() const { return address_ != 0; }
    [[nodiscard]] const IstGeometry& geometry() const { return geometry_; }
    [[nodiscard]] std::uint64_t address() const { return address_; }

    // What the level-1 table says of an LPI. Two-level tables only.
    [[nodiscard]] L1_ISTE level1_entry(std::uint32_t lpi_number) const
    {
        const std::uint64_t entry = level1_address(lpi_number);
        memory_.refresh(entry, sizeof(L1_ISTE));
        return L1_ISTE::from(memory_.read64(entry));
    }
    // The first word of an LPI's entry; it means something while the table is suspended. The LPI
    // must be mapped.
    [[nodiscard]] L2_ISTE entry(std::uint32_t lpi_number) const
    {
        std::uint64_t table = address_;
        std::uint32_t index = lpi_number;
        if (geometry_.two_level) {
            table = level1_entry(lpi_number).raw & L1_ISTE::L2_ADDR.mask();
            index &= (1U << geometry_.level2_id_bits()) - 1;
        }
        const std::uint64_t entry = table + std::uint64_t{index} * geometry_.entry_bytes();
        memory_.refresh(entry, sizeof(L2_ISTE));
        return L2_ISTE::from(memory_.read32(entry));
    }

private:
    [[nodiscard]] std::uint64_t level1_address(std::uint32_t lpi_number) const
    {
        return address_ + std::uint64_t{geometry_.level1_index(lpi_number)} * sizeof(L1_ISTE);
    }
    // VALID is the IRS's to set: software writes the address alone.
    void write_level1(std::uint32_t lpi_number, std::uint64_t table) const
    {
        const std::uint64_t entry = level1_address(lpi_number);
        memory_.write64(entry, table & L1_ISTE::L2_ADDR.mask());
        memory_.publish(entry, sizeof(L1_ISTE));
    }
    // Calls function(first LPI, address) for each level-2 table there is.
    template <typename Function>
    void for_each_level2(Function function) const
    {
        const std::uint32_t step = 1U << geometry_.level2_id_bits();
        for (std::uint32_t first = 0; first >> geometry_.id_bits == 0; first += step) {
            const auto entry = level1_entry(first);
            if (const auto table = entry.raw & L1_ISTE::L2_ADDR.mask(); table != 0) {
                function(first, table);
            }
        }
    }
    void clear(std::uint64_t address, std::uint64_t size) const
    {
        for (std::uint64_t at = address; at < address + size; at += sizeof(std::uint64_t)) {
            memory_.write64(at, 0);
        }
        memory_.publish(address, size);
    }
    void release()
    {
        if (geometry_.two_level) {
            for_each_level2([this](std::uint32_t, std::uint64_t table) {
                memory_.free(table, bytes(geometry_.level2_size));
            });
        }
        memory_.free(address_, geometry_.base_table_bytes());
        address_ = 0;
    }

    Irs<Io> irs_{};
    Memory memory_{};
    IstGeometry geometry_{};
    std::uint64_t address_ = 0;
};

}  // namespace gicv5
