// SPDX-License-Identifier: MIT
//
// A device for tests, of the model machine only (device tree: "assay,stimulus"): it drives the
// wires of the interrupt controller and sends it message-signalled interrupts. Write-only
// registers, each written by exactly its width.
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace stimulus {

// The wire of an SPI.
struct SPI : Register<SPI, std::uint32_t, 0x00> {
    static constexpr Field LEVEL{31};
    static constexpr Field ID{23, 0};
};
// A wire of the interrupt wire bridge.
struct WIRE : Register<WIRE, std::uint32_t, 0x04> {
    static constexpr Field LEVEL{31};
    static constexpr Field ID{15, 0};
};
// The device DEVICEID writes EVENTID to the translate frame.
struct MESSAGE : Register<MESSAGE, std::uint64_t, 0x08> {
    static constexpr Field EVENTID{63, 32};
    static constexpr Field DEVICEID{31, 0};
};

}  // namespace stimulus
