// SPDX-License-Identifier: MIT
//
// Bounded waits for a controller's handshake bits.
#pragma once

#include "lib/base/result.h"
#include "lib/time/time.h"

namespace gic {

// Waits until `condition()` holds, for at most a second: hardware takes microseconds, a VM that
// loses its CPU hundreds of milliseconds. Error: `what`, which names the bit that does not move.
template <typename Condition>
[[nodiscard]] Result<> settle(Condition condition, const char* what)
{
    if (!timer::wait_until(condition, timer::seconds(1))) {
        return fail(what);
    }
    return {};
}

}  // namespace gic
