// SPDX-License-Identifier: MIT
//
// Architecture seam: accesses to device memory. Each is exactly one load or store of its width with
// a base register and no write-back, the only form a hypervisor can decode from the syndrome.
#pragma once

#include <cstdint>

namespace arch {

inline std::uint8_t io_read8(std::uintptr_t address)
{
    std::uint32_t value;
    asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return static_cast<std::uint8_t>(value);
}

inline std::uint16_t io_read16(std::uintptr_t address)
{
    std::uint32_t value;
    asm volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return static_cast<std::uint16_t>(value);
}

inline std::uint32_t io_read32(std::uintptr_t address)
{
    std::uint32_t value;
    asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

inline std::uint64_t io_read64(std::uintptr_t address)
{
    std::uint64_t value;
    asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

inline void io_write8(std::uintptr_t address, std::uint8_t value)
{
    asm volatile("strb %w0, [%1]" ::"rZ"(std::uint32_t{value}), "r"(address) : "memory");
}

inline void io_write16(std::uintptr_t address, std::uint16_t value)
{
    asm volatile("strh %w0, [%1]" ::"rZ"(std::uint32_t{value}), "r"(address) : "memory");
}

inline void io_write32(std::uintptr_t address, std::uint32_t value)
{
    asm volatile("str %w0, [%1]" ::"rZ"(value), "r"(address) : "memory");
}

inline void io_write64(std::uintptr_t address, std::uint64_t value)
{
    asm volatile("str %x0, [%1]" ::"rZ"(value), "r"(address) : "memory");
}

// Orders all accesses before against all after: normal memory against device memory, too.
inline void io_barrier()
{
    asm volatile("dsb sy" ::: "memory");
}

}  // namespace arch
