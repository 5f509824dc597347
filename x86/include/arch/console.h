// SPDX-License-Identifier: MIT
//
// Architecture seam: finding the console.
#pragma once

#include "lib/base/result.h"

namespace boot {
struct Info;
}

namespace arch {

// Attaches the device that is the console: the first serial port of a PC. Error: there is none.
[[nodiscard]] Result<> discover_console(const boot::Info& info);

}  // namespace arch
