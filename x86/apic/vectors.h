// SPDX-License-Identifier: MIT
//
// Which interrupt has which vector. Its upper four bits are its priority: what ends a hang must
// come through whatever a test does, so the watchdog's timer and the IPIs of the harness are on
// top.
#pragma once

#include "x86/apic/local_apic_registers.h"

#include <cstdint>
#include <optional>

namespace apic::vector {

inline constexpr std::uint8_t pic = 0x20;  // 16 of the two 8259, which are off

// The wires of I/O APICs, by their global system interrupt.
inline constexpr std::uint8_t first_wire = 0x30;
inline constexpr unsigned wire_count = 0x70;

// Nothing of the framework's: for tests, which send them as fixed interrupts.
inline constexpr std::uint8_t first_free = 0xa0;
inline constexpr unsigned free_count = 0x30;

// The local vector table, in the order of apic::Lvt.
inline constexpr std::uint8_t first_local = 0xd0;

inline constexpr std::uint8_t first_ipi = 0xe0;
inline constexpr unsigned ipi_count = 8;

inline constexpr std::uint8_t spurious = 0xff;

static_assert(first_wire + wire_count == first_free && first_free + free_count == first_local);

[[nodiscard]] constexpr std::uint8_t of(Lvt entry)
{
    return static_cast<std::uint8_t>(first_local + static_cast<unsigned>(entry));
}
[[nodiscard]] constexpr std::optional<Lvt> local_entry(std::uint32_t vector)
{
    if (vector < first_local || vector >= first_local + lvt_count) {
        return {};
    }
    return static_cast<Lvt>(vector - first_local);
}

// The global system interrupt of a wire's vector; the vector of a wire, if it has one.
[[nodiscard]] constexpr std::optional<unsigned> gsi(std::uint32_t vector)
{
    if (vector < first_wire || vector >= first_wire + wire_count) {
        return {};
    }
    return vector - first_wire;
}
[[nodiscard]] constexpr std::optional<std::uint8_t> of_gsi(unsigned gsi)
{
    if (gsi >= wire_count) {
        return {};
    }
    return static_cast<std::uint8_t>(first_wire + gsi);
}

[[nodiscard]] constexpr std::optional<unsigned> ipi_number(std::uint32_t vector)
{
    if (vector < first_ipi || vector >= first_ipi + ipi_count) {
        return {};
    }
    return vector - first_ipi;
}

}  // namespace apic::vector
