// SPDX-License-Identifier: MIT
//
// The device that drives the wires of the interrupt controller and sends it messages when a test
// says so. A machine has it that was made for tests; no other does.
#pragma once

#include "lib/base/mmio.h"
#include "lib/boot/boot.h"
#include "models/machine/stimulus.h"

#include <arch/mmu.h>

#include <cstdint>
#include <optional>

class Stimulus {
public:
    static constexpr const char* absent = "nothing drives wires or sends messages when told";

    [[nodiscard]] static std::optional<Stimulus> find()
    {
        const auto node = boot::info().tree->find_compatible("assay,stimulus");
        const auto frame = node ? node->reg(0) : fail("no such node");
        if (!frame || !arch::map_device(*frame)) {
            return {};
        }
        return Stimulus{Mmio{frame->base}};
    }

    void drive_spi(std::uint32_t number, bool high) const
    {
        io_.write(stimulus::SPI{}.with(stimulus::SPI::ID, number).with(stimulus::SPI::LEVEL, high));
    }
    // A wire of the GICv5's IWB.
    void drive_wire(unsigned wire, bool high) const
    {
        io_.write(
            stimulus::WIRE{}.with(stimulus::WIRE::ID, wire).with(stimulus::WIRE::LEVEL, high));
    }
    // A device writes an EventID to the ITS.
    void send(std::uint32_t device, std::uint32_t event) const
    {
        io_.write(stimulus::MESSAGE{}
                      .with(stimulus::MESSAGE::DEVICEID, device)
                      .with(stimulus::MESSAGE::EVENTID, event));
    }

private:
    explicit Stimulus(Mmio io) : io_{io} {}

    Mmio io_;
};
