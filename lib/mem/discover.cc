// SPDX-License-Identifier: MIT
//
// Devicetree Specification 0.4, 3.4 (memory), 3.5 (/reserved-memory), 5.3 (reservation block).

#include "lib/mem/free_list.h"
#include "lib/mem/memory.h"
#include "lib/mem/region_set.h"

namespace mem {

namespace {

constinit RegionSet<max_ram_regions> ram_regions;

[[nodiscard]] Result<> add(fdt::Region region)
{
    if (region.base + region.size < region.base) {
        return fail("memory reaches the last address", region.base);
    }
    if (!ram_regions.insert(region)) {
        return fail("memory in too many ranges", max_ram_regions);
    }
    return {};
}

[[nodiscard]] Result<> set_aside(std::span<const fdt::Region> regions)
{
    for (const fdt::Region& region : regions) {
        if (const auto done = free_list::set_aside(region); !done) {
            return done;
        }
    }
    return {};
}

[[nodiscard]] Result<> add_memory_node(fdt::Node node)
{
    const std::size_t count = node.reg_count();
    if (count == 0) {
        return fail("memory node without a reg that can be read");
    }
    for (std::size_t i = 0; i < count; ++i) {
        const auto region = node.reg(i);
        if (!region) {
            return std::unexpected{region.error()};
        }
        if (const auto added = add(*region); !added) {
            return added;
        }
    }
    return {};
}

// What is reserved without an address (`size`, `alignment`) has no claim on a particular range.
[[nodiscard]] Result<> set_aside_reserved_memory(const fdt::Tree& tree)
{
    const auto parent = tree.find("/reserved-memory");
    for (auto node = parent ? parent->first_child() : std::nullopt; node;
         node = node->next_sibling()) {
        const std::size_t count = node->enabled() && node->property("reg") ? node->reg_count() : 0;
        for (std::size_t i = 0; i < count; ++i) {
            const auto region = node->reg(i);
            if (!region) {
                return std::unexpected{region.error()};
            }
            if (const auto done = free_list::set_aside(*region); !done) {
                return done;
            }
        }
    }
    return {};
}

[[nodiscard]] Result<> set_aside_reservations(const fdt::Tree& tree)
{
    for (std::size_t i = 0; const auto region = tree.reservation(i); ++i) {
        if (const auto done = free_list::set_aside(*region); !done) {
            return done;
        }
    }
    return {};
}

}  // namespace

std::span<const fdt::Region> ram()
{
    return ram_regions.regions();
}

bool is_ram(std::uint64_t address, std::uint64_t size)
{
    return ram_regions.contains({address, size});
}

Result<> discover(const fdt::Tree& tree, std::span<const fdt::Region> in_use)
{
    ram_regions.clear();
    for (auto node = tree.find_device_type("memory"); node;
         node = tree.find_device_type("memory", node)) {
        if (!node->enabled()) {
            continue;
        }
        if (const auto added = add_memory_node(*node); !added) {
            return added;
        }
    }
    if (ram().empty()) {
        return fail("no memory node");
    }

    if (const auto done = free_list::start(ram()); !done) {
        return done;
    }
    if (const auto done = set_aside_reservations(tree); !done) {
        return done;
    }
    if (const auto done = set_aside_reserved_memory(tree); !done) {
        return done;
    }
    return set_aside(in_use);
}

Result<> use(std::span<const fdt::Region> found, std::span<const fdt::Region> in_use)
{
    ram_regions.clear();
    for (const fdt::Region& region : found) {
        if (const auto added = add(region); !added) {
            return added;
        }
    }
    if (const auto done = free_list::start(ram()); !done) {
        return done;
    }
    return set_aside(in_use);
}

}  // namespace mem
