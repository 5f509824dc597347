// SPDX-License-Identifier: MIT
//
// Views of a flattened device tree (Devicetree Specification 0.4, chapters 2 and 5).
//
// Nothing is copied and nothing is allocated: a Node is the tree and an offset. The blob is checked
// when it is opened; after that a view never reads outside it, whatever it contains. What is
// missing or malformed is an Error that says so. Usable before the MMU is on: all accesses are
// naturally aligned.
//
//     const auto tree = fdt::Tree::open(blob, limit);   // outlives the nodes
//     if (const auto uart = tree->find_compatible("arm,pl011")) {
//         const auto registers = uart->reg();           // Result<Region>
//     }
#pragma once

#include "lib/base/function_ref.h"
#include "lib/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fdt {

class Cursor;
class Tree;

// A range of physical addresses, in bytes.
struct Region {
    std::uint64_t base;
    std::uint64_t size;

    friend constexpr bool operator==(const Region&, const Region&) = default;
};

// The value of a property.
class Property {
public:
    constexpr explicit Property(std::span<const std::byte> bytes) : bytes_{bytes} {}

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }

    // The n-th 32-bit cell; the n-th 16-bit element.
    [[nodiscard]] Result<std::uint32_t> cell(std::size_t index = 0) const;
    [[nodiscard]] Result<std::uint16_t> half(std::size_t index = 0) const;
    [[nodiscard]] std::size_t cells() const { return bytes_.size() / sizeof(std::uint32_t); }
    // A number of `count` cells (1 or 2) that begins at cell `index`.
    [[nodiscard]] Result<std::uint64_t> number(std::size_t index, std::size_t count) const;

    // The first string; the n-th of a string list; where a string is in the list.
    [[nodiscard]] Result<std::string_view> string(std::size_t index = 0) const;
    [[nodiscard]] std::optional<std::size_t> index_of(std::string_view text) const;

private:
    std::span<const std::byte> bytes_;
};

// An interrupt as a device node names it: the controller's node and its specifier cells.
struct InterruptSpecifier {
    static constexpr std::size_t max_cells = 4;
    int controller;  // offset of the interrupt controller's node: Tree::at()
    std::size_t count;
    std::uint32_t cells[max_cells];
};

// Costs: a step to a child or sibling passes over what lies between; parent(), reg(),
// unit_address() and interrupt() look for the ancestors from the root (some thousand instructions).
class Node {
public:
    [[nodiscard]] std::string_view name() const;  // with its unit address
    [[nodiscard]] std::optional<Property> property(std::string_view name) const;
    [[nodiscard]] bool compatible(std::string_view name) const;
    [[nodiscard]] bool enabled() const;  // no status, or "okay" / "ok"

    [[nodiscard]] std::optional<Node> parent() const;
    [[nodiscard]] std::optional<Node> first_child() const;
    [[nodiscard]] std::optional<Node> next_sibling() const;
    // A direct child by name, with or without its unit address.
    [[nodiscard]] std::optional<Node> child(std::string_view name) const;

    // The n-th `reg` entry, translated to a CPU address through the parents' `ranges`.
    // Errors: no such entry; #address-cells or #size-cells neither 1 nor 2 (the value tells which
    // number it was); an address that no parent's `ranges` covers.
    [[nodiscard]] Result<Region> reg(std::size_t index = 0) const;
    // The `reg` entry that `reg-names` calls `name`.
    [[nodiscard]] Result<Region> reg(std::string_view name) const;
    // The n-th `reg` entry's address, as it stands (a CPU node's MPIDR). It may have no size.
    [[nodiscard]] Result<std::uint64_t> unit_address(std::size_t index = 0) const;
    // 0 when there is no `reg`, or none that can be read.
    [[nodiscard]] std::size_t reg_count() const;

    // The n-th interrupt of `interrupts-extended` or `interrupts`, whose controller the nearest
    // `interrupt-parent` names. An `interrupt-map` on the way is an Error: it is not followed.
    [[nodiscard]] Result<InterruptSpecifier> interrupt(std::size_t index = 0) const;
    // The interrupt that `interrupt-names` calls `name`.
    [[nodiscard]] Result<InterruptSpecifier> interrupt(std::string_view name) const;
    // Of a nexus, a node with an `interrupt-map`: where the interrupt of a device below it goes.
    // `source` is the device's unit address, then its specifier, each in as many cells as the nexus
    // says: for PCI <bus:device.function 0 0 pin>. One map is followed.
    [[nodiscard]] Result<InterruptSpecifier>
    map_interrupt(std::span<const std::uint32_t> source) const;

    [[nodiscard]] const Tree& tree() const { return *tree_; }
    [[nodiscard]] int offset() const { return offset_; }
    friend bool operator==(const Node& a, const Node& b)
    {
        return a.tree_ == b.tree_ && a.offset_ == b.offset_;
    }

private:
    friend class Tree;
    Node(const Tree& tree, int offset) : tree_{&tree}, offset_{offset} {}

    const Tree* tree_;
    int offset_;
};

class Tree {
public:
    // Opens a blob of at most `limit` bytes, 8-byte aligned. Reads its header and structure block,
    // whatever the total size. Errors: no magic, a version before 17, a total size beyond the
    // limit, blocks outside the blob, a truncated or wrongly nested structure, nodes nested deeper
    // than 32.
    [[nodiscard]] static Result<Tree> open(const void* blob, std::size_t limit);

    [[nodiscard]] const void* blob() const { return blob_; }
    [[nodiscard]] std::size_t size() const;  // totalsize, in bytes

    [[nodiscard]] Node root() const { return {*this, 0}; }
    // The node at an offset that Node::offset() or InterruptSpecifier gave.
    [[nodiscard]] Node at(int offset) const { return {*this, offset}; }
    // By full path ("/chosen") or alias ("serial0"); options behind a ':' are cut off.
    [[nodiscard]] std::optional<Node> find(std::string_view path) const;
    [[nodiscard]] std::optional<Node> find_phandle(std::uint32_t phandle) const;
    // The first enabled node of that `compatible` (after `after`, in tree order).
    [[nodiscard]] std::optional<Node> find_compatible(std::string_view name,
                                                      std::optional<Node> after = {}) const;
    // The first node, enabled or not, whose `device_type` is `type` (after `after`).
    [[nodiscard]] std::optional<Node> find_device_type(std::string_view type,
                                                       std::optional<Node> after = {}) const;

    // The n-th entry of the memory reservation block.
    [[nodiscard]] std::optional<Region> reservation(std::size_t index) const;
    // What the loader says; looked up once, since all of the boot asks it.
    [[nodiscard]] std::optional<Node> chosen() const;
    // Of /chosen: "" when there is no such property.
    [[nodiscard]] std::string_view boot_arguments() const;
    [[nodiscard]] std::optional<Region> initrd() const;

private:
    friend class Cursor;
    Tree(const void* blob, const std::byte* structure, const char* strings)
        : blob_{blob}, structure_{structure}, strings_{strings}
    {
    }
    // The first node (after `after`) whose property `matches`.
    template <typename Predicate>
    [[nodiscard]] std::optional<Node> find_with(std::string_view property,
                                                std::optional<Node> after, Predicate matches) const;

    const void* blob_;
    const std::byte* structure_;
    const char* strings_;
    int chosen_ = -1;  // offset of /chosen; below 0: there is none
};

// Calls `visit` with the `reg` of every enabled CPU node, in the tree's order. Errors: there are
// none; a `reg` that cannot be read.
[[nodiscard]] Result<> for_each_cpu(const Tree& tree, FunctionRef<void(std::uint64_t reg)> visit);

}  // namespace fdt
