// SPDX-License-Identifier: MIT
//
// The one pass over a structure block after which it can be walked without checks.
#pragma once

#include "lib/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace fdt {

// One root node at offset 0, whole tokens, nodes that begin and end in pairs and at most max_depth
// deep, names that end, values inside the block, property names inside `strings`, and an END.
// The block is 4-byte aligned. An Error's value is the offset where the pass stopped.
[[nodiscard]] Result<> check_structure(std::span<const std::byte> block,
                                       std::span<const char> strings);

}  // namespace fdt
