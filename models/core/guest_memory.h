// SPDX-License-Identifier: MIT
//
// The memory a device model reads and writes as the guest's hardware would: by physical address.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

namespace model {

static_assert(std::endian::native == std::endian::little);

// Accesses of 1, 2, 4 or 8 bytes, aligned to their width, little-endian, each single-copy atomic.
class GuestMemory {
public:
    virtual ~GuestMemory() = default;

    // Nothing: there is no memory at the address.
    [[nodiscard]] virtual std::optional<std::uint64_t> read(std::uint64_t address,
                                                            unsigned width) = 0;
    // False: there is no memory at the address.
    [[nodiscard]] virtual bool write(std::uint64_t address, unsigned width,
                                     std::uint64_t value) = 0;
};

}  // namespace model
