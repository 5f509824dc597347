// SPDX-License-Identifier: MIT
//
// `reg` and `ranges`: Devicetree Specification 0.4, 2.3.5, 2.3.6 and 2.3.8.

#include "lib/fdt/ancestors.h"
#include "lib/fdt/fdt.h"

#include <limits>

namespace fdt {

namespace {

// How the children of a bus spell addresses and sizes, in cells. A count that cannot be read is
// as unusable as one that is too large.
struct Cells {
    std::size_t address;
    std::size_t size;

    explicit Cells(Node bus)
        : address{count(bus, "#address-cells", 2)}, size{count(bus, "#size-cells", 1)}
    {
    }
    [[nodiscard]] std::size_t entry() const { return address + size; }

private:
    static std::size_t count(Node bus, std::string_view name, std::size_t otherwise)
    {
        const auto property = bus.property(name);
        return property ? property->cell().value_or(std::numeric_limits<std::uint32_t>::max())
                        : otherwise;
    }
};

[[nodiscard]] Result<> check_address(Cells cells)
{
    if (cells.address != 1 && cells.address != 2) {
        return fail("#address-cells of a parent is neither 1 nor 2", cells.address);
    }
    return {};
}

[[nodiscard]] Result<> check_size(Cells cells)
{
    if (cells.size != 1 && cells.size != 2) {
        return fail("#size-cells of a parent is neither 1 nor 2", cells.size);
    }
    return {};
}

// Where a region of `bus` is on the bus above it.
[[nodiscard]] Result<Region> translate(Region region, Node bus, Node above)
{
    const auto ranges = bus.property("ranges");
    if (!ranges) {
        return fail("reg is on a bus without ranges", region.base);
    }
    if (ranges->size() == 0) {
        return region;
    }
    const Cells child{bus};
    const Cells parent{above};
    const std::size_t entry = child.entry() + parent.address;
    for (std::size_t at = 0; at + entry <= ranges->cells(); at += entry) {
        const auto from = ranges->number(at, child.address);
        const auto to = ranges->number(at + child.address, parent.address);
        const auto size = ranges->number(at + child.address + parent.address, child.size);
        if (!from || !to || !size) {
            return fail("ranges has cells of neither 1 nor 2", entry);
        }
        if (region.base >= *from && region.size <= *size &&
            region.base - *from <= *size - region.size) {
            return Region{*to + (region.base - *from), region.size};
        }
    }
    return fail("reg is outside the ranges of its bus", region.base);
}

}  // namespace

Result<Region> Node::reg(std::size_t index) const
{
    const auto property = this->property("reg");
    const Ancestors ancestors{*this};
    if (!property || ancestors.count() == 0) {
        return fail("no reg");
    }
    const Cells cells{ancestors[0]};
    if (const auto usable = check_address(cells); !usable) {
        return std::unexpected{usable.error()};
    }
    if (const auto usable = check_size(cells); !usable) {
        return std::unexpected{usable.error()};
    }
    if (index >= property->cells() / cells.entry()) {
        return fail("no such entry in reg", index);
    }
    const std::size_t at = index * cells.entry();
    Result<Region> region = Region{*property->number(at, cells.address),
                                   *property->number(at + cells.address, cells.size)};
    for (std::size_t i = 0; region && i + 1 < ancestors.count(); ++i) {
        region = translate(*region, ancestors[i], ancestors[i + 1]);
    }
    if (region && region->size != 0 && region->base + (region->size - 1) < region->base) {
        return fail("reg goes beyond the last address", region->base);
    }
    return region;
}

Result<Region> Node::reg(std::string_view name) const
{
    const auto names = property("reg-names");
    const auto index = names ? names->index_of(name) : std::nullopt;
    if (!index) {
        return fail("no reg of that name");
    }
    return reg(*index);
}

Result<std::uint64_t> Node::unit_address(std::size_t index) const
{
    const auto property = this->property("reg");
    const auto bus = parent();
    if (!property || !bus) {
        return fail("no reg");
    }
    const Cells cells{*bus};
    if (const auto usable = check_address(cells); !usable) {
        return std::unexpected{usable.error()};
    }
    if (index >= property->cells() / cells.entry()) {
        return fail("no such entry in reg", index);
    }
    return property->number(index * cells.entry(), cells.address);
}

std::size_t Node::reg_count() const
{
    const auto property = this->property("reg");
    const auto bus = parent();
    if (!property || !bus) {
        return 0;
    }
    const Cells cells{*bus};
    return check_address(cells) ? property->cells() / cells.entry() : 0;
}

}  // namespace fdt
