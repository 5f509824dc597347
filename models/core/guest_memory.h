// SPDX-License-Identifier: MIT
//
// The memory a device model reads and writes as the guest's hardware would: by physical address.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

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

// One range of memory of the model's own, zero at first. For one thread at a time.
class Ram final : public GuestMemory {
public:
    Ram(std::uint64_t base, std::size_t bytes) : base_{base}, bytes_(bytes) {}

    [[nodiscard]] std::optional<std::uint64_t> read(std::uint64_t address, unsigned width) override
    {
        if (!contains(address, width)) {
            return {};
        }
        std::uint64_t value = 0;
        std::memcpy(&value, bytes_.data() + (address - base_), width);
        return value;
    }
    [[nodiscard]] bool write(std::uint64_t address, unsigned width, std::uint64_t value) override
    {
        if (!contains(address, width)) {
            return false;
        }
        std::memcpy(bytes_.data() + (address - base_), &value, width);
        return true;
    }

    [[nodiscard]] std::uint64_t base() const { return base_; }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }

private:
    [[nodiscard]] bool contains(std::uint64_t address, unsigned width) const
    {
        return address >= base_ && address - base_ <= bytes_.size() &&
               width <= bytes_.size() - (address - base_);
    }

    std::uint64_t base_;
    std::vector<std::byte> bytes_;
};

}  // namespace model
