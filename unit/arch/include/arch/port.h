// SPDX-License-Identifier: MIT
//
// Architecture seam, host: there are no I/O ports. Drivers get a provider of the test's.
#pragma once

#include <cstdint>

namespace arch {

[[nodiscard]] std::uint8_t port_read8(std::uint16_t port);
[[nodiscard]] std::uint16_t port_read16(std::uint16_t port);
[[nodiscard]] std::uint32_t port_read32(std::uint16_t port);
void port_write8(std::uint16_t port, std::uint8_t value);
void port_write16(std::uint16_t port, std::uint16_t value);
void port_write32(std::uint16_t port, std::uint32_t value);

}  // namespace arch
