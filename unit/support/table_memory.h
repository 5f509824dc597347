// SPDX-License-Identifier: MIT
//
// Memory for the tables of a device model, as a driver allocates and writes it and as the device
// sees it: two views, between which only publish() and refresh() carry. A driver that forgets one
// of them finds, as on a machine, that the device works with what was there before.
#pragma once

#include "lib/base/result.h"
#include "models/core/guest_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace unit {

// The memory, and the device's view of it. Addresses that are not allocated are not memory.
class TableArena final : public model::GuestMemory {
public:
    // Coherent: the CPU sees what the device writes at once. What the CPU writes needs a barrier
    // also then.
    explicit TableArena(bool coherent = true) : coherent_{coherent} {}

    [[nodiscard]] bool coherent() const { return coherent_; }
    [[nodiscard]] std::size_t tables() const { return blocks_.size(); }
    // Allocations fail from now on.
    void exhaust() { exhausted_ = true; }

    [[nodiscard]] std::optional<std::uint64_t> read(std::uint64_t address, unsigned width) override
    {
        const auto place = find(address, width);
        if (!place) {
            return {};
        }
        return load(place->block.device, place->offset, width);
    }
    [[nodiscard]] bool write(std::uint64_t address, unsigned width, std::uint64_t value) override
    {
        const auto place = find(address, width);
        if (!place) {
            return false;
        }
        std::memcpy(&place->block.device[place->offset], &value, width);
        if (coherent_) {
            std::memcpy(&place->block.cpu[place->offset], &value, width);
        }
        return true;
    }

private:
    friend class TableMemory;

    struct Block {
        std::vector<std::byte> cpu;
        std::vector<std::byte> device;
    };
    struct Place {
        Block& block;
        std::size_t offset;
    };

    static constexpr std::uint64_t page = 4096;

    [[nodiscard]] std::optional<Place> find(std::uint64_t address, std::uint64_t bytes)
    {
        const auto above = blocks_.upper_bound(address);
        if (above == blocks_.begin()) {
            return {};
        }
        auto& [base, block] = *std::prev(above);
        const std::uint64_t offset = address - base;
        if (offset >= block.cpu.size() || bytes > block.cpu.size() - offset) {
            return {};
        }
        return Place{.block = block, .offset = offset};
    }
    [[nodiscard]] static std::uint64_t load(std::span<const std::byte> from, std::size_t offset,
                                            std::size_t width)
    {
        std::uint64_t value = 0;
        std::memcpy(&value, &from[offset], width);
        return value;
    }

    bool coherent_;
    bool exhausted_ = false;
    std::uint64_t next_ = 0x8'8000'0000;  // above 4 GiB: addresses are not 32 bits
    std::map<std::uint64_t, Block> blocks_;
};

// The driver's side: the Memory of arm64/gic/gicv5/ist.h. Copies are the same memory.
class TableMemory {
public:
    TableMemory() = default;
    explicit TableMemory(TableArena& arena) : arena_{&arena} {}

    [[nodiscard]] Result<std::uint64_t> allocate(std::uint64_t bytes) const
    {
        EXPECT_TRUE(std::has_single_bit(bytes)) << bytes;
        if (arena_->exhausted_) {
            return fail("no free memory", bytes);
        }
        const std::uint64_t size = std::max(bytes, TableArena::page);
        // A page of nothing between two tables.
        const std::uint64_t address = (arena_->next_ + size - 1) / size * size;
        arena_->next_ = address + size + TableArena::page;
        arena_->blocks_[address] = {.cpu = std::vector<std::byte>(bytes),
                                    .device = std::vector<std::byte>(bytes)};
        return address;
    }
    void free(std::uint64_t address, std::uint64_t bytes) const
    {
        const auto block = arena_->blocks_.find(address);
        if (block == arena_->blocks_.end()) {
            ADD_FAILURE() << "freed, and not allocated: 0x" << std::hex << address;
            return;
        }
        EXPECT_EQ(block->second.cpu.size(), bytes);
        arena_->blocks_.erase(block);
    }

    [[nodiscard]] std::uint32_t read32(std::uint64_t address) const
    {
        return static_cast<std::uint32_t>(read(address, 4));
    }
    [[nodiscard]] std::uint64_t read64(std::uint64_t address) const { return read(address, 8); }
    void write64(std::uint64_t address, std::uint64_t value) const
    {
        EXPECT_EQ(address % 8, 0U);
        if (const auto place = require(address, 8)) {
            std::memcpy(&place->block.cpu[place->offset], &value, sizeof(value));
        }
    }

    void publish(std::uint64_t address, std::uint64_t bytes) const
    {
        if (const auto place = require(address, bytes)) {
            std::memcpy(&place->block.device[place->offset], &place->block.cpu[place->offset],
                        bytes);
        }
    }
    void refresh(std::uint64_t address, std::uint64_t bytes) const
    {
        if (const auto place = require(address, bytes)) {
            std::memcpy(&place->block.cpu[place->offset], &place->block.device[place->offset],
                        bytes);
        }
    }

private:
    [[nodiscard]] std::optional<TableArena::Place> require(std::uint64_t address,
                                                           std::uint64_t bytes) const
    {
        const auto place = arena_->find(address, bytes);
        if (!place) {
            ADD_FAILURE() << "the driver uses what is not its memory: 0x" << std::hex << address;
        }
        return place;
    }
    [[nodiscard]] std::uint64_t read(std::uint64_t address, unsigned width) const
    {
        const auto place = require(address, width);
        return place ? TableArena::load(place->block.cpu, place->offset, width) : 0;
    }

    TableArena* arena_ = nullptr;
};

}  // namespace unit
