// SPDX-License-Identifier: MIT
//
// The signals that start a CPU: Intel SDM volume 3, "MP Initialization Protocol Algorithm for MP
// Systems". Needs the local APIC of the calling CPU: after arch::discover_interrupts().
#pragma once

#include "lib/base/result.h"

#include <cstdint>

namespace apic {

// Resets the CPU, which then waits for the start signal. Give it 10 ms.
[[nodiscard]] Result<> send_init(std::uint32_t apic_id);

// Starts it in real mode at `page` * 4096. To be repeated after 200 us when it does not answer; a
// CPU that already runs ignores it.
[[nodiscard]] Result<> send_startup(std::uint32_t apic_id, std::uint8_t page);

}  // namespace apic
