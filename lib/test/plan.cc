// SPDX-License-Identifier: MIT
#include "lib/test/plan.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace test {

std::span<const Case*> sort_cases(std::span<const Case> cases, std::span<const Case*> table)
{
    const std::span<const Case*> sorted = table.first(cases.size());
    std::ranges::transform(cases, sorted.begin(), [](const Case& test) { return &test; });
    // A heap, for the size of the code.
    const auto id = [](const Case* test) { return std::string_view{test->id}; };
    std::ranges::make_heap(sorted, {}, id);
    std::ranges::sort_heap(sorted, {}, id);
    return sorted;
}

const Case* find_duplicate(std::span<const Case* const> sorted)
{
    for (std::size_t i = 1; i < sorted.size(); ++i) {
        if (std::string_view{sorted[i - 1]->id} == sorted[i]->id) {
            return sorted[i];
        }
    }
    return nullptr;
}

std::span<const Case*> keep_chosen(std::span<const Case*> cases, const Selection& selection)
{
    std::size_t kept = 0;
    for (const Case* test : cases) {
        if (selection.chooses(*test)) {
            cases[kept++] = test;
        }
    }
    return cases.first(kept);
}

void shuffle(std::span<const Case*> cases, Random& random)
{
    for (std::size_t i = cases.size(); i > 1; --i) {
        std::swap(cases[i - 1], cases[random.below(i)]);
    }
}

}  // namespace test
