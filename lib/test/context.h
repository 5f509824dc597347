// SPDX-License-Identifier: MIT
//
// Of the framework's own: where and when something was said.
#pragma once

#include "lib/base/format.h"

namespace test {

// Writes "[cpu0 EL1 +12.345 ms]": the calling CPU, its privilege level, the time since start.
void write_context(Sink& sink);

}  // namespace test
