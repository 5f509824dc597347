// SPDX-License-Identifier: MIT
//
// The interrupt routing service: what it says about itself, the CPUs it serves, its switch, and how
// its registers answer (AES 0070, "IRS memory-mapped registers").

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"

#include <arch/exception.h>
#include <arch/io.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

using namespace gicv5;

namespace {

// Any 32-bit word of a frame: io.read<Word>(offset / 4).
struct Word : Register<Word, std::uint32_t, 0> {};

struct FieldRange {
    std::string_view name;
    std::uint32_t value, lowest, highest;
};

void expect_in_range(std::span<const FieldRange> fields)
{
    test::Items items{fields.size()};
    for (const FieldRange& field : fields) {
        items.run(field.name, [&] {
            test::item_value("{:#x}", field.value);
            EXPECT_GE(field.value, field.lowest);
            EXPECT_LE(field.value, field.highest);
        });
    }
}

const Mmio& first_irs()
{
    return routing_services().front().io();
}

// No group of registers is busy.
bool is_idle()
{
    return first_irs().read<IRS_CR0>()[IRS_CR0::IDLE] != 0 &&
           first_irs().read<IRS_SPI_STATUSR>()[IRS_SPI_STATUSR::IDLE] != 0 &&
           first_irs().read<IRS_PE_STATUSR>()[IRS_PE_STATUSR::IDLE] != 0;
}

// The first IRS is off, its CR1 free to be written, for a scope; then as before.
class IrsOff {
public:
    IrsOff() : control_{first_irs().read<IRS_CR1>()}
    {
        expect(routing_services().front().switch_to(false));
    }
    ~IrsOff()
    {
        first_irs().write(control_);
        expect(routing_services().front().switch_to(true));
    }
    IrsOff(const IrsOff&) = delete;
    IrsOff& operator=(const IrsOff&) = delete;

private:
    static void expect(const Result<>& done)
    {
        if (!done) {
            test::error("{}", done.error().what);
        }
    }
    irq::Masked masked_;
    IRS_CR1 control_;
};

// While the IRS is off nothing is signalled. When it is on again, what was pended before is; what
// is pended meanwhile it may ignore.
template <typename Interrupts>
void check_switch()
{
    const UnderTest<Interrupts> interrupts{2};
    const Irs<Mmio>& irs = routing_services().front();
    const irq::Id before = interrupts.id(0);
    const irq::Id meanwhile = interrupts.id(1);
    commands().set_priority(before, default_priority / 2);
    commands().set_pending(before);
    ASSERT_EQ(awaited(before), before);
    {
        const IrsOff off;
        EXPECT_FALSE(first_irs().read<IRS_CR0>()[IRS_CR0::IRSEN] != 0);
        commands().set_pending(meanwhile);
        stay_quiet();
        EXPECT_EQ(candidate(), nothing);
        EXPECT_EQ(acknowledged(), nothing);
    }
    ASSERT_TRUE(irs.io().template read<IRS_CR0>()[IRS_CR0::IRSEN] != 0);
    EXPECT_EQ(awaited(before), before);
    EXPECT_EQ(acknowledged(), before);
    finish(before);
    commands().set_pending(meanwhile);  // off, the IRS may have ignored it
    EXPECT_EQ(awaited(meanwhile), meanwhile);
    EXPECT_EQ(acknowledged(), meanwhile);
    finish(meanwhile);
}

}  // namespace

TEST(gicv5_irs, identification,
     .summary = "every field of IRS_IDR0 to IRS_IDR7 has a value that the architecture allows",
     .needs = gicv5_irs)
{
    const auto id0 = first_irs().read<IRS_IDR0>();
    const auto id1 = first_irs().read<IRS_IDR1>();
    const auto id2 = first_irs().read<IRS_IDR2>();
    const std::uint32_t lpi = id2[IRS_IDR2::LPI];
    const std::uint32_t levels = id2[IRS_IDR2::IST_LEVELS];
    const std::uint32_t metadata = id2[IRS_IDR2::ISTMD];
    const std::uint32_t id_bits = id2[IRS_IDR2::ID_BITS];
    const std::uint32_t all_spis = first_irs().read<IRS_IDR5>()[IRS_IDR5::SPI_RANGE];
    const std::uint32_t spis = first_irs().read<IRS_IDR6>()[IRS_IDR6::SPI_IRS_RANGE];
    const std::uint32_t first_spi = first_irs().read<IRS_IDR7>()[IRS_IDR7::SPI_BASE];
    constexpr std::uint32_t non_secure = 1;
    const FieldRange fields[]{
        {"INT_DOM", id0[IRS_IDR0::INT_DOM], non_secure, non_secure},
        {"PA_RANGE", id0[IRS_IDR0::PA_RANGE], 0, 7},
        {"PE_CNT", id1[IRS_IDR1::PE_CNT], 1, 0xffff},
        {"IAFFID_BITS", id1[IRS_IDR1::IAFFID_BITS], 0, 15},
        {"PRI_BITS", id1[IRS_IDR1::PRI_BITS], 0, 4},
        {"ID_BITS", id_bits, lpi != 0 ? id2[IRS_IDR2::MIN_LPI_ID_BITS] : 0, 24},
        {"IST_L2SZ", id2[IRS_IDR2::IST_L2SZ], lpi & levels, 7},
        {"ISTMD_SZ", metadata != 0 ? id2[IRS_IDR2::ISTMD_SZ] : 0, 0, 24},
        {"SPI_RANGE", all_spis, first_spi + spis, 1U << 24},
        {"SPI_BASE", first_spi, 0, 0xffffff},
    };
    expect_in_range(fields);
}

TEST(gicv5_irs, component,
     .summary = "the architecture and component identification are those of an IRS",
     .needs = gicv5_irs)
{
    constexpr std::uint32_t component_id[]{0x0d, 0xf0, 0x05, 0xb1};  // IRS_CIDR0 to 3
    for (const Irs<Mmio>& irs : routing_services()) {
        EXPECT_EQ(irs.io().read<IRS_AIDR>()[IRS_AIDR::Component], 0);
        for (std::size_t n = 0; n < std::size(component_id); ++n) {
            EXPECT_EQ(irs.io().read<Word>(0xfff0 / 4 + n).raw, component_id[n]);
        }
    }
}

TEST(gicv5_irs, cpus, .summary = "an IRS serves every CPU, and has it as online",
     .needs = gicv5_irs)
{
    unsigned announced = 0;
    for (const Irs<Mmio>& irs : routing_services()) {
        announced += irs.io().read<IRS_IDR1>()[IRS_IDR1::PE_CNT];
    }
    EXPECT_GE(announced, smp::online_count());
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (!cpu.online) {
            continue;
        }
        const std::uint16_t iaffid = iaffid_of(cpu.index);
        unsigned serving = 0;
        for (const Irs<Mmio>& irs : routing_services()) {
            const auto serves = irs.serves(iaffid);
            ASSERT_TRUE(serves.has_value());
            if (*serves) {
                ++serving;
                EXPECT_EQ(irs.io().read<IRS_PE_STATUSR>()[IRS_PE_STATUSR::ONLINE], 1);
                const auto bits = irs.io().read<IRS_IDR1>()[IRS_IDR1::IAFFID_BITS] + 1;
                EXPECT_EQ(std::uint32_t{iaffid} >> bits, 0);
            }
        }
        ASSERT_EQ(serving, 1);
    }
}

TEST(gicv5_irs, other_cpus, .summary = "an IRS says of CPUs that do not exist that it has none",
     .needs = gicv5_irs)
{
    const Irs<Mmio>& irs = routing_services().front();
    const auto online = [&] { return irs.io().read<IRS_PE_STATUSR>()[IRS_PE_STATUSR::ONLINE]; };
    const auto served = [&](std::uint16_t iaffid) {
        const auto serves = irs.serves(iaffid);
        EXPECT_TRUE(serves.has_value());
        return serves.value_or(false);
    };
    unsigned found = 0;
    const unsigned bits = irs.io().read<IRS_IDR1>()[IRS_IDR1::IAFFID_BITS] + 1;
    for (std::uint32_t iaffid = 0; iaffid < 1U << std::min(bits, 10U); ++iaffid) {
        const bool serves = served(static_cast<std::uint16_t>(iaffid));
        found += serves ? 1 : 0;
        if (!serves) {
            ASSERT_EQ(online(), 0);
        }
    }
    EXPECT_LE(found, irs.io().read<IRS_IDR1>()[IRS_IDR1::PE_CNT]);
    EXPECT_FALSE(served(absent_iaffid()));
    EXPECT_TRUE(served(interface.iaffid()) || routing_services().size() > 1);
}

TEST(gicv5_irs, gates_spis,
     .summary = "an IRS that is off signals no SPI; on again, what was pending", .needs = gicv5_spi)
{
    check_switch<Spis>();
}

TEST(gicv5_irs, gates_lpis,
     .summary = "an IRS that is off signals no LPI; on again, what was pending", .needs = gicv5_lpi)
{
    check_switch<Lpis>();
}

TEST(gicv5_irs, ppis_pass, .summary = "an IRS that is off lets PPIs through", .needs = gicv5_irs)
{
    const PpiUnderTest under_test;
    const IrsOff off;
    interface.set_pending(sw_ppi);
    EXPECT_EQ(awaited(sw_ppi_id()), sw_ppi_id());
    EXPECT_EQ(acknowledged(), sw_ppi_id());
    finish(sw_ppi_id());
}

TEST(gicv5_irs, memory_attributes,
     .summary = "IRS_CR1 keeps every shareability and cacheability while the IRS is off",
     .needs = gicv5_irs)
{
    const IrsOff off;
    constexpr std::uint32_t shareabilities[]{0, 2, 3};
    for (const std::uint32_t shareability : shareabilities) {
        for (std::uint32_t cacheability = 0; cacheability < 3; ++cacheability) {
            const auto wanted = IRS_CR1{}
                                    .with(IRS_CR1::SH, shareability)
                                    .with(IRS_CR1::OC, cacheability)
                                    .with(IRS_CR1::IC, 2 - cacheability)
                                    .with(IRS_CR1::IST_RA, cacheability & 1)
                                    .with(IRS_CR1::IST_WA, shareability & 1);
            first_irs().write(wanted);
            const auto found = first_irs().read<IRS_CR1>();
            ASSERT_EQ(found[IRS_CR1::SH], wanted[IRS_CR1::SH]);
            ASSERT_EQ(found[IRS_CR1::OC], wanted[IRS_CR1::OC]);
            ASSERT_EQ(found[IRS_CR1::IC], wanted[IRS_CR1::IC]);
            ASSERT_EQ(found[IRS_CR1::IST_RA], wanted[IRS_CR1::IST_RA]);
            ASSERT_EQ(found[IRS_CR1::IST_WA], wanted[IRS_CR1::IST_WA]);
        }
    }
}

TEST(gicv5_irs, read_only, .summary = "identification registers keep their values when written",
     .needs = gicv5_irs)
{
    constexpr std::uint32_t offsets[]{0x000, 0x004, 0x008, 0x014, 0x018, 0x01c,
                                      0x040, 0x044, 0x144, 0x0c4, 0x194};
    test::Items items{std::size(offsets)};
    for (const std::uint32_t offset : offsets) {
        TextBuffer<16> name;
        format_to(name, "{:#x}", offset);
        items.run(name.text(), [&] {
            const auto before = first_irs().read<Word>(offset / 4);
            test::item_value("{:#x}", before.raw);
            first_irs().write(Word::from(~before.raw), offset / 4);
            EXPECT_EQ(first_irs().read<Word>(offset / 4).raw, before.raw);
        });
    }
}

TEST(gicv5_irs, reserved_offsets, .summary = "words without a register read zero and ignore writes",
     .needs = gicv5_irs)
{
    constexpr std::uint32_t offsets[]{0x020, 0x03c, 0x048, 0x07c,  0x088,  0x0bc,       0x0c8,
                                      0x11c, 0x13c, 0x14c, 0x198,  0x1bc,  0x1c4,       0x3d8,
                                      0x400, 0x800, 0xffc, 0x1000, 0x8000, 0xefff & ~3U};
    test::Items items{std::size(offsets)};
    for (const std::uint32_t offset : offsets) {
        TextBuffer<16> name;
        format_to(name, "{:#x}", offset);
        items.run(name.text(), [&] {
            EXPECT_EQ(first_irs().read<Word>(offset / 4).raw, 0);
            first_irs().write(Word::from(~0U), offset / 4);
            EXPECT_EQ(first_irs().read<Word>(offset / 4).raw, 0);
        });
    }
}

TEST(gicv5_irs, reserved_bits, .summary = "bits without a meaning read zero after ones are written",
     .needs = gicv5_irs)
{
    const IrsOff off;
    struct {
        std::string_view name;
        std::uint32_t offset;
        std::uint32_t meaning;  // bits that may be read as one
    } constexpr registers[]{
        {"IRS_CR0", IRS_CR0::offset, 0x3},
        {"IRS_CR1", IRS_CR1::offset, 0xffff},
        {"IRS_SPI_SELR", IRS_SPI_SELR::offset, 0xffffff},
        {"IRS_SPI_CFGR", IRS_SPI_CFGR::offset, 0x1},
        {"IRS_PE_SELR", IRS_PE_SELR::offset, 0xffff},
        {"IRS_PE_CR0", IRS_PE_CR0::offset, 0x1},
    };
    const auto write = [](std::uint32_t offset, std::uint32_t value) {
        first_irs().write(Word::from(value), offset / 4);
        EXPECT_TRUE(timer::wait_until(is_idle));
    };
    test::Items items{std::size(registers)};
    for (const auto& entry : registers) {
        items.run(entry.name, [&] {
            const auto before = first_irs().read<Word>(entry.offset / 4);
            write(entry.offset, before.raw | ~entry.meaning);
            const auto found = first_irs().read<Word>(entry.offset / 4);
            write(entry.offset, before.raw & entry.meaning);
            EXPECT_EQ(found.raw & ~entry.meaning, 0);
        });
    }
}

TEST(gicv5_irs, access_sizes,
     .summary = "a read of another size than a register's aborts, reads zero or reads its bytes",
     .needs = gicv5_irs)
{
    const std::uintptr_t base = first_irs().base();
    const std::uint64_t id0 = first_irs().read<IRS_IDR0>().raw;
    const std::uint64_t id1 = first_irs().read<IRS_IDR1>().raw;
    struct {
        std::string_view name;
        std::uint64_t bytes;  // that are there
        std::uint64_t (*read)(std::uintptr_t base);
    } const accesses[]{
        {"byte", id0 & 0xff, [](std::uintptr_t at) { return std::uint64_t{arch::io_read8(at)}; }},
        {"second byte", id0 >> 8 & 0xff,
         [](std::uintptr_t at) { return std::uint64_t{arch::io_read8(at + 1)}; }},
        {"halfword", id0 & 0xffff,
         [](std::uintptr_t at) { return std::uint64_t{arch::io_read16(at)}; }},
        {"two registers", id0 | id1 << 32, [](std::uintptr_t at) { return arch::io_read64(at); }},
    };
    test::Items items{std::size(accesses)};
    for (const auto& access : accesses) {
        items.run(access.name, [&] {
            std::uint64_t value = 0;
            const auto abort = arch::raised([&] { value = access.read(base); });
            if (abort) {
                test::item_value("abort");
            } else {
                test::item_value("{:#x}", value);
            }
            EXPECT_TRUE(abort || value == 0 || value == access.bytes);
            EXPECT_EQ(std::uint64_t{first_irs().read<IRS_IDR0>().raw}, id0);
        });
    }
}

TEST(gicv5_irs, write_sizes,
     .summary = "a write of another size than a register's changes it not at all, or its bytes",
     .needs = gicv5_irs)
{
    const IrsOff off;
    const std::uintptr_t base = first_irs().base() + IRS_CR1::offset;
    constexpr std::uint32_t before = 0x57;
    struct {
        std::string_view name;
        std::uint32_t bytes;  // when its bytes change
        void (*write)(std::uintptr_t base);
    } constexpr accesses[]{
        {"byte", 0x96, [](std::uintptr_t at) { arch::io_write8(at, 0x96); }},
        {"halfword", 0x96, [](std::uintptr_t at) { arch::io_write16(at, 0x96); }},
        {"two registers", 0x96,
         [](std::uintptr_t at) { arch::io_write64(at - 4, std::uint64_t{0x96} << 32); }},
    };
    test::Items items{std::size(accesses)};
    for (const auto& access : accesses) {
        items.run(access.name, [&] {
            first_irs().write(IRS_CR1::from(before));
            const auto abort = arch::raised([&] { access.write(base); });
            const std::uint32_t found = first_irs().read<IRS_CR1>().raw;
            test::item_value("{:#x}{}", found, abort ? ", abort" : "");
            EXPECT_TRUE(found == before || (found == access.bytes && !abort));
        });
    }
}

TEST(gicv5_irs, synchronizes, .summary = "IRS_SYNCR completes", .needs = gicv5_irs)
{
    for (const Irs<Mmio>& irs : routing_services()) {
        EXPECT_TRUE(irs.synchronize().has_value());
    }
}
