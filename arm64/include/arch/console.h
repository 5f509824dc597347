// SPDX-License-Identifier: MIT
//
// Architecture seam: finding the console.
#pragma once

#include "lib/base/result.h"
#include "lib/boot/boot.h"
#include "lib/console/discover.h"

namespace arch {

// Attaches the device that is the console. Error: there is none that is known.
[[nodiscard]] inline Result<> discover_console(const boot::Info& info)
{
    return console::discover(*info.tree);
}

}  // namespace arch
