// SPDX-License-Identifier: MIT
//
// The interrupt state table: the state of LPIs in memory, and what the IRS keeps of it.
//
// The IRS loads an entry at the first use and keeps it until the table is taken back. Configuration
// is written through; Pending is the IRS's alone until then. Active is never in memory (assumed).
#pragma once

#include "models/gicv5/context.h"
#include "models/gicv5/interrupt.h"
#include "models/gicv5/software_errors.h"

#include "arm64/gic/gicv5/irs_registers.h"
#include "arm64/gic/gicv5/tables.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

namespace model::gicv5 {

class Ist {
public:
    struct Entry {
        Interrupt interrupt;
        std::optional<std::uint64_t> address;  // nothing: it has no memory (faults)
        std::uint32_t word = 0;                // as it was last read or written
        std::size_t serial = 0;                // how many were loaded before
    };

    Ist(Context& context, SoftwareErrors& errors) : context_{context}, errors_{errors} {}

    // IRS_IST_*, IRS_MAP_L2_ISTR.
    [[nodiscard]] static bool has(std::uint64_t offset);
    [[nodiscard]] std::uint64_t read(std::uint64_t offset);
    void write(std::uint64_t offset, std::uint64_t value);

    // The state of an LPI. Null: not reachable. Valid until the table is taken back.
    [[nodiscard]] Entry* find(std::uint32_t lpi);
    // Its configuration has changed.
    void store(Entry& entry);
    // LPIs that can be named: IDs below it.
    [[nodiscard]] std::uint64_t limit() const;

    // Called for each LPI that has state when a table is handed over, and when it is taken back.
    std::function<void(std::uint32_t, Entry&)> on_restore;
    std::function<void(Entry&)> on_forget;

private:
    struct Table {
        layout::IRS_IST_BASER base;
        layout::IRS_IST_CFGR configuration;
        friend bool operator==(const Table&, const Table&) = default;
    };

    void write_base(layout::IRS_IST_BASER value);
    void write_configuration(layout::IRS_IST_CFGR value);
    void install();
    void remove();
    void map_level2(std::uint32_t lpi);

    // The rule that a table of this configuration breaks, if any.
    [[nodiscard]] const char* broken_rule(const Table& table) const;
    [[nodiscard]] layout::IstGeometry geometry() const;
    [[nodiscard]] unsigned level2_bits() const;
    [[nodiscard]] std::optional<std::uint64_t> level1_address(std::uint32_t lpi) const;
    [[nodiscard]] std::optional<std::uint64_t> level2_table(std::uint32_t lpi);
    [[nodiscard]] std::optional<std::uint64_t> entry_address(std::uint32_t lpi);
    void write_word(Entry& entry, bool pending);
    void check_level1(layout::L1_ISTE entry);

    Context& context_;
    SoftwareErrors& errors_;
    Handshake handshake_;
    layout::IRS_IST_BASER base_{};
    layout::IRS_IST_CFGR configuration_{};
    bool valid_ = false;  // a table is in use:
    Table table_{};

    std::unordered_map<std::uint32_t, Entry> entries_;
    std::unordered_map<std::uint32_t, std::uint64_t> level2_tables_;  // by level-1 index
    // The table before, whose content is the IRS's own, and its LPIs.
    std::optional<Table> previous_;
    std::vector<std::uint32_t> previous_lpis_;
    bool handed_over_again_ = false;
};

}  // namespace model::gicv5
