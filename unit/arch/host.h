// SPDX-License-Identifier: MIT
//
// What only the unit tests know of the host architecture.
#pragma once

#include <cstdint>
#include <optional>

namespace host {

// The counter stands still but for one tick (1 us) a reading, so that bounded waits end; and moves
// when a test says so.
void advance_counter(std::uint64_t ticks);

// What arch::set_deadline() was last told; nothing after arch::cancel_deadline().
[[nodiscard]] std::optional<std::uint64_t> deadline();

}  // namespace host
