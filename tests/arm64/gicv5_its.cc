// SPDX-License-Identifier: MIT
//
// The GICv5 ITS (AES 0070): events of devices become LPIs. ITS_GEN_EVENTR makes events without a
// device, so that every machine with an ITS can run these cases.

#include "lib/base/spinlock.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5_events.h"
#include "tests/support/arm64/stimulus.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

using namespace gicv5;

namespace {

// What stands for no LPI in the ITS's answers, and for no answer.
constexpr std::uint32_t no_lpi = ~std::uint32_t{0};
constexpr std::uint32_t no_answer = no_lpi - 1;

[[nodiscard]] std::uint32_t read_event(std::uint32_t device, std::uint32_t event)
{
    const auto found = its().read_event(device, event);
    if (!found) {
        static_cast<void>(done(std::unexpected{found.error()}));
        return no_answer;
    }
    return found->value_or(no_lpi);
}

// Events beyond one level-2 table, as a power of two; nothing where ITTs have one level.
[[nodiscard]] std::optional<unsigned> two_level_bits()
{
    const auto geometry =
        translation_geometry(its().io().read<ITS_IDR1>(), ITS_IDR1::ITT_LEVELS, its().event_bits());
    if (!geometry || !geometry->two_level) {
        return {};
    }
    return geometry->level2_id_bits() + 1;
}

}  // namespace

TEST(gicv5_its, identification,
     .summary = "the identification registers describe an ITS of the Non-secure domain",
     .needs = gicv5_its)
{
    const auto& io = its().io();
    const auto limits = io.read<ITS_IDR1>();
    const auto two_levels = limits[ITS_IDR1::DT_LEVELS] | limits[ITS_IDR1::ITT_LEVELS];
    struct {
        std::string_view name;
        std::uint32_t value, lowest, highest;
    } const fields[]{
        {"ITS_IDR0.INT_DOM", io.read<ITS_IDR0>()[ITS_IDR0::INT_DOM], 1, 1},
        {"ITS_IDR0.PA_RANGE", io.read<ITS_IDR0>()[ITS_IDR0::PA_RANGE], 0, 7},
        {"ITS_IDR1.DEVICEID_BITS", limits[ITS_IDR1::DEVICEID_BITS], 0, 32},
        {"ITS_IDR1.L2SZ", limits[ITS_IDR1::L2SZ], two_levels, 7},
        {"ITS_IDR2.EVENTID_BITS", io.read<ITS_IDR2>()[ITS_IDR2::EVENTID_BITS], 0, 16},
        {"ITS_AIDR.Component", io.read<ITS_AIDR>()[ITS_AIDR::Component], 1, 1},
    };
    test::Items items{std::size(fields)};
    for (const auto& field : fields) {
        items.run(field.name, [&] {
            test::item_value("{:#x}", field.value);
            EXPECT_GE(field.value, field.lowest);
            EXPECT_LE(field.value, field.highest);
        });
    }
}

TEST(gicv5_its, configuration,
     .summary = "what the ITS was told of its device table can be read back", .needs = gicv5_its)
{
    const auto& table = its().devices();
    const auto found = its().io().read<ITS_DT_CFGR>();
    EXPECT_EQ(found[ITS_DT_CFGR::DEVICEID_BITS], its().device_bits());
    EXPECT_EQ(found[ITS_DT_CFGR::STRUCTURE] != 0, table.geometry().two_level);
    if (table.geometry().two_level) {
        EXPECT_EQ(found[ITS_DT_CFGR::L2SZ], static_cast<unsigned>(table.geometry().level2_size));
    }
    EXPECT_EQ(its().io().read<ITS_DT_BASER>().raw & ITS_DT_BASER::ADDR.mask(), table.address());
    EXPECT_TRUE(its().enabled());
}

TEST(gicv5_its, events_become_lpis,
     .summary = "each event of a device becomes the LPI it is mapped to, once", .needs = gicv5_its)
{
    const LpiUnderTest lpis{3};
    const EventDevice device{1, 3};
    ASSERT_TRUE(device);
    // Not in order: a number is no index.
    constexpr std::uint32_t events[]{5, 0, 4};
    for (unsigned n = 0; n < 3; ++n) {
        ASSERT_TRUE(device.map(events[n], lpis.id(n)));
    }
    for (unsigned n = 0; n < 3; ++n) {
        ASSERT_EQ(device.becomes(events[n]), lpis.id(n));
    }
    EXPECT_EQ(stray(), nothing);
}

TEST(gicv5_its, unmapped_is_dropped,
     .summary =
         "events that are not mapped, and those of no device, are dropped; mapped afterwards "
         "they arrive",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{2};
    ASSERT_TRUE(done(its().generate_event(1, 2)));  // the ITS may remember that there is none
    EXPECT_EQ(stray(), nothing);
    const EventDevice device{1, 3};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(3, lpis.id(0)));
    EXPECT_EQ(device.stray_of(2), nothing);
    ASSERT_EQ(device.becomes(3), lpis.id(0));  // one would have been seen
    ASSERT_TRUE(device.map(2, lpis.id(1)));
    ASSERT_EQ(device.becomes(2), lpis.id(1));
}

TEST(gicv5_its, unmap_event,
     .summary = "an event that was unmapped is dropped, and its neighbour is not",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{2};
    const EventDevice device{1, 3};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(2, lpis.id(0)));
    ASSERT_TRUE(device.map(3, lpis.id(1)));
    ASSERT_EQ(device.becomes(2), lpis.id(0));
    ASSERT_TRUE(device.unmap(2));
    EXPECT_EQ(device.stray_of(2), nothing);
    ASSERT_EQ(device.becomes(3), lpis.id(1));
}

TEST(gicv5_its, remap_event,
     .summary = "an event that is mapped to another LPI becomes that one and no longer the first",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{2};
    const EventDevice device{1, 3};
    ASSERT_TRUE(device);
    for (unsigned round = 0; round < 8; ++round) {
        ASSERT_TRUE(device.map(2, lpis.id(round % 2)));
        ASSERT_EQ(device.becomes(2), lpis.id(round % 2));
    }
    EXPECT_EQ(stray(), nothing);
}

TEST(gicv5_its, remap_device,
     .summary = "a device that is unmapped and mapped again has none of its former events",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{2};
    {
        const EventDevice device{1, 4};
        ASSERT_TRUE(device);
        ASSERT_TRUE(device.map(2, lpis.id(0)));
        ASSERT_EQ(device.becomes(2), lpis.id(0));
    }
    ASSERT_TRUE(done(its().generate_event(1, 2)));
    EXPECT_EQ(stray(), nothing);
    const EventDevice device{1, 3};
    ASSERT_TRUE(device);
    EXPECT_EQ(device.stray_of(2), nothing);
    ASSERT_TRUE(device.map(2, lpis.id(1)));
    ASSERT_EQ(device.becomes(2), lpis.id(1));
}

TEST(gicv5_its, read_event,
     .summary = "ITS_READ_EVENTR tells the LPI of an event, and of one that is not mapped that "
                "there is none",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{2};
    EXPECT_EQ(read_event(1, 2), no_lpi);
    const EventDevice device{1, 3};
    ASSERT_TRUE(device);
    EXPECT_EQ(read_event(1, 2), no_lpi);
    ASSERT_TRUE(device.map(2, lpis.id(0)));
    ASSERT_TRUE(device.map(7, lpis.id(1)));
    EXPECT_EQ(read_event(1, 2), number(lpis.id(0)));
    EXPECT_EQ(read_event(1, 7), number(lpis.id(1)));
    EXPECT_EQ(read_event(1, 6), no_lpi);
    EXPECT_EQ(read_event(1, 8), no_lpi);
    ASSERT_TRUE(device.map(2, lpis.id(1)));
    EXPECT_EQ(read_event(1, 2), number(lpis.id(1)));
    ASSERT_TRUE(device.unmap(2));
    EXPECT_EQ(read_event(1, 2), no_lpi);
    EXPECT_EQ(stray(), nothing);  // to ask is not to make it
}

TEST(gicv5_its, last_event,
     .summary = "the last EventID of a device's table arrives, the one behind it is dropped",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{2};
    for (const unsigned bits : {0U, 3U, its().event_bits()}) {
        test::note("{} bits of EventID", bits);
        const std::uint32_t end = std::uint32_t{1} << bits;
        const EventDevice device{1, bits};
        ASSERT_TRUE(device);
        ASSERT_TRUE(device.map(0, lpis.id(0)));
        ASSERT_EQ(device.becomes(0), lpis.id(0));
        if (bits != 0) {
            ASSERT_TRUE(device.map(end - 1, lpis.id(1)));
            ASSERT_EQ(device.becomes(end - 1), lpis.id(1));
        }
        if (bits < 16) {  // EventIDs have no more
            EXPECT_EQ(device.stray_of(end), nothing);
        }
    }
}

TEST(gicv5_its, last_device,
     .summary = "the first and the last DeviceID of the device table arrive, the one behind is "
                "dropped",
     .needs = gicv5_its)
{
    const unsigned bits = its().device_bits();
    if (bits == 0) {
        return test::skip("the ITS has a single DeviceID");
    }
    const LpiUnderTest lpis{2};
    const EventDevice first{0, 1};
    const EventDevice last{static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1), 1};
    ASSERT_TRUE(first);
    ASSERT_TRUE(last);
    ASSERT_TRUE(first.map(1, lpis.id(0)));
    ASSERT_TRUE(last.map(1, lpis.id(1)));
    ASSERT_EQ(first.becomes(1), lpis.id(0));
    ASSERT_EQ(last.becomes(1), lpis.id(1));
    if (bits < 32) {
        ASSERT_TRUE(done(its().generate_event(last.id() + 1, 1)));
        ASSERT_TRUE(done(its().generate_event(0x8000'0000, 1)));
        EXPECT_EQ(stray(), nothing);
    }
}

TEST(gicv5_its, devices_are_apart,
     .summary = "the same EventID of different devices becomes different LPIs", .needs = gicv5_its)
{
    constexpr unsigned count = 4;
    if (its().device_bits() < 2) {
        return test::skip("the ITS has fewer than four DeviceIDs");
    }
    // Far apart, also where level-2 tables are.
    const unsigned shift = its().device_bits() - 2;
    const LpiUnderTest lpis{count};
    const EventDevice devices[count]{{0, 2}, {1U << shift, 2}, {2U << shift, 2}, {3U << shift, 2}};
    for (unsigned n = 0; n < count; ++n) {
        ASSERT_TRUE(devices[n]);
        ASSERT_TRUE(devices[n].map(n == 0 ? 2 : 1, lpis.id(n)));
    }
    for (unsigned n = count; n-- > 1;) {
        ASSERT_EQ(devices[n].becomes(1), lpis.id(n));
        EXPECT_EQ(devices[n].stray_of(2), nothing);
    }
    EXPECT_EQ(devices[0].stray_of(1), nothing);
    ASSERT_EQ(devices[0].becomes(2), lpis.id(0));
}

TEST(gicv5_its, two_level_edges,
     .summary = "events around the end of a level-2 table are those they are mapped as",
     .needs = gicv5_its)
{
    const auto bits = two_level_bits();
    if (!bits) {
        return test::skip("the ITS has no two-level interrupt translation tables");
    }
    const std::uint32_t step = std::uint32_t{1} << (*bits - 1);
    const std::uint32_t events[]{0, step - 1, step, 2 * step - 1};
    const LpiUnderTest lpis{4};
    const EventDevice device{1, *bits};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(events[0], lpis.id(0)));
    EXPECT_EQ(device.stray_of(step), nothing);  // its level-2 table is missing
    for (unsigned n = 1; n < 4; ++n) {
        ASSERT_TRUE(device.map(events[n], lpis.id(n)));
    }
    for (unsigned n = 0; n < 4; ++n) {
        ASSERT_EQ(device.becomes(events[n]), lpis.id(n));
    }
    EXPECT_EQ(device.stray_of(1), nothing);
    EXPECT_EQ(device.stray_of(step + 1), nothing);
}

TEST(gicv5_its, span, .summary = "entries of a level-2 table behind its SPAN are not used",
     .needs = gicv5_its)
{
    const auto bits = two_level_bits();
    if (!bits) {
        return test::skip("the ITS has no two-level interrupt translation tables");
    }
    const LpiUnderTest lpis{2};
    const EventDevice device{1, *bits};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(15, lpis.id(0)));
    ASSERT_TRUE(device.map(16, lpis.id(1)));
    ASSERT_EQ(device.becomes(16), lpis.id(1));
    ASSERT_TRUE(done(its().limit_span(1, 0, 4)));
    ASSERT_EQ(device.becomes(15), lpis.id(0));
    EXPECT_EQ(device.stray_of(16), nothing);
}

TEST(gicv5_its, lpi_beyond_the_table,
     .summary = "an event mapped to an LPI that does not exist has no effect, on others neither",
     .needs = gicv5_its)
{
    const unsigned id_bits = lpi_table().geometry().id_bits;
    if (id_bits == 24) {
        return test::skip("every LPI ID exists");
    }
    const LpiUnderTest lpis{1};
    const EventDevice device{1, 1};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(0, lpis.id(0)));
    ASSERT_TRUE(device.map(1, lpi((std::uint32_t{1} << id_bits) + number(lpis.id(0)))));
    EXPECT_EQ(device.stray_of(1), nothing);
    ASSERT_EQ(device.becomes(0), lpis.id(0));
}

TEST(gicv5_its, every_cpu_gets_its_own,
     .summary = "an event's LPI is taken by the CPU it is targeted at, and by no other",
     .needs = gicv5_its && cpus(2))
{
    constexpr unsigned max_cpus = 16;
    const unsigned count = std::min(smp::online_count(), max_cpus);
    const Lpis lpis{count};
    const EventDevice device{1, 4};
    ASSERT_TRUE(device);
    std::array<std::atomic<unsigned>, max_cpus> right{};
    std::atomic<unsigned> wrong{0};
    for (unsigned cpu = 0; cpu < count; ++cpu) {
        ASSERT_TRUE(device.map(cpu, lpis[cpu]));
    }
    for (unsigned cpu = 0; cpu < count; ++cpu) {
        smp::on_cpu(cpu, [&] {
            const auto taken = [&](irq::Id id) {
                ++(id == lpis[cpu] && smp::this_cpu().index == cpu ? right[cpu] : wrong);
            };
            const irq::Guard guard{lpis[cpu], taken};
            commands().target(lpis[cpu], interface.iaffid());
            EXPECT_TRUE(device.generate(cpu));
            EXPECT_TRUE(timer::wait_until([&] { return right[cpu] != 0; }));
            stay_quiet();
            EXPECT_EQ(right[cpu].load(), 1);
        });
    }
    EXPECT_EQ(wrong.load(), 0);
}

TEST(gicv5_its, from_every_cpu, .summary = "events that every CPU makes arrive, each of them",
     .needs = gicv5_its && cpus(2))
{
    constexpr unsigned max_cpus = 16;
    constexpr unsigned rounds = 20;
    const unsigned count = std::min(smp::online_count(), max_cpus);
    const Lpis lpis{count};
    const EventDevice device{1, 4};
    ASSERT_TRUE(device);
    std::array<std::atomic<unsigned>, max_cpus> taken{};
    for (unsigned cpu = 0; cpu < count; ++cpu) {
        ASSERT_TRUE(device.map(cpu, lpis[cpu]));
    }
    Spinlock mailbox;
    smp::on_all_cpus([&] {
        const unsigned cpu = smp::this_cpu().index;
        if (cpu >= count) {
            return;
        }
        const auto handler = [&](irq::Id) { ++taken[cpu]; };
        const irq::Guard guard{lpis[cpu], handler};
        commands().target(lpis[cpu], interface.iaffid());
        for (unsigned round = 1; round <= rounds; ++round) {
            {
                const SpinlockGuard lock{mailbox};
                ASSERT_TRUE(device.generate(cpu));
            }
            ASSERT_TRUE(timer::wait_until([&] { return taken[cpu] >= round; }));
        }
        EXPECT_EQ(taken[cpu].load(), rounds);
    });
}

TEST(gicv5_its, disabled_lpi_stays_pending,
     .summary = "an event whose LPI is disabled is not lost: the LPI is taken once it is enabled",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{1};
    const EventDevice device{1, 1};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(1, lpis.id(0)));
    commands().disable(lpis.id(0));
    EXPECT_EQ(device.stray_of(1), nothing);
    EXPECT_EQ(state_of(lpis.id(0)), State::pending);
    commands().enable(lpis.id(0));
    ASSERT_EQ(take(), lpis.id(0));
    EXPECT_EQ(stray(), nothing);
}

TEST(gicv5_its, synchronization,
     .summary = "after a synchronization of the ITS and one of the IRS an event's LPI is pending",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{1};
    const EventDevice device{1, 1};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(1, lpis.id(0)));
    commands().disable(lpis.id(0));
    for (unsigned round = 0; round < 32; ++round) {
        ASSERT_TRUE(device.generate(1));
        ASSERT_TRUE(done(round % 2 == 0 ? its().synchronize(1) : its().synchronize_all()));
        ASSERT_TRUE(done(routing_services().front().synchronize()));
        ASSERT_EQ(state_of(lpis.id(0)), State::pending);  // now, without a wait
        commands().clear_pending(lpis.id(0));
        ASSERT_EQ(state_of(lpis.id(0)), State::idle);
    }
}

TEST(gicv5_its, synchronization_after_unmap,
     .summary = "an LPI whose event was unmapped, with both synchronizations, stays as it is left",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{1};
    const EventDevice device{1, 1};
    ASSERT_TRUE(device);
    for (unsigned round = 0; round < 8; ++round) {
        ASSERT_TRUE(device.map(1, lpis.id(0)));
        ASSERT_TRUE(device.generate(1));
        ASSERT_TRUE(device.unmap(1));
        ASSERT_TRUE(events_have_arrived());
        ASSERT_EQ(state_of(lpis.id(0)), State::pending);
        commands().clear_pending(lpis.id(0));
        ASSERT_EQ(stray(), nothing);
    }
}

TEST(
    gicv5_its, disabled_its,
    .summary = "while ITS_CR0.ITSEN is 0 no event becomes an LPI; what was mapped works afterwards",
    .needs = gicv5_its)
{
    const LpiUnderTest lpis{1};
    const EventDevice device{1, 1};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(1, lpis.id(0)));
    ASSERT_EQ(device.becomes(1), lpis.id(0));
    ASSERT_TRUE(done(its().disable()));
    if (const auto stimulus = Stimulus::find()) {
        stimulus->send(device.id(), 1);
    }
    const bool generated = device.generate(1);
    const irq::Id while_off = stray();
    ASSERT_TRUE(done(its().enable()));
    EXPECT_TRUE(generated);
    EXPECT_EQ(while_off, nothing);
    EXPECT_EQ(stray(), nothing);  // nor later
    ASSERT_EQ(device.becomes(1), lpis.id(0));
}

TEST(gicv5_its, events_collapse,
     .summary = "events before the acknowledge are one interrupt, and one while it is active is "
                "one more",
     .needs = gicv5_its)
{
    const LpiUnderTest lpis{1};
    const EventDevice device{1, 1};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(1, lpis.id(0)));
    for (unsigned n = 0; n < 3; ++n) {
        ASSERT_TRUE(device.generate(1));
    }
    ASSERT_TRUE(events_have_arrived());
    ASSERT_TRUE(timer::wait_until([&] { return is_candidate(lpis.id(0)); }));
    ASSERT_EQ(acknowledged(), lpis.id(0));
    ASSERT_TRUE(device.generate(1));
    ASSERT_TRUE(device.generate(1));
    ASSERT_TRUE(events_have_arrived());
    const irq::Id while_active = candidate();
    finish(lpis.id(0));
    EXPECT_EQ(while_active, nothing);
    ASSERT_EQ(take(), lpis.id(0));
    EXPECT_EQ(stray(), nothing);
}

TEST(gicv5_its, burst, .summary = "of many events that come at once each is one interrupt",
     .needs = gicv5_its)
{
    constexpr unsigned count = 64;
    const unsigned bits = 6;
    if (its().event_bits() < bits) {
        return test::skip("a device has fewer than 64 events");
    }
    const LpiUnderTest lpis{count};
    const EventDevice device{1, bits};
    ASSERT_TRUE(device);
    for (unsigned n = 0; n < count; ++n) {
        ASSERT_TRUE(device.map(n, lpis.id(n)));
    }
    for (unsigned n = 0; n < count; ++n) {
        ASSERT_TRUE(device.generate(n));
    }
    std::array<unsigned, count> taken{};
    for (unsigned n = 0; n < count; ++n) {
        const irq::Id id = take();
        ASSERT_GE(id.value, lpis.id(0).value);
        ASSERT_LE(id.value, lpis.id(count - 1).value);
        ASSERT_EQ(++taken[id.value - lpis.id(0).value], 1);
    }
    EXPECT_EQ(stray(), nothing);
}

TEST(gicv5_its, random_events,
     .summary = "events of two devices in any order are each taken as their LPI",
     .needs = gicv5_its)
{
    constexpr unsigned devices = 2;
    constexpr unsigned events = 8;
    if (its().device_bits() < 1 || its().event_bits() < 3) {
        return test::skip("the ITS has one device, or a device fewer than eight events");
    }
    const LpiUnderTest lpis{devices * events};
    const EventDevice first{0, 3};
    const EventDevice second{1, 3};
    ASSERT_TRUE(first);
    ASSERT_TRUE(second);
    for (unsigned event = 0; event < events; ++event) {
        ASSERT_TRUE(first.map(event, lpis.id(event)));
        ASSERT_TRUE(second.map(event, lpis.id(events + event)));
    }
    test::Random random;
    for (unsigned count = 0; count < 1000; ++count) {
        const auto n = static_cast<unsigned>(random.below(std::uint64_t{devices} * events));
        ASSERT_EQ((n < events ? first : second).becomes(n % events), lpis.id(n));
    }
    EXPECT_EQ(stray(), nothing);
}

TEST(gicv5_its, device_writes,
     .summary = "what a device writes to the translate frame becomes the LPI of its event, once",
     .needs = gicv5_its)
{
    const auto stimulus = Stimulus::find();
    if (!stimulus) {
        return test::skip(Stimulus::absent);
    }
    const LpiUnderTest lpis{2};
    const EventDevice device{1, 3};
    const EventDevice other{2, 3};
    ASSERT_TRUE(device);
    ASSERT_TRUE(other);
    ASSERT_TRUE(device.map(5, lpis.id(0)));
    ASSERT_TRUE(other.map(5, lpis.id(1)));
    for (unsigned round = 0; round < 16; ++round) {
        stimulus->send(round % 2 == 0 ? device.id() : other.id(), 5);
        ASSERT_EQ(take(), lpis.id(round % 2));
        ASSERT_EQ(candidate(), nothing);
    }
    stimulus->send(device.id(), 4);
    EXPECT_EQ(stray(), nothing);
}
