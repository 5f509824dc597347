// SPDX-License-Identifier: MIT
#pragma once

#include "lib/time/time.h"

// Long enough for an interrupt that must not come to come.
inline void stay_quiet()
{
    timer::delay(timer::milliseconds(3));
}
