// SPDX-License-Identifier: MIT

#include "lib/fdt/check.h"

#include "lib/fdt/cursor.h"

namespace fdt {

Result<> check_structure(std::span<const std::byte> block, std::span<const char> strings)
{
    // A name that begins inside the strings block then ends there, too.
    if (!strings.empty() && strings.back() != '\0') {
        return fail("device tree: the strings block does not end with a NUL");
    }

    const std::size_t size = block.size() & ~(token_size - 1);
    const auto cell = [&](std::size_t offset) { return load_cell(block.data() + offset); };
    std::size_t offset = 0;
    std::size_t depth = 0;

    while (offset < size) {
        const std::size_t start = offset;
        const auto token = static_cast<Token>(cell(start));
        offset += token_size;
        if (depth == 0) {
            const bool fits = start == 0 ? token == Token::begin_node
                                         : token == Token::end || token == Token::nop;
            if (!fits) {
                return fail("device tree: not exactly one root node", start);
            }
        }
        switch (token) {
        case Token::begin_node:
            if (++depth > max_depth) {
                return fail("device tree: nodes are nested too deeply", start);
            }
            while (offset < size && !has_zero_byte(cell(offset))) {
                offset += token_size;
            }
            if (offset == size) {
                return fail("device tree: a node's name does not end", start);
            }
            offset += token_size;
            break;
        case Token::property: {
            if (size - start < property_header_size) {
                return fail("device tree: the structure block is truncated", start);
            }
            const std::uint32_t length = cell(start + 4);
            offset = start + property_header_size;
            // `size` is a multiple of the alignment: with the value, its padding is inside.
            if (length > size - offset || cell(start + 8) >= strings.size()) {
                return fail("device tree: a property lies outside its block", start);
            }
            offset += align_to_token(length);
            break;
        }
        case Token::end_node:
            --depth;
            break;
        case Token::nop:
            break;
        case Token::end:
            if (depth != 0) {
                return fail("device tree: the structure block ends inside a node", start);
            }
            return {};
        default:
            return fail("device tree: an unknown token in the structure block", start);
        }
    }
    return fail("device tree: the structure block is truncated", offset);
}

}  // namespace fdt
