// SPDX-License-Identifier: MIT
//
// GICv5 Interrupt Wire Bridge: makes events of wires. All its wires are one device of an ITS; the
// EventID is the wire's number. Arm GIC Architecture Specification, GICv5 (AES 0070).
//
// start(); then a wire is given its trigger mode, and enabled once its event is mapped at the ITS.
// A level-sensitive wire sends its level when it is enabled and takes it back when it is disabled,
// and the bridge tells the handling mode of the LPI with each event. Registers hold 32 wires: one
// caller at a time. Every wait is bounded; an Error names the register that does not do its part.
#pragma once

#include "arm64/gic/gicv5/intid.h"
#include "arm64/gic/gicv5/iwb_registers.h"
#include "arm64/gic/wait.h"

#include <cstdint>

namespace gicv5 {

template <typename Io>
class Iwb {
public:
    constexpr Iwb() = default;
    constexpr explicit Iwb(Io io) : io_{io} {}

    // On, with every wire disabled. Errors: what does not stick or end. A bridge may be left to
    // firmware, which then has to have switched it on.
    [[nodiscard]] Result<> start() const
    {
        if (io_.template read<IWB_CR0>()[IWB_CR0::IWBEN] == 0) {
            io_.write(IWB_CR0{}.with(IWB_CR0::IWBEN, 1));
            const auto idle =
                gic::settle([this] { return io_.template read<IWB_CR0>()[IWB_CR0::IDLE] != 0; },
                            "IWB_CR0.IDLE stays 0");
            if (!idle) {
                return idle;
            }
            if (io_.template read<IWB_CR0>()[IWB_CR0::IWBEN] == 0) {
                return fail("IWB_CR0.IWBEN does not stick: firmware has to set it");
            }
        }
        for (unsigned word = 0; word < wires() / wires_per_word; ++word) {
            io_.write(IWB_WENABLER{}, word);
            if (const auto idle = wait_for_enable(); !idle) {
                return idle;
            }
        }
        return {};
    }

    [[nodiscard]] unsigned wires() const
    {
        return wires_per_word * (io_.template read<IWB_IDR0>()[IWB_IDR0::IW_RANGE] + 1);
    }

    // Below, the error without a wait is: no such wire.

    // Its interrupt domain, as IRS_IDR0.INT_DOM has them. Wires of another one are not to be used.
    [[nodiscard]] Result<unsigned> domain(unsigned wire) const
    {
        if (wire >= wires()) {
            return no_such(wire);
        }
        const unsigned low = wire % wires_per_domain_word * 2;
        const auto domains = io_.template read<IWB_WDOMAINR>(wire / wires_per_domain_word);
        return static_cast<unsigned>(domains[Field{low + 1, low}]);
    }

    // What of the wire makes an event. Changed while the wire is disabled.
    [[nodiscard]] Result<HandlingMode> trigger_mode(unsigned wire) const
    {
        if (wire >= wires()) {
            return no_such(wire);
        }
        return static_cast<HandlingMode>(bit_of<IWB_WTMR>(wire));
    }
    [[nodiscard]] Result<> set_trigger_mode(unsigned wire, HandlingMode mode) const
    {
        if (wire >= wires()) {
            return no_such(wire);
        }
        const bool level = mode == HandlingMode::level;
        set_bit_of<IWB_WTMR>(wire, level);
        if (bit_of<IWB_WTMR>(wire) != level) {
            return fail("IWB_WTMR does not keep the mode of the wire", wire);
        }
        return {};
    }

    [[nodiscard]] Result<bool> enabled(unsigned wire) const
    {
        if (wire >= wires()) {
            return no_such(wire);
        }
        return bit_of<IWB_WENABLER>(wire);
    }
    [[nodiscard]] Result<> enable(unsigned wire) const { return switch_to(wire, true); }
    [[nodiscard]] Result<> disable(unsigned wire) const { return switch_to(wire, false); }

    [[nodiscard]] const Io& io() const { return io_; }

private:
    static constexpr unsigned wires_per_word = 32;
    static constexpr unsigned wires_per_domain_word = 16;

    [[nodiscard]] static constexpr std::unexpected<Error> no_such(unsigned wire)
    {
        return fail("wire beyond those of the IWB", wire);
    }
    [[nodiscard]] Result<> switch_to(unsigned wire, bool on) const
    {
        if (wire >= wires()) {
            return no_such(wire);
        }
        set_bit_of<IWB_WENABLER>(wire, on);
        if (const auto idle = wait_for_enable(); !idle) {
            return idle;
        }
        if (bit_of<IWB_WENABLER>(wire) != on) {
            return fail("IWB_WENABLER does not keep the bit of the wire", wire);
        }
        return {};
    }
    [[nodiscard]] Result<> wait_for_enable() const
    {
        return gic::settle(
            [this] {
                return io_.template read<IWB_WENABLE_STATUSR>()[IWB_WENABLE_STATUSR::IDLE] != 0;
            },
            "IWB_WENABLE_STATUSR.IDLE stays 0");
    }

    template <typename R>
    [[nodiscard]] bool bit_of(unsigned wire) const
    {
        const Field bit{wire % wires_per_word};
        return io_.template read<R>(wire / wires_per_word)[bit] != 0;
    }
    template <typename R>
    void set_bit_of(unsigned wire, bool value) const
    {
        const unsigned word = wire / wires_per_word;
        const Field bit{wire % wires_per_word};
        io_.write(io_.template read<R>(word).with(bit, value), word);
    }

    Io io_{};
};

}  // namespace gicv5
