// SPDX-License-Identifier: MIT

#include "lib/fdt/check.h"
#include "lib/fdt/cursor.h"
#include "lib/fdt/fdt.h"

#include <libfdt.h>

namespace fdt {

namespace {

// Structure blocks before version 17 do not tell their size.
constexpr unsigned version = 17;

}  // namespace

Result<Tree> Tree::open(const void* blob, std::size_t limit)
{
    if (blob == nullptr || limit < sizeof(fdt_header)) {
        return fail("device tree: none", limit);
    }
    if (reinterpret_cast<std::uintptr_t>(blob) % 8 != 0) {
        return fail("device tree: not 8-byte aligned", reinterpret_cast<std::uintptr_t>(blob));
    }
    if (fdt_magic(blob) != FDT_MAGIC) {
        return fail("device tree: no magic number", fdt_magic(blob));
    }
    if (fdt_version(blob) < version || fdt_last_comp_version(blob) > version) {
        return fail("device tree: not readable as version 17", fdt_version(blob));
    }
    if (fdt_totalsize(blob) > limit) {
        return fail("device tree: larger than there is room for it", fdt_totalsize(blob));
    }
    if (fdt_check_header(blob) != 0) {
        return fail("device tree: blocks outside the blob");
    }
    if (fdt_off_dt_struct(blob) % 4 != 0 || fdt_off_mem_rsvmap(blob) % 8 != 0) {
        return fail("device tree: misaligned blocks");
    }

    const auto* bytes = static_cast<const std::byte*>(blob);
    const std::span structure{bytes + fdt_off_dt_struct(blob), fdt_size_dt_struct(blob)};
    const std::span strings{reinterpret_cast<const char*>(bytes) + fdt_off_dt_strings(blob),
                            fdt_size_dt_strings(blob)};
    if (const auto checked = check_structure(structure, strings); !checked) {
        return std::unexpected{checked.error()};
    }
    Tree tree{blob, structure.data(), strings.data()};
    if (const auto chosen = tree.root().child("chosen")) {
        tree.chosen_ = chosen->offset();
    }
    return tree;
}

std::size_t Tree::size() const
{
    return fdt_totalsize(blob_);
}

std::optional<Node> Tree::find(std::string_view path) const
{
    path = path.substr(0, path.find(':'));
    std::optional<Node> node = root();
    if (!path.starts_with('/')) {
        const std::string_view alias = path.substr(0, path.find('/'));
        const auto aliases = root().child("aliases");
        const auto target = aliases ? aliases->property(alias) : std::nullopt;
        const auto target_path = target ? target->string() : fail("no such alias");
        if (!target_path || !target_path->starts_with('/')) {
            return {};
        }
        node = find(*target_path);
        path.remove_prefix(alias.size());
    }
    while (node && !path.empty()) {
        path.remove_prefix(1);  // the slash
        const std::string_view name = path.substr(0, path.find('/'));
        if (!name.empty()) {
            node = node->child(name);
        }
        path.remove_prefix(name.size());
    }
    return node;
}

template <typename Predicate>
std::optional<Node> Tree::find_with(std::string_view property, std::optional<Node> after,
                                    Predicate matches) const
{
    Cursor cursor{*this, after ? after->offset() : 0};
    if (after) {
        cursor.skip_properties();
    }
    // One pass over the tokens. Properties come before children: none follows the end of a node.
    std::optional<Node> node;
    for (; cursor.token() != Token::end; cursor.advance()) {
        if (cursor.token() == Token::begin_node) {
            node = at(cursor.offset());
        } else if (cursor.token() == Token::end_node) {
            node.reset();
        } else if (node && cursor.is_property(property) && matches(*node, cursor.property())) {
            return node;
        }
    }
    return {};
}

std::optional<Node> Tree::find_phandle(std::uint32_t phandle) const
{
    return find_with("phandle", {},
                     [&](Node, const Property& property) { return property.cell() == phandle; });
}

std::optional<Node> Tree::find_compatible(std::string_view name, std::optional<Node> after) const
{
    return find_with("compatible", after, [&](Node node, const Property& property) {
        return property.index_of(name) && node.enabled();
    });
}

std::optional<Node> Tree::find_device_type(std::string_view type, std::optional<Node> after) const
{
    return find_with("device_type", after,
                     [&](Node, const Property& property) { return property.string() == type; });
}

std::optional<Region> Tree::reservation(std::size_t index) const
{
    std::uint64_t base = 0;
    std::uint64_t bytes = 0;
    if (index >= size() / sizeof(fdt_reserve_entry) ||
        fdt_get_mem_rsv(blob_, static_cast<int>(index), &base, &bytes) != 0 ||
        (base == 0 && bytes == 0)) {
        return {};
    }
    return Region{base, bytes};
}

std::optional<Node> Tree::chosen() const
{
    return chosen_ < 0 ? std::nullopt : std::optional{at(chosen_)};
}

std::string_view Tree::boot_arguments() const
{
    const auto node = chosen();
    const auto property = node ? node->property("bootargs") : std::nullopt;
    return property ? property->string().value_or("") : "";
}

std::optional<Region> Tree::initrd() const
{
    const auto node = chosen();
    if (!node) {
        return {};
    }
    const auto address = [&](std::string_view name) -> Result<std::uint64_t> {
        const auto property = node->property(name);
        return property ? property->number(0, property->cells()) : fail("no initrd");
    };
    const auto start = address("linux,initrd-start");
    const auto end = address("linux,initrd-end");
    if (!start || !end || *end <= *start) {
        return {};
    }
    return Region{*start, *end - *start};
}

}  // namespace fdt
