// SPDX-License-Identifier: MIT
//
// The state of an SPI or LPI.
#pragma once

#include <cstdint>
#include <optional>

namespace model::gicv5 {

struct Interrupt {
    bool enabled = false;
    bool pending = false;
    bool active = false;
    bool level = false;     // HM
    bool one_of_n = false;  // IRM
    std::uint8_t priority = 0;
    std::uint16_t iaffid = 0;

    // Where the IRS has it among the candidates.
    struct Route {
        unsigned cpu;
        std::uint8_t priority;
        std::uint32_t intid;
    };
    std::optional<Route> route;
};

}  // namespace model::gicv5
