// SPDX-License-Identifier: MIT
#include "lib/test/random.h"

#include "lib/test/record.h"
#include "unit/support/make_case.h"

#include <gtest/gtest.h>

#include <array>

namespace {

TEST(Random, IsSplitMix64)
{
    // The reference implementation's first outputs for state 0.
    test::Random random{0};
    EXPECT_EQ(random.next(), 0xe220a8397b1dcdafU);
    EXPECT_EQ(random.next(), 0x6e789e6aa1b965f4U);
    EXPECT_EQ(random.next(), 0x06c45d188009454fU);
}

TEST(Random, BelowStaysBelowAndReachesAll)
{
    test::Random random{1};
    std::array<int, 7> seen{};
    for (int i = 0; i < 7000; ++i) {
        const std::uint64_t number = random.below(7);
        ASSERT_LT(number, 7U);
        ++seen[number];
    }
    for (const int count : seen) {
        EXPECT_GT(count, 800);
    }
    EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, FollowsFromSeedAndCase)
{
    const test::Case one = unit::make_case("group.one");
    const test::Case two = unit::make_case("group.two");
    const auto first = [](const test::Case& test, std::uint64_t seed) {
        test::set_seed(seed);
        test::running.test = &test;
        const std::uint64_t number = test::Random{}.next();
        test::running.test = nullptr;
        return number;
    };
    EXPECT_EQ(first(one, 1), first(one, 1));
    EXPECT_NE(first(one, 1), first(one, 2));
    EXPECT_NE(first(one, 1), first(two, 1));
    test::set_seed(1);
}

}  // namespace
