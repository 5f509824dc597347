// SPDX-License-Identifier: MIT
//
// The interrupt state table: memory that software lends to the IRS for the state of LPIs (AES 0070,
// "Interrupt State Table"). Each case lends a table of its own in the place of the machine's.

#include "lib/mem/memory.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

using namespace gicv5;

namespace {

const Irs<Mmio>& irs()
{
    return routing_services().front();
}

// No table is installed for a scope; then the machine's is again, as new. Meanwhile there are no
// inter-processor interrupts: no other CPU is used.
class NoTable {
public:
    NoTable() { expect(lpi_table().suspend()); }
    ~NoTable()
    {
        expect(irs().remove_ist());
        expect(lpi_table().restart());  // what it held is of no use
        restore_ipis();
    }
    NoTable(const NoTable&) = delete;
    NoTable& operator=(const NoTable&) = delete;

    static void expect(const Result<>& done)
    {
        if (!done) {
            test::error("{} ({:#x})", done.error().what, done.error().value);
        }
    }

private:
    irq::Masked masked_;
};

// A table of a geometry for a scope. A two-level one has no level-2 table at first.
class IstUnderTest {
public:
    explicit IstUnderTest(const IstGeometry& geometry)
    {
        NoTable::expect(table_.create(irs(), table_memory(), geometry));
    }
    ~IstUnderTest()
    {
        sysreg::write(ICC_APR_EL1{});
        sysreg::synchronize();
        if (table_.exists()) {
            NoTable::expect(table_.destroy());
        }
    }
    IstUnderTest(const IstUnderTest&) = delete;
    IstUnderTest& operator=(const IstUnderTest&) = delete;

    [[nodiscard]] LpiTable& table() { return table_; }
    [[nodiscard]] irq::Id last() const { return lpi((1U << table_.geometry().id_bits) - 1); }

private:
    NoTable no_table_;
    LpiTable table_;
};

unsigned least_id_bits()
{
    return irs().io().read<IRS_IDR2>()[IRS_IDR2::MIN_LPI_ID_BITS];
}
unsigned most_id_bits()
{
    return std::min<unsigned>(irs().io().read<IRS_IDR2>()[IRS_IDR2::ID_BITS], interface.id_bits());
}
bool has_two_levels()
{
    return irs().io().read<IRS_IDR2>()[IRS_IDR2::IST_LEVELS] != 0;
}

// The geometry this IRS has for that many bits.
IstGeometry geometry_of(unsigned id_bits, Level2Size level2 = Level2Size::kib4)
{
    const auto geometry = irs().ist_geometry(id_bits, interface.id_bits(), level2);
    if (!geometry) {
        test::error("{}", geometry.error().what);
    }
    return geometry.value_or(IstGeometry{});
}
IstGeometry linear(unsigned id_bits)
{
    IstGeometry geometry = geometry_of(id_bits);
    geometry.two_level = false;
    return geometry;
}

// A linear table takes memory for every LPI: no more than that many bits of them.
constexpr unsigned most_linear_bits = 16;

// The kinds of tables, each as an item of a case: linear and with level-2 tables of every size that
// the IRS has, of the fewest and the most LPIs that make sense.
struct TableKind {
    std::string_view name;
    bool two_level;
    Level2Size level2;
    bool largest;
};
constexpr TableKind table_kinds[]{
    {"linear, smallest", false, Level2Size::kib4, false},
    {"linear, large", false, Level2Size::kib4, true},
    {"4 KiB, smallest", true, Level2Size::kib4, false},
    {"4 KiB, largest", true, Level2Size::kib4, true},
    {"16 KiB, smallest", true, Level2Size::kib16, false},
    {"16 KiB, largest", true, Level2Size::kib16, true},
    {"64 KiB, smallest", true, Level2Size::kib64, false},
    {"64 KiB, largest", true, Level2Size::kib64, true},
};
constexpr auto two_level_kinds = std::span{table_kinds}.subspan(2);

template <typename Body>
void for_each_geometry(std::span<const TableKind> kinds, Body body)
{
    const auto offered = irs().io().read<IRS_IDR2>()[IRS_IDR2::IST_L2SZ];
    test::Items items{kinds.size()};
    for (const TableKind& kind : kinds) {
        items.run(kind.name, [&] {
            if (!kind.two_level) {
                return body(linear(kind.largest ? std::min(most_id_bits(), most_linear_bits)
                                                : least_id_bits()));
            }
            const auto size = static_cast<unsigned>(kind.level2);
            if (!has_two_levels() || (offered >> size & 1) == 0) {
                return test::skip("IRS_IDR2 does not offer them");
            }
            // One that needs more than one level-2 table.
            unsigned id_bits = kind.largest ? most_id_bits() : least_id_bits();
            IstGeometry geometry = geometry_of(id_bits, kind.level2);
            while (!geometry.two_level && id_bits < most_id_bits()) {
                geometry = geometry_of(++id_bits, kind.level2);
            }
            if (!geometry.two_level) {
                return test::skip("one level-2 table holds all LPIs");
            }
            body(geometry);
        });
    }
}

// Makes an LPI of this CPU usable.
void prepare(irq::Id id)
{
    commands().prepare(id, interface.iaffid(), HandlingMode::edge);
    commands().enable(id);
    commands().synchronize();
}

void expect_usable(irq::Id id)
{
    ASSERT_EQ(state_of(id), State::idle);
    prepare(id);
    commands().set_pending(id);
    ASSERT_EQ(awaited(id), id);
    ASSERT_EQ(acknowledged(), id);
    ASSERT_EQ(state_of(id), State::active);
    finish(id);
    ASSERT_EQ(state_of(id), State::idle);
}

// Commands to it have no effect.
void expect_unreachable(irq::Id id)
{
    ASSERT_EQ(state_of(id), State::unreachable);
    commands().enable(id);
    commands().set_pending(id);
    stay_quiet();
    ASSERT_EQ(candidate(), nothing);
    ASSERT_EQ(state_of(id), State::unreachable);
}

// The highest addresses that the IRS can name have no memory, as a rule.
std::optional<std::uint64_t> address_without_memory(const IstGeometry& geometry)
{
    constexpr unsigned address_bits[]{32, 36, 40, 42, 44, 48, 52, 56};
    const auto range = irs().io().read<IRS_IDR0>()[IRS_IDR0::PA_RANGE];
    const std::uint64_t size = geometry.base_table_bytes();
    const std::uint64_t address = (std::uint64_t{1} << address_bits[range & 7]) - size;
    return mem::is_ram(address, size) ? std::nullopt : std::optional{address};
}

// Half of a 64-bit register.
struct BaserLow : Register<BaserLow, std::uint32_t, IRS_IST_BASER::offset> {};
struct BaserHigh : Register<BaserHigh, std::uint32_t, IRS_IST_BASER::offset + 4> {};

}  // namespace

TEST(gicv5_ist, usable,
     .summary = "in every kind of table the first and the last LPI are usable, and none beyond",
     .needs = gicv5_lpi)
{
    for_each_geometry(table_kinds, [](const IstGeometry& geometry) {
        IstUnderTest under_test{geometry};
        ASSERT_TRUE(under_test.table().exists());
        test::item_value("{} bits", geometry.id_bits);
        for (const std::uint32_t n : {0U, number(under_test.last())}) {
            ASSERT_TRUE(under_test.table().map(n).has_value());
            expect_usable(lpi(n));
        }
        if (geometry.id_bits < 24) {
            expect_unreachable(lpi(1U << geometry.id_bits));
        }
    });
}

TEST(gicv5_ist, starts_idle, .summary = "LPIs of a table of zeros are idle and disabled",
     .needs = gicv5_lpi)
{
    IstUnderTest under_test{linear(least_id_bits())};
    ASSERT_TRUE(under_test.table().exists());
    test::Random random;
    for (unsigned round = 0; round < 200; ++round) {
        const auto id = lpi(static_cast<std::uint32_t>(random.below(1U << least_id_bits())));
        ASSERT_EQ(state_of(id), State::idle);
        ASSERT_FALSE(is_enabled(id));
    }
}

TEST(gicv5_ist, level2_on_demand,
     .summary =
         "an LPI becomes reachable when its level-2 table is handed over, and only those in it",
     .needs = gicv5_lpi)
{
    if (!has_two_levels()) {
        return test::skip("IRS_IDR2.IST_LEVELS is 0");
    }
    for_each_geometry(two_level_kinds, [](const IstGeometry& geometry) {
        IstUnderTest under_test{geometry};
        LpiTable& table = under_test.table();
        ASSERT_TRUE(table.exists());
        const std::uint32_t step = 1U << geometry.level2_id_bits();
        const std::uint32_t end = 1U << geometry.id_bits;
        const std::uint32_t first = end / 2;  // of a table in the middle
        ASSERT_EQ(table.level1_entry(first).raw, 0);
        expect_unreachable(lpi(first));
        ASSERT_TRUE(table.map(first + step / 2).has_value());
        ASSERT_EQ(table.level1_entry(first)[L1_ISTE::VALID], 1);
        expect_usable(lpi(first));
        expect_usable(lpi(first + step - 1));
        expect_unreachable(lpi(first - 1));
        if (first + step < end) {
            expect_unreachable(lpi(first + step));
        }
    });
}

TEST(gicv5_ist, level1_entry,
     .summary = "the IRS sets VALID in the level-1 entry alone, and in that of the table alone",
     .needs = gicv5_lpi)
{
    if (!has_two_levels()) {
        return test::skip("IRS_IDR2.IST_LEVELS is 0");
    }
    for_each_geometry(two_level_kinds, [](const IstGeometry& geometry) {
        IstUnderTest under_test{geometry};
        LpiTable& table = under_test.table();
        ASSERT_TRUE(table.exists());
        const std::uint32_t step = 1U << geometry.level2_id_bits();
        ASSERT_TRUE(table.map(0).has_value());
        const L1_ISTE entry = table.level1_entry(0);
        EXPECT_EQ(entry[L1_ISTE::VALID], 1);
        EXPECT_EQ(entry.raw & ~L1_ISTE::L2_ADDR.mask(), L1_ISTE::VALID.mask());
        EXPECT_NE(entry.raw & L1_ISTE::L2_ADDR.mask(), 0);
        EXPECT_EQ(table.level1_entry(step).raw, 0);
    });
}

TEST(gicv5_ist, sparse,
     .summary = "of the largest table only the level-2 tables of LPIs in use are needed",
     .needs = gicv5_lpi)
{
    if (!has_two_levels()) {
        return test::skip("IRS_IDR2.IST_LEVELS is 0");
    }
    constexpr unsigned count = 12;
    const IstGeometry geometry = geometry_of(most_id_bits());
    IstUnderTest under_test{geometry};
    ASSERT_TRUE(under_test.table().exists());
    test::Random random;
    std::array<irq::Id, count> ids{};
    for (irq::Id& id : ids) {
        id = lpi(static_cast<std::uint32_t>(random.below(std::uint64_t{1} << geometry.id_bits)));
        ASSERT_TRUE(under_test.table().map(number(id)).has_value());
        prepare(id);
    }
    for (const irq::Id id : ids) {
        expect_usable(id);
    }
}

TEST(gicv5_ist, written_back,
     .summary = "the table has the final state of an LPI when the IRS has let go of it",
     .needs = gicv5_lpi)
{
    for_each_geometry(table_kinds, [](const IstGeometry& geometry) {
        IstUnderTest under_test{geometry};
        LpiTable& table = under_test.table();
        ASSERT_TRUE(table.exists());
        const irq::Id pending = under_test.last();
        const irq::Id cleared = lpi(number(pending) - 1);
        const irq::Id level = lpi(number(pending) - 2);
        ASSERT_TRUE(table.map(number(pending)).has_value());
        for (const irq::Id id : {pending, cleared, level}) {
            prepare(id);
        }
        const std::uint8_t step = command_priority_step();
        commands().set_priority(pending, step);
        commands().set_pending(pending);
        commands().disable(cleared);
        commands().set_priority(cleared, 32 - step);
        commands().set_pending(cleared);
        commands().clear_pending(cleared);
        commands().set_mode(level, HandlingMode::level);
        commands().synchronize();
        ASSERT_TRUE(table.suspend().has_value());

        const L2_ISTE first = table.entry(number(pending));
        EXPECT_EQ(first[L2_ISTE::Pending], 1);
        EXPECT_EQ(first[L2_ISTE::Active], 0);
        EXPECT_EQ(first[L2_ISTE::HM], 0);
        EXPECT_EQ(first[L2_ISTE::Enable], 1);
        EXPECT_EQ(first[L2_ISTE::IRM], 0);
        EXPECT_EQ(first[L2_ISTE::Priority], std::uint32_t{step});
        EXPECT_EQ(first[L2_ISTE::IAFFID], std::uint32_t{interface.iaffid()});
        const L2_ISTE second = table.entry(number(cleared));
        EXPECT_EQ(second[L2_ISTE::Pending], 0);
        EXPECT_EQ(second[L2_ISTE::Enable], 0);
        EXPECT_EQ(second[L2_ISTE::Priority], 32U - step);
        EXPECT_EQ(table.entry(number(level))[L2_ISTE::HM], 1);
    });
}

// What is pending when the table is handed over is CONSTRAINED UNPREDICTABLE: nothing is.
TEST(gicv5_ist, taken_back, .summary = "an LPI is what it was when the IRS has its table again",
     .needs = gicv5_lpi)
{
    for_each_geometry(table_kinds, [](const IstGeometry& geometry) {
        IstUnderTest under_test{geometry};
        LpiTable& table = under_test.table();
        ASSERT_TRUE(table.exists());
        const irq::Id id = under_test.last();
        const irq::Id other = lpi(number(id) - 1);
        ASSERT_TRUE(table.map(number(id)).has_value());
        expect_usable(id);
        const auto lowest = static_cast<std::uint8_t>(32 - command_priority_step());
        commands().set_priority(id, lowest);
        commands().set_priority(other, command_priority_step());
        commands().target(other, absent_iaffid());
        commands().set_mode(other, HandlingMode::level);
        commands().synchronize();
        const auto before = commands().state(id);
        const auto other_before = commands().state(other);

        ASSERT_TRUE(table.suspend().has_value());
        expect_unreachable(id);
        ASSERT_TRUE(table.resume().has_value());

        EXPECT_TRUE(commands().state(id) == before);
        EXPECT_TRUE(commands().state(other) == other_before);
        EXPECT_TRUE(is_enabled(id));
        commands().set_pending(id);
        EXPECT_EQ(awaited(id), id);
        EXPECT_EQ(acknowledged(), id);
        EXPECT_EQ(running_priority(), lowest);
        finish(id);
    });
}

TEST(gicv5_ist, configuration_locked,
     .summary = "while a table is valid neither its configuration nor its address change",
     .needs = gicv5_lpi)
{
    IstUnderTest under_test{linear(least_id_bits())};
    ASSERT_TRUE(under_test.table().exists());
    expect_usable(lpi(1));
    const auto configuration = irs().io().read<IRS_IST_CFGR>();
    const auto base = irs().io().read<IRS_IST_BASER>();
    const auto wait = [] {
        return timer::wait_until(
            [] { return irs().io().read<IRS_IST_STATUSR>()[IRS_IST_STATUSR::IDLE] != 0; });
    };
    irs().io().write(configuration.with(IRS_IST_CFGR::LPI_ID_BITS, most_id_bits())
                         .with(IRS_IST_CFGR::STRUCTURE, 1)
                         .with(IRS_IST_CFGR::L2SZ, 2));
    ASSERT_TRUE(wait());
    EXPECT_EQ(irs().io().read<IRS_IST_CFGR>().raw, configuration.raw);
    const auto elsewhere = base.with(IRS_IST_BASER::ADDR, base[IRS_IST_BASER::ADDR] ^ 1U << 20);
    irs().io().write(elsewhere);
    ASSERT_TRUE(wait());
    EXPECT_EQ(irs().io().read<IRS_IST_BASER>().raw, base.raw);
    expect_usable(lpi(1));
}

TEST(gicv5_ist, base_in_halves,
     .summary = "IRS_IST_BASER may be written and read as two 32-bit registers", .needs = gicv5_lpi)
{
    IstUnderTest under_test{linear(least_id_bits())};
    const LpiTable& table = under_test.table();
    ASSERT_TRUE(table.exists());
    prepare(lpi(2));
    ASSERT_TRUE(table.suspend().has_value());
    if (irs().io().read<IRS_IDR0>()[IRS_IDR0::PA_RANGE] != 0) {  // addresses have bit 32
        irs().io().write(BaserHigh::from(1));
        EXPECT_EQ(irs().io().read<IRS_IST_BASER>().raw >> 32, 1);
    }
    const std::uint64_t base = table.address() | IRS_IST_BASER::VALID.mask();
    irs().io().write(BaserHigh::from(static_cast<std::uint32_t>(base >> 32)));
    EXPECT_EQ(irs().io().read<IRS_IST_BASER>()[IRS_IST_BASER::VALID], 0);
    irs().io().write(BaserLow::from(static_cast<std::uint32_t>(base)));
    ASSERT_TRUE(timer::wait_until(
        [] { return irs().io().read<IRS_IST_STATUSR>()[IRS_IST_STATUSR::IDLE] != 0; }));
    EXPECT_EQ(irs().io().read<IRS_IST_BASER>().raw, base);
    EXPECT_EQ(irs().io().read<BaserHigh>().raw, static_cast<std::uint32_t>(base >> 32));
    EXPECT_EQ(irs().io().read<BaserLow>().raw, static_cast<std::uint32_t>(base));
    EXPECT_EQ(state_of(lpi(2)), State::idle);
    EXPECT_TRUE(is_enabled(lpi(2)));
}

TEST(gicv5_ist, another_table,
     .summary = "LPIs have the state of the table that is installed; one that was is left alone",
     .needs = gicv5_lpi)
{
    const irq::Id id = lpi(5);
    const IstGeometry geometry = linear(least_id_bits());
    IstUnderTest first{geometry};
    ASSERT_TRUE(first.table().exists());
    expect_usable(id);
    ASSERT_TRUE(first.table().suspend().has_value());
    const std::uint32_t entry = first.table().entry(number(id)).raw;

    LpiTable second;
    ASSERT_TRUE(second.create(irs(), table_memory(), geometry).has_value());
    const State state = state_of(id);
    const bool enabled = is_enabled(id);
    commands().set_priority(id, 0x04);
    commands().set_pending(id);
    const State pended = state_of(id);
    stay_quiet();
    const irq::Id signalled = candidate();
    ASSERT_TRUE(second.destroy().has_value());

    EXPECT_EQ(state, State::idle);
    EXPECT_FALSE(enabled);
    EXPECT_EQ(pended, State::pending);
    EXPECT_EQ(signalled, nothing);
    EXPECT_EQ(first.table().entry(number(id)).raw, entry);
}

TEST(gicv5_ist, no_memory_behind,
     .summary = "a table where there is no memory makes no LPI reachable, or is refused",
     .needs = gicv5_lpi)
{
    const IstGeometry geometry = linear(least_id_bits());
    const auto address = address_without_memory(geometry);
    if (!address) {
        return test::skip("there is memory at the highest address");
    }
    {
        const NoTable no_table;
        const auto installed = irs().install_ist(*address, geometry);
        test::note("{}", installed ? "VALID is 1" : installed.error().what);
        expect_unreachable(lpi(0));
        expect_unreachable(lpi(1));
    }
    const LpiUnderTest interrupt;
    commands().set_pending(interrupt.id());
    EXPECT_EQ(awaited(interrupt.id()), interrupt.id());
    EXPECT_EQ(acknowledged(), interrupt.id());
    finish(interrupt.id());
}

TEST(gicv5_ist, software_errors,
     .summary =
         "a table that cannot be read is reported where IRS_IDR0.SWE says so, else nothing is",
     .needs = gicv5_lpi)
{
    const IstGeometry geometry = linear(least_id_bits());
    const auto address = address_without_memory(geometry);
    if (!address) {
        return test::skip("there is memory at the highest address");
    }
    const bool reports = irs().io().read<IRS_IDR0>()[IRS_IDR0::SWE] != 0;
    const NoTable no_table;
    irs().clear_software_error();
    EXPECT_FALSE(irs().software_error().has_value());
    const auto installed = irs().install_ist(*address, geometry);
    if (!installed) {
        return test::skip("{}", installed.error().what);
    }
    EXPECT_EQ(state_of(lpi(3)), State::unreachable);
    const auto first = irs().software_error();
    EXPECT_EQ(first.has_value(), reports);
    if (!first) {
        EXPECT_EQ(irs().io().read<IRS_SWERR_STATUSR>().raw, 0);
        EXPECT_EQ(irs().io().read<IRS_SWERR_SYNDROMER0>().raw, 0);
        EXPECT_EQ(irs().io().read<IRS_SWERR_SYNDROMER1>().raw, 0);
        return;
    }
    EXPECT_EQ(first->interrupt.value_or(lpi(3)), lpi(3));
    irs().clear_software_error();
    EXPECT_FALSE(irs().software_error().has_value());
}

TEST(gicv5_ist, reserved_bits,
     .summary = "bits without a meaning read zero after ones are written to the table's registers",
     .needs = gicv5_lpi)
{
    const NoTable no_table;
    test::Items items{2};
    items.run("IRS_IST_CFGR", [] {
        constexpr auto meaning = IRS_IST_CFGR::STRUCTURE.mask() | IRS_IST_CFGR::ISTSZ.mask() |
                                 IRS_IST_CFGR::L2SZ.mask() | IRS_IST_CFGR::LPI_ID_BITS.mask();
        const auto before = irs().io().read<IRS_IST_CFGR>();
        irs().io().write(IRS_IST_CFGR::from(before.raw | static_cast<std::uint32_t>(~meaning)));
        const auto found = irs().io().read<IRS_IST_CFGR>();
        irs().io().write(before);
        EXPECT_EQ(found.raw & ~meaning, 0);
    });
    items.run("IRS_IST_BASER", [] {
        constexpr auto meaning = IRS_IST_BASER::ADDR.mask() | IRS_IST_BASER::VALID.mask();
        irs().io().write(IRS_IST_BASER::from(~meaning));
        const auto found = irs().io().read<IRS_IST_BASER>();
        irs().io().write(IRS_IST_BASER{});
        EXPECT_EQ(found.raw & ~meaning, 0);
    });
}

TEST(gicv5_ist, id_bits_out_of_range,
     .summary = "a table of fewer LPIs than the IRS takes is refused, or is one in range",
     .needs = gicv5_lpi && ipi)
{
    // Memory for what the smallest table needs, as software that does not know better gives it.
    const auto memory = table_memory();
    const std::uint64_t size = linear(least_id_bits()).base_table_bytes();
    const auto table = memory.allocate(size);
    ASSERT_TRUE(table.has_value());
    if (least_id_bits() > 0) {
        const NoTable no_table;
        IstGeometry geometry = linear(least_id_bits());
        geometry.id_bits = least_id_bits() - 1;
        const auto installed = irs().install_ist(*table, geometry);
        const State first = state_of(lpi(0));
        test::note("IRS_IST_CFGR.LPI_ID_BITS {}: {}", geometry.id_bits,
                   installed ? "VALID is 1" : installed.error().what);
        EXPECT_TRUE(!installed || first == State::idle);
        EXPECT_EQ(state_of(lpi(1U << least_id_bits())), State::unreachable);
    }
    memory.free(*table, size);
    EXPECT_NE(state_of(irq::controller()->ipi(0)), State::unreachable);
}
