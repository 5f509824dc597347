// SPDX-License-Identifier: MIT
//
// Architecture seam, host: there are no system registers. Drivers get a provider of the test's.
#pragma once

#include <cstdint>

namespace arch {

template <unsigned Op0, unsigned Op1, unsigned CRn, unsigned CRm, unsigned Op2>
[[nodiscard]] std::uint64_t read_system_register();

template <unsigned Op0, unsigned Op1, unsigned CRn, unsigned CRm, unsigned Op2>
void write_system_register(std::uint64_t value);

void synchronize_context();

}  // namespace arch
