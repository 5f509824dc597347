// SPDX-License-Identifier: MIT
//
// The interrupt translation service: events of devices become LPIs, by tables in memory.
//
// The ITS keeps every entry it has read, also one that is not valid, until software invalidates it;
// a level-1 entry only when it is valid (assumed: Linux adds level-2 device tables without
// invalidating level 1). Turning the ITS off empties its caches (assumed). An entry that breaks a
// rule is not valid.
#pragma once

#include "models/gicv5/context.h"
#include "models/gicv5/irs.h"

#include "arm64/gic/gicv5/its_registers.h"
#include "arm64/gic/gicv5/tables.h"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace model::gicv5 {

class Its {
public:
    Its(Context& context, Irs& irs) : context_{context}, irs_{irs} {}

    // The configuration frame.
    [[nodiscard]] static bool wide(std::uint64_t offset);
    [[nodiscard]] std::uint64_t read(std::uint64_t offset);
    void write(std::uint64_t offset, std::uint64_t value);

    // An event of a device, and one by a write to the translate frame.
    void event(std::uint32_t device, std::uint32_t event, Event what);
    void device_write(std::uint32_t device, std::uint32_t event);

private:
    // A table entry's place: the device (0 for the device table) and the number in its table.
    using Place = std::pair<std::uint32_t, std::uint32_t>;
    using Cache = std::map<Place, std::uint64_t>;
    struct Table {
        std::uint64_t address;
        layout::TranslationGeometry geometry;
    };

    [[nodiscard]] std::optional<std::uint32_t> translate(std::uint32_t device, std::uint32_t event);
    // Entry `number` of a table, by way of its level-1 table where it has one. Zero: none.
    [[nodiscard]] std::uint64_t fetch(const Table& table, Cache& level1, Place place);
    [[nodiscard]] std::uint64_t level1_entry(const Table& table, Cache& level1, Place place);
    [[nodiscard]] unsigned level2_bits(const layout::TranslationGeometry& geometry) const;
    [[nodiscard]] layout::L2_DTE device_entry(std::uint32_t device);
    [[nodiscard]] layout::L2_ITTE event_entry(std::uint32_t device, layout::L2_DTE device_entry,
                                              std::uint32_t event);
    [[nodiscard]] const char* broken_rule(layout::L2_DTE entry) const;
    [[nodiscard]] const char* broken_rule(layout::L2_ITTE entry) const;
    [[nodiscard]] const char* broken_rule_of_device_table() const;
    [[nodiscard]] bool offers(layout::Level2Size size) const;
    [[nodiscard]] static Table table_of(layout::L2_DTE entry);
    [[nodiscard]] Table device_table() const;

    void write_control(std::uint32_t value);
    void invalidate_event(layout::ITS_INV_EVENTR value);
    void invalidate_device(layout::ITS_INV_DEVICER value);
    void read_event();
    void generate_event(layout::ITS_GEN_EVENTR value);
    void synchronize(layout::ITS_SYNCR value);
    [[nodiscard]] bool check_off(const char* rule);
    [[nodiscard]] bool check_idle(const Handshake& group, const char* rule);

    Context& context_;
    Irs& irs_;

    bool enabled_ = false;
    bool has_table_ = false;  // the device table's registers make sense
    Handshake control_;
    std::uint32_t attributes_ = 0;
    layout::ITS_DT_BASER table_address_{};
    layout::ITS_DT_CFGR table_configuration_{};

    std::uint32_t device_ = 0;
    std::uint32_t event_ = 0;
    layout::ITS_READ_EVENT_DATAR answer_{};
    bool answered_ = false;
    Handshake mailbox_;

    layout::ITS_SYNCR synchronized_{};
    Handshake synchronization_;

    std::uint32_t generated_device_ = 0;
    std::uint32_t generated_event_ = 0;
    Handshake generation_;

    Cache level1_devices_;
    Cache devices_;
    Cache level1_events_;
    Cache events_;
};

}  // namespace model::gicv5
