// SPDX-License-Identifier: MIT
//
// The machine's RAM: host memory at the addresses the guest uses, which is what the models see of
// it, too.
#pragma once

#include "models/core/guest_memory.h"

#include <arch/mmu.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace machine {

class Ram final : public model::GuestMemory {
public:
    // Throws std::system_error: something else is at the addresses.
    Ram();

    [[nodiscard]] std::optional<std::uint64_t> read(std::uint64_t address, unsigned width) override;
    [[nodiscard]] bool write(std::uint64_t address, unsigned width, std::uint64_t value) override;

    // What the guest's own accesses may do. Nothing: there is no RAM.
    [[nodiscard]] std::optional<arch::Access> access(std::uint64_t address) const;
    // False: not all of it is RAM.
    [[nodiscard]] bool protect(std::uint64_t address, std::uint64_t size, arch::Access access);

private:
    mutable std::mutex lock_;
    std::vector<arch::Access> pages_;
};

}  // namespace machine
