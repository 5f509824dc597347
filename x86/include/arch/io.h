// SPDX-License-Identifier: MIT
//
// Architecture seam: accesses to device memory. Each is exactly one MOV of its width, the form that
// every hypervisor's emulator knows.
#pragma once

#include <cstdint>

namespace arch {

inline std::uint8_t io_read8(std::uintptr_t address)
{
    std::uint8_t value;
    asm volatile("movb (%1), %0" : "=q"(value) : "r"(address) : "memory");
    return value;
}

inline std::uint16_t io_read16(std::uintptr_t address)
{
    std::uint16_t value;
    asm volatile("movw (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

inline std::uint32_t io_read32(std::uintptr_t address)
{
    std::uint32_t value;
    asm volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

inline std::uint64_t io_read64(std::uintptr_t address)
{
    std::uint64_t value;
    asm volatile("movq (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

inline void io_write8(std::uintptr_t address, std::uint8_t value)
{
    asm volatile("movb %0, (%1)" ::"q"(value), "r"(address) : "memory");
}

inline void io_write16(std::uintptr_t address, std::uint16_t value)
{
    asm volatile("movw %0, (%1)" ::"r"(value), "r"(address) : "memory");
}

inline void io_write32(std::uintptr_t address, std::uint32_t value)
{
    asm volatile("movl %0, (%1)" ::"r"(value), "r"(address) : "memory");
}

inline void io_write64(std::uintptr_t address, std::uint64_t value)
{
    asm volatile("movq %0, (%1)" ::"r"(value), "r"(address) : "memory");
}

// Orders all accesses before against all after: normal memory against device memory, too.
inline void io_barrier()
{
    asm volatile("mfence" ::: "memory");
}

}  // namespace arch
