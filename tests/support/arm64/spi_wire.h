// SPDX-License-Identifier: MIT
//
// An SPI whose wire the test holds: the INTx of QEMU's edu device, or a wire of the model machine.
#pragma once

#include "arm64/gic/gicv5.h"
#include "arm64/gic/gicv5/description.h"
#include "lib/base/function_ref.h"
#include "lib/boot/boot.h"
#include "lib/irq/irq.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "tests/support/arm64/stimulus.h"
#include "tests/support/edu.h"
#include "tests/support/quiet.h"

#include <arch/irq.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

namespace gicv5 {

// The wire and its SPI.
class Wire {
public:
    // Nothing: this machine has none.
    [[nodiscard]] static std::optional<Wire> open()
    {
        if (const auto device = edu::open()) {
            const auto specifier = device->intx();
            const auto id =
                specifier ? arch::interrupt_id(*specifier) : std::unexpected{specifier.error()};
            if (id) {
                return Wire{*id, *device, {}};
            }
        }
        // One that no device has, and behind those that other cases use.
        const std::uint32_t number = first_unnamed_spi(*boot::info().tree) + 16;
        const auto stimulus = Stimulus::find();
        if (stimulus && routing_service_of(number) != nullptr) {
            return Wire{spi(number), {}, stimulus};
        }
        return {};
    }

    [[nodiscard]] irq::Id id() const { return id_; }
    void high() const { drive(true); }
    // The line is low on return.
    void low() const { drive(false); }

    [[nodiscard]] const Irs<Mmio>& irs() const { return *routing_service_of(number(id_)); }
    [[nodiscard]] bool set_mode(HandlingMode mode) const
    {
        return irs().set_trigger_mode(number(id_), mode).has_value();
    }
    // Not pending, whatever was before: of a level-sensitive SPI the wire alone decides.
    [[nodiscard]] bool start_over(HandlingMode mode) const
    {
        low();
        return set_mode(HandlingMode::level) && becomes_pending(false) && set_mode(mode);
    }

    [[nodiscard]] InterruptState state() const
    {
        return commands().state(id_).value_or(InterruptState{});
    }
    [[nodiscard]] bool becomes_pending(bool expected) const
    {
        return timer::wait_until([&] { return state().pending == expected; }, timer::seconds(1));
    }
    // For what must not change: gives it the time to.
    [[nodiscard]] bool stays_pending(bool expected) const
    {
        stay_quiet();
        return state().pending == expected;
    }

private:
    Wire(irq::Id id, std::optional<edu::Device> device, std::optional<Stimulus> stimulus)
        : id_{id}, device_{device}, stimulus_{stimulus}
    {
    }
    void drive(bool high) const
    {
        if (stimulus_) {
            stimulus_->drive_spi(number(id_), high);
        } else if (high) {
            device_->raise();
        } else {
            device_->function().disable_msi();
            device_->function().enable_intx(true);
            device_->silence();
        }
    }

    irq::Id id_;
    std::optional<edu::Device> device_;
    std::optional<Stimulus> stimulus_;
};

// Calls `check` with the wire, low, and its SPI, level-sensitive and not pending; and leaves them
// so.
inline void with_wire(FunctionRef<void(const Wire&)> check)
{
    const auto wire = Wire::open();
    if (!wire) {
        return test::skip("no device whose interrupt wire a test can hold: no edu, no stimulus");
    }
    // To this CPU, whose mask holds for it: QEMU 11.1 does not disable SPIs.
    commands().target(wire->id(), cpu_interface().iaffid());
    ASSERT_TRUE(wire->start_over(HandlingMode::level));
    check(*wire);
    EXPECT_TRUE(wire->start_over(HandlingMode::level));
}

// Takes the interrupt of the wire on this CPU while it exists; the line goes low at the last of
// `count` interrupts, and at each one after that.
class WireIrq {
public:
    explicit WireIrq(const Wire& wire, unsigned count = 1)
        : handler_{*this, wire, count}, guard_{wire.id(), handler_}
    {
    }
    [[nodiscard]] unsigned taken() const { return taken_.load(); }
    [[nodiscard]] bool becomes(unsigned count) const
    {
        return timer::wait_until([&] { return taken() >= count; });
    }
    [[nodiscard]] irq::Id id() const { return id_; }

private:
    struct Handler {
        WireIrq& self;
        const Wire& wire;
        unsigned count;
        void operator()(irq::Id id) const
        {
            self.id_ = id;
            if (self.taken() + 1 >= count) {
                wire.low();
            }
            self.taken_.fetch_add(1);
        }
    };

    std::atomic<unsigned> taken_{0};
    irq::Id id_{};
    Handler handler_;
    irq::Guard guard_;
};

}  // namespace gicv5
