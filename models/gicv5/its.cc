// SPDX-License-Identifier: MIT
#include "models/gicv5/its.h"

#include <string>

namespace model::gicv5 {

using namespace layout;

namespace {

constexpr std::uint32_t non_secure = 1;
constexpr std::uint32_t pa_range_48_bits = 5;
constexpr std::uint32_t arm = 0x43b;

constexpr std::uint32_t attribute_fields =
    static_cast<std::uint32_t>(ITS_CR1::ITT_RA.mask() | ITS_CR1::DT_RA.mask() | ITS_CR1::IC.mask() |
                               ITS_CR1::OC.mask() | ITS_CR1::SH.mask());
constexpr std::uint32_t table_fields = static_cast<std::uint32_t>(
    ITS_DT_CFGR::STRUCTURE.mask() | ITS_DT_CFGR::L2SZ.mask() | ITS_DT_CFGR::DEVICEID_BITS.mask());

// Level-1 entries of both kinds are alike.
static_assert(L1_DTE::SPAN.mask() == L1_ITTE::SPAN.mask() &&
              L1_DTE::L2_ADDR.mask() == L1_ITTE::L2_ADDR.mask() &&
              L1_DTE::VALID.mask() == L1_ITTE::VALID.mask());
constexpr std::uint64_t level1_fields =
    L1_DTE::SPAN.mask() | L1_DTE::L2_ADDR.mask() | L1_DTE::VALID.mask();
constexpr std::uint64_t device_fields = L2_DTE::EVENTID_BITS.mask() | L2_DTE::ITT_STRUCTURE.mask() |
                                        L2_DTE::DSWE.mask() | L2_DTE::ITT_ADDR.mask() |
                                        L2_DTE::ITT_L2SZ.mask() | L2_DTE::VALID.mask();
constexpr std::uint64_t event_fields = L2_ITTE::VM_ID.mask() | L2_ITTE::VALID.mask() |
                                       L2_ITTE::VIRTUAL.mask() | L2_ITTE::DAC.mask() |
                                       L2_ITTE::LPI_ID.mask();

}  // namespace

// --- Tables -------------------------------------------------------------------------------------

bool Its::offers(Level2Size size) const
{
    const auto number = static_cast<unsigned>(size);
    return number <= 2 && (context_.configuration.its->level2_sizes >> number & 1) != 0;
}

Its::Table Its::device_table() const
{
    return {.address = table_address_.raw & ITS_DT_BASER::ADDR.mask(),
            .geometry = {.id_bits = table_configuration_[ITS_DT_CFGR::DEVICEID_BITS],
                         .two_level = table_configuration_[ITS_DT_CFGR::STRUCTURE] != 0,
                         .level2_size =
                             static_cast<Level2Size>(table_configuration_[ITS_DT_CFGR::L2SZ])}};
}

Its::Table Its::table_of(L2_DTE entry)
{
    return {.address = entry.raw & L2_DTE::ITT_ADDR.mask(),
            .geometry = {.id_bits = static_cast<unsigned>(entry[L2_DTE::EVENTID_BITS]),
                         .two_level = entry[L2_DTE::ITT_STRUCTURE] != 0,
                         .level2_size = static_cast<Level2Size>(entry[L2_DTE::ITT_L2SZ])}};
}

const char* Its::broken_rule_of_device_table() const
{
    const auto& its = *context_.configuration.its;
    const Table table = device_table();
    if (table.geometry.id_bits > its.device_bits) {
        return "ITS_DT_CFGR.DEVICEID_BITS is at most that of ITS_IDR1";
    }
    if (table.geometry.two_level && !its.two_level_devices) {
        return "ITS_DT_CFGR.STRUCTURE is 0 where ITS_IDR1.DT_LEVELS is 0";
    }
    if (table.geometry.two_level && !offers(table.geometry.level2_size)) {
        return "ITS_DT_CFGR.L2SZ is a size that ITS_IDR1.L2SZ offers";
    }
    if (table.address % table.geometry.base_table_bytes() != 0) {
        return "ITS_DT_BASER.ADDR is aligned to the size of the device table";
    }
    return nullptr;
}

const char* Its::broken_rule(L2_DTE entry) const
{
    const auto& its = *context_.configuration.its;
    const Table table = table_of(entry);
    if ((entry.raw & ~device_fields) != 0) {
        return "RES0 bits of a device table entry are 0";
    }
    if (table.geometry.id_bits > its.event_bits) {
        return "EVENTID_BITS of a device table entry is at most that of ITS_IDR2";
    }
    if (table.geometry.two_level && !its.two_level_events) {
        return "ITT_STRUCTURE of a device table entry is 0 where ITS_IDR1.ITT_LEVELS is 0";
    }
    if (table.geometry.two_level && !offers(table.geometry.level2_size)) {
        return "ITT_L2SZ of a device table entry is a size that ITS_IDR1.L2SZ offers";
    }
    if (table.address % table.geometry.base_table_bytes() != 0) {
        return "an interrupt translation table is aligned to its size";
    }
    return nullptr;
}

const char* Its::broken_rule(L2_ITTE entry) const
{
    if ((entry.raw & ~event_fields) != 0) {
        return "RES0 bits of an interrupt translation table entry are 0";
    }
    if (entry[L2_ITTE::VIRTUAL] != 0) {
        return "VIRTUAL of an interrupt translation table entry is 0 where IRS_IDR0.VIRT is 0";
    }
    if (entry[L2_ITTE::LPI_ID] >= irs_.lpi_limit()) {
        return "LPI_ID of an interrupt translation table entry is an LPI of the interrupt state "
               "table";
    }
    return nullptr;
}

unsigned Its::level2_bits(const TranslationGeometry& geometry) const
{
    return context_.on(Fault::its_level2_size_ignored)
               ? TranslationGeometry{.level2_size = Level2Size::kib4}.level2_id_bits()
               : geometry.level2_id_bits();
}

std::uint64_t Its::level1_entry(const Table& table, Cache& level1, Place place)
{
    const std::uint32_t index = place.second >> level2_bits(table.geometry);
    if (const auto known = level1.find({place.first, index}); known != level1.end()) {
        return known->second;
    }
    const std::uint64_t offset = std::uint64_t{8} * index;
    if (offset >= table.geometry.base_table_bytes()) {
        return 0;
    }
    const auto entry = L1_DTE::from(context_.memory.read(table.address + offset, 8).value_or(0));
    if (entry[L1_DTE::VALID] == 0) {
        return 0;
    }
    const char* rule = nullptr;
    if ((entry.raw & ~level1_fields) != 0) {
        rule = "RES0 bits of a level-1 entry of an ITS table are 0";
    } else if (entry[L1_DTE::SPAN] > table.geometry.level2_id_bits()) {
        rule = "SPAN of a level-1 entry of an ITS table is at most a level-2 table's size";
    } else if ((entry.raw & L1_DTE::L2_ADDR.mask()) % (std::uint64_t{8} << entry[L1_DTE::SPAN]) !=
               0) {
        rule = "a level-2 table of the ITS is aligned to its size";
    }
    if (rule != nullptr) {
        context_.violations.add(rule, "entry " + hex(entry.raw));
        return 0;
    }
    level1[{place.first, index}] = entry.raw;
    return entry.raw;
}

std::uint64_t Its::fetch(const Table& table, Cache& level1, Place place)
{
    std::uint64_t address = table.address;
    std::uint32_t index = place.second;
    if (table.geometry.two_level) {
        const auto entry = L1_DTE::from(level1_entry(table, level1, place));
        index &= (1U << level2_bits(table.geometry)) - 1;
        std::uint32_t span = 1U << entry[L1_DTE::SPAN];
        if (context_.on(Fault::its_span_off_by_one)) {
            span -= 1;
        } else if (context_.on(Fault::its_span_ignored)) {
            span = 1U << level2_bits(table.geometry);
        }
        if (entry[L1_DTE::VALID] == 0 || index >= span) {
            return 0;
        }
        address = entry.raw & L1_DTE::L2_ADDR.mask();
    }
    return context_.memory.read(address + std::uint64_t{8} * index, 8).value_or(0);
}

L2_DTE Its::device_entry(std::uint32_t device)
{
    const Place place{0, device};
    if (const auto known = devices_.find(place); known != devices_.end()) {
        return L2_DTE::from(known->second);
    }
    auto entry = L2_DTE::from(fetch(device_table(), level1_devices_, place));
    if (entry[L2_DTE::VALID] != 0) {
        if (const char* rule = broken_rule(entry)) {
            context_.violations.add(rule, "entry " + hex(entry.raw) + " of device " + hex(device));
            entry = {};
        }
    }
    devices_[place] = entry.raw;
    return entry;
}

L2_ITTE Its::event_entry(std::uint32_t device, L2_DTE device_entry, std::uint32_t event)
{
    const Place place{device, event};
    if (const auto known = events_.find(place); known != events_.end()) {
        return L2_ITTE::from(known->second);
    }
    auto entry = L2_ITTE::from(fetch(table_of(device_entry), level1_events_, place));
    if (entry[L2_ITTE::VALID] != 0) {
        if (const char* rule = broken_rule(entry)) {
            context_.violations.add(rule, "entry " + hex(entry.raw) + " of device " + hex(device) +
                                              " event " + hex(event));
            entry = {};
        }
    }
    events_[place] = entry.raw;
    return entry;
}

// --- Events -------------------------------------------------------------------------------------

std::optional<std::uint32_t> Its::translate(std::uint32_t device, std::uint32_t event)
{
    if ((!enabled_ && !context_.on(Fault::its_enable_ignored)) || !has_table_) {
        return {};
    }
    if (context_.on(Fault::its_device_high_bits_ignored)) {
        device &= 0xff;
    }
    if (std::uint64_t{device} >> device_table().geometry.id_bits != 0) {
        return {};
    }
    const L2_DTE of_device = device_entry(device);
    if (of_device[L2_DTE::VALID] == 0) {
        return {};
    }
    const auto event_bits = static_cast<unsigned>(of_device[L2_DTE::EVENTID_BITS]);
    if (context_.on(Fault::its_event_range_ignored)) {
        event &= (1U << event_bits) - 1;
    }
    if (std::uint64_t{event} >> event_bits != 0) {
        return {};
    }
    const L2_ITTE entry = event_entry(device, of_device, event);
    if (entry[L2_ITTE::VALID] == 0 && !context_.on(Fault::its_valid_ignored)) {
        return {};
    }
    return static_cast<std::uint32_t>(entry[L2_ITTE::LPI_ID]);
}

void Its::event(std::uint32_t device, std::uint32_t event, Event what)
{
    if (const auto lpi = translate(device, event)) {
        irs_.event(*lpi, what);
    }
}

void Its::device_write(std::uint32_t device, std::uint32_t event)
{
    if (context_.on(Fault::its_write_lost)) {
        return;
    }
    const auto lpi = translate(device, event);
    if (lpi && context_.on(Fault::its_write_doubled)) {
        irs_.deliver_twice(*lpi);
    }
    if (lpi) {
        irs_.event(*lpi, Event::set_edge);
    }
}

// --- Registers ----------------------------------------------------------------------------------

bool Its::wide(std::uint64_t offset)
{
    return offset == ITS_DT_BASER::offset || offset == ITS_DIDR::offset ||
           offset == ITS_READ_EVENT_DATAR::offset || offset == ITS_SYNCR::offset ||
           offset == ITS_GEN_EVENT_DIDR::offset;
}

std::uint64_t Its::read(std::uint64_t offset)
{
    const auto& its = *context_.configuration.its;
    switch (offset) {
    case ITS_IDR0::offset:
        return ITS_IDR0{}
            .with(ITS_IDR0::INT_DOM, non_secure)
            .with(ITS_IDR0::PA_RANGE, pa_range_48_bits)
            .raw;
    case ITS_IDR1::offset:
        return ITS_IDR1{}
            .with(ITS_IDR1::DEVICEID_BITS, its.device_bits)
            .with(ITS_IDR1::DT_LEVELS, its.two_level_devices)
            .with(ITS_IDR1::ITT_LEVELS, its.two_level_events)
            .with(ITS_IDR1::L2SZ, its.level2_sizes)
            .raw;
    case ITS_IDR2::offset:
        return ITS_IDR2{}.with(ITS_IDR2::EVENTID_BITS, its.event_bits).raw;
    case ITS_IIDR::offset:
        return arm;
    case ITS_AIDR::offset:
        return ITS_AIDR{}.with(ITS_AIDR::Component, 1).raw;
    case ITS_CR0::offset: {
        const bool idle = control_.poll();
        return ITS_CR0{}.with(ITS_CR0::IDLE, idle).with(ITS_CR0::ITSEN, enabled_).raw;
    }
    case ITS_CR1::offset:
        return attributes_;
    case ITS_DT_BASER::offset:
        return table_address_.raw;
    case ITS_DT_CFGR::offset:
        return table_configuration_.raw;
    case ITS_DIDR::offset:
        return device_;
    case ITS_EIDR::offset:
        return event_;
    case ITS_READ_EVENT_DATAR::offset:
        return answer_.raw;
    case ITS_STATUSR::offset:
        return ITS_STATUSR{}.with(ITS_STATUSR::IDLE, mailbox_.poll()).raw;
    case ITS_SYNCR::offset:
        return synchronized_.raw;
    case ITS_SYNC_STATUSR::offset:
        return ITS_SYNC_STATUSR{}.with(ITS_SYNC_STATUSR::IDLE, synchronization_.poll()).raw;
    case ITS_GEN_EVENT_DIDR::offset:
        return generated_device_;
    case ITS_GEN_EVENT_EIDR::offset:
        return generated_event_;
    case ITS_GEN_EVENT_STATUSR::offset:
        return ITS_GEN_EVENT_STATUSR{}.with(ITS_GEN_EVENT_STATUSR::IDLE, generation_.poll()).raw;
    default:
        return 0;
    }
}

bool Its::check_off(const char* rule)
{
    const bool off = !enabled_ && control_.idle();
    if (!off) {
        context_.violations.add(rule);
    }
    return off;
}

bool Its::check_idle(const Handshake& group, const char* rule)
{
    if (!group.idle()) {
        context_.violations.add(rule);
    }
    return group.idle();
}

void Its::write(std::uint64_t offset, std::uint64_t value)
{
    static constexpr const char* mailbox_rule =
        "ITS_DIDR, ITS_EIDR, ITS_INV_EVENTR, ITS_INV_DEVICER and ITS_READ_EVENTR are written while "
        "ITS_STATUSR.IDLE is 1";
    static constexpr const char* generation_rule =
        "ITS_GEN_EVENT_DIDR, ITS_GEN_EVENT_EIDR and ITS_GEN_EVENTR are written while "
        "ITS_GEN_EVENT_STATUSR.IDLE is 1";
    const auto word = static_cast<std::uint32_t>(value);
    switch (offset) {
    case ITS_CR0::offset:
        write_control(word);
        break;
    case ITS_CR1::offset:
        if (check_off("ITS_CR1 is written while the ITS is off and idle")) {
            attributes_ = word & attribute_fields;
        }
        break;
    case ITS_DT_BASER::offset:
        if (check_off("ITS_DT_BASER is written while the ITS is off and idle")) {
            table_address_.raw = value & ITS_DT_BASER::ADDR.mask();
        }
        break;
    case ITS_DT_CFGR::offset:
        if (check_off("ITS_DT_CFGR is written while the ITS is off and idle")) {
            table_configuration_.raw = word & table_fields;
        }
        break;
    case ITS_DIDR::offset:
        if (check_idle(mailbox_, mailbox_rule)) {
            device_ = word;
        }
        break;
    case ITS_EIDR::offset:
        if (check_idle(mailbox_, mailbox_rule)) {
            event_ = ITS_EIDR::from(word)[ITS_EIDR::EVENTID];
        }
        break;
    case ITS_INV_EVENTR::offset:
        if (check_idle(mailbox_, mailbox_rule)) {
            invalidate_event(ITS_INV_EVENTR::from(word));
        }
        break;
    case ITS_INV_DEVICER::offset:
        if (check_idle(mailbox_, mailbox_rule)) {
            invalidate_device(ITS_INV_DEVICER::from(word));
        }
        break;
    case ITS_READ_EVENTR::offset:
        if (check_idle(mailbox_, mailbox_rule)) {
            read_event();
        }
        break;
    case ITS_SYNCR::offset:
        synchronize(ITS_SYNCR::from(value));
        break;
    case ITS_GEN_EVENT_DIDR::offset:
        if (check_idle(generation_, generation_rule)) {
            generated_device_ = word;
        }
        break;
    case ITS_GEN_EVENT_EIDR::offset:
        if (check_idle(generation_, generation_rule)) {
            generated_event_ = ITS_GEN_EVENT_EIDR::from(word)[ITS_GEN_EVENT_EIDR::EVENTID];
        }
        break;
    case ITS_GEN_EVENTR::offset:
        if (check_idle(generation_, generation_rule)) {
            generate_event(ITS_GEN_EVENTR::from(word));
        }
        break;
    default:
        break;
    }
}

void Its::write_control(std::uint32_t value)
{
    if (!check_idle(control_, "ITS_CR0 is written while ITS_CR0.IDLE is 1")) {
        return;
    }
    const bool enable = ITS_CR0::from(value)[ITS_CR0::ITSEN] != 0;
    if (enable && !enabled_) {
        const char* const rule = broken_rule_of_device_table();
        has_table_ = rule == nullptr;
        if (rule != nullptr) {
            context_.violations.add(rule, "ITS_DT_BASER " + hex(table_address_.raw) +
                                              ", ITS_DT_CFGR " + hex(table_configuration_.raw));
        }
    } else if (!enable) {
        level1_devices_.clear();
        devices_.clear();
        level1_events_.clear();
        events_.clear();
    }
    enabled_ = enable;
    control_.start(context_.configuration.slowness);
}

void Its::invalidate_event(ITS_INV_EVENTR value)
{
    if (value[ITS_INV_EVENTR::I] == 0) {
        return;
    }
    mailbox_.start(context_.configuration.slowness, [this, value] {
        if (context_.on(Fault::its_invalidate_event_ignored)) {
            return;
        }
        events_.erase({device_, event_});
        if (value[ITS_INV_EVENTR::L1] != 0) {
            const TranslationGeometry shape{
                .level2_size = static_cast<Level2Size>(value[ITS_INV_EVENTR::ITT_L2SZ])};
            level1_events_.erase({device_, event_ >> level2_bits(shape)});
        }
    });
    if (context_.on(Fault::its_never_idle)) {
        mailbox_.get_stuck();
    }
}

void Its::invalidate_device(ITS_INV_DEVICER value)
{
    if (value[ITS_INV_DEVICER::I] == 0) {
        return;
    }
    mailbox_.start(context_.configuration.slowness, [this, value] {
        if (context_.on(Fault::its_invalidate_device_ignored)) {
            return;
        }
        devices_.erase({0, device_});
        if (value[ITS_INV_DEVICER::L1] != 0) {
            level1_devices_.erase({0, device_ >> level2_bits(device_table().geometry)});
        }
        // The device's translations: as many as it had.
        const std::uint64_t limit = std::uint64_t{1} << value[ITS_INV_DEVICER::EVENTID_BITS];
        std::erase_if(events_, [&](const auto& known) {
            return known.first.first == device_ && known.first.second < limit;
        });
        std::erase_if(level1_events_,
                      [&](const auto& known) { return known.first.first == device_; });
    });
    if (context_.on(Fault::its_never_idle)) {
        mailbox_.get_stuck();
    }
}

void Its::read_event()
{
    mailbox_.start(context_.configuration.slowness, [this] {
        if (answered_ && context_.on(Fault::its_read_event_stale)) {
            return;
        }
        answered_ = true;
        const auto lpi = translate(device_, event_);
        answer_ = lpi ? ITS_READ_EVENT_DATAR{}
                            .with(ITS_READ_EVENT_DATAR::VALID, 1)
                            .with(ITS_READ_EVENT_DATAR::LPI_ID, *lpi)
                      : ITS_READ_EVENT_DATAR{};
    });
}

// ITS_GEN_EVENTR.TARGET_DOMAIN is not looked at: there is one domain.
void Its::generate_event(ITS_GEN_EVENTR value)
{
    if (value[ITS_GEN_EVENTR::R] == 0) {
        return;
    }
    event(generated_device_,
          generated_event_ + (context_.on(Fault::its_generates_next_event) ? 1 : 0),
          Event::set_edge);
    generation_.start(context_.configuration.slowness);
}

void Its::synchronize(ITS_SYNCR value)
{
    if (!check_idle(synchronization_, "ITS_SYNCR is written while ITS_SYNC_STATUSR.IDLE is 1")) {
        return;
    }
    synchronized_.raw = value.raw & (ITS_SYNCR::SYNCALL.mask() | ITS_SYNCR::DEVICEID.mask());
    if (value[ITS_SYNCR::SYNC] == 0) {
        return;
    }
    synchronization_.start(context_.configuration.slowness);
    if (context_.on(Fault::its_sync_never_idle)) {
        synchronization_.get_stuck();
    }
}

}  // namespace model::gicv5
