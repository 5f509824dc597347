// SPDX-License-Identifier: MIT
//
// GICv5 Interrupt Translation Service: makes LPIs of events, which a device writes as (DeviceID,
// EventID). Arm GIC Architecture Specification, GICv5 (AES 0070).
//
// start(), then for each device map_device() and for each of its events map_event(). The LPI must
// be usable before an event that becomes it. Devices and events are kept nowhere but in the tables,
// which stay software's: what is to be known of them is read there. The ITS may have cached any
// entry, also one that was not valid; every change is therefore followed by an invalidation.
//
// One caller at a time: an ITS has one mailbox for what it is told of a device or an event. Every
// wait is bounded; an Error names the register that does not do its part.
#pragma once

#include "arm64/gic/gicv5/its_registers.h"
#include "arm64/gic/gicv5/tables.h"
#include "arm64/gic/gicv5/translation_table.h"
#include "arm64/gic/wait.h"
#include "lib/base/result.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

namespace gicv5 {

// A table for `id_bits` bits of ID on an ITS of that ITS_IDR1. `two_levels` is the register's field
// for the kind of table: ITS_IDR1::DT_LEVELS or ITT_LEVELS. Two levels where one level-2 table, of
// the smallest size there is, does not hold all. Error: two levels, and no size of the second.
[[nodiscard]] constexpr Result<TranslationGeometry>
translation_geometry(ITS_IDR1 its, Field two_levels, unsigned id_bits)
{
    if (its[two_levels] == 0) {
        return TranslationGeometry{.id_bits = id_bits};
    }
    if (its[ITS_IDR1::L2SZ] == 0) {
        return fail("ITS_IDR1 offers two-level tables and no size of the second", its.raw);
    }
    TranslationGeometry geometry{
        .id_bits = id_bits,
        .two_level = true,
        .level2_size = static_cast<Level2Size>(std::countr_zero(its[ITS_IDR1::L2SZ])),
    };
    if (id_bits <= geometry.level2_id_bits()) {
        geometry = {.id_bits = id_bits};
    }
    return geometry;
}

template <typename Io, typename Memory>
class Its {
public:
    // Of a PCI requester ID.
    static constexpr unsigned default_device_bits = 16;

    constexpr Its() = default;
    constexpr explicit Its(Io io) : io_{io} {}

    // On, with an empty device table of as many bits of DeviceID as the ITS takes, or
    // `max_device_bits` if that is less. Accesses to memory as the machine needs them: cached and
    // inner shareable, or not cached when the device tree says dma-noncoherent. Errors: no memory;
    // identification registers that make no sense; what does not stick or end.
    [[nodiscard]] Result<> start(Memory memory, bool coherent,
                                 unsigned max_device_bits = default_device_bits)
    {
        memory_ = memory;
        if (enabled()) {
            if (const auto off = disable(); !off) {
                return off;
            }
        }
        const auto id = io_.template read<ITS_IDR1>();
        if (id[ITS_IDR1::DEVICEID_BITS] > 32) {
            return fail("ITS_IDR1.DEVICEID_BITS is more than 32", id.raw);
        }
        if (event_bits() > 16) {
            return fail("ITS_IDR2.EVENTID_BITS is more than 16", event_bits());
        }
        const auto geometry =
            translation_geometry(id, ITS_IDR1::DT_LEVELS,
                                 std::min<unsigned>(id[ITS_IDR1::DEVICEID_BITS], max_device_bits));
        if (!geometry) {
            return std::unexpected{geometry.error()};
        }
        const auto devices = TranslationTable<Memory>::create(memory_, *geometry);
        if (!devices) {
            return std::unexpected{devices.error()};
        }
        devices_ = *devices;
        constexpr auto cached = ITS_CR1{}
                                    .with(ITS_CR1::SH, 3)
                                    .with(ITS_CR1::OC, 1)
                                    .with(ITS_CR1::IC, 1)
                                    .with(ITS_CR1::DT_RA, 1)
                                    .with(ITS_CR1::ITT_RA, 1);
        io_.write(coherent ? cached : ITS_CR1{});
        io_.write(ITS_DT_CFGR{}
                      .with(ITS_DT_CFGR::DEVICEID_BITS, geometry->id_bits)
                      .with(ITS_DT_CFGR::L2SZ, static_cast<unsigned>(geometry->level2_size))
                      .with(ITS_DT_CFGR::STRUCTURE, geometry->two_level));
        io_.write(ITS_DT_BASER::from(devices_.address() & ITS_DT_BASER::ADDR.mask()));
        return enable();
    }

    // Events that arrive while it is off are lost.
    [[nodiscard]] Result<> enable() const { return switch_to(true); }
    [[nodiscard]] Result<> disable() const { return switch_to(false); }
    [[nodiscard]] bool enabled() const { return io_.template read<ITS_CR0>()[ITS_CR0::ITSEN] != 0; }

    // DeviceIDs below 2^device_bits() can be mapped, each with up to 2^event_bits() events.
    [[nodiscard]] unsigned device_bits() const { return devices_.geometry().id_bits; }
    [[nodiscard]] unsigned event_bits() const
    {
        return io_.template read<ITS_IDR2>()[ITS_IDR2::EVENTID_BITS];
    }

    // --- Devices --------------------------------------------------------------------------------

    // Gives a device a translation table for EventIDs of that many bits. Errors: beyond a limit;
    // mapped already; no memory.
    [[nodiscard]] Result<> map_device(std::uint32_t device, unsigned bits) const
    {
        if (!devices_.holds(device)) {
            return fail("DeviceID beyond the device table", device);
        }
        if (bits > event_bits()) {
            return fail("more bits of EventID than the ITS takes", bits);
        }
        if (events(device)) {
            return fail("device is mapped already", device);
        }
        const auto geometry =
            translation_geometry(io_.template read<ITS_IDR1>(), ITS_IDR1::ITT_LEVELS, bits);
        if (!geometry) {
            return std::unexpected{geometry.error()};
        }
        const auto table = TranslationTable<Memory>::create(memory_, *geometry);
        if (!table) {
            return std::unexpected{table.error()};
        }
        const auto place = devices_.reach(device);
        if (!place) {
            table->destroy();
            return std::unexpected{place.error()};
        }
        devices_.store(place->address,
                       L2_DTE::from(table->address() & L2_DTE::ITT_ADDR.mask())
                           .with(L2_DTE::EVENTID_BITS, bits)
                           .with(L2_DTE::ITT_STRUCTURE, geometry->two_level)
                           .with(L2_DTE::ITT_L2SZ, static_cast<unsigned>(geometry->level2_size))
                           .with(L2_DTE::VALID, 1));
        return forget_device(device, bits, place->is_new);
    }
    // No event of the device has an effect after this, and its table is freed. Errors: not mapped;
    // an ITS that does not answer, which leaves the table where it is.
    [[nodiscard]] Result<> unmap_device(std::uint32_t device) const
    {
        const auto table = events(device);
        if (!table) {
            return std::unexpected{table.error()};
        }
        devices_.store(devices_.find(device)->address, L2_DTE{});
        const auto forgotten = forget_device(device, table->geometry().id_bits, false);
        if (!forgotten) {
            return forgotten;
        }
        const auto synchronized = synchronize(device);
        if (synchronized) {
            table->destroy();
        }
        return synchronized;
    }

    // --- Events ---------------------------------------------------------------------------------

    // An event becomes that LPI from the return on, also where it became another one before.
    // Errors: beyond a limit; a device that is not mapped; no memory.
    [[nodiscard]] Result<> map_event(std::uint32_t device, std::uint32_t event,
                                     std::uint32_t lpi_number) const
    {
        if (lpi_number > L2_ITTE::LPI_ID.mask()) {
            return fail("LPI of more than 24 bits", lpi_number);
        }
        const auto table = events_with(device, event);
        if (!table) {
            return std::unexpected{table.error()};
        }
        const auto place = table->reach(event);
        if (!place) {
            return std::unexpected{place.error()};
        }
        table->store(place->address,
                     L2_ITTE{}.with(L2_ITTE::LPI_ID, lpi_number).with(L2_ITTE::VALID, 1));
        return forget_event(device, event, *table, place->is_new);
    }
    // Events that the ITS takes after this are dropped; synchronize() waits for those before.
    // Error: not mapped.
    [[nodiscard]] Result<> unmap_event(std::uint32_t device, std::uint32_t event) const
    {
        const auto table = events_with(device, event);
        if (!table) {
            return std::unexpected{table.error()};
        }
        const auto place = table->find(event);
        if (!place || table->template load<L2_ITTE>(place->address)[L2_ITTE::VALID] == 0) {
            return fail("event is not mapped", event);
        }
        table->store(place->address, L2_ITTE{});
        return forget_event(device, event, *table, false);
    }
    // Only the first 2^span events of the level-2 table that holds `event` are the ITS's to look at
    // from now on. Errors: no such level-2 table; larger than it.
    [[nodiscard]] Result<> limit_span(std::uint32_t device, std::uint32_t event,
                                      unsigned span) const
    {
        const auto table = events_with(device, event);
        if (!table) {
            return std::unexpected{table.error()};
        }
        if (!table->geometry().two_level || !table->find(event)) {
            return fail("event has no level-2 table", event);
        }
        if (span > table->geometry().level2_id_bits()) {
            return fail("span of more than a level-2 table", span);
        }
        const std::uint64_t address = table->level1_address(event);
        const auto entry = table->template load<L1_ITTE>(address);
        table->store(address, entry.with(L1_ITTE::SPAN, span));
        return forget_device(device, table->geometry().id_bits, false);
    }

    // --- What the ITS does when told ------------------------------------------------------------

    // An event as if the device had written it; the ITS has taken it on return. Any device and
    // event will do: what is not mapped is dropped.
    [[nodiscard]] Result<> generate_event(std::uint32_t device, std::uint32_t event) const
    {
        const auto domain = io_.template read<ITS_IDR0>()[ITS_IDR0::INT_DOM];
        io_.write(ITS_GEN_EVENT_DIDR::from(device));
        io_.write(ITS_GEN_EVENT_EIDR{}.with(ITS_GEN_EVENT_EIDR::EVENTID, event));
        io_.write(ITS_GEN_EVENTR{}
                      .with(ITS_GEN_EVENTR::R, 1)
                      .with(ITS_GEN_EVENTR::TARGET_DOMAIN, domain));
        return wait_for<ITS_GEN_EVENT_STATUSR>("ITS_GEN_EVENT_STATUSR.IDLE stays 0");
    }
    // The LPI that the ITS itself says an event becomes. Nothing: it would be dropped.
    [[nodiscard]] Result<std::optional<std::uint32_t>> read_event(std::uint32_t device,
                                                                  std::uint32_t event) const
    {
        address_mailbox(device, event);
        io_.write(ITS_READ_EVENTR{});
        if (const auto idle = wait_for_mailbox(); !idle) {
            return std::unexpected{idle.error()};
        }
        const auto data = io_.template read<ITS_READ_EVENT_DATAR>();
        if (data[ITS_READ_EVENT_DATAR::VALID] == 0) {
            return std::nullopt;
        }
        return static_cast<std::uint32_t>(data[ITS_READ_EVENT_DATAR::LPI_ID]);
    }
    // Every event that the ITS took before, of one device or of all, is an LPI at its IRS, whose
    // own synchronize() does the rest.
    [[nodiscard]] Result<> synchronize(std::uint32_t device) const
    {
        return synchronize(ITS_SYNCR::from(device));
    }
    [[nodiscard]] Result<> synchronize_all() const
    {
        return synchronize(ITS_SYNCR{}.with(ITS_SYNCR::SYNCALL, 1));
    }

    [[nodiscard]] const Io& io() const { return io_; }
    [[nodiscard]] const TranslationTable<Memory>& devices() const { return devices_; }
    // The table of a device's events. Error: not mapped.
    [[nodiscard]] Result<TranslationTable<Memory>> events(std::uint32_t device) const
    {
        if (!devices_.holds(device)) {
            return fail("DeviceID beyond the device table", device);
        }
        const auto place = devices_.find(device);
        const auto entry = place ? devices_.template load<L2_DTE>(place->address) : L2_DTE{};
        if (entry[L2_DTE::VALID] == 0) {
            return fail("device is not mapped", device);
        }
        return TranslationTable<Memory>{
            memory_,
            {.id_bits = static_cast<unsigned>(entry[L2_DTE::EVENTID_BITS]),
             .two_level = entry[L2_DTE::ITT_STRUCTURE] != 0,
             .level2_size = static_cast<Level2Size>(entry[L2_DTE::ITT_L2SZ])},
            entry.raw & L2_DTE::ITT_ADDR.mask(),
        };
    }

private:
    // The same; an error, too, when the event is none of the device's.
    [[nodiscard]] Result<TranslationTable<Memory>> events_with(std::uint32_t device,
                                                               std::uint32_t event) const
    {
        auto table = events(device);
        if (table && !table->holds(event)) {
            return fail("EventID beyond what the device has", event);
        }
        return table;
    }

    // INV_EVENTR, INV_DEVICER and READ_EVENTR are about the device and the event in DIDR and EIDR.
    void address_mailbox(std::uint32_t device, std::uint32_t event) const
    {
        io_.write(ITS_DIDR::from(device));
        io_.write(ITS_EIDR{}.with(ITS_EIDR::EVENTID, event));
    }
    [[nodiscard]] Result<> forget_device(std::uint32_t device, unsigned bits, bool level1) const
    {
        io_.write(ITS_DIDR::from(device));
        io_.write(ITS_INV_DEVICER{}
                      .with(ITS_INV_DEVICER::I, 1)
                      .with(ITS_INV_DEVICER::EVENTID_BITS, bits)
                      .with(ITS_INV_DEVICER::L1, level1));
        return wait_for_mailbox();
    }
    [[nodiscard]] Result<> forget_event(std::uint32_t device, std::uint32_t event,
                                        const TranslationTable<Memory>& table, bool level1) const
    {
        address_mailbox(device, event);
        const auto level2_size = static_cast<unsigned>(table.geometry().level2_size);
        io_.write(ITS_INV_EVENTR{}
                      .with(ITS_INV_EVENTR::I, 1)
                      .with(ITS_INV_EVENTR::ITT_L2SZ, level2_size)
                      .with(ITS_INV_EVENTR::L1, level1));
        return wait_for_mailbox();
    }
    [[nodiscard]] Result<> synchronize(ITS_SYNCR what) const
    {
        io_.write(what.with(ITS_SYNCR::SYNC, 1));
        return wait_for<ITS_SYNC_STATUSR>("ITS_SYNC_STATUSR.IDLE stays 0");
    }

    [[nodiscard]] Result<> switch_to(bool on) const
    {
        io_.write(ITS_CR0{}.with(ITS_CR0::ITSEN, on));
        if (const auto idle = wait_for<ITS_CR0>("ITS_CR0.IDLE stays 0"); !idle) {
            return idle;
        }
        if (enabled() != on) {
            return fail("ITS_CR0.ITSEN does not stick");
        }
        return {};
    }
    [[nodiscard]] Result<> wait_for_mailbox() const
    {
        return wait_for<ITS_STATUSR>("ITS_STATUSR.IDLE stays 0");
    }
    template <typename R>
    [[nodiscard]] Result<> wait_for(const char* what) const
    {
        return gic::settle([this] { return io_.template read<R>()[R::IDLE] != 0; }, what);
    }

    Io io_{};
    Memory memory_{};
    TranslationTable<Memory> devices_{};
};

}  // namespace gicv5
