// SPDX-License-Identifier: MIT
//
// Architecture seam, model machine: a device's registers are behind functions; other addresses are
// memory.
#pragma once

#include <atomic>
#include <cstdint>

namespace arch {

namespace detail {

[[nodiscard]] std::uint64_t io_read(std::uintptr_t address, unsigned width);
void io_write(std::uintptr_t address, unsigned width, std::uint64_t value);

}  // namespace detail

inline std::uint8_t io_read8(std::uintptr_t address)
{
    return static_cast<std::uint8_t>(detail::io_read(address, 1));
}
inline std::uint16_t io_read16(std::uintptr_t address)
{
    return static_cast<std::uint16_t>(detail::io_read(address, 2));
}
inline std::uint32_t io_read32(std::uintptr_t address)
{
    return static_cast<std::uint32_t>(detail::io_read(address, 4));
}
inline std::uint64_t io_read64(std::uintptr_t address)
{
    return detail::io_read(address, 8);
}

inline void io_write8(std::uintptr_t address, std::uint8_t value)
{
    detail::io_write(address, 1, value);
}
inline void io_write16(std::uintptr_t address, std::uint16_t value)
{
    detail::io_write(address, 2, value);
}
inline void io_write32(std::uintptr_t address, std::uint32_t value)
{
    detail::io_write(address, 4, value);
}
inline void io_write64(std::uintptr_t address, std::uint64_t value)
{
    detail::io_write(address, 8, value);
}

inline void io_barrier()
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace arch
