// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv5/iwb.h"
#include "unit/support/gic.h"
#include "unit/support/gicv5_model.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace gicv5;

static_assert(IWB_CR0::offset == 0x80 && IWB_WENABLE_STATUSR::offset == 0xc0);
static_assert(IWB_WENABLER::offset == 0x2000 && IWB_WENABLER::stride == 4);
static_assert(IWB_WTMR::offset == 0x4000 && IWB_WTMR::stride == 4);
static_assert(IWB_WDOMAINR::offset == 0x8000 && IWB_WDOMAINR::stride == 4);

// --- Exact accesses, in their order -------------------------------------------------------------

class Gicv5Iwb : public testing::Test {
protected:
    unit::IoScript script;
    unit::MockIo frame = script.frame("IWB");
    Iwb<unit::MockIo> iwb{frame};

    void SetUp() override { frame.always_read(IWB_IDR0::from(1)); }  // 64 wires
    void expect_enable_settles()
    {
        frame.expect_read(IWB_WENABLE_STATUSR::from(0));
        frame.expect_read(IWB_WENABLE_STATUSR::from(1));
    }
};

TEST_F(Gicv5Iwb, StartsWithEveryWireDisabled)
{
    frame.expect_read(IWB_CR0::from(3));
    frame.expect_write(IWB_WENABLER{}, 0);
    expect_enable_settles();
    frame.expect_write(IWB_WENABLER{}, 1);
    expect_enable_settles();
    EXPECT_TRUE(iwb.start());
    EXPECT_EQ(iwb.wires(), 64U);
}

TEST_F(Gicv5Iwb, IsSwitchedOnWhereFirmwareDidNot)
{
    frame.expect_read(IWB_CR0::from(2));
    frame.expect_write(IWB_CR0::from(1));
    frame.expect_read(IWB_CR0::from(1));
    frame.expect_read(IWB_CR0::from(3));
    frame.expect_read(IWB_CR0::from(3));
    frame.always_read(IWB_WENABLE_STATUSR::from(1));
    frame.expect_write(IWB_WENABLER{}, 0);
    frame.expect_write(IWB_WENABLER{}, 1);
    EXPECT_TRUE(iwb.start());
}

TEST_F(Gicv5Iwb, ThatIsFirmwaresAndOffIsAnError)
{
    frame.always_read(IWB_CR0::from(2));
    frame.expect_write(IWB_CR0::from(1));
    const auto started = iwb.start();
    ASSERT_FALSE(started);
    EXPECT_STREQ(started.error().what, "IWB_CR0.IWBEN does not stick: firmware has to set it");
}

TEST_F(Gicv5Iwb, EnablesOneWireOfARegister)
{
    frame.expect_read(IWB_WENABLER::from(1), 1);
    frame.expect_write(IWB_WENABLER::from(1U << 31 | 1), 1);
    expect_enable_settles();
    frame.expect_read(IWB_WENABLER::from(1U << 31 | 1), 1);
    EXPECT_TRUE(iwb.enable(63));
    frame.expect_read(IWB_WENABLER::from(1U << 31 | 1), 1);
    frame.expect_write(IWB_WENABLER::from(1U << 31), 1);
    expect_enable_settles();
    frame.expect_read(IWB_WENABLER::from(1U << 31), 1);
    EXPECT_TRUE(iwb.disable(32));
    frame.expect_read(IWB_WENABLER::from(1U << 31), 1);
    EXPECT_EQ(iwb.enabled(63).value(), true);
}

TEST_F(Gicv5Iwb, WireThatStaysDisabledIsAnError)
{
    frame.always_read(IWB_WENABLER{}, 0);
    frame.always_read(IWB_WENABLE_STATUSR::from(1));
    frame.expect_write(IWB_WENABLER::from(1 << 7), 0);
    const auto enabled = iwb.enable(7);
    ASSERT_FALSE(enabled);
    EXPECT_STREQ(enabled.error().what, "IWB_WENABLER does not keep the bit of the wire");
    EXPECT_EQ(enabled.error().value, 7U);
}

TEST_F(Gicv5Iwb, SetsTheTriggerModeOfOneWire)
{
    frame.expect_read(IWB_WTMR::from(0xff), 0);
    frame.expect_write(IWB_WTMR::from(0x1ff), 0);
    frame.expect_read(IWB_WTMR::from(0x1ff), 0);
    EXPECT_TRUE(iwb.set_trigger_mode(8, HandlingMode::level));
    frame.expect_read(IWB_WTMR::from(0x1ff), 0);
    frame.expect_write(IWB_WTMR::from(0x1fe), 0);
    frame.expect_read(IWB_WTMR::from(0x1fe), 0);
    EXPECT_TRUE(iwb.set_trigger_mode(0, HandlingMode::edge));
    frame.expect_read(IWB_WTMR::from(0x1fe), 0);
    EXPECT_EQ(iwb.trigger_mode(8).value(), HandlingMode::level);
    frame.expect_read(IWB_WTMR::from(0x1fe), 0);
    frame.expect_write(IWB_WTMR::from(0x1ff), 0);
    frame.expect_read(IWB_WTMR::from(0x1fe), 0);
    EXPECT_FALSE(iwb.set_trigger_mode(0, HandlingMode::level));
}

TEST_F(Gicv5Iwb, ReadsTheDomainOfAWire)
{
    frame.expect_read(IWB_WDOMAINR::from(0x4000'0002), 1);
    EXPECT_EQ(iwb.domain(16).value(), 2U);
    frame.expect_read(IWB_WDOMAINR::from(0x4000'0002), 1);
    EXPECT_EQ(iwb.domain(31).value(), 1U);
}

TEST_F(Gicv5Iwb, HasNoWireBeyondTheLast)
{
    EXPECT_STREQ(iwb.enable(64).error().what, "wire beyond those of the IWB");
    EXPECT_EQ(iwb.enable(64).error().value, 64U);
    EXPECT_FALSE(iwb.disable(64));
    EXPECT_FALSE(iwb.enabled(64));
    EXPECT_FALSE(iwb.domain(64));
    EXPECT_FALSE(iwb.trigger_mode(64));
    EXPECT_FALSE(iwb.set_trigger_mode(64, HandlingMode::edge));
}

TEST(Gicv5IwbStuck, HandshakesThatNeverEndAreErrors)
{
    EXPECT_STREQ(Iwb{unit::StuckIo<0>{}}.start().error().what, "IWB_CR0.IDLE stays 0");
    EXPECT_STREQ(Iwb{unit::StuckIo<0>{}}.enable(0).error().what,
                 "IWB_WENABLE_STATUSR.IDLE stays 0");
}

// --- On the model -------------------------------------------------------------------------------

// A machine whose wires all have an event and an LPI (their number), and what a scenario found
// wrong on it.
class Scene {
public:
    static constexpr std::uint32_t device = 64;
    static constexpr unsigned wires = 64;

    explicit Scene(unit::Gicv5Machine::Faults faults = {}) : machine_{configuration(), true, faults}
    {
        done(machine_.start());
        done(machine_.start_lpis());
        done(machine_.its.start(machine_.memory, true));
        done(machine_.its.map_device(device, 6));
        for (unsigned wire = 0; wire < wires; ++wire) {
            done(machine_.prepare_lpi(wire));
            done(machine_.its.map_event(device, wire, wire));
        }
        done(machine_.iwb.start());
    }

    [[nodiscard]] unit::Gicv5Machine& machine() { return machine_; }
    [[nodiscard]] Iwb<unit::ModelFrame>& iwb() { return machine_.iwb; }
    void drive(unsigned wire, bool high) { machine_.gic.set_iwb_wire(wire, high); }

    [[nodiscard]] const std::string& noticed() const { return noticed_; }
    void done(const Result<>& result)
    {
        if (!result) {
            noticed_.append(result.error().what).append("\n");
        }
    }
    void check(bool good, std::string_view what)
    {
        if (!good) {
            noticed_.append(what).append("\n");
        }
    }
    // The CPU gets the LPI of this wire next, or nothing.
    void signals(std::optional<unsigned> wire)
    {
        settle();
        const auto id = machine_.take();
        const auto expected = wire ? std::optional{lpi(*wire)} : std::nullopt;
        if (id != expected) {
            noticed_ += "signalled: " + (id ? std::to_string(number(*id)) : "nothing") +
                        ", instead of " + (wire ? std::to_string(*wire) : "nothing") + "\n";
        }
    }
    [[nodiscard]] bool pending(unsigned wire)
    {
        settle();
        const auto state = machine_.commands().state(lpi(wire));
        check(state.has_value(), "the LPI of a wire is reachable");
        return state && state->pending;
    }

private:
    [[nodiscard]] static model::gicv5::Configuration configuration()
    {
        model::gicv5::Configuration configuration;
        configuration.slowness = 2;
        configuration.its = model::gicv5::Configuration::Its{};
        configuration.iwb = model::gicv5::Configuration::Iwb{.wires = wires, .device = device};
        return configuration;
    }
    void settle()
    {
        done(machine_.its.synchronize(device));
        done(machine_.irs.synchronize());
    }

    unit::Gicv5Machine machine_;
    std::string noticed_;
};

void makes_one_interrupt_of_an_edge(Scene& scene)
{
    for (const unsigned wire : {0U, 31U, 32U, 63U}) {
        scene.done(scene.iwb().set_trigger_mode(wire, HandlingMode::edge));
        scene.done(scene.iwb().enable(wire));
        scene.drive(wire, true);
        scene.signals(wire);
        scene.signals({});
        scene.drive(wire, false);
        scene.signals({});
        scene.drive(wire, true);
        scene.signals(wire);
    }
}

void signals_a_level_while_it_lasts(Scene& scene)
{
    for (const unsigned wire : {0U, 31U, 32U, 63U}) {
        scene.done(scene.iwb().set_trigger_mode(wire, HandlingMode::level));
        scene.done(scene.iwb().enable(wire));
        scene.signals({});
        scene.drive(wire, true);
        scene.signals(wire);
        scene.signals(wire);
        scene.drive(wire, false);
        scene.signals({});
    }
}

void samples_a_level_when_it_is_enabled(Scene& scene)
{
    scene.done(scene.iwb().set_trigger_mode(40, HandlingMode::level));
    scene.drive(40, true);
    scene.signals({});
    scene.done(scene.iwb().enable(40));
    scene.signals(40);
}

void takes_a_level_back_when_it_is_disabled(Scene& scene)
{
    scene.done(scene.iwb().set_trigger_mode(40, HandlingMode::level));
    scene.done(scene.iwb().enable(40));
    scene.drive(40, true);
    scene.check(scene.pending(40), "a high level is pending");
    scene.done(scene.iwb().disable(40));
    scene.check(!scene.pending(40), "disabling takes a level back");
    scene.signals({});
}

void is_silent_while_disabled(Scene& scene)
{
    for (const unsigned wire : {7U, 40U}) {
        const auto mode = wire == 7 ? HandlingMode::edge : HandlingMode::level;
        scene.done(scene.iwb().set_trigger_mode(wire, mode));
        scene.drive(wire, true);
        scene.signals({});
        scene.drive(wire, false);
        scene.signals({});
        scene.done(scene.iwb().enable(wire));
        scene.signals({});
        scene.drive(wire, true);
        scene.signals(wire);
        scene.drive(wire, false);
        scene.done(scene.iwb().disable(wire));
        scene.drive(wire, true);
        scene.signals({});
    }
}

void keeps_what_is_written(Scene& scene)
{
    const auto& iwb = scene.iwb();
    scene.check(iwb.wires() == Scene::wires, "64 wires");
    for (unsigned wire = 0; wire < Scene::wires; ++wire) {
        scene.check(iwb.domain(wire).value() == 1, "wires are Non-secure");
        scene.done(iwb.set_trigger_mode(wire, static_cast<HandlingMode>(wire % 3 == 0)));
        if (wire % 5 == 0) {
            scene.done(iwb.enable(wire));
        }
    }
    for (unsigned wire = 0; wire < Scene::wires; ++wire) {
        scene.check(iwb.enabled(wire).value() == (wire % 5 == 0), "enables are apart");
        scene.check(iwb.trigger_mode(wire).value() == static_cast<HandlingMode>(wire % 3 == 0),
                    "modes are apart");
    }
}

struct Scenario {
    const char* name;
    void (*run)(Scene&);
};
constexpr Scenario scenarios[]{
    {"makes_one_interrupt_of_an_edge", makes_one_interrupt_of_an_edge},
    {"signals_a_level_while_it_lasts", signals_a_level_while_it_lasts},
    {"samples_a_level_when_it_is_enabled", samples_a_level_when_it_is_enabled},
    {"takes_a_level_back_when_it_is_disabled", takes_a_level_back_when_it_is_disabled},
    {"is_silent_while_disabled", is_silent_while_disabled},
    {"keeps_what_is_written", keeps_what_is_written},
};

class Gicv5IwbOnModel : public testing::TestWithParam<Scenario> {};

TEST_P(Gicv5IwbOnModel, IsAsItShouldBe)
{
    Scene scene;
    ASSERT_EQ(scene.noticed(), "");
    GetParam().run(scene);
    EXPECT_EQ(scene.noticed(), "");
    EXPECT_EQ(unit::broken_rules(scene.machine().gic), "");
}

INSTANTIATE_TEST_SUITE_P(All, Gicv5IwbOnModel, testing::ValuesIn(scenarios),
                         [](const auto& info) { return std::string{info.param.name}; });

// Each fault of the model's IWB shows in a scenario that passes without it (above).
class Gicv5IwbFault : public testing::TestWithParam<model::FaultDescription> {};

TEST_P(Gicv5IwbFault, IsNoticed)
{
    unit::Gicv5Machine::Faults faults;
    ASSERT_TRUE(faults.switch_on(GetParam().name));
    for (const Scenario& scenario : scenarios) {
        Scene scene{faults};
        scenario.run(scene);
        if (!scene.noticed().empty()) {
            return;
        }
    }
    ADD_FAILURE() << "no scenario shows that " << GetParam().summary;
}

INSTANTIATE_TEST_SUITE_P(All, Gicv5IwbFault, testing::ValuesIn(unit::faults_named("iwb-")),
                         unit::fault_name);

}  // namespace
