// SPDX-License-Identifier: MIT
//
// Architecture seam, host: device memory is memory the test owns.
#pragma once

#include <atomic>
#include <cstdint>

namespace arch {

inline std::uint8_t io_read8(std::uintptr_t address)
{
    return *reinterpret_cast<const volatile std::uint8_t*>(address);
}
inline std::uint16_t io_read16(std::uintptr_t address)
{
    return *reinterpret_cast<const volatile std::uint16_t*>(address);
}
inline std::uint32_t io_read32(std::uintptr_t address)
{
    return *reinterpret_cast<const volatile std::uint32_t*>(address);
}
inline std::uint64_t io_read64(std::uintptr_t address)
{
    return *reinterpret_cast<const volatile std::uint64_t*>(address);
}

inline void io_write8(std::uintptr_t address, std::uint8_t value)
{
    *reinterpret_cast<volatile std::uint8_t*>(address) = value;
}
inline void io_write16(std::uintptr_t address, std::uint16_t value)
{
    *reinterpret_cast<volatile std::uint16_t*>(address) = value;
}
inline void io_write32(std::uintptr_t address, std::uint32_t value)
{
    *reinterpret_cast<volatile std::uint32_t*>(address) = value;
}
inline void io_write64(std::uintptr_t address, std::uint64_t value)
{
    *reinterpret_cast<volatile std::uint64_t*>(address) = value;
}

inline void io_barrier()
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace arch
