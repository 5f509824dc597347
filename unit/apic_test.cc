// SPDX-License-Identifier: MIT
#include "unit/arch/host.h"
#include "unit/support/mock_io.h"
#include "unit/support/physical_memory.h"
#include "x86/apic/io_apic.h"
#include "x86/apic/local_apic.h"
#include "x86/apic/pic.h"
#include "x86/apic/vectors.h"
#include "x86/apic/wiring.h"
#include "x86/platform/fw_cfg.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace {

using namespace apic;

// Intel SDM volume 3, tables "Local APIC Register Address Map" and "Local APIC Register Address Map
// Supported by x2APIC".
static_assert(ID::offset == 0x20 && VERSION::offset == 0x30 && TPR::offset == 0x80);
static_assert(PPR::offset == 0xa0 && EOI::offset == 0xb0 && LDR::offset == 0xd0);
static_assert(DFR::offset == 0xe0 && SVR::offset == 0xf0 && ISR::offset == 0x100);
static_assert(TMR::offset == 0x180 && IRR::offset == 0x200 && ISR::stride == 0x10);
static_assert(ESR::offset == 0x280 && LVT_CMCI::offset == 0x2f0 && ICR_LOW::offset == 0x300);
static_assert(ICR_HIGH::offset == 0x310 && LVT::offset == 0x320 && INITIAL_COUNT::offset == 0x380);
static_assert(CURRENT_COUNT::offset == 0x390 && DIVIDE::offset == 0x3e0);
static_assert(X2apicMsrs::number<ID>() == 0x802 && X2apicMsrs::number<EOI>() == 0x80b);
static_assert(X2apicMsrs::number<ISR>(7) == 0x817 && X2apicMsrs::number<IRR>(1) == 0x821);
static_assert(X2apicMsrs::number<ICR>() == 0x830 && X2apicMsrs::number<LVT>(5) == 0x837);
static_assert(X2apicMsrs::number<SELF_IPI>() == 0x83f && IA32_APIC_BASE::index == 0x1b);

static_assert(divide_encoding(0) == 0xb && divide_encoding(1) == 0x0 && divide_encoding(2) == 0x1);
static_assert(divide_encoding(3) == 0x2 && divide_encoding(4) == 0x3 && divide_encoding(5) == 0x8);
static_assert(divide_encoding(6) == 0x9 && divide_encoding(7) == 0xa);
static_assert(logical_x2apic_id(0) == 1 && logical_x2apic_id(0x25) == 0x0002'0020);

// What the SDM's figures of the command register have.
static_assert(fixed(0x40).to(3).command(Mode::xapic).raw == 0x0300'0000'0000'4040);
static_assert(fixed(0x40).to(0x123).command(Mode::x2apic).raw == 0x0000'0123'0000'4040);
static_assert(fixed(0x40).to_logical(1).command(Mode::xapic).raw == 0x0100'0000'0000'4840);
static_assert(nmi().to(Shorthand::others).command(Mode::xapic).raw == 0xc'4400);
static_assert(init().to(Shorthand::others).command(Mode::xapic).raw == 0xc'4500);
static_assert(startup(8).to(Shorthand::others).command(Mode::xapic).raw == 0xc'4608);
static_assert(init().to(2).deasserted().command(Mode::xapic).raw == 0x0200'0000'0000'8500);
static_assert(fixed(0x40).to(Shorthand::self).command(Mode::x2apic).raw == 0x4'4040);

IA32_APIC_BASE base_with(Mode mode)
{
    return with_mode(IA32_APIC_BASE::from(0xfee0'0100), mode);
}

TEST(ApicMode, IsInTwoBits)
{
    EXPECT_EQ(mode_of(IA32_APIC_BASE::from(0xfee0'0100)), Mode::disabled);
    EXPECT_EQ(mode_of(IA32_APIC_BASE::from(0xfee0'0900)), Mode::xapic);
    EXPECT_EQ(mode_of(IA32_APIC_BASE::from(0xfee0'0d00)), Mode::x2apic);
    EXPECT_EQ(mode_of(IA32_APIC_BASE::from(0xfee0'0500)), std::nullopt);
}

// A transition that is not allowed would raise #GP.
struct Transition {
    Mode from;
    Mode to;
    std::vector<Mode> steps;
};

class ApicModes : public testing::TestWithParam<Transition> {};

TEST_P(ApicModes, AreReachedByAllowedSteps)
{
    unit::IoScript script;
    unit::MockIo msrs = script.frame("MSR");
    msrs.expect_read(base_with(GetParam().from));
    for (const Mode step : GetParam().steps) {
        msrs.expect_write(base_with(step));
    }
    msrs.expect_read(base_with(GetParam().to));
    EXPECT_TRUE(set_mode(msrs, GetParam().to));
}

INSTANTIATE_TEST_SUITE_P(
    All, ApicModes,
    testing::Values(Transition{Mode::disabled, Mode::disabled, {}},
                    Transition{Mode::disabled, Mode::xapic, {Mode::xapic}},
                    Transition{Mode::disabled, Mode::x2apic, {Mode::xapic, Mode::x2apic}},
                    Transition{Mode::xapic, Mode::disabled, {Mode::disabled}},
                    Transition{Mode::xapic, Mode::xapic, {}},
                    Transition{Mode::xapic, Mode::x2apic, {Mode::x2apic}},
                    Transition{Mode::x2apic, Mode::disabled, {Mode::disabled}},
                    Transition{Mode::x2apic, Mode::xapic, {Mode::disabled, Mode::xapic}},
                    Transition{Mode::x2apic, Mode::x2apic, {}}));

TEST(ApicMode, ThatIsNotReachedIsAnError)
{
    unit::IoScript script;
    unit::MockIo msrs = script.frame("MSR");
    msrs.expect_read(base_with(Mode::xapic));
    msrs.expect_write(base_with(Mode::x2apic));
    msrs.expect_read(base_with(Mode::xapic));
    const auto done = set_mode(msrs, Mode::x2apic);
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "the local APIC does not change its mode");
    EXPECT_EQ(done.error().value, 0xfee0'0900U);
}

class LocalApicTest : public testing::Test {
protected:
    unit::IoScript script;
    unit::MockIo io = script.frame("APIC");
    LocalApic<unit::MockIo> xapic{io, Mode::xapic};
    LocalApic<unit::MockIo> x2apic{io, Mode::x2apic};

    void expect_vectors_in_service(unsigned highest)
    {
        for (unsigned word = 7; word > highest / 32; --word) {
            io.expect_read(ISR::from(0), word);
        }
        io.expect_read(ISR::from(1U << highest % 32 | 1), highest / 32);
    }
    void expect_nothing_in_service()
    {
        for (unsigned word = 8; word-- > 0;) {
            io.expect_read(ISR::from(0), word);
        }
    }
    // Up to where what is in service is looked at; 4: an APIC without a thermal entry.
    void expect_enable(std::uint8_t spurious, unsigned highest_entry)
    {
        io.expect_write(SVR::from(0x100U | spurious));
        io.expect_read(SVR::from(0x100U | spurious));
        io.always_read(VERSION::from(0x14U | highest_entry << 16));
        for (const unsigned entry : {0U, 1U, 2U, 3U, 4U, 5U}) {
            const bool has = entry == 1 ? highest_entry >= 5 : entry != 2 || highest_entry >= 4;
            if (has) {
                io.expect_write(LVT::from(0x1'0000U | spurious), entry);
            }
        }
        io.expect_write(INITIAL_COUNT::from(0));
        io.expect_write(TPR::from(0));
        io.expect_write(ESR::from(0));
        io.expect_read(ESR::from(0x40));
    }
};

TEST_F(LocalApicTest, IdIsWhereTheModeHasIt)
{
    io.expect_read(ID::from(0x0500'0000));
    EXPECT_EQ(xapic.id(), 5U);
    io.expect_read(ID::from(0x0000'0123));
    EXPECT_EQ(x2apic.id(), 0x123U);
}

TEST_F(LocalApicTest, EnableMasksEverythingAndOpensForEveryPriority)
{
    expect_enable(0xff, 5);
    expect_nothing_in_service();
    expect_nothing_in_service();
    EXPECT_TRUE(xapic.enable(0xff));
}

TEST_F(LocalApicTest, EnableLeavesEntriesAloneThatAreNotThere)
{
    expect_enable(0xff, 3);
    expect_nothing_in_service();
    expect_nothing_in_service();
    EXPECT_TRUE(xapic.enable(0xff));
}

TEST_F(LocalApicTest, EnableEndsWhatIsInService)
{
    expect_enable(0xff, 4);
    expect_vectors_in_service(0x41);
    io.expect_write(EOI::from(0));
    expect_vectors_in_service(0x20);
    io.expect_write(EOI::from(0));
    expect_nothing_in_service();
    expect_nothing_in_service();
    EXPECT_TRUE(xapic.enable(0xff));
}

TEST_F(LocalApicTest, WhatStaysInServiceIsAnError)
{
    expect_enable(0xff, 4);
    for (unsigned i = 0; i < 256; ++i) {
        expect_vectors_in_service(0xf0);
        io.expect_write(EOI::from(0));
    }
    expect_vectors_in_service(0xf0);
    const auto done = xapic.enable(0xff);
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "an interrupt stays in service");
    EXPECT_EQ(done.error().value, 0xf0U);
}

TEST_F(LocalApicTest, ThatStaysOffIsAnError)
{
    io.expect_write(SVR::from(0x1ff));
    io.expect_read(SVR::from(0xff));
    const auto done = xapic.enable(0xff);
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "SVR does not keep what was written");
}

TEST_F(LocalApicTest, DisableKeepsTheVector)
{
    io.expect_read(SVR::from(0x1fe));
    io.expect_write(SVR::from(0xfe));
    xapic.disable();
}

TEST_F(LocalApicTest, XapicSendsByTheLowHalf)
{
    io.expect_read(ICR_LOW::from(0));
    io.expect_write(ICR_HIGH::from(0x0300'0000));
    io.expect_write(ICR_LOW::from(0x4040));
    EXPECT_TRUE(xapic.send(fixed(0x40).to(3)));
}

TEST_F(LocalApicTest, XapicWaitsForTheCommandBefore)
{
    io.expect_read(ICR_LOW::from(0x1000));
    io.expect_read(ICR_LOW::from(0x1000));
    io.expect_read(ICR_LOW::from(0));
    io.expect_write(ICR_HIGH::from(0));
    io.expect_write(ICR_LOW::from(0xc'4500));
    EXPECT_TRUE(xapic.send(init().to(Shorthand::others)));
}

// An APIC that takes a while for each answer, which is always that it is busy.
struct BusyIo {
    template <typename R>
    [[nodiscard]] R read(std::size_t = 0) const
    {
        host::advance_counter(100'000);
        return R::from(0x1000);
    }
    template <typename R>
    void write(R, std::size_t = 0) const
    {
        ADD_FAILURE() << "a busy APIC is sent another command";
    }
};

TEST(LocalApicDriver, XapicThatStaysBusyIsAnError)
{
    const auto done = LocalApic{BusyIo{}, Mode::xapic}.send(nmi().to(1));
    ASSERT_FALSE(done);
    EXPECT_STREQ(done.error().what, "the local APIC does not get rid of a command");
}

TEST_F(LocalApicTest, X2apicSendsByOneWrite)
{
    io.expect_write(ICR::from(0x0001'0000'0000'4608));
    EXPECT_TRUE(x2apic.send(startup(0x08).to(0x1'0000)));
    io.expect_write(SELF_IPI::from(0x55));
    x2apic.send_to_self(0x55);
}

TEST_F(LocalApicTest, VectorsAreBits)
{
    io.expect_read(ISR::from(1U << 1), 2);
    EXPECT_TRUE(xapic.in_service(0x41));
    io.expect_read(IRR::from(~(1U << 31)), 7);
    EXPECT_FALSE(xapic.requested(0xff));
    io.expect_read(TMR::from(1), 1);
    EXPECT_TRUE(xapic.level_triggered(0x20));
    for (unsigned word = 8; word-- > 0;) {
        io.expect_read(IRR::from(0), word);
    }
    EXPECT_EQ(xapic.highest_requested(), std::nullopt);
}

TEST_F(LocalApicTest, ErrorsAreCollectedByAWrite)
{
    io.expect_write(ESR::from(0));
    io.expect_read(ESR::from(0x20));
    EXPECT_EQ(xapic.take_errors()[ESR::SEND_ILLEGAL_VECTOR], 1U);
}

TEST_F(LocalApicTest, TimerEntryHasItsMode)
{
    io.expect_write(LVT::from(0x4'00d0), 0);
    xapic.set_timer_mode(TimerMode::tsc_deadline, 0xd0, false);
    io.expect_write(LVT::from(0x3'00d0), 0);
    xapic.set_timer_mode(TimerMode::periodic, 0xd0, true);
    io.expect_write(DIVIDE::from(0xb));
    xapic.set_timer_divisor(0);
}

TEST_F(LocalApicTest, FlatModelHasOneBitACpu)
{
    io.expect_write(DFR::from(0xffff'ffff));
    io.expect_write(LDR::from(0x0400'0000));
    xapic.join_flat(4);
}

// An I/O APIC that decodes its index: what is behind IOREGSEL cannot be told apart by type.
class IoApicDevice {
public:
    struct State {
        std::uint32_t selected = 0;
        std::map<std::uint32_t, std::uint32_t> registers;
        bool keeps_masks = true;
        std::vector<std::uint64_t> entries;  // what wire 1 was routed by at each write
    };
    explicit IoApicDevice(State& state) : state_{&state} {}

    template <typename R>
    [[nodiscard]] R read(std::size_t = 0) const
    {
        static_assert(std::is_same_v<R, IOWIN>);
        return R::from(state_->registers[state_->selected]);
    }
    void write(IOREGSEL value) const { state_->selected = value.raw; }
    void write(IOWIN value) const
    {
        auto& registers = state_->registers;
        registers[state_->selected] = state_->keeps_masks ? value.raw : value.raw & ~0x1'0000U;
        if (state_->selected == 0x12 || state_->selected == 0x13) {
            state_->entries.push_back(registers[0x12] | std::uint64_t{registers[0x13]} << 32);
        }
    }

private:
    State* state_;
};

class IoApicTest : public testing::Test {
protected:
    IoApicDevice::State state{
        .registers = {{ioapic_index::id, 0x0300'0000}, {ioapic_index::version, 0x17'0020}}};
    IoApic<IoApicDevice> io_apic{IoApicDevice{state}};
};

TEST_F(IoApicTest, SaysWhoItIs)
{
    EXPECT_EQ(io_apic.id(), 3);
    EXPECT_EQ(io_apic.count(), 24U);
    EXPECT_EQ(io_apic.version()[IOAPICVER::VERSION_NUMBER], 0x20U);
}

TEST_F(IoApicTest, InitialisesMasked)
{
    EXPECT_TRUE(io_apic.initialise());
    for (unsigned wire = 0; wire < 24; ++wire) {
        EXPECT_EQ(state.registers.at(0x10 + 2 * wire), 0x1'0000U);
        EXPECT_EQ(state.registers.at(0x11 + 2 * wire), 0U);
    }
    EXPECT_FALSE(state.registers.contains(0x40));
}

TEST_F(IoApicTest, NothingThereOrNoMasksIsAnError)
{
    state.keeps_masks = false;
    EXPECT_STREQ(io_apic.initialise().error().what, "the I/O APIC does not mask a wire");
    state.registers[ioapic_index::version] = 0xffff'ffff;
    EXPECT_STREQ(io_apic.initialise().error().what, "no I/O APIC where one should be");
}

TEST_F(IoApicTest, EntryIsMaskedWhileItChanges)
{
    constexpr auto old_entry = 0x0100'0000'0000'0031U;
    constexpr auto new_entry = 0x0200'0000'0000'8042U;
    io_apic.set_redirection(1, Redirection::from(old_entry));
    state.entries.clear();
    io_apic.set_redirection(1, Redirection::from(new_entry));
    ASSERT_EQ(state.entries.size(), 3U);
    EXPECT_EQ(state.entries[0] & 0x1'0000, 0x1'0000U);
    EXPECT_EQ(state.entries[1] & 0x1'0000, 0x1'0000U);
    EXPECT_EQ(state.entries[2], new_entry);
    EXPECT_EQ(io_apic.redirection(1).raw, new_entry);
    EXPECT_EQ(io_apic.redirection(1)[Redirection::TRIGGER], 1U);
}

TEST_F(IoApicTest, MaskLeavesTheRestOfTheEntry)
{
    io_apic.set_redirection(1, Redirection::from(0x0200'0000'0000'8042));
    io_apic.set_masked(1, true);
    EXPECT_TRUE(io_apic.masked(1));
    EXPECT_EQ(io_apic.redirection(1).raw, 0x0200'0000'0001'8042U);
    io_apic.set_masked(1, false);
    EXPECT_EQ(io_apic.redirection(1).raw, 0x0200'0000'0000'8042U);
}

class PicTest : public testing::Test {
protected:
    unit::IoScript script;
    unit::MockIo first = script.frame("PIC1");
    unit::MockIo second = script.frame("PIC2");
    Pics<unit::MockIo> pics{first, second};

    void expect_mask()
    {
        first.expect_write(PIC_DATA::from(0xff));
        second.expect_write(PIC_DATA::from(0xff));
    }
};

TEST_F(PicTest, IsMaskedBeforeAndAfterItIsInitialised)
{
    expect_mask();
    for (auto* const pic : {&first, &second}) {
        pic->expect_write(PIC_COMMAND::from(0x11));
        pic->expect_write(PIC_DATA::from(pic == &first ? 0x20 : 0x28));
        pic->expect_write(PIC_DATA::from(pic == &first ? 4 : 2));
        pic->expect_write(PIC_DATA::from(1));
    }
    expect_mask();
    pics.turn_off(0x20);
}

TEST_F(PicTest, IsThereWhenItKeepsAMask)
{
    first.expect_write(PIC_DATA::from(0xfb));
    first.expect_read(PIC_DATA::from(0xfb));
    expect_mask();
    first.expect_read(PIC_DATA::from(0xff));
    EXPECT_TRUE(pics.there());
    first.expect_write(PIC_DATA::from(0xfb));
    first.expect_read(PIC_DATA::from(0xff));  // a port that nobody answers
    expect_mask();
    EXPECT_FALSE(pics.there());
}

TEST(ApicVectors, EveryKindHasItsOwn)
{
    std::map<unsigned, int> uses;
    for (unsigned vector = 0; vector < 256; ++vector) {
        uses[vector] += vector::gsi(vector) ? 1 : 0;
        uses[vector] += vector::local_entry(vector) ? 1 : 0;
        uses[vector] += vector::ipi_number(vector) ? 1 : 0;
        uses[vector] += vector == vector::spurious ? 1 : 0;
        EXPECT_LE(uses[vector], 1) << vector;
        EXPECT_TRUE(vector >= 0x30 || uses[vector] == 0) << vector;
    }
    EXPECT_EQ(vector::local_entry(vector::of(Lvt::error)), Lvt::error);
    EXPECT_EQ(vector::gsi(vector::of_gsi(23).value()), 23U);
    EXPECT_EQ(vector::of_gsi(vector::wire_count), std::nullopt);
    EXPECT_EQ(vector::ipi_number(vector::first_ipi + 7), 7U);
}

TEST(ApicWiring, ComesFromTheMadt)
{
    unit::PhysicalMemory memory;
    memory.write(
        0x100'0000,
        unit::acpi_table(
            "APIC",
            unit::Writer{}
                .u32(0xfee0'0000)
                .u32(1)
                .append(unit::Writer{}.u8(1).u8(12).u8(0).u8(0).u32(0xfec0'0000).u32(0).bytes())
                .append(unit::Writer{}.u8(1).u8(12).u8(1).u8(0).u32(0xfec1'0000).u32(24).bytes())
                .append(unit::Writer{}.u8(2).u8(10).u8(0).u8(0).u32(2).u16(0).bytes())
                .append(unit::Writer{}.u8(2).u8(10).u8(0).u8(9).u32(9).u16(0xf).bytes())
                .append(unit::Writer{}.u8(2).u8(10).u8(0).u8(99).u32(9).u16(0xf).bytes())
                .bytes()));
    const auto madt = acpi::Madt::open(acpi::Table::read(memory, 0x100'0000).value());
    ASSERT_TRUE(madt) << madt.error().what;
    const auto wiring = Wiring::from(*madt);
    ASSERT_EQ(wiring.chips().size(), 2U);
    EXPECT_EQ(wiring.chips()[1].address, 0xfec1'0000U);
    EXPECT_EQ(wiring.chips()[1].first_gsi, 24U);
    EXPECT_EQ(wiring.isa[0].gsi, 2U);
    EXPECT_FALSE(wiring.isa[0].level);
    EXPECT_EQ(wiring.isa[8].gsi, 8U);
    EXPECT_TRUE(wiring.isa[9].level && wiring.isa[9].active_low);
    EXPECT_FALSE(wiring.signalling_of(2).level);
    EXPECT_TRUE(wiring.signalling_of(9).active_low);
    EXPECT_TRUE(wiring.signalling_of(20).level && wiring.signalling_of(20).active_low);
}

TEST(FwCfg, SaysHowManyCpusThereAre)
{
    unit::IoScript script;
    unit::MockIo io = script.frame("FW");
    const fw_cfg::FwCfg device{io};
    io.expect_write(fw_cfg::SELECTOR::from(0));
    for (const char c : std::string_view{"QEMU"}) {
        io.expect_read(fw_cfg::DATA::from(static_cast<std::uint8_t>(c)));
    }
    EXPECT_TRUE(device.there());
    io.expect_write(fw_cfg::SELECTOR::from(5));
    io.expect_read(fw_cfg::DATA::from(0x2c));
    io.expect_read(fw_cfg::DATA::from(0x01));
    EXPECT_EQ(device.cpus(), 300U);
}

}  // namespace
