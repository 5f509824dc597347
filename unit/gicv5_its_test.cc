// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv5/its.h"
#include "unit/support/gic.h"
#include "unit/support/gicv5_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace gicv5;

static_assert(ITS_CR0::offset == 0x80 && ITS_CR1::offset == 0x84);
static_assert(ITS_DT_BASER::offset == 0xc0 && ITS_DT_CFGR::offset == 0xd0);
static_assert(ITS_DIDR::offset == 0x100 && ITS_EIDR::offset == 0x108);
static_assert(ITS_INV_EVENTR::offset == 0x10c && ITS_INV_DEVICER::offset == 0x110);
static_assert(ITS_READ_EVENTR::offset == 0x114 && ITS_READ_EVENT_DATAR::offset == 0x118);
static_assert(ITS_STATUSR::offset == 0x120 && ITS_SYNCR::offset == 0x140 &&
              ITS_SYNC_STATUSR::offset == 0x148);
static_assert(ITS_GEN_EVENT_DIDR::offset == 0x180 && ITS_GEN_EVENT_EIDR::offset == 0x188 &&
              ITS_GEN_EVENTR::offset == 0x18c && ITS_GEN_EVENT_STATUSR::offset == 0x190);

// --- Exact accesses, in their order -------------------------------------------------------------

// What the driver does with memory, as steps of the script. Indices are addresses.
struct Word : Register<Word, std::uint64_t, 0> {};
struct Published : Register<Published, std::uint64_t, 0> {};  // bytes
struct Allocated : Register<Allocated, std::uint64_t, 0> {};  // address; the index is the size
struct Freed : Register<Freed, std::uint64_t, 0> {};          // bytes

class ScriptedMemory {
public:
    ScriptedMemory() = default;
    explicit ScriptedMemory(const unit::MockIo& io) : io_{io} {}

    [[nodiscard]] Result<std::uint64_t> allocate(std::uint64_t bytes) const
    {
        return io_->read<Allocated>(bytes).raw;
    }
    void free(std::uint64_t address, std::uint64_t bytes) const
    {
        io_->write(Freed::from(bytes), address);
    }
    [[nodiscard]] std::uint64_t read64(std::uint64_t address) const
    {
        return io_->read<Word>(address).raw;
    }
    void write64(std::uint64_t address, std::uint64_t value) const
    {
        io_->write(Word::from(value), address);
    }
    void publish(std::uint64_t address, std::uint64_t bytes) const
    {
        io_->write(Published::from(bytes), address);
    }

private:
    std::optional<unit::MockIo> io_;
};

// ITS_IDR1: 8 bits of DeviceID; 14 bits, and two levels of both kinds of table.
constexpr std::uint32_t linear_8_bits = 8;
constexpr std::uint32_t two_level_16k = 0x200 | 0x80 | 0x40 | 14;

class Gicv5Its : public testing::Test {
protected:
    static constexpr std::uint64_t device_table = 0x8'8000'0000;
    static constexpr std::uint64_t device_level2 = 0x8'8100'0000;
    static constexpr std::uint64_t event_table = 0x8'9000'0000;
    static constexpr std::uint64_t event_level2 = 0x8'a000'0000;

    unit::IoScript script;
    unit::MockIo frame = script.frame("ITS");
    unit::MockIo memory = script.frame("memory");
    Its<unit::MockIo, ScriptedMemory> its{frame};

    [[nodiscard]] static constexpr std::uint64_t entry_at(std::uint64_t table, std::uint64_t index)
    {
        return table + 8 * index;
    }
    void identify(std::uint32_t idr1)
    {
        frame.always_read(ITS_IDR0::from(0x1d));
        frame.always_read(ITS_IDR1::from(idr1));
        frame.always_read(ITS_IDR2::from(16));
        frame.always_read(ITS_STATUSR::from(1));
        frame.always_read(ITS_CR0::from(3));
    }
    void start(std::uint32_t idr1, std::uint32_t cfgr, std::uint64_t table_bytes,
               bool coherent = true)
    {
        identify(idr1);
        frame.expect_read(ITS_CR0::from(2));
        memory.expect_read(Allocated::from(device_table), table_bytes);
        frame.expect_write(ITS_CR1::from(coherent ? 0xd7 : 0));
        frame.expect_write(ITS_DT_CFGR::from(cfgr));
        frame.expect_write(ITS_DT_BASER::from(device_table));
        frame.expect_write(ITS_CR0::from(1));
        frame.expect_read(ITS_CR0::from(1));
        frame.expect_read(ITS_CR0::from(3));
        EXPECT_TRUE(its.start(ScriptedMemory{memory}, coherent));
    }
    void expect_store(std::uint64_t address, std::uint64_t value)
    {
        memory.expect_write(Word::from(value), address);
        memory.expect_write(Published::from(8), address);
    }
    void expect_event_forgotten(std::uint32_t device, std::uint32_t event, std::uint32_t how)
    {
        frame.expect_write(ITS_DIDR::from(device));
        frame.expect_write(ITS_EIDR::from(event));
        frame.expect_write(ITS_INV_EVENTR::from(how));
        frame.expect_read(ITS_STATUSR::from(0));
        frame.expect_read(ITS_STATUSR::from(1));
    }
    void expect_device_forgotten(std::uint32_t device, std::uint32_t how)
    {
        frame.expect_write(ITS_DIDR::from(device));
        frame.expect_write(ITS_INV_DEVICER::from(how));
        frame.expect_read(ITS_STATUSR::from(0));
        frame.expect_read(ITS_STATUSR::from(1));
    }
};

TEST_F(Gicv5Its, StartsWithTheTableInPlace)
{
    start(linear_8_bits, 8, 8 << 8);
    EXPECT_EQ(its.device_bits(), 8U);
    EXPECT_EQ(its.event_bits(), 16U);
}

TEST_F(Gicv5Its, OfAMachineWithoutCoherencyDoesNotCache)
{
    start(linear_8_bits, 8, 8 << 8, false);
}

TEST_F(Gicv5Its, IsSwitchedOffBeforeItIsConfigured)
{
    identify(linear_8_bits);
    frame.expect_read(ITS_CR0::from(3));
    frame.expect_write(ITS_CR0::from(0));
    frame.expect_read(ITS_CR0::from(1));
    frame.expect_read(ITS_CR0::from(2));
    frame.expect_read(ITS_CR0::from(2));
    memory.expect_read(Allocated::from(device_table), 8 << 8);
    frame.expect_write(ITS_CR1::from(0xd7));
    frame.expect_write(ITS_DT_CFGR::from(8));
    frame.expect_write(ITS_DT_BASER::from(device_table));
    frame.expect_write(ITS_CR0::from(1));
    EXPECT_TRUE(its.start(ScriptedMemory{memory}, true));
}

TEST_F(Gicv5Its, TwoLevelsTakeTheSmallestSizeThereIs)
{
    start(two_level_16k, 1 << 16 | 1 << 6 | 14, 8 << 3);
}

TEST_F(Gicv5Its, MapsADevice)
{
    start(linear_8_bits, 8, 8 << 8);
    memory.expect_read(Word::from(0), entry_at(device_table, 7));
    memory.expect_read(Allocated::from(event_table), 8 << 4);
    expect_store(entry_at(device_table, 7), 4ULL << 59 | event_table | 1);
    expect_device_forgotten(7, 1U << 31 | 4 << 1);
    EXPECT_TRUE(its.map_device(7, 4));
}

TEST_F(Gicv5Its, MapsADeviceBehindANewLevel2Table)
{
    start(two_level_16k, 1 << 16 | 1 << 6 | 14, 8 << 3);
    const std::uint64_t level1 = entry_at(device_table, 2);  // device 0x1003: 11 bits of level 2
    memory.expect_read(Word::from(0), level1);               // not mapped
    memory.expect_read(Allocated::from(event_table), 8 << 4);
    memory.expect_read(Word::from(0), level1);
    memory.expect_read(Word::from(0), level1);
    memory.expect_read(Allocated::from(device_level2), 0x4000);
    expect_store(level1, 11ULL << 60 | device_level2 | 1);
    expect_store(entry_at(device_level2, 3), 4ULL << 59 | event_table | 1);
    expect_device_forgotten(0x1003, 1U << 31 | 4 << 1 | 1);
    EXPECT_TRUE(its.map_device(0x1003, 4));
}

TEST_F(Gicv5Its, MapsAnEvent)
{
    start(linear_8_bits, 8, 8 << 8);
    memory.always_read(Word::from(4ULL << 59 | event_table | 1), entry_at(device_table, 7));
    expect_store(entry_at(event_table, 15), 0x8000'1234);
    expect_event_forgotten(7, 15, 1U << 31);
    EXPECT_TRUE(its.map_event(7, 15, 0x1234));
}

TEST_F(Gicv5Its, MapsAnEventBehindANewLevel2Table)
{
    start(two_level_16k, 1 << 16 | 1 << 6 | 14, 8 << 3);
    memory.always_read(Word::from(11ULL << 60 | device_level2 | 1), device_table);
    memory.always_read(Word::from(12ULL << 59 | 1ULL << 58 | event_table | 1 << 1 | 1),
                       entry_at(device_level2, 7));
    memory.always_read(Word::from(0), entry_at(event_table, 1));
    memory.expect_read(Allocated::from(event_level2), 0x4000);
    expect_store(entry_at(event_table, 1), 11ULL << 60 | event_level2 | 1);
    expect_store(entry_at(event_level2, 1), 0x8000'1234);
    expect_event_forgotten(7, 0x801, 1U << 31 | 1 << 1 | 1);
    EXPECT_TRUE(its.map_event(7, 0x801, 0x1234));
}

TEST_F(Gicv5Its, UnmapsAnEvent)
{
    start(linear_8_bits, 8, 8 << 8);
    memory.always_read(Word::from(4ULL << 59 | event_table | 1), entry_at(device_table, 7));
    memory.expect_read(Word::from(0x8000'1234), entry_at(event_table, 15));
    expect_store(entry_at(event_table, 15), 0);
    expect_event_forgotten(7, 15, 1U << 31);
    EXPECT_TRUE(its.unmap_event(7, 15));
}

TEST_F(Gicv5Its, FreesTheTableOfADeviceWhenItIsNoLongerRead)
{
    start(linear_8_bits, 8, 8 << 8);
    memory.expect_read(Word::from(4ULL << 59 | event_table | 1), entry_at(device_table, 7));
    expect_store(entry_at(device_table, 7), 0);
    expect_device_forgotten(7, 1U << 31 | 4 << 1);
    frame.expect_write(ITS_SYNCR::from(1ULL << 63 | 7));
    frame.expect_read(ITS_SYNC_STATUSR::from(0));
    frame.expect_read(ITS_SYNC_STATUSR::from(1));
    memory.expect_write(Freed::from(8 << 4), event_table);
    EXPECT_TRUE(its.unmap_device(7));
}

TEST_F(Gicv5Its, GeneratesAnEventInItsOwnDomain)
{
    identify(linear_8_bits);
    frame.expect_write(ITS_GEN_EVENT_DIDR::from(0xffff'ffff));
    frame.expect_write(ITS_GEN_EVENT_EIDR::from(0xffff));
    frame.expect_write(ITS_GEN_EVENTR::from(1U << 31 | 1));
    frame.expect_read(ITS_GEN_EVENT_STATUSR::from(0));
    frame.expect_read(ITS_GEN_EVENT_STATUSR::from(1));
    EXPECT_TRUE(its.generate_event(0xffff'ffff, 0xffff));
}

TEST_F(Gicv5Its, ReadsAnEvent)
{
    identify(linear_8_bits);
    for (const std::uint64_t data : {0x80ab'cdefULL, 0x00ab'cdefULL}) {
        frame.expect_write(ITS_DIDR::from(7));
        frame.expect_write(ITS_EIDR::from(15));
        frame.expect_write(ITS_READ_EVENTR{});
        frame.expect_read(ITS_STATUSR::from(0));
        frame.expect_read(ITS_STATUSR::from(1));
        frame.expect_read(ITS_READ_EVENT_DATAR::from(data));
    }
    EXPECT_EQ(its.read_event(7, 15).value(), std::optional{0xab'cdefU});
    EXPECT_EQ(its.read_event(7, 15).value(), std::nullopt);
}

TEST_F(Gicv5Its, SynchronizesOneDeviceOrAll)
{
    frame.always_read(ITS_SYNC_STATUSR::from(1));
    frame.expect_write(ITS_SYNCR::from(1ULL << 63 | 0xffff'ffff));
    EXPECT_TRUE(its.synchronize(0xffff'ffff));
    frame.expect_write(ITS_SYNCR::from(1ULL << 63 | 1ULL << 32));
    EXPECT_TRUE(its.synchronize_all());
}

// --- Errors -------------------------------------------------------------------------------------

template <typename T>
const char* error_of(const Result<T>& result)
{
    return result ? "none" : result.error().what;
}

TEST_F(Gicv5Its, IdentificationThatMakesNoSenseIsAnError)
{
    frame.always_read(ITS_CR0::from(2));
    frame.always_read(ITS_IDR2::from(16));
    frame.always_read(ITS_IDR1::from(33));
    EXPECT_STREQ(error_of(its.start({}, true)), "ITS_IDR1.DEVICEID_BITS is more than 32");
    frame.always_read(ITS_IDR1::from(0x40 | 8));
    EXPECT_STREQ(error_of(its.start({}, true)),
                 "ITS_IDR1 offers two-level tables and no size of the second");
    frame.always_read(ITS_IDR1::from(8));
    frame.always_read(ITS_IDR2::from(17));
    EXPECT_STREQ(error_of(its.start({}, true)), "ITS_IDR2.EVENTID_BITS is more than 16");
}

TEST_F(Gicv5Its, EnableThatDoesNotStickIsAnError)
{
    identify(linear_8_bits);
    frame.always_read(ITS_CR0::from(2));
    memory.expect_read(Allocated::from(device_table), 8 << 8);
    frame.expect_write(ITS_CR1::from(0xd7));
    frame.expect_write(ITS_DT_CFGR::from(8));
    frame.expect_write(ITS_DT_BASER::from(device_table));
    frame.expect_write(ITS_CR0::from(1));
    EXPECT_STREQ(error_of(its.start(ScriptedMemory{memory}, true)), "ITS_CR0.ITSEN does not stick");
}

TEST(Gicv5ItsStuck, HandshakesThatNeverEndAreErrors)
{
    const Its<unit::StuckIo<0>, unit::TableMemory> its;
    EXPECT_STREQ(error_of(its.enable()), "ITS_CR0.IDLE stays 0");
    EXPECT_STREQ(error_of(its.generate_event(0, 0)), "ITS_GEN_EVENT_STATUSR.IDLE stays 0");
    EXPECT_STREQ(error_of(its.read_event(0, 0)), "ITS_STATUSR.IDLE stays 0");
    EXPECT_STREQ(error_of(its.synchronize(0)), "ITS_SYNC_STATUSR.IDLE stays 0");
    EXPECT_STREQ(error_of(its.synchronize_all()), "ITS_SYNC_STATUSR.IDLE stays 0");
}

TEST(Gicv5TranslationGeometry, HasTwoLevelsWhereOneTableDoesNotHoldAll)
{
    const auto of = [](std::uint32_t idr1, unsigned bits) {
        return translation_geometry(ITS_IDR1::from(idr1), ITS_IDR1::ITT_LEVELS, bits).value();
    };
    const TranslationGeometry linear{.id_bits = 16};
    EXPECT_EQ(of(0, 16), linear);
    EXPECT_EQ(of(0x740, 16), linear);  // the device table alone may have two
    const auto two_level = [](unsigned bits, Level2Size size) {
        return TranslationGeometry{.id_bits = bits, .two_level = true, .level2_size = size};
    };
    EXPECT_EQ(of(0x780, 10), two_level(10, Level2Size::kib4));
    EXPECT_EQ(of(0x680, 12), two_level(12, Level2Size::kib16));
    EXPECT_EQ(of(0x480, 14), two_level(14, Level2Size::kib64));
    EXPECT_EQ(of(0x780, 9), TranslationGeometry{.id_bits = 9});
    EXPECT_EQ(of(0x680, 11), TranslationGeometry{.id_bits = 11});
    EXPECT_EQ(of(0x480, 13), TranslationGeometry{.id_bits = 13});
}

// --- On the model -------------------------------------------------------------------------------

// One shape of tables and memory.
struct Shape {
    const char* name;
    bool two_level;
    Level2Size size;
    bool coherent;
};
constexpr Shape shapes[]{
    {"linear", false, Level2Size::kib4, true},
    {"linear_noncoherent", false, Level2Size::kib4, false},
    {"two_level_4k", true, Level2Size::kib4, true},
    {"two_level_4k_noncoherent", true, Level2Size::kib4, false},
    {"two_level_16k", true, Level2Size::kib16, true},
    {"two_level_16k_noncoherent", true, Level2Size::kib16, false},
    {"two_level_64k", true, Level2Size::kib64, true},
    {"two_level_64k_noncoherent", true, Level2Size::kib64, false},
};

// A machine of that shape with some LPIs, and what a scenario found wrong on it.
class Scene {
public:
    static constexpr unsigned device_bits = 14;
    static constexpr unsigned lpi_count = 24;  // LPIs from 0 on are there to be used

    explicit Scene(const Shape& shape, unit::Gicv5Machine::Faults faults = {})
        : shape_{shape}, machine_{configuration(shape), shape.coherent, faults}
    {
        check(machine_.start().has_value(), "the machine starts");
        check(machine_.start_lpis().has_value(), "LPIs have a table");
        for (std::uint32_t number = 0; number < lpi_count; ++number) {
            check(machine_.prepare_lpi(number).has_value(), "an LPI can be used");
        }
        check(its().start(machine_.memory, shape.coherent).has_value(), "the ITS starts");
    }

    [[nodiscard]] unit::Gicv5Machine::Its& its() { return machine_.its; }
    [[nodiscard]] unit::Gicv5Machine& machine() { return machine_; }
    [[nodiscard]] const Shape& shape() const { return shape_; }
    // IDs of one level-2 table; where there is one level, of a table that would be.
    [[nodiscard]] unsigned level2_bits() const
    {
        return TranslationGeometry{.id_bits = 0, .level2_size = shape_.size}.level2_id_bits();
    }

    // Everything that was found wrong; empty: nothing.
    [[nodiscard]] const std::string& noticed() const { return noticed_; }
    void check(bool good, std::string_view what)
    {
        if (!good) {
            noticed_.append(what).append("\n");
        }
    }
    void done(const Result<>& result)
    {
        if (!result) {
            noticed_.append(result.error().what).append("\n");
        }
    }

    // LPIs that the CPU gets, in order.
    [[nodiscard]] std::vector<std::uint32_t> taken(unsigned cpu = 0)
    {
        std::vector<std::uint32_t> numbers;
        while (numbers.size() < 100) {
            const auto id = machine_.take(cpu);
            if (!id) {
                break;
            }
            numbers.push_back(number(*id));
        }
        return numbers;
    }
    void event_is(std::uint32_t device, std::uint32_t event, std::vector<std::uint32_t> lpis)
    {
        done(its().generate_event(device, event));
        done(its().synchronize(device));
        done(machine_.irs.synchronize());
        const auto found = taken();
        if (found != lpis) {
            noticed_ += "event " + std::to_string(event) + " of device " + std::to_string(device) +
                        " is " + testing::PrintToString(found) + " instead of " +
                        testing::PrintToString(lpis) + "\n";
        }
    }
    void event_is_dropped(std::uint32_t device, std::uint32_t event)
    {
        event_is(device, event, {});
    }

private:
    [[nodiscard]] static model::gicv5::Configuration configuration(const Shape& shape)
    {
        model::gicv5::Configuration configuration;
        configuration.cpus = 2;
        configuration.slowness = 2;
        configuration.its = model::gicv5::Configuration::Its{
            .device_bits = device_bits,
            .event_bits = 16,
            .two_level_devices = shape.two_level,
            .two_level_events = shape.two_level,
            .level2_sizes = 1U << static_cast<unsigned>(shape.size),
        };
        return configuration;
    }

    const Shape& shape_;
    unit::Gicv5Machine machine_;
    std::string noticed_;
};

void maps_exactly(Scene& scene)
{
    const auto& its = scene.its();
    scene.done(its.map_device(5, 4));
    for (const std::uint32_t event : {2U, 3U, 4U}) {
        scene.done(its.map_event(5, event, 10 + event));
    }
    for (const std::uint32_t event : {3U, 2U, 4U}) {
        scene.event_is(5, event, {10 + event});
    }
    scene.event_is_dropped(5, 5);
    scene.event_is_dropped(5, 0);
    scene.event_is_dropped(6, 3);
}

void forgets_what_was_not_mapped(Scene& scene)
{
    const auto& its = scene.its();
    scene.event_is_dropped(5, 3);  // the ITS may have cached that there is no such device
    scene.done(its.map_device(5, 4));
    scene.event_is_dropped(5, 3);  // and no such event
    scene.done(its.map_event(5, 3, 1));
    scene.event_is(5, 3, {1});
}

void unmaps_and_maps_again(Scene& scene)
{
    const auto& its = scene.its();
    scene.done(its.map_device(5, 4));
    scene.done(its.map_event(5, 3, 1));
    scene.event_is(5, 3, {1});
    scene.done(its.unmap_event(5, 3));
    scene.event_is_dropped(5, 3);
    scene.done(its.map_event(5, 3, 2));
    scene.event_is(5, 3, {2});
    scene.done(its.map_event(5, 3, 3));  // without an unmapping between
    scene.event_is(5, 3, {3});
}

void unmaps_devices(Scene& scene)
{
    const auto& its = scene.its();
    const std::size_t tables = scene.machine().arena.tables();
    const unsigned bits = scene.level2_bits() + 1;
    const std::uint32_t last = (1U << bits) - 1;
    scene.done(its.map_device(5, bits));
    scene.done(its.map_event(5, 0, 1));
    scene.done(its.map_event(5, last, 2));
    scene.event_is(5, 0, {1});
    scene.event_is(5, last, {2});
    scene.done(its.unmap_device(5));
    scene.event_is_dropped(5, 0);
    scene.event_is_dropped(5, last);
    const std::size_t level2_of_devices = scene.shape().two_level ? 1 : 0;
    scene.check(scene.machine().arena.tables() == tables + level2_of_devices,
                "the tables of the device are freed");
    scene.done(its.map_device(5, 4));
    scene.event_is_dropped(5, 0);
    scene.done(its.map_event(5, 0, 3));
    scene.event_is(5, 0, {3});
}

void ends_at_the_last_event(Scene& scene)
{
    const auto& its = scene.its();
    for (const unsigned bits : {0U, 4U, scene.level2_bits(), scene.level2_bits() + 1}) {
        const std::uint32_t device = 100 + bits;
        const std::uint32_t end = 1U << bits;
        scene.done(its.map_device(device, bits));
        scene.done(its.map_event(device, 0, 1));
        scene.event_is(device, 0, {1});
        if (end > 1) {
            scene.done(its.map_event(device, end - 1, 2));
            scene.event_is(device, end - 1, {2});
        }
        scene.event_is_dropped(device, end);
        scene.event_is_dropped(device, 0xffff);
        scene.check(!its.map_event(device, end, 1), "an event beyond the last is an error");
    }
}

void keeps_level2_tables_apart(Scene& scene)
{
    const auto& its = scene.its();
    const unsigned bits = scene.level2_bits() + 2;
    const std::uint32_t step = 1U << scene.level2_bits();
    scene.done(its.map_device(5, bits));
    const std::uint32_t events[]{0, step - 1, step, 2 * step - 1, 3 * step, 4 * step - 1};
    std::uint32_t lpi_number = 1;
    for (const std::uint32_t event : events) {
        scene.done(its.map_event(5, event, lpi_number++));
    }
    lpi_number = 1;
    for (const std::uint32_t event : events) {
        scene.event_is(5, event, {lpi_number++});
    }
    scene.event_is_dropped(5, 2 * step);  // no level-2 table
    scene.event_is_dropped(5, 1);         // and none that is mapped in one
    if (scene.shape().two_level) {
        scene.check(its.events(5)->geometry().two_level, "the table has two levels");
    }
}

void honours_the_span(Scene& scene)
{
    if (!scene.shape().two_level) {
        return;
    }
    const auto& its = scene.its();
    const std::uint32_t step = 1U << scene.level2_bits();
    scene.done(its.map_device(5, scene.level2_bits() + 1));
    for (const std::uint32_t event : {15U, 16U, step + 16}) {
        scene.done(its.map_event(5, event, event % step));
    }
    scene.done(its.limit_span(5, 0, 4));
    scene.event_is(5, 15, {15});
    scene.event_is_dropped(5, 16);
    scene.event_is(5, step + 16, {16});  // of another level-2 table
    scene.check(!its.map_event(5, 16, 1), "an event beyond the span is an error");
    scene.done(its.limit_span(5, 0, scene.level2_bits()));
    scene.event_is(5, 16, {16});
}

void keeps_devices_apart(Scene& scene)
{
    const auto& its = scene.its();
    constexpr std::uint32_t end = 1U << Scene::device_bits;
    const std::uint32_t step = 1U << scene.level2_bits();
    std::vector<std::uint32_t> devices{0, 1, 255, 256, 257, step - 1, step, end - 1};
    std::ranges::sort(devices);
    const auto repeated = std::ranges::unique(devices);
    devices.erase(repeated.begin(), repeated.end());
    std::uint32_t lpi_number = 1;
    for (const std::uint32_t device : devices) {
        scene.done(its.map_device(device, 2));
        scene.done(its.map_event(device, 3, lpi_number++));
    }
    lpi_number = 1;
    for (const std::uint32_t device : devices) {
        scene.event_is(device, 3, {lpi_number++});
        scene.event_is_dropped(device, 2);
    }
    scene.event_is_dropped(2, 3);
    scene.event_is_dropped(end, 3);
    scene.event_is_dropped(0x100 | 2, 3);
    scene.event_is_dropped(0x8000'0000, 3);
    scene.check(!its.map_device(end, 2), "a device beyond the last is an error");
}

void reads_events(Scene& scene)
{
    const auto& its = scene.its();
    const auto reads = [&](std::uint32_t device, std::uint32_t event,
                           std::optional<std::uint32_t> lpi_number) {
        const auto found = its.read_event(device, event);
        scene.check(found && *found == lpi_number, "READ_EVENTR gives what is mapped");
    };
    reads(5, 3, {});
    scene.done(its.map_device(5, 4));
    reads(5, 3, {});
    scene.done(its.map_event(5, 3, 1));
    scene.done(its.map_event(5, 4, 0));
    reads(5, 3, 1);
    reads(5, 4, 0);
    reads(5, 16, {});
    scene.done(its.unmap_event(5, 3));
    reads(5, 3, {});
    scene.check(scene.taken().empty(), "reading an event does not make it");
}

void translates_while_it_is_on(Scene& scene)
{
    const auto& its = scene.its();
    scene.done(its.map_device(5, 4));
    scene.done(its.map_event(5, 3, 1));
    scene.done(its.disable());
    scene.machine().gic.device_write(5, 3);
    scene.done(scene.machine().irs.synchronize());
    scene.check(scene.taken().empty(), "nothing is translated while the ITS is off");
    scene.done(its.enable());
    scene.check(scene.taken().empty(), "what came while the ITS was off is lost");
    scene.event_is(5, 3, {1});
}

void delivers_each_write_once(Scene& scene)
{
    const auto& its = scene.its();
    scene.done(its.map_device(5, 4));
    for (std::uint32_t event = 0; event < 16; ++event) {
        scene.done(its.map_event(5, event, event));
    }
    for (std::uint32_t count = 0; count < 64; ++count) {
        const std::uint32_t event = count % 16;
        scene.machine().gic.device_write(5, event);
        scene.done(its.synchronize_all());
        scene.done(scene.machine().irs.synchronize());
        scene.check(scene.taken() == std::vector{event}, "a device's write is one interrupt");
    }
}

void goes_to_the_targeted_cpu(Scene& scene)
{
    const auto& its = scene.its();
    scene.done(its.map_device(5, 4));
    scene.done(its.map_event(5, 3, 1));
    scene.done(scene.machine().prepare_lpi(1, 1));
    scene.event_is_dropped(5, 3);  // for CPU 0
    scene.check(scene.taken(1) == std::vector{1U}, "CPU 1 gets it");
}

void keeps_its_table_while_it_is_on(Scene& scene)
{
    const auto& its = scene.its();
    const auto cfgr = its.io().read<ITS_DT_CFGR>();
    const auto baser = its.io().read<ITS_DT_BASER>();
    scene.check(cfgr[ITS_DT_CFGR::DEVICEID_BITS] == Scene::device_bits, "DEVICEID_BITS sticks");
    scene.check(cfgr[ITS_DT_CFGR::STRUCTURE] == (scene.shape().two_level ? 1U : 0U),
                "STRUCTURE sticks");
    scene.check(baser.raw == its.devices().address(), "ADDR sticks");
    its.io().write(ITS_DT_CFGR::from(cfgr.raw ^ 1));
    its.io().write(ITS_DT_BASER::from(baser.raw ^ 1U << 16));
    scene.check(its.io().read<ITS_DT_CFGR>() == cfgr, "ITS_DT_CFGR is locked");
    scene.check(its.io().read<ITS_DT_BASER>() == baser, "ITS_DT_BASER is locked");
    scene.machine().gic.violations().clear();  // that was on purpose
}

struct Scenario {
    const char* name;
    void (*run)(Scene&);
};
constexpr Scenario scenarios[]{
    {"maps_exactly", maps_exactly},
    {"forgets_what_was_not_mapped", forgets_what_was_not_mapped},
    {"unmaps_and_maps_again", unmaps_and_maps_again},
    {"unmaps_devices", unmaps_devices},
    {"ends_at_the_last_event", ends_at_the_last_event},
    {"keeps_level2_tables_apart", keeps_level2_tables_apart},
    {"honours_the_span", honours_the_span},
    {"keeps_devices_apart", keeps_devices_apart},
    {"reads_events", reads_events},
    {"translates_while_it_is_on", translates_while_it_is_on},
    {"delivers_each_write_once", delivers_each_write_once},
    {"goes_to_the_targeted_cpu", goes_to_the_targeted_cpu},
    {"keeps_its_table_while_it_is_on", keeps_its_table_while_it_is_on},
};

class Gicv5ItsOnModel : public testing::TestWithParam<std::tuple<Scenario, Shape>> {};

TEST_P(Gicv5ItsOnModel, IsAsItShouldBe)
{
    const auto& [scenario, shape] = GetParam();
    Scene scene{shape};
    ASSERT_EQ(scene.noticed(), "");
    scenario.run(scene);
    EXPECT_EQ(scene.noticed(), "");
    EXPECT_EQ(unit::broken_rules(scene.machine().gic), "");
}

INSTANTIATE_TEST_SUITE_P(All, Gicv5ItsOnModel,
                         testing::Combine(testing::ValuesIn(scenarios), testing::ValuesIn(shapes)),
                         [](const auto& info) {
                             return std::string{std::get<0>(info.param).name} + "_" +
                                    std::get<1>(info.param).name;
                         });

// Each fault of the model's ITS shows in a scenario that passes without it (above).
class Gicv5ItsFault : public testing::TestWithParam<model::FaultDescription> {};

TEST_P(Gicv5ItsFault, IsNoticed)
{
    unit::Gicv5Machine::Faults faults;
    ASSERT_TRUE(faults.switch_on(GetParam().name));
    for (const Shape& shape : shapes) {
        for (const Scenario& scenario : scenarios) {
            Scene scene{shape, faults};
            scenario.run(scene);
            if (!scene.noticed().empty()) {
                return;
            }
        }
    }
    ADD_FAILURE() << "no scenario shows that " << GetParam().summary;
}

INSTANTIATE_TEST_SUITE_P(All, Gicv5ItsFault, testing::ValuesIn(unit::faults_named("its-")),
                         unit::fault_name);

class Gicv5ItsModelTest : public unit::Gicv5ModelTest {};

TEST_F(Gicv5ItsModelTest, LimitsAreErrorsWithTheNumber)
{
    model::gicv5::Configuration configuration;
    configuration.its = model::gicv5::Configuration::Its{.device_bits = 4, .event_bits = 5};
    auto& its = boot(configuration).its;
    ASSERT_TRUE(its.start(machine().memory, true));
    EXPECT_STREQ(error_of(its.map_device(16, 1)), "DeviceID beyond the device table");
    EXPECT_EQ(its.map_device(16, 1).error().value, 16U);
    EXPECT_STREQ(error_of(its.map_device(0, 6)), "more bits of EventID than the ITS takes");
    EXPECT_STREQ(error_of(its.map_event(0, 0, 1)), "device is not mapped");
    EXPECT_STREQ(error_of(its.unmap_event(0, 0)), "device is not mapped");
    EXPECT_STREQ(error_of(its.unmap_device(0)), "device is not mapped");
    EXPECT_STREQ(error_of(its.unmap_device(16)), "DeviceID beyond the device table");
    ASSERT_TRUE(its.map_device(15, 5));
    EXPECT_STREQ(error_of(its.map_device(15, 5)), "device is mapped already");
    EXPECT_STREQ(error_of(its.map_event(15, 32, 1)), "EventID beyond what the device has");
    EXPECT_STREQ(error_of(its.map_event(15, 31, 1U << 24)), "LPI of more than 24 bits");
    EXPECT_STREQ(error_of(its.unmap_event(15, 31)), "event is not mapped");
    EXPECT_STREQ(error_of(its.limit_span(15, 31, 1)), "event has no level-2 table");
}

TEST_F(Gicv5ItsModelTest, DeviceTableIsNoLargerThanAskedFor)
{
    model::gicv5::Configuration configuration;
    configuration.its = model::gicv5::Configuration::Its{.device_bits = 32};
    auto& its = boot(configuration).its;
    ASSERT_TRUE(its.start(machine().memory, true, 10));
    EXPECT_EQ(its.device_bits(), 10U);
    EXPECT_TRUE(its.map_device(1023, 1));
    EXPECT_FALSE(its.map_device(1024, 1));
}

TEST_F(Gicv5ItsModelTest, WithoutMemoryNothingIsMapped)
{
    model::gicv5::Configuration configuration;
    configuration.its = model::gicv5::Configuration::Its{};
    auto& its = boot(configuration).its;
    ASSERT_TRUE(its.start(machine().memory, true));
    ASSERT_TRUE(its.map_device(0, 16));
    const std::size_t tables = machine().arena.tables();
    machine().arena.exhaust();
    EXPECT_STREQ(error_of(its.map_device(1, 4)), "no free memory");
    EXPECT_STREQ(error_of(its.map_event(0, 0, 1)), "no free memory");
    EXPECT_EQ(machine().arena.tables(), tables);
    EXPECT_STREQ(error_of(its.map_event(1, 0, 1)), "device is not mapped");

    auto& other = boot(configuration).its;
    machine().arena.exhaust();
    EXPECT_STREQ(error_of(other.start(machine().memory, true)), "no free memory");
}

}  // namespace
