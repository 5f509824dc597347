// SPDX-License-Identifier: MIT
#include "lib/acpi/fadt.h"
#include "lib/acpi/hpet.h"
#include "lib/acpi/madt.h"
#include "lib/acpi/mcfg.h"
#include "lib/acpi/mp_table.h"
#include "lib/acpi/tables.h"
#include "unit/support/physical_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using namespace acpi;
using testing::ElementsAre;
using unit::acpi_table;
using unit::Bytes;
using unit::PhysicalMemory;
using unit::Writer;

// Tests run in the root of the repository.
PhysicalMemory read_memory(const std::string& name)
{
    std::ifstream file{"unit/data/acpi/" + name + ".mem", std::ios::binary};
    const std::vector<char> content{std::istreambuf_iterator{file}, {}};
    if (content.empty()) {
        ADD_FAILURE() << "no memory " << name << " in unit/data/acpi";
    }
    return PhysicalMemory{std::as_bytes(std::span{content})};
}

constexpr std::uint64_t rsdp_address = 0xf'0000;
constexpr std::uint64_t root_address = 0x100'0000;
constexpr std::uint64_t first_table = 0x200'0000;
constexpr std::uint64_t table_distance = 0x10'0000;

Bytes first_pointer(std::uint32_t rsdt)
{
    return Writer{}.text("RSD PTR ").u8(0).text("ASSAY ").u8(0).u32(rsdt).checksum(8).bytes();
}

Bytes second_pointer(std::uint32_t rsdt, std::uint64_t xsdt)
{
    Writer pointer;
    pointer.text("RSD PTR ").u8(0).text("ASSAY ").u8(2).u32(rsdt).u32(36).u64(xsdt).u32(0);
    return pointer.checksum(8, 20).checksum(32).bytes();
}

// A machine whose RSDT lists these tables.
PhysicalMemory machine_with(const std::vector<Bytes>& tables)
{
    PhysicalMemory memory;
    Writer root;
    std::uint64_t address = first_table;
    for (const Bytes& table : tables) {
        memory.write(address, table);
        root.u32(static_cast<std::uint32_t>(address));
        address += table_distance;
    }
    memory.write(root_address, acpi_table("RSDT", root.bytes()));
    memory.write(rsdp_address, first_pointer(root_address));
    return memory;
}

// The first table of a machine that has this one alone.
class OneTable {
public:
    OneTable(std::string_view signature, const Writer& body, std::uint8_t revision = 1)
    {
        memory_.write(first_table, acpi_table(signature, body.bytes(), revision));
    }
    Table operator*() const { return Table::read(memory_, first_table).value(); }

private:
    PhysicalMemory memory_;
};

template <typename T>
std::string error_of(const Result<T>& result)
{
    return result ? "no error" : result.error().what;
}

std::vector<std::string> signatures(const Tables& tables)
{
    std::vector<std::string> found;
    for (std::size_t i = 0; i < tables.count(); ++i) {
        const auto table = tables.at(i);
        found.emplace_back(table ? table->signature() : table.error().what);
    }
    return found;
}

std::vector<std::uint32_t> enabled_processors(const Madt& madt)
{
    std::vector<std::uint32_t> found;
    madt.for_each_processor([&](const Madt::Processor& processor) {
        if (processor.enabled) {
            found.push_back(processor.apic_id);
        }
    });
    return found;
}

std::vector<unsigned> enabled_processors(const MpTable& table)
{
    std::vector<unsigned> found;
    table.for_each_processor([&](const MpTable::Processor& processor) {
        if (processor.enabled) {
            found.push_back(processor.apic_id);
        }
    });
    return found;
}

TEST(AcpiView, ReadsLittleEndianNumbersAtAnyAlignment)
{
    const Bytes bytes = Writer{}.u8(0xff).u64(0x0123'4567'89ab'cdef).bytes();
    const View view{bytes};
    EXPECT_EQ(view.number<std::uint64_t>(1), 0x0123'4567'89ab'cdefU);
    EXPECT_EQ(view.number<std::uint32_t>(1), 0x89ab'cdefU);
    EXPECT_EQ(view.number<std::uint16_t>(0), 0xefffU);
    EXPECT_EQ(view.number<std::uint8_t>(8), 0x01U);
}

TEST(AcpiView, WhatIsBeyondTheEndIsZeroOrCutOff)
{
    const Bytes bytes = Writer{}.text("abc").bytes();
    const View view{bytes};
    EXPECT_EQ(view.number<std::uint32_t>(0), 0U);
    EXPECT_EQ(view.number<std::uint8_t>(SIZE_MAX), 0U);
    EXPECT_EQ(view.text(1, 10), "bc");
    EXPECT_EQ(view.text(SIZE_MAX, 10), "");
    EXPECT_EQ(view.part(3).size(), 0U);
    EXPECT_TRUE(view.holds(3, 0));
    EXPECT_FALSE(view.holds(2, 2));
    EXPECT_FALSE(view.holds(1, SIZE_MAX));
}

TEST(AcpiQemu, Q35HasTheTablesOfRevisionOne)
{
    const PhysicalMemory memory = read_memory("qemu-11.1-q35");
    const auto tables = Tables::open(memory);
    ASSERT_TRUE(tables) << tables.error().what;
    EXPECT_EQ(tables->root_pointer().revision, 0);
    EXPECT_EQ(tables->root().signature(), "RSDT");
    EXPECT_THAT(signatures(*tables), ElementsAre("FACP", "APIC", "HPET", "MCFG", "WAET"));
    // The loader's pointer says the same as the search.
    EXPECT_TRUE(Tables::open(memory, tables->root_pointer().address));
}

TEST(AcpiQemu, Q35Madt)
{
    const PhysicalMemory memory = read_memory("qemu-11.1-q35");
    const auto madt = Madt::open(Tables::open(memory)->find("APIC").value());
    ASSERT_TRUE(madt) << madt.error().what;
    EXPECT_EQ(madt->local_apic_address(), 0xfee0'0000U);
    EXPECT_TRUE(madt->has_legacy_pics());
    EXPECT_THAT(enabled_processors(*madt), ElementsAre(0, 1, 2, 3));
    std::vector<std::uint32_t> io_apics;
    madt->for_each_io_apic([&](const Madt::IoApic& io_apic) {
        io_apics.push_back(io_apic.address);
        EXPECT_EQ(io_apic.first_gsi, 0U);
    });
    EXPECT_THAT(io_apics, ElementsAre(0xfec0'0000));
    std::vector<unsigned> sources;
    madt->for_each_override([&](const Madt::SourceOverride& override) {
        sources.push_back(override.source);
        if (override.source == 0) {
            EXPECT_EQ(override.gsi, 2U);  // the PIT
            EXPECT_EQ(override.signalling, Signalling{});
        } else {
            EXPECT_EQ(override.gsi, override.source);
            EXPECT_EQ(override.signalling.trigger, Signalling::Trigger::level);
            EXPECT_EQ(override.signalling.polarity, Signalling::Polarity::high);
        }
    });
    EXPECT_THAT(sources, ElementsAre(0, 5, 9, 10, 11));
    unsigned nmis = 0;
    madt->for_each_local_nmi([&](const Madt::LocalNmi& nmi) {
        ++nmis;
        EXPECT_EQ(nmi.uid, Madt::every_processor);
        EXPECT_EQ(nmi.pin, 1U);
    });
    EXPECT_EQ(nmis, 1U);
}

TEST(AcpiQemu, Q35FixedRegisters)
{
    const PhysicalMemory memory = read_memory("qemu-11.1-q35");
    const auto fadt = Fadt::open(Tables::open(memory)->find("FACP").value());
    ASSERT_TRUE(fadt) << fadt.error().what;
    EXPECT_EQ(fadt->pm1a_control.space, GenericAddress::Space::port);
    EXPECT_EQ(fadt->pm1a_control.address, 0x604U);
    EXPECT_FALSE(fadt->pm1b_control.there());
    EXPECT_EQ(fadt->pm_timer.address, 0x608U);
    EXPECT_EQ(fadt->sci_interrupt, 9U);
    EXPECT_TRUE(fadt->has_reset_register());
    EXPECT_EQ(fadt->reset_register.address, 0xcf9U);
    EXPECT_EQ(fadt->reset_value, 0x0f);
    EXPECT_FALSE(fadt->hardware_reduced());
    EXPECT_FALSE(fadt->sleep_control.there());
    EXPECT_TRUE(fadt->has_8042());
    const auto off = soft_off_type(Table::read(memory, fadt->dsdt).value());
    ASSERT_TRUE(off) << off.error().what;
    EXPECT_EQ(off->a, 0);
    EXPECT_EQ(off->b, 0);
}

TEST(AcpiQemu, Q35HpetAndMcfg)
{
    const PhysicalMemory memory = read_memory("qemu-11.1-q35");
    const auto tables = Tables::open(memory);
    const auto hpet = Hpet::open(tables->find("HPET").value());
    ASSERT_TRUE(hpet) << hpet.error().what;
    EXPECT_EQ(hpet->registers.address, 0xfed0'0000U);
    EXPECT_EQ(hpet->event_timer_block_id, 0x8086'a201U);
    const auto mcfg = Mcfg::open(tables->find("MCFG").value());
    ASSERT_TRUE(mcfg) << mcfg.error().what;
    ASSERT_EQ(mcfg->count(), 1U);
    EXPECT_EQ(mcfg->at(0).segment, 0U);
    EXPECT_EQ(mcfg->at(0).first_bus, 0U);
    EXPECT_EQ(mcfg->at(0).last_bus, 255U);
    EXPECT_NE(mcfg->at(0).base, 0U);
}

TEST(AcpiQemu, PcHasAFadtOfRevisionOne)
{
    const PhysicalMemory memory = read_memory("qemu-11.1-pc");
    const auto tables = Tables::open(memory);
    ASSERT_TRUE(tables) << tables.error().what;
    EXPECT_THAT(signatures(*tables), ElementsAre("FACP", "APIC", "HPET", "WAET"));
    const auto fadt = Fadt::open(tables->find("FACP").value());
    ASSERT_TRUE(fadt) << fadt.error().what;
    EXPECT_EQ(fadt->pm1a_control.space, GenericAddress::Space::port);
    EXPECT_EQ(fadt->pm1a_control.address, 0x604U);
    EXPECT_EQ(fadt->pm_timer.address, 0x608U);
    EXPECT_EQ(fadt->pm_timer.bit_width, 32);
    EXPECT_FALSE(fadt->has_reset_register());
    EXPECT_TRUE(soft_off_type(Table::read(memory, fadt->dsdt).value()));
    EXPECT_THAT(enabled_processors(*Madt::open(tables->find("APIC").value())), ElementsAre(0, 1));
    EXPECT_EQ(error_of(tables->find("MCFG")), "no such ACPI table");
}

TEST(AcpiQemu, MicrovmIsHardwareReduced)
{
    const PhysicalMemory memory = read_memory("qemu-11.1-microvm");
    const auto tables = Tables::open(memory);
    ASSERT_TRUE(tables) << tables.error().what;
    EXPECT_EQ(tables->root_pointer().revision, 2);
    EXPECT_EQ(tables->root().signature(), "XSDT");
    const auto fadt = Fadt::open(tables->find("FACP").value());
    ASSERT_TRUE(fadt) << fadt.error().what;
    EXPECT_TRUE(fadt->hardware_reduced());
    EXPECT_FALSE(fadt->pm1a_control.there());
    EXPECT_EQ(fadt->sleep_control.space, GenericAddress::Space::memory);
    EXPECT_EQ(fadt->sleep_control.address, 0xfea0'0200U);
    EXPECT_EQ(fadt->reset_register.address, 0xfea0'0202U);
    EXPECT_EQ(fadt->reset_value, 0x42);
    const auto off = soft_off_type(Table::read(memory, fadt->dsdt).value());
    ASSERT_TRUE(off) << off.error().what;
    EXPECT_EQ(off->a, 5);
    const auto madt = Madt::open(tables->find("APIC").value());
    EXPECT_THAT(enabled_processors(*madt), ElementsAre(0, 1, 2));
}

TEST(AcpiQemu, ManyProcessorsAreX2apics)
{
    const PhysicalMemory memory = read_memory("qemu-11.1-q35-x2apic");
    const auto madt = Madt::open(Tables::open(memory)->find("APIC").value());
    ASSERT_TRUE(madt) << madt.error().what;
    unsigned count = 0;
    unsigned x2apics = 0;
    madt->for_each_processor([&](const Madt::Processor& processor) {
        ++count;
        x2apics += processor.x2apic ? 1 : 0;
        EXPECT_EQ(processor.x2apic, processor.apic_id >= 255);
    });
    EXPECT_EQ(count, 300U);
    EXPECT_EQ(x2apics, 45U);
    EXPECT_THAT(enabled_processors(*madt), ElementsAre(0, 1));
}

TEST(AcpiQemu, MicrovmWithoutAcpiHasAnMpTable)
{
    const PhysicalMemory memory = read_memory("qemu-11.1-microvm-noacpi");
    EXPECT_EQ(error_of(Tables::open(memory)), "no ACPI tables: no RSDP");
    const auto table = MpTable::find(memory);
    ASSERT_TRUE(table) << table.error().what;
    EXPECT_EQ(table->pointer(), 0x9fc00U);
    EXPECT_EQ(table->stated_count(), 0U);  // as qboot leaves it
    EXPECT_THAT(enabled_processors(*table), ElementsAre(0, 1));
}

TEST(AcpiQemu, MpTableOfSeaBios)
{
    for (const char* name : {"qemu-11.1-q35", "qemu-11.1-pc", "qemu-11.1-microvm"}) {
        const PhysicalMemory memory = read_memory(name);
        const auto table = MpTable::find(memory);
        ASSERT_TRUE(table) << name << ": " << table.error().what;
        EXPECT_EQ(table->local_apic_address(), 0xfee0'0000U);
        unsigned io_apics = 0;
        table->for_each_io_apic([&](const MpTable::IoApic& io_apic) {
            ++io_apics;
            EXPECT_TRUE(io_apic.enabled);
            EXPECT_EQ(io_apic.address, 0xfec0'0000U);
        });
        EXPECT_EQ(io_apics, 1U) << name;
        std::vector<std::string> buses;
        table->for_each_bus([&](const MpTable::Bus& bus) { buses.emplace_back(bus.type); });
        EXPECT_THAT(buses, testing::Contains("ISA")) << name;
        unsigned nmis = 0;
        table->for_each_local_interrupt([&](const MpTable::Interrupt& interrupt) {
            nmis += interrupt.kind == MpTable::Interrupt::Kind::nmi ? 1 : 0;
        });
        EXPECT_EQ(nmis, 1U) << name;
        unsigned wires = 0;
        table->for_each_io_interrupt([&](const MpTable::Interrupt&) { ++wires; });
        EXPECT_GE(wires, 8U) << name;
    }
}

TEST(AcpiPointer, NowhereIsAnError)
{
    EXPECT_EQ(error_of(Tables::open(PhysicalMemory{})), "no ACPI tables: no RSDP");
}

TEST(AcpiPointer, IsFoundInTheExtendedBiosDataArea)
{
    PhysicalMemory memory = machine_with({});
    memory.write(rsdp_address, Bytes(20));
    memory.write(0x40e, Writer{}.u16(0x9fc0).bytes());
    memory.write(0x9'ffe0, first_pointer(root_address));
    EXPECT_EQ(RootPointer::find(memory)->address, 0x9'ffe0U);
}

TEST(AcpiPointer, WithAWrongChecksumIsPassedOver)
{
    PhysicalMemory memory = machine_with({});
    Bytes broken = first_pointer(root_address);
    broken[16] ^= std::byte{1};
    memory.write(0xe'0000, broken);
    EXPECT_EQ(RootPointer::find(memory)->address, rsdp_address);
    EXPECT_EQ(error_of(Tables::open(memory, 0xe'0000)), "the RSDP's checksum is wrong");
    EXPECT_EQ(error_of(Tables::open(memory, 0xe'1000)), "no RSDP where one should be");
}

TEST(AcpiPointer, ExtendedPartHasAChecksumOfItsOwn)
{
    PhysicalMemory memory;
    Bytes pointer = second_pointer(0, root_address);
    memory.write(root_address, acpi_table("XSDT", {}));
    memory.write(rsdp_address, pointer);
    EXPECT_TRUE(Tables::open(memory));
    pointer[24] ^= std::byte{1};
    memory.write(rsdp_address, pointer);
    EXPECT_EQ(error_of(Tables::open(memory, rsdp_address)),
              "the RSDP's extended checksum is wrong");
    pointer[20] = std::byte{35};
    memory.write(rsdp_address, pointer);
    EXPECT_EQ(error_of(Tables::open(memory, rsdp_address)), "the RSDP's length is wrong");
}

TEST(AcpiTables, XsdtGoesBeforeTheRsdt)
{
    PhysicalMemory memory = machine_with({acpi_table("HPET", {})});
    memory.write(0x300'0000, acpi_table("MCFG", {}));
    memory.write(0x400'0000, acpi_table("XSDT", Writer{}.u64(0x300'0000).bytes()));
    memory.write(rsdp_address, second_pointer(root_address, 0x400'0000));
    EXPECT_THAT(signatures(*Tables::open(memory)), ElementsAre("MCFG"));
    memory.write(rsdp_address, second_pointer(root_address, 0));
    EXPECT_THAT(signatures(*Tables::open(memory)), ElementsAre("HPET"));
}

TEST(AcpiTables, RootOfAnotherKindIsAnError)
{
    PhysicalMemory memory = machine_with({});
    memory.write(root_address, acpi_table("XSDT", {}));
    EXPECT_EQ(error_of(Tables::open(memory)), "the RSDP does not point to an RSDT or XSDT");
    memory.write(rsdp_address, first_pointer(0x7777'0000));
    EXPECT_EQ(error_of(Tables::open(memory)), "there is no memory");
}

TEST(AcpiTables, BrokenOneDoesNotHideAnother)
{
    Bytes broken = acpi_table("HPET", Bytes(20));
    broken[40] ^= std::byte{1};
    Bytes shorter = acpi_table("MCFG", Bytes(20));
    shorter[4] = std::byte{35};
    Bytes longer = acpi_table("FACP", Bytes(80));
    longer[5] = std::byte{1};
    PhysicalMemory memory = machine_with({broken, shorter, longer, acpi_table("APIC", Bytes(8))});
    const auto tables = Tables::open(memory);
    ASSERT_TRUE(tables);
    EXPECT_EQ(error_of(tables->find("HPET")), "an ACPI table's checksum is wrong");
    EXPECT_EQ(error_of(tables->find("MCFG")), "an ACPI table's length is wrong");
    EXPECT_EQ(error_of(tables->find("FACP")), "there is no memory");
    EXPECT_TRUE(tables->find("APIC"));
    EXPECT_EQ(error_of(tables->at(4)), "no such ACPI table");
}

TEST(AcpiTables, RootWithHalfAnEntryLeavesItOut)
{
    PhysicalMemory memory;
    memory.write(root_address, acpi_table("RSDT", Bytes(6)));
    memory.write(rsdp_address, first_pointer(root_address));
    EXPECT_EQ(Tables::open(memory)->count(), 1U);
}

TEST(AcpiMadt, EntriesThatDoNotFitAreErrors)
{
    const Writer head = Writer{}.u32(0xfee0'0000).u32(1);
    const auto opened = [&](const Writer& entries) {
        const OneTable table{"APIC", Writer{head}.append(entries.bytes())};
        return error_of(Madt::open(*table));
    };
    EXPECT_EQ(opened(Writer{}), "no error");
    EXPECT_EQ(opened(Writer{}.u8(0).u8(8).zeros(6)), "no error");
    EXPECT_EQ(opened(Writer{}.u8(0).u8(7).zeros(5)),
              "an entry of the MADT is shorter than its type");
    EXPECT_EQ(opened(Writer{}.u8(0).u8(8).zeros(5)), "an entry of the MADT is beyond its end");
    EXPECT_EQ(opened(Writer{}.u8(77).u8(0)), "an entry of the MADT is shorter than its type");
    EXPECT_EQ(opened(Writer{}.u8(77)), "an entry of the MADT is shorter than its type");
    EXPECT_EQ(opened(Writer{}.u8(77).u8(2)), "no error");
    EXPECT_EQ(error_of(Madt::open(*OneTable{"APIC", Writer{}.u32(0)})), "the MADT is too short");
    EXPECT_EQ(error_of(Madt::open(*OneTable{"FACP", head})), "not a MADT");
}

TEST(AcpiMadt, ReadsEveryKindOfEntry)
{
    const OneTable table{
        "APIC", Writer{}
                    .u32(0xfee0'0000)
                    .u32(0)
                    .append(Writer{}.u8(0).u8(8).u8(3).u8(7).u32(2).bytes())
                    .append(Writer{}.u8(9).u8(16).u16(0).u32(0x1234).u32(1).u32(5).bytes())
                    .append(Writer{}.u8(5).u8(12).u16(0).u64(0x1'2345'6000).bytes())
                    .append(Writer{}.u8(4).u8(6).u8(9).u16(0xd).u8(1).bytes())
                    .append(Writer{}.u8(10).u8(12).u16(0).u32(300).u8(0).zeros(3).bytes())};
    const auto madt = Madt::open(*table);
    ASSERT_TRUE(madt) << madt.error().what;
    EXPECT_FALSE(madt->has_legacy_pics());
    EXPECT_EQ(madt->local_apic_address(), 0x1'2345'6000U);
    std::vector<Madt::Processor> processors;
    madt->for_each_processor([&](const Madt::Processor& p) { processors.push_back(p); });
    ASSERT_EQ(processors.size(), 2U);
    EXPECT_EQ(processors[0].uid, 3U);
    EXPECT_EQ(processors[0].apic_id, 7U);
    EXPECT_FALSE(processors[0].enabled);
    EXPECT_TRUE(processors[0].online_capable);
    EXPECT_EQ(processors[1].uid, 5U);
    EXPECT_EQ(processors[1].apic_id, 0x1234U);
    EXPECT_TRUE(processors[1].enabled && processors[1].x2apic);
    std::vector<Madt::LocalNmi> nmis;
    madt->for_each_local_nmi([&](const Madt::LocalNmi& nmi) { nmis.push_back(nmi); });
    ASSERT_EQ(nmis.size(), 2U);
    EXPECT_EQ(nmis[0].uid, 9U);
    EXPECT_EQ(nmis[0].pin, 1U);
    EXPECT_EQ(nmis[0].signalling.polarity, Signalling::Polarity::high);
    EXPECT_EQ(nmis[0].signalling.trigger, Signalling::Trigger::level);
    EXPECT_EQ(nmis[1].uid, 300U);
}

TEST(AcpiFadt, TooShortOrAnotherTableIsAnError)
{
    EXPECT_EQ(error_of(Fadt::open(*OneTable{"FACP", Writer{}.zeros(79)})), "the FADT is too short");
    EXPECT_TRUE(Fadt::open(*OneTable{"FACP", Writer{}.zeros(80)}));
    EXPECT_EQ(error_of(Fadt::open(*OneTable{"APIC", Writer{}.zeros(80)})), "not a FADT");
}

TEST(AcpiFadt, ExtendedAddressesGoFirst)
{
    Writer body;
    body.zeros(64 - 36).u32(0x404).zeros(89 - 68).u8(2).zeros(172 - 90);
    body.u8(0).u8(16).u8(0).u8(2).u64(0xfe00'0000).zeros(268 - 184);
    const auto fadt = Fadt::open(*OneTable{"FACP", body, 5});
    EXPECT_EQ(fadt->pm1a_control.space, GenericAddress::Space::memory);
    EXPECT_EQ(fadt->pm1a_control.address, 0xfe00'0000U);
    EXPECT_EQ(fadt->pm1a_control.access_size, 2);
}

TEST(AcpiSoftOff, IsReadFromEveryEncoding)
{
    const auto type_of = [](const Writer& code) {
        const OneTable table{"DSDT", code};
        return soft_off_type(*table);
    };
    // Name (\_S5, Package (4) {Zero, One, ...}), as iasl writes it.
    const auto root =
        type_of(Writer{}.u8(0x08).text("\\_S5_").u8(0x12).u8(6).u8(4).u8(0).u8(1).u16(0));
    ASSERT_TRUE(root);
    EXPECT_EQ(root->a, 0);
    EXPECT_EQ(root->b, 1);
    const auto bytes =
        type_of(Writer{}.u8(0x08).text("_S5_").u8(0x12).u8(6).u8(2).u16(0x050a).u16(0x060a));
    ASSERT_TRUE(bytes);
    EXPECT_EQ(bytes->a, 5);
    EXPECT_EQ(bytes->b, 6);
    const auto wide =
        type_of(Writer{}.u8(0x08).text("_S5_").u8(0x12).u8(0x46).u8(0).u8(1).u8(0x0c).u32(7));
    ASSERT_TRUE(wide);
    EXPECT_EQ(wide->a, 7);
    EXPECT_EQ(wide->b, 7);
}

TEST(AcpiSoftOff, OtherThingsAreErrors)
{
    const auto error = [](const Writer& code) {
        const OneTable table{"DSDT", code};
        return error_of(soft_off_type(*table));
    };
    EXPECT_EQ(error(Writer{}), "no \\_S5 in the DSDT");
    EXPECT_EQ(error(Writer{}.text("x_S5_")),
              "no \\_S5 in the DSDT");  // a mention, not a definition
    EXPECT_EQ(error(Writer{}.u8(8).text("_S5_")), "\\_S5 is no package");
    EXPECT_EQ(error(Writer{}.u8(8).text("_S5_").u8(0x12).u8(2).u8(0)), "\\_S5 is empty");
    EXPECT_EQ(error(Writer{}.u8(8).text("_S5_").u8(0x12).u8(3).u8(2).u8(0)),
              "\\_S5 ends too early");
    EXPECT_EQ(error(Writer{}.u8(8).text("_S5_").u8(0x12).u8(3).u8(1).u8(0x0a)),
              "\\_S5 ends too early");
    EXPECT_EQ(error(Writer{}.u8(8).text("_S5_").u8(0x12).u8(3).u8(1).u8(0x70)),
              "\\_S5 holds something that is no integer");
    EXPECT_EQ(error(Writer{}.u8(8).text("_S5_").u8(0x12).u8(3).u8(1).u8(0x0a).u8(8)),
              "a sleep type of \\_S5 has more than three bits");
}

TEST(AcpiHpet, BrokenTablesAreErrors)
{
    EXPECT_EQ(error_of(Hpet::open(*OneTable{"MCFG", Writer{}.zeros(20)})), "not an HPET table");
    EXPECT_EQ(error_of(Hpet::open(*OneTable{"HPET", Writer{}.zeros(19)})),
              "the HPET table is too short");
    EXPECT_EQ(error_of(Hpet::open(*OneTable{"HPET", Writer{}.zeros(20)})),
              "the HPET's registers are not in memory");
    EXPECT_EQ(error_of(Hpet::open(*OneTable{"HPET", Writer{}.zeros(4).u32(1).u64(0x100).zeros(4)})),
              "the HPET's registers are not in memory");
}

TEST(AcpiMcfg, BrokenTablesAreErrors)
{
    EXPECT_EQ(error_of(Mcfg::open(*OneTable{"HPET", Writer{}.zeros(20)})), "not an MCFG table");
    EXPECT_EQ(error_of(Mcfg::open(*OneTable{"MCFG", Writer{}.zeros(7)})),
              "the MCFG table is too short");
    EXPECT_EQ(error_of(Mcfg::open(*OneTable{"MCFG", Writer{}.zeros(18).u8(5).u8(4).zeros(4)})),
              "an allocation of the MCFG has no buses");
    EXPECT_EQ(Mcfg::open(*OneTable{"MCFG", Writer{}.zeros(8 + 15)})->count(), 0U);
}

class MpTables : public testing::Test {
protected:
    static constexpr std::uint64_t table_address = 0xf'1000;

    static Bytes pointer(std::uint32_t table, std::uint8_t length = 1)
    {
        Writer bytes;
        bytes.text("_MP_").u32(table).u8(length).u8(4).u8(0).u8(0).u8(0x80).zeros(3);
        return bytes.checksum(10).bytes();
    }
    static Bytes table(std::uint16_t count, const Writer& entries)
    {
        Writer bytes;
        bytes.text("PCMP").u16(static_cast<std::uint16_t>(44 + entries.bytes().size()));
        bytes.u8(4).u8(0).zeros(34 - 8).u16(count).u32(0xfee0'0000).u32(0);
        return bytes.append(entries.bytes()).checksum(7).bytes();
    }
    void write(std::uint16_t count, const Writer& entries)
    {
        memory.write(table_address, table(count, entries));
    }
    static Writer processor(std::uint8_t id, std::uint8_t flags)
    {
        return Writer{}.u8(0).u8(id).u8(0x14).u8(flags).zeros(16);
    }

    void SetUp() override { memory.write(0xf'0340, pointer(table_address)); }

    PhysicalMemory memory;
};

TEST_F(MpTables, ProcessorsAndImcr)
{
    write(2, processor(0, 3).append(processor(4, 0).bytes()));
    const auto opened = MpTable::find(memory);
    ASSERT_TRUE(opened) << opened.error().what;
    EXPECT_EQ(opened->pointer(), 0xf'0340U);
    EXPECT_TRUE(opened->has_imcr());
    EXPECT_THAT(enabled_processors(*opened), ElementsAre(0));
}

TEST_F(MpTables, StatedCountIsNotBelieved)
{
    for (const std::uint16_t stated : std::initializer_list<std::uint16_t>{0, 1, 2, 3, 0xffff}) {
        write(stated, processor(0, 3).append(processor(1, 1).bytes()));
        const auto opened = MpTable::find(memory);
        ASSERT_TRUE(opened) << opened.error().what;
        EXPECT_EQ(opened->stated_count(), stated);
        EXPECT_THAT(enabled_processors(*opened), ElementsAre(0, 1));
    }
}

TEST_F(MpTables, BusNamesLoseTheirBlanks)
{
    write(2, Writer{}.u8(1).u8(0).text("PCI   ").append(
                 Writer{}.u8(1).u8(1).text("ISA\0\0\0").zeros(3).bytes()));
    std::vector<std::string> names;
    const auto opened = MpTable::find(memory);
    ASSERT_TRUE(opened) << opened.error().what;
    opened->for_each_bus([&](const MpTable::Bus& bus) { names.emplace_back(bus.type); });
    EXPECT_THAT(names, ElementsAre("PCI", "ISA"));
}

TEST_F(MpTables, BrokenOnesAreErrors)
{
    write(1, Writer{}.u8(5).zeros(7));
    EXPECT_EQ(error_of(MpTable::find(memory)), "an entry of the MP table has no known type");
    write(1, Writer{}.u8(0).zeros(18));
    EXPECT_EQ(error_of(MpTable::find(memory)), "an entry of the MP table is beyond its end");
    Bytes broken = table(0, {});
    broken[40] ^= std::byte{1};
    memory.write(table_address, broken);
    EXPECT_EQ(error_of(MpTable::find(memory)), "the MP table's checksum is wrong");
    broken[4] = std::byte{43};
    memory.write(table_address, broken);
    EXPECT_EQ(error_of(MpTable::find(memory)), "the MP table's length is wrong");
    broken[0] = std::byte{'X'};
    memory.write(table_address, broken);
    EXPECT_EQ(error_of(MpTable::find(memory)),
              "the MP floating pointer does not point to an MP table");
    memory.write(0xf'0340, pointer(0));
    EXPECT_EQ(error_of(MpTable::find(memory)),
              "the MP floating pointer has no table but a default configuration");
    memory.write(0xf'0340, pointer(table_address, 0));
    EXPECT_EQ(error_of(MpTable::find(memory)), "no MP table: no floating pointer");
    EXPECT_EQ(error_of(MpTable::open(memory, 0xf'0340)), "the MP floating pointer has no length");
    EXPECT_EQ(error_of(MpTable::open(memory, 0xf'0000)),
              "no MP floating pointer where one should be");
}

}  // namespace
