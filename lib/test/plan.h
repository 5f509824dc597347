// SPDX-License-Identifier: MIT
//
// Of the framework's own: the cases in the order in which they run. The descriptors stay where they
// are; what is sorted is a table of pointers to them.
#pragma once

#include "lib/test/case.h"
#include "lib/test/random.h"
#include "lib/test/selection.h"

#include <cstddef>
#include <span>

namespace test {

inline constexpr std::size_t max_cases = 1024;

// Fills `table`, which has room for all `cases`, and sorts it by ID.
[[nodiscard]] std::span<const Case*> sort_cases(std::span<const Case> cases,
                                                std::span<const Case*> table);

// The first case whose ID another one has, too; null when there is none.
[[nodiscard]] const Case* find_duplicate(std::span<const Case* const> sorted);

// Moves the chosen cases to the front, in their order, and returns them.
[[nodiscard]] std::span<const Case*> keep_chosen(std::span<const Case*> cases,
                                                 const Selection& selection);

// Fisher and Yates.
void shuffle(std::span<const Case*> cases, Random& random);

}  // namespace test
