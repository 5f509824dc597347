// SPDX-License-Identifier: MIT
//
// Architecture seam, model machine: its devices look into the caches.
#pragma once

#include <atomic>
#include <cstdint>

namespace arch {

inline void clean_to_coherency(std::uint64_t, std::uint64_t)
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

inline void invalidate_to_coherency(std::uint64_t, std::uint64_t)
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

inline void write_barrier()
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace arch
