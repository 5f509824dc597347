// SPDX-License-Identifier: MIT
//
// The memory of this machine as the GICv5's tables need it: addresses are physical ones, which the
// identity map makes pointers as well.
#pragma once

#include "lib/base/result.h"

#include <cstdint>

namespace gicv5 {

class TableMemory {
public:
    // Coherent: the device looks into the caches. Otherwise (dma-noncoherent in the device tree)
    // tables go to the point of coherency and back.
    constexpr explicit TableMemory(bool coherent = true) : coherent_{coherent} {}

    // Zeroed and visible to the device; aligned to its size, a power of two, or to a page where
    // that is more. Error: no free memory.
    [[nodiscard]] Result<std::uint64_t> allocate(std::uint64_t size) const;
    void free(std::uint64_t address, std::uint64_t size) const;

    [[nodiscard]] std::uint32_t read32(std::uint64_t address) const;
    [[nodiscard]] std::uint64_t read64(std::uint64_t address) const;
    void write64(std::uint64_t address, std::uint64_t value) const;  // one store

    // What was written is visible to the device before anything it is told afterwards.
    void publish(std::uint64_t address, std::uint64_t size) const;
    // Reads after this see what the device wrote.
    void refresh(std::uint64_t address, std::uint64_t size) const;

private:
    bool coherent_;
};

}  // namespace gicv5
