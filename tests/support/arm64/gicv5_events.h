// SPDX-License-Identifier: MIT
//
// Events of devices under test: what the cases of the ITS and of the IWB share. They keep
// interrupts masked and look at what is signalled, so that they see each one, and which.
#pragma once

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"

#include <cstdint>

namespace gicv5 {

// The ITS that the cases are about: the machine's first.
[[nodiscard]] inline const Its<Mmio, TableMemory>& its()
{
    return translation_services().front().its;
}

// For a check: false, and why, when something could not be done.
[[nodiscard]] inline bool done(const Result<>& result)
{
    if (!result) {
        test::note("{}: {:#x}", result.error().what, result.error().value);
    }
    return result.has_value();
}

// Stands for an interrupt where an event could not be made.
inline constexpr irq::Id not_done{~0U};

// Every event before is an interrupt that is pending, or was dropped.
[[nodiscard]] inline bool events_have_arrived()
{
    return done(its().synchronize_all()) && done(routing_services().front().synchronize());
}

// Waits for an interrupt of this CPU, and ends it. `nothing`: none came.
[[nodiscard]] inline irq::Id take()
{
    static_cast<void>(timer::wait_until([] { return candidate() != nothing; }));
    const irq::Id id = acknowledged();
    if (id != nothing) {
        finish(id);
    }
    return id;
}
// The same where none is to come.
[[nodiscard]] inline irq::Id stray()
{
    stay_quiet();
    return candidate() == nothing ? nothing : take();
}

// A device that the ITS knows for a scope. Made after the LPIs of its events.
class EventDevice {
public:
    EventDevice(std::uint32_t id, unsigned event_bits)
        : id_{id}, mapped_{done(its().map_device(id, event_bits))}
    {
    }
    ~EventDevice()
    {
        if (mapped_) {
            static_cast<void>(its().unmap_device(id_));
            static_cast<void>(routing_services().front().synchronize());
        }
    }
    EventDevice(const EventDevice&) = delete;
    EventDevice& operator=(const EventDevice&) = delete;

    explicit operator bool() const { return mapped_; }
    [[nodiscard]] std::uint32_t id() const { return id_; }

    [[nodiscard]] bool map(std::uint32_t event, irq::Id to) const
    {
        return done(its().map_event(id_, event, number(to)));
    }
    [[nodiscard]] bool unmap(std::uint32_t event) const
    {
        return done(its().unmap_event(id_, event));
    }
    [[nodiscard]] bool generate(std::uint32_t event) const
    {
        return done(its().generate_event(id_, event));
    }
    // The interrupt that an event becomes: `nothing` when none comes in seconds.
    [[nodiscard]] irq::Id becomes(std::uint32_t event) const
    {
        return generate(event) ? take() : not_done;
    }
    // The same for an event that is to be dropped.
    [[nodiscard]] irq::Id stray_of(std::uint32_t event) const
    {
        return generate(event) && events_have_arrived() ? stray() : not_done;
    }

private:
    std::uint32_t id_;
    bool mapped_;
};

}  // namespace gicv5
