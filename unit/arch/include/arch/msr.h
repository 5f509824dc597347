// SPDX-License-Identifier: MIT
//
// Architecture seam, host: there are no model-specific registers. Drivers get a provider of the
// test's.
#pragma once

#include "lib/base/function_ref.h"

#include <cstdint>
#include <optional>

namespace arch {

[[nodiscard]] std::uint64_t read_msr(std::uint32_t index);
void write_msr(std::uint32_t index, std::uint64_t value);

// Nothing raises one.
struct Exception {};
[[nodiscard]] std::optional<Exception> raised(FunctionRef<void()> callable);

}  // namespace arch
