// SPDX-License-Identifier: MIT

#include "lib/base/spinlock.h"
#include "lib/mem/free_list.h"
#include "lib/mem/memory.h"
#include "lib/mem/region_set.h"

#include <arch/mmu.h>

#include <bit>
#include <cstring>
#include <limits>
#include <utility>

namespace mem {

namespace {

// Never on the list: no range reaches beyond the last address.
constexpr std::uint64_t last_page = std::numeric_limits<std::uint64_t>::max() & -page_size;

constinit Spinlock lock;
constinit RegionSet<max_free_regions> free_regions;
// Allocations that will be given back. Each may then need an entry of its own in the free list: the
// list has room for all of them, so giving back cannot fail.
constinit std::size_t live = 0;

[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment)
{
    return (value + (alignment - 1)) & -alignment;
}

[[nodiscard]] Result<fdt::Region> take(std::size_t size, std::size_t alignment)
{
    if (size == 0 || size > last_page || !std::has_single_bit(alignment) || alignment < page_size) {
        return fail("allocation of no size or with a wrong alignment", size);
    }
    // One entry for this allocation when it comes back, one for the range that it splits.
    if (free_regions.regions().size() + live + 2 > max_free_regions) {
        return fail("too many allocations", live);
    }
    size = align_up(size, page_size);
    for (const fdt::Region& region : free_regions.regions()) {
        const std::uint64_t skipped = align_up(region.base, alignment) - region.base;
        if (skipped <= region.size && size <= region.size - skipped) {
            const fdt::Region taken{region.base + skipped, size};
            static_cast<void>(free_regions.erase(taken));
            return taken;
        }
    }
    return fail("no free memory of that size", size);
}

void give_back(fdt::Region region)
{
    const SpinlockGuard guard{lock};
    --live;
    static_cast<void>(free_regions.insert(region));
}

}  // namespace

Result<> free_list::start(std::span<const fdt::Region> ram)
{
    free_regions.clear();
    live = 0;
    for (const fdt::Region& region : ram) {
        const std::uint64_t skipped = -region.base % page_size;
        if (region.size < skipped) {
            continue;
        }
        const fdt::Region pages{region.base + skipped, (region.size - skipped) & -page_size};
        if (!free_regions.insert(pages)) {
            return fail("too many ranges of memory", max_free_regions);
        }
    }
    return set_aside({0, page_size});
}

Result<> free_list::set_aside(fdt::Region region)
{
    if (region.size == 0 || region.base >= last_page) {
        return {};
    }
    const std::uint64_t base = region.base & -page_size;
    const std::uint64_t end = region.size > last_page - region.base
                                  ? last_page
                                  : align_up(region.base + region.size, page_size);
    if (!free_regions.erase({base, end - base})) {
        return fail("too many ranges of reserved memory", max_free_regions);
    }
    return {};
}

Result<Pages> allocate(std::size_t size, std::size_t alignment)
{
    const SpinlockGuard guard{lock};
    const auto region = take(size, alignment);
    if (!region) {
        return std::unexpected{region.error()};
    }
    if (const auto prepared = arch::prepare_pages(region->base, region->size); !prepared) {
        static_cast<void>(free_regions.insert(*region));
        return std::unexpected{prepared.error()};
    }
    ++live;
    return Pages{reinterpret_cast<std::byte*>(region->base), region->size};
}

Result<std::byte*> claim(std::size_t size, std::size_t alignment)
{
    const auto region = take(size, alignment);
    if (!region) {
        return std::unexpected{region.error()};
    }
    return reinterpret_cast<std::byte*>(region->base);
}

Pages::Pages(Pages&& other) noexcept
    : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)}
{
}

Pages& Pages::operator=(Pages&& other) noexcept
{
    Pages moved{std::move(other)};
    std::swap(data_, moved.data_);
    std::swap(size_, moved.size_);
    return *this;
}

Pages::~Pages()
{
    if (data_ != nullptr) {
        give_back({address(), size_});
    }
}

void Pages::zero() const
{
    std::memset(data_, 0, size_);
}

std::byte* Pages::release()
{
    if (data_ != nullptr) {
        const SpinlockGuard guard{lock};
        --live;
    }
    size_ = 0;
    return std::exchange(data_, nullptr);
}

Pages Pages::adopt(std::byte* data, std::size_t size)
{
    const SpinlockGuard guard{lock};
    ++live;
    return {data, align_up(size, page_size)};
}

}  // namespace mem
