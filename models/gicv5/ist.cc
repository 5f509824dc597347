// SPDX-License-Identifier: MIT
#include "models/gicv5/ist.h"

#include <algorithm>
#include <bit>
#include <string>

namespace model::gicv5 {

using namespace layout;

namespace {

constexpr unsigned physical_address_bits = 48;  // IRS_IDR0.PA_RANGE

constexpr std::uint64_t level1_fields = L1_ISTE::L2_ADDR.mask() | L1_ISTE::VALID.mask();

L2_ISTE entry_of(const Interrupt& interrupt)
{
    return L2_ISTE{}
        .with(L2_ISTE::Enable, interrupt.enabled)
        .with(L2_ISTE::HM, interrupt.level)
        .with(L2_ISTE::IRM, interrupt.one_of_n)
        .with(L2_ISTE::Priority, interrupt.priority)
        .with(L2_ISTE::IAFFID, interrupt.iaffid);
}

Interrupt interrupt_of(L2_ISTE entry)
{
    return {.enabled = entry[L2_ISTE::Enable] != 0,
            .pending = entry[L2_ISTE::Pending] != 0,
            .level = entry[L2_ISTE::HM] != 0,
            .one_of_n = entry[L2_ISTE::IRM] != 0,
            .priority = static_cast<std::uint8_t>(entry[L2_ISTE::Priority]),
            .iaffid = static_cast<std::uint16_t>(entry[L2_ISTE::IAFFID]),
            .route = {}};
}

}  // namespace

// --- Registers ----------------------------------------------------------------------------------

bool Ist::has(std::uint64_t offset)
{
    return offset == IRS_IST_BASER::offset || offset == IRS_IST_CFGR::offset ||
           offset == IRS_IST_STATUSR::offset || offset == IRS_MAP_L2_ISTR::offset;
}

std::uint64_t Ist::read(std::uint64_t offset)
{
    switch (offset) {
    case IRS_IST_BASER::offset:
        return context_.on(Fault::ist_valid_reads_zero) ? base_.with(IRS_IST_BASER::VALID, 0).raw
                                                        : base_.raw;
    case IRS_IST_CFGR::offset:
        return configuration_.raw;
    case IRS_IST_STATUSR::offset:
        return IRS_IST_STATUSR{}.with(IRS_IST_STATUSR::IDLE, handshake_.poll()).raw;
    default:
        return 0;
    }
}

void Ist::write(std::uint64_t offset, std::uint64_t value)
{
    if (!context_.configuration.lpis || offset == IRS_IST_STATUSR::offset) {
        return;
    }
    if (!handshake_.idle()) {
        context_.violations.add("IRS_IST_BASER, IRS_IST_CFGR and IRS_MAP_L2_ISTR are written while "
                                "IRS_IST_STATUSR.IDLE is 1",
                                "write of " + hex(value) + " at offset " + hex(offset));
        return;
    }
    switch (offset) {
    case IRS_IST_BASER::offset:
        write_base(IRS_IST_BASER::from(value));
        break;
    case IRS_IST_CFGR::offset:
        write_configuration(IRS_IST_CFGR::from(static_cast<std::uint32_t>(value)));
        break;
    case IRS_MAP_L2_ISTR::offset: {
        const auto lpi = static_cast<std::uint32_t>(value & IRS_MAP_L2_ISTR::ID.mask());
        handshake_.start(context_.configuration.slowness, [this, lpi] { map_level2(lpi); });
        break;
    }
    default:
        break;
    }
    if (context_.on(Fault::ist_never_idle) && offset != IRS_IST_CFGR::offset) {
        handshake_.get_stuck();
    }
}

void Ist::write_configuration(IRS_IST_CFGR value)
{
    if (base_[IRS_IST_BASER::VALID] != 0) {
        context_.violations.add("IRS_IST_CFGR is written while IRS_IST_BASER.VALID is 0",
                                "write of " + hex(value.raw));
        if (!context_.on(Fault::ist_configuration_unlocked)) {
            return;
        }
    }
    configuration_.raw =
        value.raw &
        static_cast<std::uint32_t>(IRS_IST_CFGR::STRUCTURE.mask() | IRS_IST_CFGR::ISTSZ.mask() |
                                   IRS_IST_CFGR::L2SZ.mask() | IRS_IST_CFGR::LPI_ID_BITS.mask());
}

void Ist::write_base(IRS_IST_BASER value)
{
    value.raw &= IRS_IST_BASER::ADDR.mask() | IRS_IST_BASER::VALID.mask();
    const bool was_valid = base_[IRS_IST_BASER::VALID] != 0;
    const bool is_valid = value[IRS_IST_BASER::VALID] != 0;
    if (was_valid && is_valid) {
        if (!(value == base_)) {
            context_.violations.add("IRS_IST_BASER.ADDR is changed while VALID is 0",
                                    "write of " + hex(value.raw));
        }
        if (context_.on(Fault::ist_address_moves)) {
            base_ = value;
            table_.base = value;
        }
        return;
    }
    if (is_valid) {
        // A table that cannot be is not taken (assumed; KVM does this).
        if (const char* rule = broken_rule({.base = value, .configuration = configuration_})) {
            context_.violations.add(rule, "IRS_IST_BASER " + hex(value.raw) + ", IRS_IST_CFGR " +
                                              hex(configuration_.raw));
            value = value.with(IRS_IST_BASER::VALID, 0);
        }
    }
    base_ = value;
    if (base_[IRS_IST_BASER::VALID] != 0) {
        handshake_.start(context_.configuration.slowness, [this] { install(); });
    } else if (was_valid) {
        handshake_.start(context_.configuration.slowness, [this] { remove(); });
    }
}

const char* Ist::broken_rule(const Table& table) const
{
    const auto& lpis = *context_.configuration.lpis;
    const IRS_IST_CFGR configuration = table.configuration;
    const unsigned id_bits = configuration[IRS_IST_CFGR::LPI_ID_BITS];
    if (id_bits < lpis.min_id_bits ||
        id_bits > std::min(lpis.id_bits, context_.configuration.id_bits)) {
        return "IRS_IST_CFGR.LPI_ID_BITS is from IRS_IDR2.MIN_LPI_ID_BITS to ID_BITS";
    }
    const unsigned istsz = !lpis.metadata ? 0 : id_bits < lpis.metadata_16_bytes ? 1 : 2;
    if (configuration[IRS_IST_CFGR::ISTSZ] != istsz) {
        return "IRS_IST_CFGR.ISTSZ is what IRS_IDR2.ISTMD and ISTMD_SZ ask for";
    }
    IstGeometry geometry{.id_bits = id_bits, .istsz = istsz};
    if (configuration[IRS_IST_CFGR::STRUCTURE] != 0) {
        if (!lpis.two_level) {
            return "IRS_IST_CFGR.STRUCTURE is 0 where IRS_IDR2.IST_LEVELS is 0";
        }
        const unsigned size = configuration[IRS_IST_CFGR::L2SZ];
        if (size > 2 || (lpis.level2_sizes >> size & 1) == 0) {
            return "IRS_IST_CFGR.L2SZ is a size that IRS_IDR2.IST_L2SZ offers";
        }
        geometry.two_level = true;
        geometry.level2_size = static_cast<Level2Size>(size);
        if (id_bits <= geometry.level2_id_bits()) {
            return "a two-level interrupt state table has more LPIs than one level-2 table holds";
        }
    }
    const std::uint64_t address = table.base.raw & IRS_IST_BASER::ADDR.mask();
    if (address % geometry.base_table_bytes() != 0) {
        return "IRS_IST_BASER.ADDR is aligned to the size of the table";
    }
    if (address >> physical_address_bits != 0) {
        return "IRS_IST_BASER.ADDR is within IRS_IDR0.PA_RANGE";
    }
    return nullptr;
}

// --- Table --------------------------------------------------------------------------------------

IstGeometry Ist::geometry() const
{
    return {.id_bits = table_.configuration[IRS_IST_CFGR::LPI_ID_BITS],
            .istsz = table_.configuration[IRS_IST_CFGR::ISTSZ],
            .two_level = table_.configuration[IRS_IST_CFGR::STRUCTURE] != 0,
            .level2_size = static_cast<Level2Size>(table_.configuration[IRS_IST_CFGR::L2SZ])};
}

std::uint64_t Ist::limit() const
{
    return valid_ ? std::uint64_t{1} << geometry().id_bits : 0;
}

void Ist::install()
{
    valid_ = true;
    table_ = {.base = base_, .configuration = configuration_};
    handed_over_again_ = previous_ == table_ && !context_.on(Fault::ist_content_ignored);
    if (handed_over_again_) {
        for (const std::uint32_t lpi : previous_lpis_) {
            if (Entry* entry = find(lpi)) {
                on_restore(lpi, *entry);
            }
        }
    }
}

void Ist::remove()
{
    previous_ = table_;
    previous_lpis_.clear();
    for (auto& [lpi, entry] : entries_) {
        previous_lpis_.push_back(lpi);
        write_word(entry,
                   entry.interrupt.pending && !context_.on(Fault::ist_pending_not_written_back));
        on_forget(entry);
    }
    std::ranges::sort(previous_lpis_);
    entries_.clear();
    level2_tables_.clear();
    valid_ = false;
}

// LPIs of a level-2 table, as a power of two.
unsigned Ist::level2_bits() const
{
    IstGeometry shape = geometry();
    if (context_.on(Fault::ist_level2_size_ignored)) {
        shape.level2_size = Level2Size::kib4;
    }
    return shape.level2_id_bits();
}

std::optional<std::uint64_t> Ist::level1_address(std::uint32_t lpi) const
{
    const std::uint64_t offset = std::uint64_t{8} * (lpi >> level2_bits());
    if (offset >= geometry().base_table_bytes()) {
        return {};
    }
    return (table_.base.raw & IRS_IST_BASER::ADDR.mask()) + offset;
}

void Ist::check_level1(L1_ISTE entry)
{
    if ((entry.raw & ~level1_fields) != 0) {
        context_.violations.add("RES0 bits of a level-1 entry of the interrupt state table are 0",
                                "entry " + hex(entry.raw));
    }
    if ((entry.raw & L1_ISTE::L2_ADDR.mask()) % bytes(geometry().level2_size) != 0) {
        context_.violations.add("a level-2 interrupt state table is aligned to its size",
                                "entry " + hex(entry.raw));
    }
}

void Ist::map_level2(std::uint32_t lpi)
{
    if (!valid_ || !geometry().two_level || lpi >= limit()) {
        context_.violations.add("IRS_MAP_L2_ISTR names an LPI of a two-level table that is "
                                "handed over",
                                "LPI " + hex(lpi));
        return;
    }
    const std::uint32_t index = lpi >> level2_bits();
    const auto address = level1_address(lpi);
    if (!address || level2_tables_.contains(index)) {
        return;
    }
    const auto found = context_.memory.read(*address, 8);
    if (!found) {
        errors_.report(SoftwareErrors::level1_fetch_failed, lpi, *address);
        return;
    }
    const auto entry = L1_ISTE::from(*found);
    if (entry[L1_ISTE::VALID] != 0) {
        if (handed_over_again_) {
            return;
        }
        context_.violations.add("VALID of a level-1 entry of the interrupt state table is set by "
                                "the IRS, not by software",
                                "entry " + hex(entry.raw) + " at " + hex(*address));
    }
    check_level1(entry);
    const std::uint64_t table = entry.raw & L1_ISTE::L2_ADDR.mask();
    const unsigned stride = geometry().entry_bytes();
    for (std::uint64_t at = 0; at < bytes(geometry().level2_size); at += stride) {
        if (context_.memory.read(table + at, 4).value_or(0) != 0) {
            context_.violations.add("entries of the interrupt state table are zero when they are "
                                    "handed over",
                                    "entry at " + hex(table + at));
            break;
        }
    }
    if (!context_.on(Fault::ist_level1_valid_missing) &&
        !context_.memory.write(*address, 8, entry.with(L1_ISTE::VALID, 1).raw)) {
        errors_.report(SoftwareErrors::level1_update_failed, lpi, *address);
        return;
    }
    level2_tables_[index] = table;
}

// The level-2 table that holds an LPI. It was mapped in this life of the table or the one before.
std::optional<std::uint64_t> Ist::level2_table(std::uint32_t lpi)
{
    const std::uint32_t index = lpi >> level2_bits();
    if (const auto known = level2_tables_.find(index); known != level2_tables_.end()) {
        return known->second;
    }
    const auto address = level1_address(lpi);
    if (!address) {
        return {};
    }
    const auto found = context_.memory.read(*address, 8);
    if (!found) {
        errors_.report(SoftwareErrors::level1_fetch_failed, lpi, *address);
        return {};
    }
    const auto entry = L1_ISTE::from(*found);
    if (entry[L1_ISTE::VALID] == 0) {
        return {};
    }
    if (!handed_over_again_) {
        context_.violations.add("VALID of a level-1 entry of the interrupt state table is set by "
                                "the IRS, not by software",
                                "entry " + hex(entry.raw) + " at " + hex(*address));
        return {};
    }
    return level2_tables_[index] = entry.raw & L1_ISTE::L2_ADDR.mask();
}

std::optional<std::uint64_t> Ist::entry_address(std::uint32_t lpi)
{
    const unsigned stride =
        context_.on(Fault::ist_entry_size_ignored) ? 4 : geometry().entry_bytes();
    if (!geometry().two_level) {
        return (table_.base.raw & IRS_IST_BASER::ADDR.mask()) + std::uint64_t{lpi} * stride;
    }
    const std::uint32_t index = lpi & ((1U << level2_bits()) - 1);
    const auto table = level2_table(lpi);
    return table ? std::optional{*table + std::uint64_t{index} * stride} : std::nullopt;
}

Ist::Entry* Ist::find(std::uint32_t lpi)
{
    if (!valid_) {
        return nullptr;
    }
    if (context_.on(Fault::lpi_ids_alias)) {
        lpi &= ~0x1000U;
    }
    if (const auto known = entries_.find(lpi); known != entries_.end()) {
        return &known->second;
    }
    Entry entry{.serial = entries_.size()};
    if (lpi >= limit()) {
        if (lpi > limit() || !context_.on(Fault::lpi_beyond_reachable)) {
            return nullptr;
        }
    } else if (lpi + 1 == limit() && context_.on(Fault::lpi_last_missing)) {
        return nullptr;
    } else if (const auto address = entry_address(lpi)) {
        const auto word = context_.memory.read(*address, 4);
        if (!word) {
            errors_.report(SoftwareErrors::level2_access_failed, lpi, *address);
            return nullptr;
        }
        entry.address = address;
        entry.word = static_cast<std::uint32_t>(*word);
        if (entry.word != 0 && !handed_over_again_ && !context_.on(Fault::ist_content_ignored)) {
            context_.violations.add("entries of the interrupt state table are zero when they are "
                                    "handed over",
                                    "entry of LPI " + hex(lpi) + ": " + hex(entry.word));
        }
        if (!context_.on(Fault::ist_content_ignored)) {
            entry.interrupt = interrupt_of(L2_ISTE::from(entry.word));
        }
    } else if (!context_.on(Fault::ist_unmapped_reachable)) {
        return nullptr;
    }
    return &entries_.emplace(lpi, entry).first->second;
}

void Ist::store(Entry& entry)
{
    write_word(entry, false);
}

void Ist::write_word(Entry& entry, bool pending)
{
    if (!entry.address) {
        return;
    }
    if (context_.memory.read(*entry.address, 4) != entry.word) {
        context_.violations.add("software does not write to an interrupt state table that is "
                                "handed over",
                                "entry at " + hex(*entry.address));
    }
    auto word = entry_of(entry.interrupt).with(L2_ISTE::Pending, pending);
    if (context_.on(Fault::ist_enable_not_written)) {
        word = word.with(L2_ISTE::Enable, 0);
    }
    entry.word = word.raw;
    if (!context_.memory.write(*entry.address, 4, entry.word)) {
        errors_.report(SoftwareErrors::level2_access_failed, 0, *entry.address);
    }
}

}  // namespace model::gicv5
