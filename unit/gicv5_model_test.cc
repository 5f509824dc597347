// SPDX-License-Identifier: MIT
//
// The model of a GICv5 behaves as the architecture says, and tells who does not. A fault named in
// the environment variable ASSAY_FAULT is on in every model: some test must fail then.
#include "models/gicv5/model.h"

#include "arm64/gic/gicv5/cpu_interface.h"
#include "arm64/gic/gicv5/instructions.h"
#include "arm64/gic/gicv5/irs_registers.h"
#include "arm64/gic/gicv5/its_registers.h"
#include "arm64/gic/gicv5/iwb_registers.h"
#include "arm64/gic/gicv5/tables.h"
#include "unit/support/ram.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

namespace {

using namespace gicv5;
using model::ExternalAbort;
using model::Undefined;
using model::gicv5::Configuration;
using model::gicv5::Encoding;
using model::gicv5::Fault;
using model::gicv5::FrameKind;

using Taken = std::optional<std::uint32_t>;

constexpr std::uint64_t ram_base = 0x8000'0000;
constexpr std::uint64_t ist_base = ram_base + 0x10'0000;
constexpr std::uint64_t level2_base = ram_base + 0x20'0000;
constexpr std::uint64_t devices_base = ram_base + 0x30'0000;
constexpr std::uint64_t events_base = ram_base + 0x34'0000;

constexpr std::uint32_t spi(std::uint32_t number)
{
    return intid(IntidType::spi, number).value;
}
constexpr std::uint32_t lpi(std::uint32_t number)
{
    return intid(IntidType::lpi, number).value;
}
constexpr std::uint32_t sw = ppi(sw_ppi).value;
constexpr std::uint32_t timer = ppi(cntv_ppi).value;

constexpr std::uint64_t bit(unsigned number)
{
    return std::uint64_t{1} << number;
}

class Gicv5Model : public testing::Test {
protected:
    // --- The machine ---

    void build()
    {
        model::FaultSet<Fault> faults;
        if (const char* fault = std::getenv("ASSAY_FAULT"); fault != nullptr) {
            ASSERT_TRUE(faults.switch_on(std::string_view{fault})) << fault;
        }
        gic_ = std::make_unique<model::gicv5::Gicv5>(configuration, memory, faults);
    }
    [[nodiscard]] model::gicv5::Gicv5& gic()
    {
        if (!gic_) {
            build();
        }
        return *gic_;
    }
    // Every CPU and the IRS are on; nothing is enabled.
    void start()
    {
        write<FrameKind::irs>(IRS_CR0{}.with(IRS_CR0::IRSEN, 1));
        ASSERT_TRUE(settles<FrameKind::irs>(IRS_CR0::IDLE, IRS_CR0{}));
        for (unsigned cpu = 0; cpu < configuration.cpus; ++cpu) {
            set(ICC_PPI_ENABLER_EL1<0>{}, cpu);
            set(ICC_PPI_CPENDR_EL1<0>::from(~0ULL), cpu);
            set(ICC_PPI_CACTIVER_EL1<0>::from(~0ULL), cpu);
            for (unsigned i = 0; i < 4; ++i) {
                set_raw(ICC_PPI_PRIORITYR_EL1<0>{}, i, 0x1010'1010'1010'1010, cpu);
            }
            set(ICC_APR_EL1{}, cpu);
            set(ICC_PCR_EL1::from(0x1f), cpu);
            set(ICC_CR0_EL1{}.with(ICC_CR0_EL1::EN, 1).with(ICC_CR0_EL1::LINK, 1), cpu);
        }
    }

    // --- Registers ---

    template <typename R>
    [[nodiscard]] R get(unsigned cpu = 0)
    {
        return R::from(gic().read_register(cpu, Encoding::of<R>()));
    }
    template <typename R>
    void set(R value, unsigned cpu = 0)
    {
        gic().write_register(cpu, Encoding::of<R>(), value.raw);
    }
    // Element `index` of registers that follow `R` in op2.
    template <typename R>
    void set_raw(R, unsigned index, std::uint64_t value, unsigned cpu = 0)
    {
        Encoding encoding = Encoding::of<R>();
        encoding.op2 += index;
        gic().write_register(cpu, encoding, value);
    }
    template <FrameKind Frame, typename R>
    [[nodiscard]] R read(std::size_t index = 0)
    {
        return R::from(static_cast<R::raw_type>(
            gic().read_frame(Frame, R::offset + index * R::stride, sizeof(typename R::raw_type))));
    }
    template <FrameKind Frame, typename R>
    void write(R value, std::size_t index = 0)
    {
        gic().write_frame(Frame, R::offset + index * R::stride, sizeof(value.raw), value.raw);
    }
    // The status bit is read as 1 soon.
    template <FrameKind Frame, typename R>
    [[nodiscard]] bool settles(Field idle, R)
    {
        for (unsigned i = 0; i < 10; ++i) {
            if (read<Frame, R>()[idle] != 0) {
                return true;
            }
        }
        return false;
    }

    // --- Interrupts ---

    [[nodiscard]] Taken take(unsigned cpu = 0)
    {
        const auto taken = get<CDIA>(cpu);
        if (taken[CDIA::VALID] == 0) {
            return {};
        }
        set(GSB_ACK{}, cpu);
        return static_cast<std::uint32_t>(taken.raw);
    }
    void end(std::uint32_t id, unsigned cpu = 0)
    {
        set(CDDI::from(id), cpu);
        set(CDEOI{}, cpu);
    }
    [[nodiscard]] Taken candidate(unsigned cpu = 0)
    {
        const auto best = get<ICC_HPPIR_EL1>(cpu);
        return best[ICC_HPPIR_EL1::HPPIV] != 0 ? Taken{static_cast<std::uint32_t>(best.raw)}
                                               : Taken{};
    }
    void enable_ppis(std::uint64_t ppis, unsigned cpu = 0)
    {
        set(ICC_PPI_ENABLER_EL1<0>::from(ppis), cpu);
    }
    void pend_sw(unsigned cpu = 0) { set(ICC_PPI_SPENDR_EL1<0>::from(bit(sw_ppi)), cpu); }
    // PPIs 0 to 7, 24 to 31.
    void set_priority(unsigned ppi, std::uint8_t priority)
    {
        const unsigned shift = ppi % 8ULL * 8;
        Encoding encoding = Encoding::of<ICC_PPI_PRIORITYR_EL1<0>>();
        encoding.op2 += ppi / 8;
        const std::uint64_t old = gic().read_register(0, encoding);
        gic().write_register(0, encoding,
                             (old & ~(0xffULL << shift)) | std::uint64_t{priority} << shift);
    }

    // An SPI or LPI, enabled.
    void prepare(std::uint32_t id, std::uint16_t iaffid = 0, std::uint8_t priority = 0x10)
    {
        set(CDPRI::from(id).with(CDPRI::PRIORITY, priority));
        set(CDAFF::from(id).with(CDAFF::IAFFID, iaffid));
        set(CDEN::from(id));
    }
    void pend(std::uint32_t id, bool pending = true, unsigned cpu = 0)
    {
        set(CDPEND::from(id).with(CDPEND::PENDING, pending), cpu);
    }
    [[nodiscard]] ICC_ICSR_EL1 state(std::uint32_t id, unsigned cpu = 0)
    {
        set(CDRCFG::from(id), cpu);
        return get<ICC_ICSR_EL1>(cpu);
    }
    [[nodiscard]] bool reachable(std::uint32_t id) { return state(id)[ICC_ICSR_EL1::F] == 0; }

    void select(std::uint32_t number)
    {
        write<FrameKind::irs>(IRS_SPI_SELR::from(number));
        ASSERT_TRUE(settles<FrameKind::irs>(IRS_SPI_STATUSR::IDLE, IRS_SPI_STATUSR{}));
    }
    void set_trigger_mode(std::uint32_t number, bool level)
    {
        select(number);
        write<FrameKind::irs>(IRS_SPI_CFGR{}.with(IRS_SPI_CFGR::TM, level));
        ASSERT_TRUE(settles<FrameKind::irs>(IRS_SPI_STATUSR::IDLE, IRS_SPI_STATUSR{}));
    }

    // --- Interrupt state table ---

    static IRS_IST_CFGR table_of(unsigned id_bits) { return IRS_IST_CFGR::from(id_bits); }
    [[nodiscard]] bool ist_settles()
    {
        return settles<FrameKind::irs>(IRS_IST_STATUSR::IDLE, IRS_IST_STATUSR{});
    }
    [[nodiscard]] bool install(IRS_IST_CFGR shape = table_of(14), std::uint64_t base = ist_base)
    {
        write<FrameKind::irs>(shape);
        write<FrameKind::irs>(IRS_IST_BASER::from(base).with(IRS_IST_BASER::VALID, 1));
        return ist_settles() && read<FrameKind::irs, IRS_IST_BASER>()[IRS_IST_BASER::VALID] != 0;
    }
    [[nodiscard]] bool remove()
    {
        write<FrameKind::irs>(IRS_IST_BASER{});
        return ist_settles();
    }
    // Hands over the table at `address` for the LPIs of a level-1 entry.
    [[nodiscard]] L1_ISTE map(std::uint32_t number, unsigned index, std::uint64_t address)
    {
        store64(ist_base + std::uint64_t{8} * index, address);
        write<FrameKind::irs>(IRS_MAP_L2_ISTR::from(number));
        EXPECT_TRUE(ist_settles());
        return L1_ISTE::from(load64(ist_base + std::uint64_t{8} * index));
    }

    [[nodiscard]] std::uint64_t load64(std::uint64_t address)
    {
        return memory.read(address, 8).value();
    }
    [[nodiscard]] L2_ISTE entry(std::uint64_t address)
    {
        return L2_ISTE::from(static_cast<std::uint32_t>(memory.read(address, 4).value()));
    }
    void store64(std::uint64_t address, std::uint64_t value)
    {
        ASSERT_TRUE(memory.write(address, 8, value));
    }

    // --- ITS ---

    // On, with a linear device table.
    void start_its(ITS_DT_CFGR devices = ITS_DT_CFGR::from(10))
    {
        write<FrameKind::its>(devices);
        write<FrameKind::its>(ITS_DT_BASER::from(devices_base));
        write<FrameKind::its>(ITS_CR0{}.with(ITS_CR0::ITSEN, 1));
        ASSERT_TRUE(settles<FrameKind::its>(ITS_CR0::IDLE, ITS_CR0{}));
    }
    // `place` of its entry, and a linear interrupt translation table at `table`.
    void map_device(std::uint32_t device, unsigned event_bits, std::uint64_t place,
                    std::uint64_t table = events_base)
    {
        store64(
            place,
            L2_DTE::from(table).with(L2_DTE::VALID, 1).with(L2_DTE::EVENTID_BITS, event_bits).raw);
        invalidate_device(device, event_bits);
    }
    void invalidate_device(std::uint32_t device, unsigned event_bits, bool level1 = false)
    {
        write<FrameKind::its>(ITS_DIDR::from(device));
        write<FrameKind::its>(ITS_INV_DEVICER{}
                                  .with(ITS_INV_DEVICER::I, 1)
                                  .with(ITS_INV_DEVICER::EVENTID_BITS, event_bits)
                                  .with(ITS_INV_DEVICER::L1, level1));
        ASSERT_TRUE(settles<FrameKind::its>(ITS_STATUSR::IDLE, ITS_STATUSR{}));
    }
    static std::uint64_t event_entry(std::uint32_t number)
    {
        return L2_ITTE::from(number).with(L2_ITTE::VALID, 1).raw;
    }
    void map_event(std::uint32_t device, std::uint32_t event, std::uint64_t place,
                   std::uint32_t number)
    {
        store64(place, event_entry(number));
        invalidate_event(device, event);
    }
    void invalidate_event(std::uint32_t device, std::uint32_t event)
    {
        write<FrameKind::its>(ITS_DIDR::from(device));
        write<FrameKind::its>(ITS_EIDR::from(event));
        write<FrameKind::its>(ITS_INV_EVENTR{}.with(ITS_INV_EVENTR::I, 1));
        ASSERT_TRUE(settles<FrameKind::its>(ITS_STATUSR::IDLE, ITS_STATUSR{}));
    }
    void generate(std::uint32_t device, std::uint32_t event)
    {
        write<FrameKind::its>(ITS_GEN_EVENT_DIDR::from(device));
        write<FrameKind::its>(ITS_GEN_EVENT_EIDR::from(event));
        write<FrameKind::its>(ITS_GEN_EVENTR{}.with(ITS_GEN_EVENTR::R, 1));
        ASSERT_TRUE(settles<FrameKind::its>(ITS_GEN_EVENT_STATUSR::IDLE, ITS_GEN_EVENT_STATUSR{}));
    }
    [[nodiscard]] ITS_READ_EVENT_DATAR lookup(std::uint32_t device, std::uint32_t event)
    {
        write<FrameKind::its>(ITS_DIDR::from(device));
        write<FrameKind::its>(ITS_EIDR::from(event));
        write<FrameKind::its>(ITS_READ_EVENTR{});
        EXPECT_TRUE(settles<FrameKind::its>(ITS_STATUSR::IDLE, ITS_STATUSR{}));
        return read<FrameKind::its, ITS_READ_EVENT_DATAR>();
    }

    // --- Verdict ---

    void expect_violation(std::string_view rule)
    {
        EXPECT_TRUE(gic().violations().contains(rule)) << rule;
        gic().violations().clear();
    }
    // Software of a test did nothing wrong, but for what it expects.
    void TearDown() override
    {
        for (const auto& violation : gic().violations().list()) {
            ADD_FAILURE() << violation.rule << ": " << violation.text;
        }
    }

    Configuration configuration;
    unit::Ram memory{ram_base, 8 << 20};

private:
    std::unique_ptr<model::gicv5::Gicv5> gic_;
};

// --- CPU interface ------------------------------------------------------------------------------

TEST_F(Gicv5Model, AnEdgeIsTakenOnceAndNotWhileActive)
{
    start();
    enable_ppis(bit(sw_ppi));
    EXPECT_FALSE(take());
    pend_sw();
    EXPECT_TRUE(gic().interrupts(0));
    EXPECT_EQ(candidate(), Taken{sw});
    EXPECT_EQ(get<ICC_PPI_CPENDR_EL1<0>>().raw, bit(sw_ppi));
    EXPECT_EQ(take(), Taken{sw});
    EXPECT_EQ(get<ICC_APR_EL1>().raw, bit(0x10));
    EXPECT_EQ(get<ICC_PPI_SPENDR_EL1<0>>().raw, 0U);
    EXPECT_EQ(get<ICC_PPI_SACTIVER_EL1<0>>().raw, bit(sw_ppi));
    pend_sw();
    set(CDEOI{});
    EXPECT_EQ(get<ICC_APR_EL1>().raw, 0U);
    EXPECT_FALSE(take()) << "active";
    set(CDDI::from(3)) /* not a PPI: the type is reserved */;
    EXPECT_FALSE(take()) << "still active";
    set(CDDI::from(sw));
    EXPECT_EQ(take(), Taken{sw});
    end(sw);
    EXPECT_FALSE(take());
    EXPECT_FALSE(gic().interrupts(0));
}

TEST_F(Gicv5Model, ALevelFollowsItsLine)
{
    start();
    enable_ppis(bit(cntv_ppi));
    set(ICC_PPI_SPENDR_EL1<0>::from(bit(cntv_ppi)));
    EXPECT_FALSE(candidate()) << "set by software";
    gic().set_ppi_line(0, cntv_ppi, true);
    set(ICC_PPI_CPENDR_EL1<0>::from(bit(cntv_ppi)));
    EXPECT_EQ(candidate(), Taken{timer});
    EXPECT_EQ(take(), Taken{timer});
    EXPECT_EQ(get<ICC_PPI_SPENDR_EL1<0>>().raw, bit(cntv_ppi));
    end(timer);
    EXPECT_EQ(take(), Taken{timer}) << "not silenced";
    gic().set_ppi_line(0, cntv_ppi, false);
    gic().set_ppi_line(0, cntv_ppi, true);  // while active
    end(timer);
    EXPECT_EQ(candidate(), Taken{timer});
    gic().set_ppi_line(0, cntv_ppi, false);
    EXPECT_FALSE(candidate());
    EXPECT_EQ(get<ICC_PPI_SPENDR_EL1<0>>().raw, 0U);
}

TEST_F(Gicv5Model, SufficientPriorityIsAtMostTheMask)
{
    start();
    enable_ppis(bit(sw_ppi));
    set(ICC_PCR_EL1::from(0x1f));
    EXPECT_EQ(get<ICC_PCR_EL1>().raw, 0x1fU);
    pend_sw();
    set(ICC_PCR_EL1::from(0xf));
    EXPECT_FALSE(gic().interrupts(0));
    EXPECT_FALSE(candidate());
    set(ICC_PCR_EL1::from(~0ULL << 5 | 0x10));
    EXPECT_EQ(get<ICC_PCR_EL1>().raw, 0x10U);
    EXPECT_EQ(take(), Taken{sw});
    end(sw);
}

TEST_F(Gicv5Model, FourPriorityBitsAreTheUpperOnes)
{
    configuration.priority_bits = 4;
    start();
    EXPECT_EQ(get<ICC_IDR0_EL1>().raw, 0x31U);
    EXPECT_EQ(get<ICC_PCR_EL1>().raw, 0x1eU);
    set_priority(3, 0xff);
    EXPECT_EQ(get<ICC_PPI_PRIORITYR_EL1<0>>().raw, 0x1e00'0000U);
}

TEST_F(Gicv5Model, OnlyABetterPriorityPreempts)
{
    start();
    enable_ppis(bit(sw_ppi) | bit(cntv_ppi) | bit(cntp_ppi));
    set_priority(cntv_ppi, 8);
    set_priority(cntp_ppi, 4);
    gic().set_ppi_line(0, cntv_ppi, true);
    EXPECT_EQ(take(), Taken{timer});
    set_priority(3, 8);
    pend_sw();
    EXPECT_FALSE(candidate()) << "equal";
    EXPECT_FALSE(take());
    gic().set_ppi_line(0, cntp_ppi, true);
    EXPECT_EQ(candidate(), Taken{ppi(cntp_ppi).value});
    EXPECT_EQ(take(), Taken{ppi(cntp_ppi).value});
    EXPECT_EQ(get<ICC_APR_EL1>().raw, bit(8) | bit(4));
    set(CDEOI{});
    EXPECT_EQ(get<ICC_APR_EL1>().raw, bit(8));
    EXPECT_EQ(get<ICC_PPI_SACTIVER_EL1<0>>().raw, bit(cntv_ppi) | bit(cntp_ppi));
    set(CDEOI{});
    EXPECT_EQ(get<ICC_APR_EL1>().raw, 0U);
    EXPECT_EQ(take(), Taken{sw}) << "the others are active";
    set(CDDI::from(timer));
    EXPECT_EQ(get<ICC_PPI_SACTIVER_EL1<0>>().raw, bit(sw_ppi) | bit(cntp_ppi));
}

TEST_F(Gicv5Model, TheBestCandidateIsFirst)
{
    start();
    enable_ppis(bit(sw_ppi) | bit(cntv_ppi));
    set_priority(cntv_ppi, 9);
    pend_sw();
    gic().set_ppi_line(0, cntv_ppi, true);
    EXPECT_EQ(candidate(), Taken{timer});
    prepare(spi(5), 0, 8);
    pend(spi(5));
    EXPECT_EQ(candidate(), Taken{spi(5)});
    prepare(spi(6), 0, 7);
    pend(spi(6));
    EXPECT_EQ(take(), Taken{spi(6)});
}

TEST_F(Gicv5Model, AnInterfaceThatIsOffSignalsNothing)
{
    start();
    enable_ppis(bit(sw_ppi));
    pend_sw();
    set(ICC_CR0_EL1{});
    EXPECT_EQ(get<ICC_CR0_EL1>().raw, 6U) << "LINK is not software's";
    EXPECT_FALSE(gic().interrupts(0));
    EXPECT_FALSE(take());
    set(ICC_CR0_EL1{}.with(ICC_CR0_EL1::EN, 1).with(ICC_CR0_EL1::LINK, 1));
    EXPECT_EQ(take(), Taken{sw});
}

TEST_F(Gicv5Model, TheLinkIsMadeBeforeTheInterfaceIsOn)
{
    configuration.linked_by_firmware = false;
    configuration.slowness = 2;
    EXPECT_EQ(get<ICC_CR0_EL1>()[ICC_CR0_EL1::LINK], 0U);
    set(ICC_CR0_EL1{}.with(ICC_CR0_EL1::LINK, 1));
    EXPECT_EQ(get<ICC_CR0_EL1>()[ICC_CR0_EL1::LINK_IDLE], 0U);
    EXPECT_EQ(get<ICC_CR0_EL1>()[ICC_CR0_EL1::LINK_IDLE], 0U);
    EXPECT_EQ(get<ICC_CR0_EL1>()[ICC_CR0_EL1::LINK_IDLE], 1U);
    set(ICC_CR0_EL1{}.with(ICC_CR0_EL1::EN, 1));
    expect_violation("ICC_CR0_EL1.EN is set after the CPU is linked to its IRS: LINK and "
                     "LINK_IDLE are 1");
}

TEST_F(Gicv5Model, SuperpriorityHasItsOwnAcknowledge)
{
    start();
    enable_ppis(bit(sw_ppi));
    set_priority(3, 0);
    pend_sw();
    EXPECT_FALSE(gic().superpriority(0));
    EXPECT_EQ(get<CDNMIA>().raw, 0U);
    gic().set_nmi(0, true);
    EXPECT_TRUE(gic().superpriority(0));
    EXPECT_FALSE(take());
    EXPECT_EQ(get<CDNMIA>().raw, CDNMIA::from(sw).with(CDNMIA::VALID, 1).raw);
    set(GSB_ACK{});
    end(sw);
    gic().set_nmi(0, false);
    pend_sw();
    EXPECT_EQ(take(), Taken{sw});
}

TEST_F(Gicv5Model, PpisThatDoNotExistAreRes0)
{
    start();
    const std::uint64_t existing = configuration.ppis[0];
    set(ICC_PPI_ENABLER_EL1<0>::from(~0ULL));
    EXPECT_EQ(get<ICC_PPI_ENABLER_EL1<0>>().raw, existing);
    set(ICC_PPI_ENABLER_EL1<1>::from(~0ULL));
    EXPECT_EQ(get<ICC_PPI_ENABLER_EL1<1>>().raw, 0U);
    set(ICC_PPI_SACTIVER_EL1<0>::from(~0ULL));
    EXPECT_EQ(get<ICC_PPI_CACTIVER_EL1<0>>().raw, existing);
    set(ICC_PPI_CACTIVER_EL1<0>::from(~0ULL));
    EXPECT_EQ(get<ICC_PPI_SACTIVER_EL1<0>>().raw, 0U);
    EXPECT_EQ(get<ICC_PPI_HMR_EL1<0>>().raw, existing & ~bit(sw_ppi));
    set(ICC_PPI_PRIORITYR_EL1<0>::from(0xffff'ffff'0fff'ffff));
    EXPECT_EQ(get<ICC_PPI_PRIORITYR_EL1<0>>().raw, 0x0f00'0000U);
}

TEST_F(Gicv5Model, APpiIsOfItsCpu)
{
    configuration.cpus = 2;
    configuration.iaffids = {7, 4};
    start();
    EXPECT_EQ(get<ICC_IAFFIDR_EL1>(0).raw, 7U);
    EXPECT_EQ(get<ICC_IAFFIDR_EL1>(1).raw, 4U);
    enable_ppis(bit(sw_ppi), 1);
    EXPECT_EQ(get<ICC_PPI_ENABLER_EL1<0>>(0).raw, 0U);
    pend_sw(1);
    EXPECT_EQ(take(1), Taken{sw});
    EXPECT_EQ(get<ICC_PPI_SPENDR_EL1<0>>(0).raw, 0U);
    enable_ppis(bit(sw_ppi), 0);
    EXPECT_EQ(get<ICC_PPI_ENABLER_EL1<0>>(1).raw, bit(sw_ppi));
    end(sw, 1);
}

TEST_F(Gicv5Model, APpiThatIsNotEnabledStaysPending)
{
    start();
    pend_sw();
    set(CDEN::from(sw)) /* PPIs ignore it */;
    EXPECT_FALSE(candidate());
    enable_ppis(bit(sw_ppi));
    EXPECT_EQ(candidate(), Taken{sw});
    enable_ppis(0);
    enable_ppis(bit(sw_ppi));
    EXPECT_EQ(candidate(), Taken{sw});
    set(ICC_PPI_CPENDR_EL1<0>::from(bit(sw_ppi)));
    EXPECT_FALSE(candidate());
}

TEST_F(Gicv5Model, AcknowledgesAreCompleted)
{
    start();
    enable_ppis(bit(sw_ppi));
    pend_sw();
    (void)get<CDIA>();
    set(CDEOI{});
    expect_violation(
        "GSB ACK completes an acknowledge before the next GIC instruction of the interrupt");
}

TEST_F(Gicv5Model, WhatDoesNotExistIsUndefined)
{
    EXPECT_THROW((void)gic().read_register(0, {3, 1, 12, 0, 3}), Undefined);
    EXPECT_THROW((void)get<CDEN>(), Undefined);
    EXPECT_THROW(set(CDIA{}), Undefined);
    EXPECT_THROW(set(ICC_IDR0_EL1{}), Undefined);
    EXPECT_THROW(set(ICC_PPI_HMR_EL1<0>{}), Undefined);
    EXPECT_THROW(set(ICC_HPPIR_EL1{}), Undefined);
}

TEST_F(Gicv5Model, ResetLeavesNothingToRelyOn)
{
    EXPECT_NE(get<ICC_APR_EL1>().raw, 0U);
    start();
    enable_ppis(bit(sw_ppi));
    gic().reset_cpu(0);
    EXPECT_EQ(get<ICC_CR0_EL1>()[ICC_CR0_EL1::EN], 0U);
    EXPECT_EQ(get<ICC_PPI_SACTIVER_EL1<0>>().raw, configuration.ppis[0]);
}

TEST_F(Gicv5Model, AWaitEndsWithAnInterrupt)
{
    start();
    prepare(spi(1));
    EXPECT_FALSE(gic().wait_for_interrupt(0, std::chrono::milliseconds{1}));
    gic().wake(0);
    EXPECT_FALSE(gic().wait_for_interrupt(0, std::chrono::hours{1}));
    std::thread sender{[&] { pend(spi(1)); }};
    const auto began = std::chrono::steady_clock::now();
    EXPECT_TRUE(gic().wait_for_interrupt(0, std::chrono::seconds{5}));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{4});
    sender.join();
}

// --- IRS and SPIs -------------------------------------------------------------------------------

TEST_F(Gicv5Model, TheIrsSaysWhatItIs)
{
    configuration.cpus = 3;
    configuration.spi_base = 64;
    configuration.spi_count = 32;
    configuration.lpis->metadata = true;
    configuration.lpis->metadata_16_bytes = 16;
    EXPECT_EQ((read<FrameKind::irs, IRS_IDR0>().raw), 0x1295U);
    EXPECT_EQ((read<FrameKind::irs, IRS_IDR1>().raw), 0x4f'0003U);
    EXPECT_EQ((read<FrameKind::irs, IRS_IDR2>().raw), 0x8'7fb8U);
    EXPECT_EQ((read<FrameKind::irs, IRS_IDR5>().raw), 96U);
    EXPECT_EQ((read<FrameKind::irs, IRS_IDR6>().raw), 32U);
    EXPECT_EQ((read<FrameKind::irs, IRS_IDR7>().raw), 64U);
    EXPECT_EQ(gic().read_frame(FrameKind::irs, 0xfff0, 4), 0x0dU);
    EXPECT_EQ(gic().read_frame(FrameKind::irs, 0xfffc, 4), 0xb1U);
}

TEST_F(Gicv5Model, FramesAreAccessedByTheWidthOfARegister)
{
    EXPECT_THROW((void)gic().read_frame(FrameKind::irs, 0, 1), ExternalAbort);
    EXPECT_THROW((void)gic().read_frame(FrameKind::irs, 2, 4), ExternalAbort);
    EXPECT_THROW((void)gic().read_frame(FrameKind::irs, 0x1'0000, 4), ExternalAbort);
    EXPECT_THROW((void)gic().read_frame(FrameKind::its, 0, 4), ExternalAbort) << "no ITS";
    EXPECT_EQ(gic().read_frame(FrameKind::irs, 0, 8), 0U) << "64 bits of 32-bit registers";
    EXPECT_EQ(gic().read_frame(FrameKind::irs, 0x1000, 4), 0U) << "reserved";
    const std::uint64_t base = 0xab'8000'0000;
    gic().write_frame(FrameKind::irs, IRS_IST_BASER::offset + 4, 4, base >> 32);
    gic().write_frame(FrameKind::irs, IRS_IST_BASER::offset, 4, base & 0xffff'ffff);
    EXPECT_EQ((read<FrameKind::irs, IRS_IST_BASER>().raw), base);
}

TEST_F(Gicv5Model, SoftwarePendsAndConfiguresAnSpi)
{
    start();
    prepare(spi(9), 0, 0x12);
    pend(spi(9));
    EXPECT_EQ(state(spi(9)).raw, ICC_ICSR_EL1{}
                                     .with(ICC_ICSR_EL1::Enabled, 1)
                                     .with(ICC_ICSR_EL1::Pending, 1)
                                     .with(ICC_ICSR_EL1::Priority, 0x12)
                                     .raw);
    EXPECT_EQ(take(), Taken{spi(9)});
    EXPECT_EQ(state(spi(9))[ICC_ICSR_EL1::Active], 1U);
    EXPECT_EQ(state(spi(9))[ICC_ICSR_EL1::Pending], 0U);
    pend(spi(9));
    set(CDEOI{});
    EXPECT_FALSE(take());
    set(CDDI::from(spi(9)));
    EXPECT_EQ(take(), Taken{spi(9)});
    end(spi(9));
    EXPECT_FALSE(take());
}

TEST_F(Gicv5Model, ADisabledOrClearedSpiIsNotSignalled)
{
    start();
    prepare(spi(9));
    pend(spi(9));
    set(CDDIS::from(spi(9)));
    EXPECT_FALSE(candidate());
    set(CDEN::from(spi(9)));
    EXPECT_EQ(candidate(), Taken{spi(9)});
    pend(spi(9), false);
    EXPECT_FALSE(candidate());
}

TEST_F(Gicv5Model, SpisAreInRange)
{
    configuration.spi_base = 8;
    configuration.spi_count = 32;
    start();
    for (const std::uint32_t number : {8U, 39U}) {
        select(number);
        EXPECT_EQ((read<FrameKind::irs, IRS_SPI_STATUSR>().raw), 3U) << number;
        EXPECT_TRUE(reachable(spi(number))) << number;
    }
    for (const std::uint32_t number : {7U, 40U}) {
        select(number);
        EXPECT_EQ((read<FrameKind::irs, IRS_SPI_STATUSR>().raw), 1U) << number;
        EXPECT_FALSE(reachable(spi(number))) << number;
        prepare(spi(number));
        pend(spi(number));
    }
    EXPECT_FALSE(candidate());
    EXPECT_FALSE(reachable(sw));
    EXPECT_FALSE(reachable(0));
}

TEST_F(Gicv5Model, TriggerModesAreOfEachSpi)
{
    start();
    set_trigger_mode(3, true);
    set_trigger_mode(4, false);
    select(3);
    EXPECT_EQ((read<FrameKind::irs, IRS_SPI_CFGR>()[IRS_SPI_CFGR::TM]), 1U);
    prepare(spi(3));
    prepare(spi(4));
    gic().set_spi_line(3, true);
    gic().set_spi_line(4, true);
    gic().set_spi_line(4, false);
    EXPECT_EQ(state(spi(3))[ICC_ICSR_EL1::HM], 1U);
    EXPECT_EQ(take(), Taken{spi(3)});
    end(spi(3));
    EXPECT_EQ(take(), Taken{spi(3)}) << "its line is high";
    end(spi(3));
    gic().set_spi_line(3, false);
    EXPECT_EQ(take(), Taken{spi(4)}) << "an edge is remembered";
    gic().set_spi_line(4, true);  // while active
    end(spi(4));
    EXPECT_EQ(take(), Taken{spi(4)});
}

TEST_F(Gicv5Model, ATriggerModeTakesTheLineIntoAccount)
{
    start();
    gic().set_spi_line(3, true);
    EXPECT_EQ(state(spi(3))[ICC_ICSR_EL1::Pending], 1U) << "a rising edge";
    pend(spi(3), false);
    set_trigger_mode(3, true);
    EXPECT_EQ(state(spi(3))[ICC_ICSR_EL1::Pending], 1U) << "to level, high";
    set_trigger_mode(3, false);
    EXPECT_EQ(state(spi(3))[ICC_ICSR_EL1::Pending], 0U) << "to edge, high";
    set_trigger_mode(3, true);
    pend(spi(3), false);
    write<FrameKind::irs>(IRS_SPI_RESAMPLER::from(3));
    EXPECT_EQ(state(spi(3))[ICC_ICSR_EL1::Pending], 1U) << "sampled again";
    gic().set_spi_line(3, false);
    EXPECT_EQ(state(spi(3))[ICC_ICSR_EL1::Pending], 0U);
}

TEST_F(Gicv5Model, AnSpiGoesWhereItIsSent)
{
    configuration.cpus = 2;
    start();
    prepare(spi(3), 1);
    pend(spi(3));
    EXPECT_FALSE(candidate(0));
    EXPECT_EQ(candidate(1), Taken{spi(3)});
    EXPECT_EQ(state(spi(3), 0)[ICC_ICSR_EL1::IAFFID], 1U);
    set(CDAFF::from(spi(3)).with(CDAFF::IAFFID, 9));  // nobody
    EXPECT_FALSE(candidate(1));
    set(CDAFF::from(spi(3)));
    EXPECT_EQ(candidate(0), Taken{spi(3)});
}

TEST_F(Gicv5Model, AnIrsThatIsOffDeliversLater)
{
    start();
    prepare(spi(3));
    write<FrameKind::irs>(IRS_CR0{});
    pend(spi(3));
    EXPECT_FALSE(candidate());
    write<FrameKind::irs>(IRS_CR0{}.with(IRS_CR0::IRSEN, 1));
    EXPECT_EQ(candidate(), Taken{spi(3)});
    write<FrameKind::irs>(IRS_CR1{});
    expect_violation("IRS_CR1 is written while the IRS is off and idle");
}

TEST_F(Gicv5Model, PesAreKnownByIaffid)
{
    configuration.cpus = 2;
    configuration.iaffids = {3, 5};
    write<FrameKind::irs>(IRS_PE_SELR::from(5));
    EXPECT_EQ((read<FrameKind::irs, IRS_PE_STATUSR>().raw), 7U);
    write<FrameKind::irs>(IRS_PE_SELR::from(4));
    EXPECT_EQ((read<FrameKind::irs, IRS_PE_STATUSR>().raw), 1U);
}

TEST_F(Gicv5Model, HandshakesTakeTheirTime)
{
    configuration.slowness = 3;
    write<FrameKind::irs>(IRS_CR0{}.with(IRS_CR0::IRSEN, 1));
    for (unsigned i = 0; i < 3; ++i) {
        EXPECT_EQ((read<FrameKind::irs, IRS_CR0>()[IRS_CR0::IDLE]), 0U);
    }
    EXPECT_EQ((read<FrameKind::irs, IRS_CR0>()[IRS_CR0::IDLE]), 1U);
    write<FrameKind::irs>(IRS_SYNCR{}.with(IRS_SYNCR::SYNC, 1));
    EXPECT_TRUE(settles<FrameKind::irs>(IRS_SYNC_STATUSR::IDLE, IRS_SYNC_STATUSR{}));
    write<FrameKind::irs>(IRS_SPI_SELR::from(1));
    write<FrameKind::irs>(IRS_SPI_CFGR::from(1));
    expect_violation("IRS_SPI_SELR, IRS_SPI_CFGR and IRS_SPI_RESAMPLER are written while "
                     "IRS_SPI_STATUSR.IDLE is 1");
    EXPECT_TRUE(settles<FrameKind::irs>(IRS_SPI_STATUSR::IDLE, IRS_SPI_STATUSR{}));
    EXPECT_EQ((read<FrameKind::irs, IRS_SPI_CFGR>().raw), 0U) << "ignored";
    write<FrameKind::irs>(table_of(14));
    write<FrameKind::irs>(IRS_IST_BASER::from(ist_base | 1));
    EXPECT_FALSE(reachable(lpi(0))) << "not idle yet";
    EXPECT_TRUE(ist_settles());
    EXPECT_TRUE(reachable(lpi(0)));
}

TEST_F(Gicv5Model, WithoutAnIrsThereArePpisOnly)
{
    configuration.irs = false;
    enable_ppis(0);
    set(ICC_PPI_CACTIVER_EL1<0>::from(~0ULL));
    set(ICC_APR_EL1{});
    set(ICC_PCR_EL1::from(0x1f));
    set(ICC_CR0_EL1::from(3));
    enable_ppis(bit(sw_ppi));
    pend_sw();
    EXPECT_EQ(take(), Taken{sw});
    EXPECT_FALSE(reachable(spi(0)));
    pend(lpi(0));
    EXPECT_THROW((void)gic().read_frame(FrameKind::irs, 0, 4), ExternalAbort);
}

// --- LPIs ---------------------------------------------------------------------------------------

TEST_F(Gicv5Model, ALinearTableHoldsItsLpis)
{
    start();
    EXPECT_FALSE(reachable(lpi(0)));
    ASSERT_TRUE(install());
    EXPECT_TRUE(reachable(lpi(0)));
    EXPECT_TRUE(reachable(lpi((1U << 14) - 1)));
    EXPECT_FALSE(reachable(lpi(1U << 14)));
    prepare(lpi(5), 0, 8);
    EXPECT_EQ(entry(ist_base + 4ULL * 5).raw, 0x4008U);
    pend(lpi(5));
    pend(lpi(5));
    EXPECT_FALSE(state(lpi(5 + 0x1000))[ICC_ICSR_EL1::Pending]);
    EXPECT_EQ(take(), Taken{lpi(5)});
    EXPECT_FALSE(take());
    end(lpi(5));
    EXPECT_FALSE(take());
    pend(lpi(5));
    set(CDDIS::from(lpi(5)));
    EXPECT_FALSE(candidate());
    set(CDEN::from(lpi(5)));
    pend(lpi(5), false);
    EXPECT_FALSE(candidate());
}

TEST_F(Gicv5Model, ALevelSensitiveLpiStaysPending)
{
    start();
    ASSERT_TRUE(install());
    prepare(lpi(5));
    set(CDHM::from(lpi(5)).with(CDHM::HM, 1));
    pend(lpi(5));
    EXPECT_EQ(take(), Taken{lpi(5)});
    end(lpi(5));
    EXPECT_EQ(take(), Taken{lpi(5)});
    pend(lpi(5), false);
    end(lpi(5));
    EXPECT_FALSE(take());
}

TEST_F(Gicv5Model, ATableTakenBackTellsAndRemembers)
{
    start();
    ASSERT_TRUE(install());
    prepare(lpi(7), 0, 8);
    prepare(lpi(8), 0, 8);
    pend(lpi(7));
    EXPECT_EQ(entry(ist_base + 4ULL * 7)[L2_ISTE::Pending], 0U) << "the IRS's own";
    ASSERT_TRUE(remove());
    EXPECT_EQ(entry(ist_base + 4ULL * 7).raw, 0x4009U);
    EXPECT_EQ(entry(ist_base + 4ULL * 8).raw, 0x4008U);
    EXPECT_FALSE(candidate());
    EXPECT_FALSE(reachable(lpi(7)));
    ASSERT_TRUE(install());
    EXPECT_EQ(candidate(), Taken{lpi(7)});
    EXPECT_EQ(state(lpi(8))[ICC_ICSR_EL1::Enabled], 1U);
    EXPECT_EQ(state(lpi(8))[ICC_ICSR_EL1::Priority], 8U);
}

TEST_F(Gicv5Model, ATableThatIsHandedOverIsLocked)
{
    start();
    ASSERT_TRUE(install());
    write<FrameKind::irs>(table_of(15));
    expect_violation("IRS_IST_CFGR is written while IRS_IST_BASER.VALID is 0");
    EXPECT_EQ((read<FrameKind::irs, IRS_IST_CFGR>().raw), 14U);
    write<FrameKind::irs>(IRS_IST_BASER::from((ist_base + 0x1'0000) | 1));
    expect_violation("IRS_IST_BASER.ADDR is changed while VALID is 0");
    EXPECT_EQ((read<FrameKind::irs, IRS_IST_BASER>().raw), ist_base | 1);
    prepare(lpi(5));
    store64(ist_base + 4ULL * 4, 0);
    set(CDEN::from(lpi(5)));
    expect_violation("software does not write to an interrupt state table that is handed over");
}

TEST_F(Gicv5Model, ATableThatCannotBeIsNotTaken)
{
    configuration.lpis->two_level = false;
    EXPECT_FALSE(install(table_of(13)));
    expect_violation("IRS_IST_CFGR.LPI_ID_BITS is from IRS_IDR2.MIN_LPI_ID_BITS to ID_BITS");
    EXPECT_FALSE(install(table_of(14), ist_base + 0x1000));
    expect_violation("IRS_IST_BASER.ADDR is aligned to the size of the table");
    EXPECT_FALSE(install(table_of(14).with(IRS_IST_CFGR::ISTSZ, 1)));
    expect_violation("IRS_IST_CFGR.ISTSZ is what IRS_IDR2.ISTMD and ISTMD_SZ ask for");
    EXPECT_FALSE(install(table_of(14).with(IRS_IST_CFGR::STRUCTURE, 1)));
    expect_violation("IRS_IST_CFGR.STRUCTURE is 0 where IRS_IDR2.IST_LEVELS is 0");
    store64(ist_base, 1);
    EXPECT_TRUE(install());
    EXPECT_TRUE(reachable(lpi(0)));
    expect_violation("entries of the interrupt state table are zero when they are handed over");
}

TEST_F(Gicv5Model, LongerEntriesAreFurtherApart)
{
    configuration.lpis->metadata = true;
    configuration.lpis->metadata_16_bytes = 15;
    start();
    ASSERT_TRUE(install(table_of(14).with(IRS_IST_CFGR::ISTSZ, 1)));
    prepare(lpi(5), 0, 8);
    EXPECT_EQ(entry(ist_base + 8ULL * 5).raw, 0x4008U);
    ASSERT_TRUE(remove());
    ASSERT_TRUE(install(table_of(15).with(IRS_IST_CFGR::ISTSZ, 2), ist_base + 0x8'0000));
    prepare(lpi(5), 0, 8);
    EXPECT_EQ(entry(ist_base + 0x8'0000 + 16ULL * 5).raw, 0x4008U);
}

TEST_F(Gicv5Model, LevelTwoTablesAreMappedOnDemand)
{
    start();
    // 64 KiB each: 2^14 LPIs.
    ASSERT_TRUE(install(table_of(16).with(IRS_IST_CFGR::STRUCTURE, 1).with(IRS_IST_CFGR::L2SZ, 2)));
    const std::uint32_t first = 2U << 14;
    EXPECT_FALSE(reachable(lpi(first)));
    const auto mapped = map(first + 5, 2, level2_base);
    EXPECT_EQ(mapped.raw, level2_base | 1) << "VALID is set by the IRS";
    EXPECT_TRUE(reachable(lpi(first)));
    EXPECT_TRUE(reachable(lpi(first + (1U << 14) - 1)));
    EXPECT_FALSE(reachable(lpi(first - 1)));
    EXPECT_FALSE(reachable(lpi(first + (1U << 14))));
    prepare(lpi(first + 0x2345), 0, 8);
    EXPECT_EQ(entry(level2_base + 4ULL * 0x2345).raw, 0x4008U);
    ASSERT_TRUE(remove());
    EXPECT_EQ(load64(ist_base + 16), level2_base | 1);
    ASSERT_TRUE(install(table_of(16).with(IRS_IST_CFGR::STRUCTURE, 1).with(IRS_IST_CFGR::L2SZ, 2)));
    EXPECT_EQ(state(lpi(first + 0x2345))[ICC_ICSR_EL1::Enabled], 1U);
}

TEST_F(Gicv5Model, LevelOneIsTheIrssToMarkValid)
{
    start();
    ASSERT_TRUE(install(table_of(14).with(IRS_IST_CFGR::STRUCTURE, 1)));
    store64(ist_base, level2_base | 1);
    EXPECT_FALSE(reachable(lpi(0)));
    expect_violation("VALID of a level-1 entry of the interrupt state table is set by the IRS, "
                     "not by software");
    store64(level2_base + 0x8, 1);
    EXPECT_EQ(map(1 << 10, 1, level2_base).raw, level2_base | 1);
    expect_violation("entries of the interrupt state table are zero when they are handed over");
    EXPECT_EQ(map(2 << 10, 2, (level2_base + 0x1000) | 0x10).raw, (level2_base + 0x1000) | 0x11);
    expect_violation("RES0 bits of a level-1 entry of the interrupt state table are 0");
}

TEST_F(Gicv5Model, ATableThatIsNotMemoryIsASoftwareError)
{
    start();
    ASSERT_TRUE(install(table_of(14), 0x10'0000));
    EXPECT_FALSE(reachable(lpi(3)));
    const auto status = read<FrameKind::irs, IRS_SWERR_STATUSR>();
    EXPECT_EQ(status.raw, 0x2'0007U);
    const auto syndrome = read<FrameKind::irs, IRS_SWERR_SYNDROMER0>();
    EXPECT_EQ(syndrome[IRS_SWERR_SYNDROMER0::ID], 3U);
    EXPECT_EQ((read<FrameKind::irs, IRS_SWERR_SYNDROMER1>().raw), 0x10'0008U);
    EXPECT_FALSE(reachable(lpi(4)));
    EXPECT_EQ((read<FrameKind::irs, IRS_SWERR_STATUSR>()[IRS_SWERR_STATUSR::OF]), 1U);
    write<FrameKind::irs>(IRS_SWERR_STATUSR::from(1));
    EXPECT_EQ((read<FrameKind::irs, IRS_SWERR_STATUSR>().raw), 0U);
}

TEST_F(Gicv5Model, AThousandLpisAreDeliveredOnceEach)
{
    start();
    ASSERT_TRUE(install());
    for (std::uint32_t i = 0; i < 1000; ++i) {
        prepare(lpi(i));
        pend(lpi(i));
    }
    for (std::uint32_t i = 0; i < 1000; ++i) {
        ASSERT_EQ(take(), Taken{lpi(i)});
        end(lpi(i));
    }
    EXPECT_FALSE(take());
}

TEST_F(Gicv5Model, SetlpiMakesAnLpiPending)
{
    start();
    ASSERT_TRUE(install());
    prepare(lpi(5));
    prepare(lpi(6));
    write<FrameKind::setlpi>(IRS_SETLPIR::from(5));
    EXPECT_EQ(take(), Taken{lpi(5)});
    end(lpi(5));
    EXPECT_FALSE(take());
}

// --- IPIs and 1-of-N ----------------------------------------------------------------------------

TEST_F(Gicv5Model, AnLpiIsAnIpi)
{
    configuration.cpus = 3;
    start();
    ASSERT_TRUE(install());
    prepare(lpi(1), 1);
    for (unsigned i = 0; i < 20; ++i) {
        pend(lpi(1), true, 2);
        ASSERT_FALSE(candidate(0));
        ASSERT_FALSE(candidate(2));
        ASSERT_EQ(take(1), Taken{lpi(1)}) << i;
        end(lpi(1), 1);
        ASSERT_FALSE(take(1)) << i;
    }
}

TEST_F(Gicv5Model, ThreadsAreCpus)
{
    configuration.cpus = 2;
    start();
    ASSERT_TRUE(install());
    prepare(lpi(0), 0);
    prepare(lpi(1), 1);
    const auto answer = [&](unsigned cpu) {
        for (unsigned i = 0; i < 500; ++i) {
            if (!gic().wait_for_interrupt(cpu, std::chrono::seconds{2})) {
                ADD_FAILURE() << "cpu" << cpu << " waits for IPI " << i;
                return;
            }
            EXPECT_EQ(take(cpu), Taken{lpi(cpu)});
            end(lpi(cpu), cpu);
            pend(lpi(1 - cpu), true, cpu);
        }
    };
    std::thread other{answer, 1};
    pend(lpi(1));
    answer(0);
    other.join();
}

TEST_F(Gicv5Model, OneOfNIsDeliveredToOneThatTakesPart)
{
    configuration.cpus = 4;
    start();
    for (const std::uint32_t cpu : {1U, 3U}) {
        write<FrameKind::irs>(IRS_PE_SELR::from(cpu));
        write<FrameKind::irs>(IRS_PE_CR0{}.with(IRS_PE_CR0::DPS, 1));
        EXPECT_EQ((read<FrameKind::irs, IRS_PE_CR0>().raw), 1U);
    }
    prepare(spi(3));
    set(CDAFF::from(spi(3)).with(CDAFF::IRM, 1));
    EXPECT_EQ(state(spi(3))[ICC_ICSR_EL1::IRM], 1U);
    for (unsigned i = 0; i < 8; ++i) {
        pend(spi(3));
        ASSERT_FALSE(take(1));
        ASSERT_FALSE(take(3));
        const Taken at_0 = take(0);
        const Taken at_2 = take(2);
        ASSERT_NE(at_0.has_value(), at_2.has_value()) << i;
        end(spi(3), at_0 ? 0 : 2);
    }
    set(ICC_CR0_EL1::from(2), 0);
    pend(spi(3));
    EXPECT_EQ(candidate(2), Taken{spi(3)});
    set(ICC_CR0_EL1::from(2), 2);
    set(ICC_CR0_EL1::from(3), 0);
    EXPECT_EQ(candidate(0), Taken{spi(3)}) << "the one chosen first went away";
}

TEST_F(Gicv5Model, WithoutOneOfNEverythingIsTargeted)
{
    configuration.one_of_n = false;
    start();
    prepare(spi(3));
    set(CDAFF::from(spi(3)).with(CDAFF::IRM, 1));
    EXPECT_EQ(state(spi(3))[ICC_ICSR_EL1::IRM], 0U);
    pend(spi(3));
    EXPECT_EQ(candidate(), Taken{spi(3)});
    write<FrameKind::irs>(IRS_PE_CR0{}.with(IRS_PE_CR0::DPS, 1));
    EXPECT_EQ((read<FrameKind::irs, IRS_PE_CR0>().raw), 0U);
}

// --- ITS ----------------------------------------------------------------------------------------

class Gicv5ModelIts : public Gicv5Model {
protected:
    Gicv5ModelIts() { configuration.its.emplace(); }

    void start_all(ITS_DT_CFGR devices = ITS_DT_CFGR::from(10))
    {
        start();
        ASSERT_TRUE(install());
        for (std::uint32_t i = 0; i < 64; ++i) {
            prepare(lpi(i));
        }
        start_its(devices);
    }
    static constexpr std::uint64_t device_place(std::uint32_t device)
    {
        return devices_base + std::uint64_t{8} * device;
    }
    static constexpr std::uint64_t event_place(std::uint32_t event)
    {
        return events_base + std::uint64_t{8} * event;
    }
    // The LPI that an event made pending; it is over.
    [[nodiscard]] Taken outcome()
    {
        const Taken taken = take();
        if (taken) {
            end(*taken);
        }
        EXPECT_FALSE(take());
        return taken;
    }
    [[nodiscard]] Taken generated(std::uint32_t device, std::uint32_t event)
    {
        generate(device, event);
        return outcome();
    }
};

TEST_F(Gicv5ModelIts, EventsBecomeLpis)
{
    start_all();
    map_device(9, 4, device_place(9));
    map_event(9, 3, event_place(3), 33);
    map_event(9, 15, event_place(15), 34);
    EXPECT_EQ(generated(9, 3), Taken{lpi(33)});
    EXPECT_EQ(generated(9, 15), Taken{lpi(34)});
    EXPECT_FALSE(generated(9, 4)) << "not mapped";
    EXPECT_FALSE(generated(9, 16 + 3)) << "beyond the device's events";
    EXPECT_FALSE(generated(9 + 0x100, 3)) << "another device";
    EXPECT_FALSE(generated(9 + 0x400, 3)) << "beyond the device table";
    gic().device_write(9, 3);
    EXPECT_EQ(outcome(), Taken{lpi(33)});
}

TEST_F(Gicv5ModelIts, LookupsTellTheLpi)
{
    start_all();
    map_device(9, 4, device_place(9));
    map_event(9, 3, event_place(3), 33);
    map_event(9, 5, event_place(5), 35);
    EXPECT_EQ(lookup(9, 3).raw, 0x8000'0021U);
    EXPECT_EQ(lookup(9, 5).raw, 0x8000'0023U);
    EXPECT_EQ(lookup(9, 6).raw, 0U);
}

TEST_F(Gicv5ModelIts, EntriesAreKeptUntilTheyAreInvalidated)
{
    start_all();
    map_device(9, 4, device_place(9));
    EXPECT_FALSE(generated(9, 3));
    store64(event_place(3), event_entry(33));
    EXPECT_FALSE(generated(9, 3)) << "known to be invalid";
    invalidate_event(9, 3);
    EXPECT_EQ(generated(9, 3), Taken{lpi(33)});
    store64(event_place(3), 33);  // VALID is 0
    EXPECT_EQ(generated(9, 3), Taken{lpi(33)}) << "known to be valid";
    invalidate_event(9, 3);
    EXPECT_FALSE(generated(9, 3));
    store64(event_place(3), event_entry(34));
    store64(device_place(9), 0);
    invalidate_device(9, 4);
    EXPECT_FALSE(generated(9, 3)) << "the device is gone";
    map_device(9, 4, device_place(9));
    EXPECT_EQ(generated(9, 3), Taken{lpi(34)}) << "with its events";
    write<FrameKind::its>(ITS_SYNCR{}.with(ITS_SYNCR::SYNC, 1).with(ITS_SYNCR::DEVICEID, 9));
    EXPECT_TRUE(settles<FrameKind::its>(ITS_SYNC_STATUSR::IDLE, ITS_SYNC_STATUSR{}));
}

TEST_F(Gicv5ModelIts, TablesHaveTwoLevels)
{
    // Devices: level-2 tables of 16 KiB, 2^11 entries. Events: 4 KiB, 2^9.
    start_all(ITS_DT_CFGR::from(14).with(ITS_DT_CFGR::L2SZ, 1).with(ITS_DT_CFGR::STRUCTURE, 1));
    const std::uint32_t device = (3U << 11) + 0x6ff;
    const std::uint64_t level2_devices = devices_base + 0x8000;
    store64(devices_base + 8ULL * 3,
            L1_DTE::from(level2_devices).with(L1_DTE::SPAN, 11).with(L1_DTE::VALID, 1).raw);
    store64(level2_devices + 8ULL * 0x6ff, L2_DTE::from(events_base)
                                               .with(L2_DTE::EVENTID_BITS, 10)
                                               .with(L2_DTE::ITT_STRUCTURE, 1)
                                               .with(L2_DTE::VALID, 1)
                                               .raw);
    invalidate_device(device, 10);
    const std::uint64_t level2_events = events_base + 0x1000;
    store64(events_base + 8,
            L1_ITTE::from(level2_events).with(L1_ITTE::SPAN, 4).with(L1_ITTE::VALID, 1).raw);
    map_event(device, 0x200 + 15, level2_events + 8ULL * 15, 40);
    map_event(device, 0x200 + 16, level2_events + 8ULL * 16, 41);
    EXPECT_EQ(generated(device, 0x200 + 15), Taken{lpi(40)});
    EXPECT_FALSE(generated(device, 0x200 + 16)) << "behind the span";
    EXPECT_FALSE(generated(device, 15)) << "no level-2 table";
}

TEST_F(Gicv5ModelIts, LevelOneEntriesAreKeptToo)
{
    start_all(ITS_DT_CFGR::from(12).with(ITS_DT_CFGR::STRUCTURE, 1));
    const std::uint64_t entry_0 = L1_DTE{}.with(L1_DTE::SPAN, 9).with(L1_DTE::VALID, 1).raw;
    store64(devices_base, entry_0 | (devices_base + 0x8000));
    map_device(9, 4, devices_base + 0x8000 + 8ULL * 9);
    map_event(9, 3, event_place(3), 33);
    EXPECT_EQ(generated(9, 3), Taken{lpi(33)});
    store64(devices_base, 0);
    invalidate_device(9, 4);
    EXPECT_EQ(generated(9, 3), Taken{lpi(33)}) << "level 1 was not invalidated";
    invalidate_device(9, 4, true);
    EXPECT_FALSE(generated(9, 3));
}

TEST_F(Gicv5ModelIts, AnItsThatIsOffDropsEvents)
{
    start_all();
    map_device(9, 4, device_place(9));
    map_event(9, 3, event_place(3), 33);
    write<FrameKind::its>(ITS_DT_BASER::from(0));
    expect_violation("ITS_DT_BASER is written while the ITS is off and idle");
    EXPECT_EQ((read<FrameKind::its, ITS_DT_BASER>().raw), devices_base);
    write<FrameKind::its>(ITS_CR0{});
    EXPECT_FALSE(generated(9, 3));
    write<FrameKind::its>(ITS_CR0{}.with(ITS_CR0::ITSEN, 1));
    EXPECT_EQ(generated(9, 3), Taken{lpi(33)});
}

TEST_F(Gicv5ModelIts, EntriesThatBreakARuleAreNotUsed)
{
    start_all();
    store64(device_place(9),
            L2_DTE::from(events_base).with(L2_DTE::VALID, 1).with(L2_DTE::EVENTID_BITS, 17).raw);
    EXPECT_FALSE(generated(9, 0));
    expect_violation("EVENTID_BITS of a device table entry is at most that of ITS_IDR2");
    map_device(9, 4, device_place(9), events_base + 8);
    EXPECT_FALSE(generated(9, 0));
    expect_violation("an interrupt translation table is aligned to its size");
    map_device(9, 4, device_place(9));
    map_event(9, 1, event_place(1), 1U << 14);
    EXPECT_FALSE(generated(9, 1));
    expect_violation("LPI_ID of an interrupt translation table entry is an LPI of the interrupt "
                     "state table");
    map_event(9, 2, event_place(2), 1U << 25);
    EXPECT_FALSE(generated(9, 2));
    expect_violation("RES0 bits of an interrupt translation table entry are 0");
}

TEST_F(Gicv5ModelIts, InvalidationsAreWaitedFor)
{
    configuration.slowness = 1;
    write<FrameKind::its>(ITS_INV_DEVICER{}.with(ITS_INV_DEVICER::I, 1));
    write<FrameKind::its>(ITS_DIDR::from(1));
    expect_violation("ITS_DIDR, ITS_EIDR, ITS_INV_EVENTR, ITS_INV_DEVICER and ITS_READ_EVENTR are "
                     "written while ITS_STATUSR.IDLE is 1");
    EXPECT_EQ((read<FrameKind::its, ITS_DIDR>().raw), 0U);
}

// --- IWB ----------------------------------------------------------------------------------------

class Gicv5ModelIwb : public Gicv5ModelIts {
protected:
    Gicv5ModelIwb()
    {
        configuration.iwb.emplace();
        configuration.iwb->wires = 64;
    }
    // Wire n is LPI n.
    void start_bridge()
    {
        start_all();
        map_device(64, 6, device_place(64));
        for (std::uint32_t wire = 0; wire < 64; ++wire) {
            map_event(64, wire, event_place(wire), wire);
        }
    }
    void enable(std::uint32_t wires, std::size_t index = 0)
    {
        write<FrameKind::iwb>(IWB_WENABLER::from(wires), index);
        ASSERT_TRUE(settles<FrameKind::iwb>(IWB_WENABLE_STATUSR::IDLE, IWB_WENABLE_STATUSR{}));
    }
};

TEST_F(Gicv5ModelIwb, AnEdgeIsAnEvent)
{
    start_bridge();
    EXPECT_EQ((read<FrameKind::iwb, IWB_IDR0>()[IWB_IDR0::IW_RANGE]), 1U);
    gic().set_iwb_wire(2, true);
    EXPECT_FALSE(outcome()) << "not enabled";
    gic().set_iwb_wire(2, false);
    enable(1U << 2);
    enable(1U << 31, 1);
    gic().set_iwb_wire(2, true);
    EXPECT_EQ(outcome(), Taken{lpi(2)});
    gic().set_iwb_wire(63, true);
    EXPECT_EQ(outcome(), Taken{lpi(63)});
    EXPECT_EQ((read<FrameKind::iwb, IWB_WENABLER>(1).raw), 1U << 31);
}

TEST_F(Gicv5ModelIwb, ALevelIsFollowed)
{
    start_bridge();
    write<FrameKind::iwb>(IWB_WTMR::from(1U << 2));
    EXPECT_EQ((read<FrameKind::iwb, IWB_WTMR>().raw), 1U << 2);
    gic().set_iwb_wire(2, true);
    EXPECT_FALSE(candidate());
    enable(1U << 2);
    EXPECT_EQ(candidate(), Taken{lpi(2)}) << "sampled";
    EXPECT_EQ(state(lpi(2))[ICC_ICSR_EL1::HM], 1U);
    gic().set_iwb_wire(2, false);
    EXPECT_FALSE(candidate());
    gic().set_iwb_wire(2, true);
    EXPECT_EQ(take(), Taken{lpi(2)});
    end(lpi(2));
    EXPECT_EQ(candidate(), Taken{lpi(2)}) << "still high";
    enable(0);
    EXPECT_FALSE(candidate()) << "disabled";
}

// --- Faults -------------------------------------------------------------------------------------

TEST(Gicv5ModelFaults, HaveNamesOfTheirOwn)
{
    std::set<std::string_view> names;
    for (const auto& fault : model::FaultSet<Fault>::all()) {
        EXPECT_TRUE(names.insert(fault.name).second) << fault.name;
        EXPECT_EQ(fault.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"),
                  std::string_view::npos)
            << fault.name;
        EXPECT_FALSE(fault.summary.empty()) << fault.name;
    }
    EXPECT_GE(names.size(), 45U);
    EXPECT_FALSE(model::FaultSet<Fault>{}.switch_on(std::string_view{"no-such-fault"}));
}

TEST(ModelViolations, AreKeptAgainOnceTaken)
{
    model::Violations violations;
    for (unsigned n = 0; n < 2000; ++n) {
        violations.add("many");
    }
    EXPECT_LT(violations.take().size(), 2000U);
    EXPECT_TRUE(violations.empty());
    violations.add("one more");
    const auto fresh = violations.take();
    ASSERT_EQ(fresh.size(), 1U);
    EXPECT_EQ(fresh.front().rule, "one more");
}

}  // namespace
