// SPDX-License-Identifier: MIT
#include "lib/test/plan.h"

#include "unit/support/make_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace {

using test::Case;

std::vector<Case> make(std::initializer_list<const char*> ids)
{
    std::vector<Case> cases;
    for (const char* id : ids) {
        cases.push_back(unit::make_case(id));
    }
    return cases;
}

std::string ids(std::span<const Case* const> cases)
{
    std::string text;
    for (const Case* test : cases) {
        text += test->id;
        text += ' ';
    }
    return text;
}

TEST(Plan, SortsByIdAndLeavesTheCasesWhereTheyAre)
{
    const auto cases = make({"b.x", "a.z", "a.b.c", "a.b", "b.a", "a.y"});
    std::array<const Case*, 8> table{};
    const auto sorted = test::sort_cases(cases, table);
    EXPECT_EQ(ids(sorted), "a.b a.b.c a.y a.z b.a b.x ");
    EXPECT_EQ(test::find_duplicate(sorted), nullptr);
    EXPECT_EQ(ids(test::sort_cases({}, table)), "");
}

TEST(Plan, FindsDuplicates)
{
    const auto cases = make({"b.x", "a.z", "b.y", "b.x"});
    std::array<const Case*, 4> table{};
    const Case* const twice = test::find_duplicate(test::sort_cases(cases, table));
    ASSERT_NE(twice, nullptr);
    EXPECT_STREQ(twice->id, "b.x");
}

TEST(Plan, KeepsTheChosenInOrder)
{
    const auto cases = make({"a.a", "a.b", "b.a", "b.b"});
    std::array<const Case*, 4> table{};
    const auto sorted = test::sort_cases(cases, table);
    EXPECT_EQ(ids(test::keep_chosen(sorted, test::Selection{"*.b"})), "a.b b.b ");
}

TEST(Plan, ShuffleIsAPermutationThatTheSeedDecides)
{
    const auto cases = make({"a", "b", "c", "d", "e", "f", "g", "h"});
    const auto shuffled = [&](std::uint64_t seed) {
        std::array<const Case*, 8> table{};
        const auto order = test::sort_cases(cases, table);
        test::Random random{seed};
        test::shuffle(order, random);
        return ids(order);
    };
    EXPECT_EQ(shuffled(1), shuffled(1));
    EXPECT_NE(shuffled(1), shuffled(2));
    std::string letters = shuffled(3);
    std::ranges::sort(letters);
    EXPECT_EQ(letters, "        abcdefgh");
}

}  // namespace
