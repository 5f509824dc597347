// SPDX-License-Identifier: MIT
//
// The GICv5 IWB (AES 0070): wires become events of a device of the ITS. Where something drives the
// wires when told, the cases see what they do; elsewhere they see the bridge's registers.

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5_events.h"
#include "tests/support/arm64/stimulus.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

using namespace gicv5;

namespace {

constexpr unsigned wires_per_word = 32;

[[nodiscard]] const Iwb<Mmio>& iwb()
{
    return wire_bridges().front().iwb;
}

// Puts a wire back as the driver leaves it, disabled, and its trigger mode as it was found.
class WireUnderTest {
public:
    explicit WireUnderTest(unsigned wire)
        : wire_{wire}, mode_{iwb().trigger_mode(wire).value_or(HandlingMode::edge)}
    {
    }
    ~WireUnderTest()
    {
        static_cast<void>(iwb().disable(wire_));
        static_cast<void>(iwb().set_trigger_mode(wire_, mode_));
    }
    WireUnderTest(const WireUnderTest&) = delete;
    WireUnderTest& operator=(const WireUnderTest&) = delete;

private:
    unsigned wire_;
    HandlingMode mode_;
};

// Wires may belong to another domain: one whose bit of IWB_WENABLER can be set is this domain's.
struct Wires {
    unsigned first;
    unsigned last;
};
[[nodiscard]] bool usable(unsigned wire)
{
    const bool sticks = iwb().enable(wire).has_value();
    static_cast<void>(iwb().disable(wire));
    return sticks;
}
[[nodiscard]] std::optional<Wires> usable_wires()
{
    unsigned first = 0;
    unsigned last = iwb().wires() - 1;
    while (first < last && !usable(first)) {
        ++first;
    }
    while (last > first && !usable(last)) {
        --last;
    }
    if (first == last) {
        return {};
    }
    return Wires{.first = first, .last = last};
}
constexpr const char* no_wires = "fewer than two wires of the IWB are this domain's";

// Two wires with an event and an LPI each, and what drives them. Interrupts are masked.
class DrivenWires {
public:
    explicit DrivenWires(const Stimulus& stimulus)
        : stimulus_{stimulus},
          wires_{usable_wires().value_or(Wires{.first = 0, .last = 0})},
          device_{wire_bridges().front().device,
                  static_cast<unsigned>(std::bit_width(iwb().wires() - 1))},
          first_{wires_.first},
          last_{wires_.last}
    {
        ready_ = device_ && wires_.first != wires_.last && device_.map(wires_.first, lpis_.id(0)) &&
                 device_.map(wires_.last, lpis_.id(1));
    }
    ~DrivenWires()
    {
        drive(wires_.first, false);
        drive(wires_.last, false);
    }
    DrivenWires(const DrivenWires&) = delete;
    DrivenWires& operator=(const DrivenWires&) = delete;

    explicit operator bool() const { return ready_; }
    [[nodiscard]] unsigned first() const { return wires_.first; }
    [[nodiscard]] unsigned last() const { return wires_.last; }
    [[nodiscard]] irq::Id lpi_of(unsigned wire) const
    {
        return lpis_.id(wire == wires_.first ? 0 : 1);
    }
    void drive(unsigned wire, bool high) const { stimulus_.drive_wire(wire, high); }

private:
    const Stimulus& stimulus_;
    Wires wires_;
    LpiUnderTest lpis_{2};
    EventDevice device_;
    WireUnderTest first_;
    WireUnderTest last_;
    bool ready_ = false;
};

}  // namespace

TEST(gicv5_iwb, identification,
     .summary =
         "the bridge is on, has no more wires than its ITS has events for, and every wire is "
         "disabled",
     .needs = gicv5_iwb)
{
    EXPECT_EQ(iwb().io().read<IWB_CR0>()[IWB_CR0::IWBEN], 1);
    EXPECT_EQ(iwb().io().read<IWB_CR0>()[IWB_CR0::IDLE], 1);
    test::note("{} wires, DeviceID {:#x}", iwb().wires(), wire_bridges().front().device);
    EXPECT_LE(std::uint64_t{iwb().wires()}, std::uint64_t{1} << its().event_bits());
    EXPECT_EQ(wire_bridges().front().device >> its().device_bits(), 0);
    for (unsigned word = 0; word < iwb().wires() / wires_per_word; ++word) {
        ASSERT_EQ(iwb().io().read<IWB_WENABLER>(word).raw, 0);
    }
}

TEST(gicv5_iwb, enable,
     .summary = "enabling and disabling a wire changes its bit of IWB_WENABLER and no other",
     .needs = gicv5_iwb)
{
    const auto wires = usable_wires();
    if (!wires) {
        return test::skip(no_wires);
    }
    const WireUnderTest first{wires->first};
    const WireUnderTest last{wires->last};
    const auto bit = [](unsigned wire) { return std::uint32_t{1} << wire % wires_per_word; };
    const auto word = [](unsigned wire) {
        return iwb().io().read<IWB_WENABLER>(wire / wires_per_word).raw;
    };
    ASSERT_TRUE(done(iwb().enable(wires->first)));
    EXPECT_EQ(word(wires->first), bit(wires->first));
    ASSERT_TRUE(done(iwb().enable(wires->last)));
    ASSERT_TRUE(done(iwb().disable(wires->first)));
    EXPECT_EQ(word(wires->last), bit(wires->last));
    ASSERT_TRUE(done(iwb().disable(wires->last)));
    EXPECT_EQ(word(wires->last), 0);
    EXPECT_EQ(word(wires->first), 0);
}

TEST(gicv5_iwb, trigger_modes,
     .summary = "the trigger mode of a wire can be set and read, and no other changes with it",
     .needs = gicv5_iwb)
{
    const auto wires = usable_wires();
    if (!wires) {
        return test::skip(no_wires);
    }
    const WireUnderTest first{wires->first};
    const WireUnderTest last{wires->last};
    const auto mode = [](unsigned wire) {
        return iwb().trigger_mode(wire).value_or(HandlingMode{0xff});
    };
    for (const auto one : {HandlingMode::edge, HandlingMode::level}) {
        for (const auto other : {HandlingMode::edge, HandlingMode::level}) {
            ASSERT_TRUE(done(iwb().set_trigger_mode(wires->first, one)));
            ASSERT_TRUE(done(iwb().set_trigger_mode(wires->last, other)));
            EXPECT_EQ(mode(wires->first), one);
            EXPECT_EQ(mode(wires->last), other);
        }
    }
}

TEST(gicv5_iwb, no_wires_beyond,
     .summary = "registers of wires that the bridge does not have read zero and ignore writes",
     .needs = gicv5_iwb)
{
    const unsigned word = iwb().wires() / wires_per_word;
    if (word == 2048) {
        return test::skip("the IWB has every wire that the architecture has room for");
    }
    iwb().io().write(IWB_WENABLER::from(~0U), word);
    iwb().io().write(IWB_WTMR::from(~0U), word);
    EXPECT_EQ(iwb().io().read<IWB_WENABLER>(word).raw, 0);
    EXPECT_EQ(iwb().io().read<IWB_WTMR>(word).raw, 0);
}

TEST(gicv5_iwb, wires_are_events,
     .summary = "events of the bridge's DeviceID become LPIs: the last wire's, too",
     .needs = gicv5_iwb)
{
    const LpiUnderTest lpis{2};
    const unsigned wires = iwb().wires();
    const EventDevice device{wire_bridges().front().device,
                             static_cast<unsigned>(std::bit_width(wires - 1))};
    ASSERT_TRUE(device);
    ASSERT_TRUE(device.map(0, lpis.id(0)));
    ASSERT_TRUE(device.map(wires - 1, lpis.id(1)));
    ASSERT_EQ(device.becomes(wires - 1), lpis.id(1));
    ASSERT_EQ(device.becomes(0), lpis.id(0));
    EXPECT_EQ(device.stray_of(1), nothing);
}

TEST(gicv5_iwb, edge,
     .summary = "a rising edge of an edge-triggered wire is one interrupt, a falling one none",
     .needs = gicv5_iwb)
{
    const auto stimulus = Stimulus::find();
    if (!stimulus) {
        return test::skip(Stimulus::absent);
    }
    const DrivenWires wires{*stimulus};
    ASSERT_TRUE(wires);
    for (const unsigned wire : {wires.first(), wires.last()}) {
        ASSERT_TRUE(done(iwb().set_trigger_mode(wire, HandlingMode::edge)));
        ASSERT_TRUE(done(iwb().enable(wire)));
        for (unsigned round = 0; round < 4; ++round) {
            wires.drive(wire, true);
            ASSERT_EQ(take(), wires.lpi_of(wire));
            ASSERT_EQ(stray(), nothing);
            wires.drive(wire, false);
            ASSERT_EQ(stray(), nothing);
        }
    }
}

TEST(gicv5_iwb, level, .summary = "a level-sensitive wire is an interrupt as long as it is high",
     .needs = gicv5_iwb)
{
    const auto stimulus = Stimulus::find();
    if (!stimulus) {
        return test::skip(Stimulus::absent);
    }
    const DrivenWires wires{*stimulus};
    ASSERT_TRUE(wires);
    for (const unsigned wire : {wires.first(), wires.last()}) {
        ASSERT_TRUE(done(iwb().set_trigger_mode(wire, HandlingMode::level)));
        ASSERT_TRUE(done(iwb().enable(wire)));
        EXPECT_EQ(stray(), nothing);
        wires.drive(wire, true);
        ASSERT_EQ(take(), wires.lpi_of(wire));
        ASSERT_EQ(take(), wires.lpi_of(wire));
        wires.drive(wire, false);
        EXPECT_TRUE(timer::wait_until([] { return candidate() == nothing; }));
        EXPECT_EQ(stray(), nothing);
    }
}

TEST(gicv5_iwb, level_is_sampled,
     .summary = "a level-sensitive wire that is high when it is enabled is an interrupt",
     .needs = gicv5_iwb)
{
    const auto stimulus = Stimulus::find();
    if (!stimulus) {
        return test::skip(Stimulus::absent);
    }
    const DrivenWires wires{*stimulus};
    ASSERT_TRUE(wires);
    ASSERT_TRUE(done(iwb().set_trigger_mode(wires.last(), HandlingMode::level)));
    wires.drive(wires.last(), true);
    EXPECT_EQ(stray(), nothing);
    ASSERT_TRUE(done(iwb().enable(wires.last())));
    ASSERT_EQ(take(), wires.lpi_of(wires.last()));
}

TEST(gicv5_iwb, disable_takes_back,
     .summary = "disabling a level-sensitive wire that is high ends its interrupt",
     .needs = gicv5_iwb)
{
    const auto stimulus = Stimulus::find();
    if (!stimulus) {
        return test::skip(Stimulus::absent);
    }
    const DrivenWires wires{*stimulus};
    ASSERT_TRUE(wires);
    const irq::Id id = wires.lpi_of(wires.last());
    ASSERT_TRUE(done(iwb().set_trigger_mode(wires.last(), HandlingMode::level)));
    ASSERT_TRUE(done(iwb().enable(wires.last())));
    wires.drive(wires.last(), true);
    EXPECT_TRUE(timer::wait_until([&] { return is_candidate(id); }));
    ASSERT_TRUE(done(iwb().disable(wires.last())));
    ASSERT_TRUE(events_have_arrived());
    EXPECT_TRUE(timer::wait_until([] { return candidate() == nothing; }));
    EXPECT_EQ(state_of(id), State::idle);
}

TEST(gicv5_iwb, disabled_is_silent,
     .summary = "a wire that is disabled is no interrupt, and its neighbour is not disturbed",
     .needs = gicv5_iwb)
{
    const auto stimulus = Stimulus::find();
    if (!stimulus) {
        return test::skip(Stimulus::absent);
    }
    const DrivenWires wires{*stimulus};
    ASSERT_TRUE(wires);
    for (const unsigned wire : {wires.first(), wires.last()}) {
        ASSERT_TRUE(done(iwb().set_trigger_mode(wire, HandlingMode::edge)));
    }
    ASSERT_TRUE(done(iwb().enable(wires.first())));
    wires.drive(wires.last(), true);
    EXPECT_EQ(stray(), nothing);
    wires.drive(wires.first(), true);
    ASSERT_EQ(take(), wires.lpi_of(wires.first()));
    EXPECT_EQ(stray(), nothing);
}
