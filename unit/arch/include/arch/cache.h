// SPDX-License-Identifier: MIT
//
// Architecture seam, host: nothing shares memory with the tests.
#pragma once

#include <cstdint>

namespace arch {

inline void clean_to_coherency(std::uint64_t, std::uint64_t) {}
inline void invalidate_to_coherency(std::uint64_t, std::uint64_t) {}
inline void write_barrier() {}

}  // namespace arch
