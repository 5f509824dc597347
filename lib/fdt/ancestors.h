// SPDX-License-Identifier: MIT
//
// The way from a node up to the root. The blob links no node to its parent: one walk from the root
// finds them all.
#pragma once

#include "lib/fdt/cursor.h"
#include "lib/fdt/fdt.h"

#include <array>

namespace fdt {

class Ancestors {
public:
    explicit Ancestors(Node node) : tree_{&node.tree()}
    {
        Cursor cursor{*tree_, 0};
        while (cursor.offset() < node.offset()) {
            if (cursor.token() == Token::begin_node) {
                offsets_[count_++] = cursor.offset();
            } else if (cursor.token() == Token::end_node) {
                --count_;
            }
            cursor.advance();
        }
    }

    // How many there are; none above the root.
    [[nodiscard]] std::size_t count() const { return count_; }
    // 0 is the parent, the last one the root.
    [[nodiscard]] Node operator[](std::size_t index) const
    {
        return tree_->at(offsets_[count_ - 1 - index]);
    }

private:
    const Tree* tree_;
    std::array<int, max_depth> offsets_;  // from the root down; the first count_ are valid
    std::size_t count_ = 0;
};

}  // namespace fdt
