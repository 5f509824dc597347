// SPDX-License-Identifier: MIT
//
// Architecture seam, of x86 only: the I/O address space. Each access is one instruction.
#pragma once

#include <cstdint>

namespace arch {

[[nodiscard]] inline std::uint8_t port_read8(std::uint16_t port)
{
    std::uint8_t value;
    asm volatile("inb %w1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

[[nodiscard]] inline std::uint16_t port_read16(std::uint16_t port)
{
    std::uint16_t value;
    asm volatile("inw %w1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

[[nodiscard]] inline std::uint32_t port_read32(std::uint16_t port)
{
    std::uint32_t value;
    asm volatile("inl %w1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

inline void port_write8(std::uint16_t port, std::uint8_t value)
{
    asm volatile("outb %0, %w1" ::"a"(value), "Nd"(port) : "memory");
}

inline void port_write16(std::uint16_t port, std::uint16_t value)
{
    asm volatile("outw %0, %w1" ::"a"(value), "Nd"(port) : "memory");
}

inline void port_write32(std::uint16_t port, std::uint32_t value)
{
    asm volatile("outl %0, %w1" ::"a"(value), "Nd"(port) : "memory");
}

}  // namespace arch
