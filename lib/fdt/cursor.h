// SPDX-License-Identifier: MIT
//
// A position in the structure block of an opened tree, and the steps from it.
//
// libfdt answers every question by walking the block from its start with every check repeated at
// each byte: 180,000 instructions for one path on QEMU's tree. Here Tree::open() checks the block
// once, so that a step afterwards is a few loads.
#pragma once

#include "lib/fdt/fdt.h"

#include <bit>

namespace fdt {

// Devicetree Specification 0.4, 5.4.1.
enum class Token : std::uint32_t {
    begin_node = 1,  // name with its NUL, padded to 4 bytes
    end_node = 2,
    property = 3,  // length of the value, offset of the name in the strings block, value, padding
    nop = 4,
    end = 9,
};

inline constexpr std::size_t token_size = 4;
inline constexpr std::size_t property_header_size = 12;  // with its token

// No node of an opened tree has more ancestors than this.
inline constexpr std::size_t max_depth = 32;

// A big-endian cell at a 4-byte aligned address.
[[nodiscard]] inline std::uint32_t load_cell(const std::byte* address)
{
    return std::byteswap(*reinterpret_cast<const std::uint32_t*>(address));
}

// A node's name ends in the cell that holds its NUL.
[[nodiscard]] constexpr bool has_zero_byte(std::uint32_t cell)
{
    return ((cell - 0x01010101U) & ~cell & 0x80808080U) != 0;
}

[[nodiscard]] constexpr std::size_t align_to_token(std::size_t size)
{
    return (size + token_size - 1) & ~(token_size - 1);
}

// What follows `prefix` in a C string; null when it does not begin so.
[[nodiscard]] constexpr const char* skip_prefix(const char* text, std::string_view prefix)
{
    for (const char c : prefix) {
        if (c == '\0' || *text != c) {
            return nullptr;
        }
        ++text;
    }
    return text;
}

class Cursor {
public:
    Cursor(const Tree& tree, int offset)
        : tree_{&tree}, position_{tree.structure_ + offset}, token_{load_token()}
    {
    }

    [[nodiscard]] int offset() const { return static_cast<int>(position_ - tree_->structure_); }
    [[nodiscard]] Token token() const { return token_; }

    // Of a node.
    [[nodiscard]] const char* node_name() const
    {
        return reinterpret_cast<const char*>(position_ + token_size);
    }

    // With or without its unit address.
    [[nodiscard]] bool is_node(std::string_view name) const
    {
        const char* rest = skip_prefix(node_name(), name);
        return rest != nullptr && (*rest == '\0' || (*rest == '@' && !name.contains('@')));
    }

    // Of a property.
    [[nodiscard]] bool is_property(std::string_view name) const
    {
        const char* rest = skip_prefix(tree_->strings_ + load_cell(position_ + 8), name);
        return rest != nullptr && *rest == '\0';
    }
    [[nodiscard]] Property property() const
    {
        return Property{{position_ + property_header_size, load_cell(position_ + 4)}};
    }

    // Past this token and what belongs to it, to the next one that is not a NOP.
    void advance()
    {
        if (token_ == Token::property) {
            position_ += property_header_size + align_to_token(load_cell(position_ + 4));
        } else {
            position_ += token_size;
            if (token_ == Token::begin_node) {
                while (!has_zero_byte(load_cell(position_))) {
                    position_ += token_size;
                }
                position_ += token_size;
            }
        }
        while ((token_ = load_token()) == Token::nop) {
            position_ += token_size;
        }
    }

    // From a node, past its properties: at its first child, or at its end.
    void skip_properties()
    {
        do {
            advance();
        } while (token_ == Token::property);
    }

    // From a node, past its end.
    void skip_node()
    {
        unsigned depth = 0;
        do {
            if (token_ == Token::begin_node) {
                ++depth;
            } else if (token_ == Token::end_node) {
                --depth;
            }
            advance();
        } while (depth != 0);
    }

private:
    [[nodiscard]] Token load_token() const { return static_cast<Token>(load_cell(position_)); }

    const Tree* tree_;
    const std::byte* position_;
    Token token_;
};

}  // namespace fdt
