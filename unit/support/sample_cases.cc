// SPDX-License-Identifier: MIT
#include "unit/support/sample_cases.h"

#include "lib/test/test.h"
#include "lib/test/watchdog.h"
#include "unit/arch/host.h"

#include <string_view>

namespace {

struct Point {
    int x, y;
    friend bool operator==(const Point&, const Point&) = default;
};

void describe(Sink& sink, const Point& point)
{
    format_to(sink, "({}, {})", point.x, point.y);
}

TEST(sample, passes, .summary = "both checks hold")
{
    EXPECT_EQ(1 + 1, 2);
    EXPECT_TRUE(true);
}

TEST(sample, fails, .summary = "each way to fail is shown")
{
    const std::uint64_t large = 0x40200000;
    const std::uint8_t small = 31;
    EXPECT_EQ(large, 4);
    EXPECT_NE(small, 31);
    EXPECT_LT(-1, -2);
    EXPECT_GE(small, 31);
    EXPECT_EQ((Point{1, 2}), (Point{3, 4}));
    EXPECT_EQ(std::string_view{"a\n"}, std::string_view{"b"});
    EXPECT_FALSE(small == 31);
}

TEST(sample, asserts, .summary = "an assertion ends the case")
{
    ASSERT_GT(1, 2);
    EXPECT_TRUE(false);
}

TEST(sample, fails_a_lot, .summary = "only the first failures are shown")
{
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(i, -1);
    }
}

TEST(sample, skips, .summary = "a case can find out that it is not applicable")
{
    return test::skip("no {} here", "such thing");
}

TEST(sample, fails_then_skips, .summary = "a failure is not undone by a skip")
{
    EXPECT_TRUE(false);
    test::skip("too late");
}

TEST(sample, errs, .summary = "the first error is the reason, and it is worse than a failure")
{
    EXPECT_TRUE(false);
    test::error("first {}", 1);
    test::error("second");
    test::skip("never mind");
}

TEST(sample, says_nothing, .summary = "no check, no pass")
{
    test::note("seed {}", test::seed());
}

TEST(sample, needs_much, .summary = "a missing capability is the reason of the skip",
     .needs = device_tree && cpus(200))
{
    EXPECT_TRUE(false);
}

TEST(sample_sub, group, .summary = "underscores of a group are dots")
{
    EXPECT_TRUE(true);
}

TEST(sample, on_request, .summary = "only when asked for", .on_request = true)
{
    EXPECT_TRUE(true);
}

TEST(sample, items, .summary = "each item is a result")
{
    test::Items items{4};
    items.run("good", [] {
        EXPECT_TRUE(true);
        test::item_value("{:#x}", 17);
    });
    items.run("bad", [] {
        ASSERT_EQ(1, 2);
        EXPECT_TRUE(false);
    });
    items.run("skipped", [] { test::skip("not here"); });
    items.run("empty", [] {});
}

TEST(sample, items_fail, .summary = "an item that fails makes the case fail")
{
    test::Items items{2};
    items.run("bad", [] { EXPECT_TRUE(false); });
    items.run("good", [] { EXPECT_TRUE(true); });
}

TEST(sample, items_pass, .summary = "items that pass or skip make the case pass")
{
    test::Items items{2};
    items.run("good", [] { EXPECT_TRUE(true); });
    items.run("skipped", [] { test::skip("not here"); });
}

TEST(sample, items_skip, .summary = "when all items skip, the case does")
{
    test::Items items{1};
    items.run("skipped", [] { test::skip("not here"); });
}

TEST(sample, items_left_out, .summary = "an item that was announced has to run")
{
    test::Items items{2};
    items.run("good", [] { EXPECT_TRUE(true); });
}

TEST(sample, items_nested, .summary = "items are not nested")
{
    test::Items items{1};
    items.run("outer", [&] {
        EXPECT_TRUE(true);
        items.run("inner", [] {});
    });
}

TEST(sample, measures, .summary = "measurements have a line of their own")
{
    std::uint64_t samples[100];
    for (std::uint64_t i = 0; i < 100; ++i) {
        samples[i] = 100 - i;
    }
    test::report_benchmark("latency", "ns", samples);
    EXPECT_EQ(samples[0], 1);
}

TEST(sample, hangs, .summary = "a wait of the harness ends with the case's time",
     .on_request = true)
{
    host::advance_counter(9'999'000);
    test::check_deadline();
    test::note("still in time");
    host::advance_counter(2'000);
    test::check_deadline();
}

constexpr test::Case cases[]{
    sample_passes_case,         sample_fails_case,        sample_asserts_case,
    sample_fails_a_lot_case,    sample_skips_case,        sample_fails_then_skips_case,
    sample_errs_case,           sample_says_nothing_case, sample_needs_much_case,
    sample_sub_group_case,      sample_on_request_case,   sample_items_case,
    sample_items_fail_case,     sample_items_pass_case,   sample_items_skip_case,
    sample_items_left_out_case, sample_items_nested_case, sample_measures_case,
    sample_hangs_case,
};

}  // namespace

constinit const std::span<const test::Case> unit::sample_cases{cases};
