// SPDX-License-Identifier: MIT
//
// Physical memory: what the machine says it has, and pages to use.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace mem {

inline constexpr std::size_t page_size = 4096;

// How many separate ranges of RAM, and of free memory, there can be.
inline constexpr std::size_t max_ram_regions = 64;
inline constexpr std::size_t max_free_regions = 128;

// RAM as the device tree (or the boot protocol's memory map) lists it, sorted by address, adjacent
// ranges joined; reserved ranges are still inside.
[[nodiscard]] std::span<const fdt::Region> ram();
[[nodiscard]] bool is_ram(std::uint64_t address, std::uint64_t size);

// Reads the memory nodes, memory reservations and /reserved-memory of the tree, and sets aside what
// is in use: the image, the tree itself, the initrd (`in_use`). Before the first allocate(), on the
// boot CPU; the MMU may be off. Errors: no memory node; a node that cannot be read; more ranges
// than there can be.
[[nodiscard]] Result<> discover(const fdt::Tree& tree, std::span<const fdt::Region> in_use);
// The same with ranges of RAM from a boot protocol's memory map.
[[nodiscard]] Result<> use(std::span<const fdt::Region> ram, std::span<const fdt::Region> in_use);

// A run of pages, given back at the end of its scope. Contents are not defined: only what is
// needed is touched.
class Pages {
public:
    Pages() = default;
    Pages(Pages&& other) noexcept;
    Pages& operator=(Pages&& other) noexcept;
    ~Pages();

    [[nodiscard]] std::byte* data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uintptr_t>(data_); }
    void zero() const;
    // Keeps the pages for good, or until somebody adopts what release() returned.
    std::byte* release();
    [[nodiscard]] static Pages adopt(std::byte* data, std::size_t size);

private:
    friend Result<Pages> allocate(std::size_t, std::size_t);
    Pages(std::byte* data, std::size_t size) : data_{data}, size_{size} {}
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

// `size` bytes rounded up to whole pages, aligned to `alignment` (a power of two >= page_size):
// the lowest ones that are free. On any CPU with its MMU on. Errors:
// nothing asked for; no free range is large enough; too many allocations at once.
[[nodiscard]] Result<Pages> allocate(std::size_t size, std::size_t alignment = page_size);

// The same, kept for good, on the boot CPU while no other one runs: takes no lock, so the MMU may
// be off (exclusive accesses need normal memory).
[[nodiscard]] Result<std::byte*> claim(std::size_t size, std::size_t alignment = page_size);

}  // namespace mem
