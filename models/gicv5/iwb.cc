// SPDX-License-Identifier: MIT
#include "models/gicv5/iwb.h"

#include "arm64/gic/gicv5/iwb_registers.h"

namespace model::gicv5 {

using namespace layout;

namespace {

constexpr std::uint32_t non_secure_domain = 1U << 1;         // of IWB_IDR0.INT_DOMS
constexpr std::uint32_t all_wires_non_secure = 0x5555'5555;  // IWB_WDOMAINRn
constexpr std::uint64_t domains_end = IWB_WDOMAINR::offset + 0x1000;

}  // namespace

Iwb::Iwb(Context& context, Its& its)
    : context_{context},
      its_{its},
      enabled_{context.configuration.iwb->enabled_by_firmware},
      wires_(context.configuration.iwb->wires)
{
}

std::optional<unsigned> Iwb::first_wire(std::uint64_t array, std::uint64_t offset) const
{
    if (offset < array || offset - array >= wires_.size() / 8) {
        return {};
    }
    return static_cast<unsigned>((offset - array) * 8);
}

bool Iwb::is_level(const Wire& wire) const
{
    return wire.level_triggered && !context_.on(Fault::iwb_trigger_mode_ignored);
}

void Iwb::event(unsigned wire, Event what)
{
    if (enabled_) {
        its_.event(context_.configuration.iwb->device,
                   context_.on(Fault::iwb_wires_alias) ? wire % 32 : wire, what);
    }
}

void Iwb::sample(unsigned wire)
{
    if (wires_[wire].high && is_level(wires_[wire]) && !context_.on(Fault::iwb_level_not_sampled)) {
        event(wire, Event::set_level);
    }
}

void Iwb::set_wire(unsigned number, bool high)
{
    if (number >= wires_.size() || wires_[number].high == high) {
        return;
    }
    Wire& wire = wires_[number];
    wire.high = high;
    if (!wire.enabled && !context_.on(Fault::iwb_disabled_wire_works)) {
        return;
    }
    if (is_level(wire)) {
        event(number, high ? Event::set_level : Event::clear);
    } else if (high) {
        event(number, Event::set_edge);
    }
}

void Iwb::enable(unsigned number, bool on)
{
    Wire& wire = wires_[number];
    if (wire.enabled == on) {
        return;
    }
    wire.enabled = on;
    if (on) {
        sample(number);
    } else if (is_level(wire) && !context_.on(Fault::iwb_disable_keeps_pending)) {
        event(number, Event::clear);
    }
}

std::uint64_t Iwb::read(std::uint64_t offset)
{
    const auto collect = [&](unsigned first, bool Wire::* state) {
        std::uint32_t bits = 0;
        for (unsigned i = 0; i < 32; ++i) {
            bits |= std::uint32_t{wires_[first + i].*state} << i;
        }
        return bits;
    };
    switch (offset) {
    case IWB_IDR0::offset:
        return IWB_IDR0{}
            .with(IWB_IDR0::IW_RANGE, wires_.size() / 32 - 1)
            .with(IWB_IDR0::INT_DOMS, non_secure_domain)
            .raw;
    case IWB_CR0::offset: {
        const bool idle = control_.poll();
        return IWB_CR0{}.with(IWB_CR0::IDLE, idle).with(IWB_CR0::IWBEN, enabled_).raw;
    }
    case IWB_WENABLE_STATUSR::offset:
        return IWB_WENABLE_STATUSR{}.with(IWB_WENABLE_STATUSR::IDLE, enables_.poll()).raw;
    case IWB_WDOMAIN_STATUSR::offset:
        return IWB_WDOMAIN_STATUSR{}.with(IWB_WDOMAIN_STATUSR::IDLE, 1).raw;
    default:
        break;
    }
    if (const auto first = first_wire(IWB_WENABLER::offset, offset)) {
        return collect(*first, &Wire::enabled);
    }
    if (const auto first = first_wire(IWB_WTMR::offset, offset)) {
        return collect(*first, &Wire::level_triggered);
    }
    // Two bits a wire: the array is twice as long.
    if (offset >= IWB_WDOMAINR::offset && offset < domains_end &&
        offset - IWB_WDOMAINR::offset < wires_.size() / 4) {
        return all_wires_non_secure;
    }
    return 0;
}

void Iwb::write(std::uint64_t offset, std::uint64_t value)
{
    const unsigned slowness = context_.configuration.slowness;
    if (offset == IWB_CR0::offset) {
        if (!control_.idle()) {
            context_.violations.add("IWB_CR0 is written while IWB_CR0.IDLE is 1");
            return;
        }
        const bool was_enabled = enabled_;
        enabled_ = IWB_CR0::from(static_cast<std::uint32_t>(value))[IWB_CR0::IWBEN] != 0;
        for (unsigned wire = 0; enabled_ && !was_enabled && wire < wires_.size(); ++wire) {
            if (wires_[wire].enabled) {
                sample(wire);
            }
        }
        control_.start(slowness);
    } else if (const auto first = first_wire(IWB_WENABLER::offset, offset)) {
        if (!enables_.idle()) {
            context_.violations.add("IWB_WENABLERn is written while IWB_WENABLE_STATUSR.IDLE is 1",
                                    "wires from " + hex(*first));
            return;
        }
        enables_.start(slowness, [this, first = *first, value] {
            for (unsigned i = 0; i < 32; ++i) {
                enable(first + i, (value >> i & 1) != 0);
            }
        });
        if (context_.on(Fault::iwb_never_idle)) {
            enables_.get_stuck();
        }
    } else if (const auto mode = first_wire(IWB_WTMR::offset, offset)) {
        for (unsigned i = 0; i < 32; ++i) {
            wires_[*mode + i].level_triggered = (value >> i & 1) != 0;
        }
    }
}

}  // namespace model::gicv5
