// SPDX-License-Identifier: MIT
//
// Cases that end badly, or not at all well, but end. Run on request only: what a person is shown of
// each is checked by the project's own tests.

#include "lib/test/test.h"

#include <cstdint>
#include <string_view>

TEST(misbehave, failed_expectation,
     .summary = "two expectations fail and the case goes on to its end", .on_request = true)
{
    const std::uint32_t answer = 42;
    const std::string_view text = "what was read";
    EXPECT_EQ(answer, 43);
    EXPECT_EQ(text, std::string_view{"what was written"});
    EXPECT_EQ(answer, 42);
}

TEST(misbehave, failed_assertion, .summary = "an assertion fails and ends the case",
     .on_request = true)
{
    const bool holds = false;
    ASSERT_TRUE(holds);
    test::error("the case went on after a failed assertion");
}

TEST(misbehave, failed_item, .summary = "one of three items fails, one is skipped",
     .on_request = true)
{
    test::Items items{3};
    items.run("good", [] {
        test::item_value("{:#x}", 0x10);
        EXPECT_TRUE(true);
    });
    items.run("bad", [] {
        test::item_value("{:#x}", 0x11);
        EXPECT_EQ(std::uint32_t{0x11}, 0x10);
    });
    items.run("absent", [] { test::skip("there is none"); });
}

TEST(misbehave, error_no_check, .summary = "the case makes no check, which is an error",
     .on_request = true)
{
}

TEST(misbehave, error_reported, .summary = "the case reports that its surroundings are wrong",
     .on_request = true)
{
    test::error("the test bench has no {}", "frobnicator");
}

TEST(misbehave, skip_at_run_time,
     .summary = "the case finds out while it runs that it does not apply", .on_request = true)
{
    test::skip("the machine has no {}", "frobnicator");
}

TEST(misbehave, survivor, .summary = "the case passes, whatever the others did", .on_request = true)
{
    EXPECT_TRUE(true);
}
