// SPDX-License-Identifier: MIT
//
// Which build this image is: the linker's build ID, by which the host finds the debug information.
#pragma once

#include "lib/base/format.h"

// Writes the first 16 hexadecimal digits of the GNU build ID.
void write_build_id(Sink& sink);
