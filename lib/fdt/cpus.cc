// SPDX-License-Identifier: MIT
#include "lib/fdt/fdt.h"

namespace fdt {

namespace {

[[nodiscard]] bool is_cpu(const Node& node)
{
    const auto type = node.property("device_type");
    return type && type->string().value_or("") == "cpu" && node.enabled();
}

}  // namespace

Result<> for_each_cpu(const Tree& tree, FunctionRef<void(std::uint64_t reg)> visit)
{
    bool found = false;
    const auto parent = tree.find("/cpus");
    for (auto node = parent ? parent->first_child() : std::nullopt; node;
         node = node->next_sibling()) {
        if (!is_cpu(*node)) {
            continue;
        }
        const auto reg = node->unit_address();
        if (!reg) {
            return std::unexpected{reg.error()};
        }
        visit(*reg);
        found = true;
    }
    if (!found) {
        return fail("device tree has no enabled CPU nodes");
    }
    return {};
}

}  // namespace fdt
