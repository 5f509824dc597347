// SPDX-License-Identifier: MIT
//
// Interrupt specifiers: Devicetree Specification 0.4, 2.4.

#include "lib/fdt/ancestors.h"
#include "lib/fdt/fdt.h"

namespace fdt {

namespace {

// How many cells a specifier for this controller has.
[[nodiscard]] Result<std::size_t> specifier_cells(Node controller)
{
    if (controller.property("interrupt-map")) {
        return fail("interrupt goes through an interrupt-map, which is not followed");
    }
    const auto property = controller.property("#interrupt-cells");
    const auto count = property ? property->cell() : fail("no #interrupt-cells");
    if (!count) {
        return fail("interrupt controller without #interrupt-cells");
    }
    if (*count == 0 || *count > InterruptSpecifier::max_cells) {
        return fail("#interrupt-cells is not 1 to 4", *count);
    }
    return *count;
}

[[nodiscard]] Result<Node> controller_of(const Tree& tree, Result<std::uint32_t> phandle)
{
    const auto controller = phandle ? tree.find_phandle(*phandle) : std::nullopt;
    if (!controller) {
        return fail("interrupt controller not found", phandle.value_or(0));
    }
    return *controller;
}

// What the node's `interrupt-parent` names, or that of the nearest node above that has one, unless
// a node on the way is a controller itself.
[[nodiscard]] Result<Node> interrupt_parent(Node node)
{
    const Ancestors ancestors{node};
    for (std::size_t i = 0;; ++i) {
        if (const auto property = node.property("interrupt-parent")) {
            return controller_of(node.tree(), property->cell());
        }
        if (i == ancestors.count()) {
            return fail("no interrupt-parent");
        }
        node = ancestors[i];
        if (node.property("#interrupt-cells")) {
            return node;
        }
    }
}

[[nodiscard]] Result<InterruptSpecifier> read_specifier(Node controller, const Property& list,
                                                        std::size_t at, std::size_t count)
{
    InterruptSpecifier specifier{controller.offset(), count, {}};
    for (std::size_t i = 0; i < count; ++i) {
        const auto cell = list.cell(at + i);
        if (!cell) {
            return fail("interrupt specifier is cut short", at);
        }
        specifier.cells[i] = *cell;
    }
    return specifier;
}

// `interrupts-extended`: controllers and specifiers, whose lengths the controllers tell.
[[nodiscard]] Result<InterruptSpecifier> extended(const Tree& tree, const Property& list,
                                                  std::size_t index)
{
    for (std::size_t at = 0; at < list.cells(); --index) {
        const auto controller = controller_of(tree, list.cell(at));
        if (!controller) {
            return std::unexpected{controller.error()};
        }
        const auto count = specifier_cells(*controller);
        if (!count) {
            return std::unexpected{count.error()};
        }
        if (index == 0) {
            return read_specifier(*controller, list, at + 1, *count);
        }
        at += 1 + *count;
    }
    return fail("no such interrupt");
}

// How many cells the unit addresses of a node's children have. A node that does not say has two
// (2.3.5); an interrupt controller that does not say has no children, so its addresses have none.
[[nodiscard]] std::size_t address_cells(Node node, std::uint32_t otherwise)
{
    const auto property = node.property("#address-cells");
    return property ? property->cell().value_or(otherwise) : otherwise;
}

// Whether the entry of an interrupt-map that begins at cell `at` is for `source`. A mask that is
// missing, or too short, covers all.
[[nodiscard]] bool is_entry_for(std::span<const std::uint32_t> source, const Property& map,
                                std::size_t at, std::optional<Property> mask)
{
    for (std::size_t i = 0; i < source.size(); ++i) {
        const std::uint32_t bits = mask ? mask->cell(i).value_or(~0U) : ~0U;
        if (map.cell(at + i) != (source[i] & bits)) {
            return false;
        }
    }
    return true;
}

}  // namespace

Result<InterruptSpecifier> Node::interrupt(std::size_t index) const
{
    if (const auto list = property("interrupts-extended")) {
        return extended(*tree_, *list, index);
    }
    const auto list = property("interrupts");
    if (!list) {
        return fail("no interrupts");
    }
    const auto controller = interrupt_parent(*this);
    if (!controller) {
        return std::unexpected{controller.error()};
    }
    const auto count = specifier_cells(*controller);
    if (!count) {
        return std::unexpected{count.error()};
    }
    if (index >= list->cells() / *count) {
        return fail("no such interrupt", index);
    }
    return read_specifier(*controller, *list, index * *count, *count);
}

Result<InterruptSpecifier> Node::interrupt(std::string_view name) const
{
    const auto names = property("interrupt-names");
    const auto index = names ? names->index_of(name) : std::nullopt;
    if (!index) {
        return fail("no interrupt of that name");
    }
    return interrupt(*index);
}

// 2.4.3. An entry: unit address and specifier of the child, controller, and the same two numbers as
// the controller counts them.
Result<InterruptSpecifier> Node::map_interrupt(std::span<const std::uint32_t> source) const
{
    const auto map = property("interrupt-map");
    const auto own_cells = property("#interrupt-cells");
    if (!map || !own_cells) {
        return fail("no interrupt-map");
    }
    if (source.size() != address_cells(*this, 2) + own_cells->cell().value_or(0)) {
        return fail("interrupt-map counts other cells", source.size());
    }
    const auto mask = property("interrupt-map-mask");
    for (std::size_t at = 0; at + source.size() < map->cells();) {
        const auto controller = controller_of(*tree_, map->cell(at + source.size()));
        if (!controller) {
            return std::unexpected{controller.error()};
        }
        const auto count = specifier_cells(*controller);
        if (!count) {
            return std::unexpected{count.error()};
        }
        const std::size_t target = at + source.size() + 1 + address_cells(*controller, 0);
        if (is_entry_for(source, *map, at, mask)) {
            return read_specifier(*controller, *map, target, *count);
        }
        at = target + *count;
    }
    return fail("interrupt-map has no such interrupt");
}

}  // namespace fdt
