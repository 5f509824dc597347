// SPDX-License-Identifier: MIT
//
// Memory for a device model: one range, zero at first. For one thread at a time.
#pragma once

#include "models/core/guest_memory.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace unit {

class Ram final : public model::GuestMemory {
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

}  // namespace unit
