// SPDX-License-Identifier: MIT
//
// Which device the console is.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"

namespace console {

// Attaches the device that /chosen/stdout-path names (a path or an alias, options behind a ':'),
// else the first enabled one that there is a driver for: arm,pl011, arm,sbsa-uart, and the
// ns16550a family. Errors: there is none; its registers cannot be told or mapped.
[[nodiscard]] Result<> discover(const fdt::Tree& tree);

}  // namespace console
