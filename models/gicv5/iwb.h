// SPDX-License-Identifier: MIT
//
// The interrupt wire bridge: wires become events of one device of the ITS.
#pragma once

#include "models/gicv5/context.h"
#include "models/gicv5/its.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace model::gicv5 {

class Iwb {
public:
    Iwb(Context& context, Its& its);

    [[nodiscard]] static bool wide(std::uint64_t) { return false; }
    [[nodiscard]] std::uint64_t read(std::uint64_t offset);
    void write(std::uint64_t offset, std::uint64_t value);

    void set_wire(unsigned wire, bool high);

private:
    struct Wire {
        bool enabled = false;
        bool level_triggered = false;
        bool high = false;
    };

    // The register of 32 wires at an offset of an array. Nothing: not in it.
    [[nodiscard]] std::optional<unsigned> first_wire(std::uint64_t array,
                                                     std::uint64_t offset) const;
    [[nodiscard]] bool is_level(const Wire& wire) const;
    void enable(unsigned wire, bool on);
    // A level wire tells its state; nothing of an edge-triggered one can be seen.
    void sample(unsigned wire);
    void event(unsigned wire, Event what);

    Context& context_;
    Its& its_;
    bool enabled_;
    Handshake control_;
    Handshake enables_;
    std::vector<Wire> wires_;
};

}  // namespace model::gicv5
