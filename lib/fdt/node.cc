// SPDX-License-Identifier: MIT

#include "lib/fdt/ancestors.h"
#include "lib/fdt/cursor.h"
#include "lib/fdt/fdt.h"

namespace fdt {

std::string_view Node::name() const
{
    return Cursor{*tree_, offset_}.node_name();
}

std::optional<Property> Node::property(std::string_view name) const
{
    Cursor cursor{*tree_, offset_};
    for (cursor.advance(); cursor.token() == Token::property; cursor.advance()) {
        if (cursor.is_property(name)) {
            return cursor.property();
        }
    }
    return {};
}

bool Node::compatible(std::string_view name) const
{
    const auto list = property("compatible");
    return list && list->index_of(name);
}

bool Node::enabled() const
{
    const auto status = property("status");
    if (!status) {
        return true;
    }
    const auto text = status->string();
    return text && (*text == "okay" || *text == "ok");
}

std::optional<Node> Node::parent() const
{
    const Ancestors ancestors{*this};
    if (ancestors.count() == 0) {
        return {};
    }
    return ancestors[0];
}

std::optional<Node> Node::first_child() const
{
    Cursor cursor{*tree_, offset_};
    cursor.skip_properties();
    if (cursor.token() != Token::begin_node) {
        return {};
    }
    return Node{*tree_, cursor.offset()};
}

std::optional<Node> Node::next_sibling() const
{
    Cursor cursor{*tree_, offset_};
    cursor.skip_node();
    if (cursor.token() != Token::begin_node) {
        return {};
    }
    return Node{*tree_, cursor.offset()};
}

std::optional<Node> Node::child(std::string_view name) const
{
    Cursor cursor{*tree_, offset_};
    for (cursor.skip_properties(); cursor.token() == Token::begin_node; cursor.skip_node()) {
        if (cursor.is_node(name)) {
            return Node{*tree_, cursor.offset()};
        }
    }
    return {};
}

}  // namespace fdt
