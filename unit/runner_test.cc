// SPDX-License-Identifier: MIT
#include "lib/test/runner.h"

#include "lib/test/capability.h"
#include "unit/support/guest.h"
#include "unit/support/sample_cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using testing::HasSubstr;
using testing::Not;

// What a run of the sample cases says.
std::string say(const test::Options& options)
{
    const unit::Guest guest;
    static_cast<void>(test::run(options, unit::sample_cases));
    return guest.output();
}

std::string say(std::string_view selection)
{
    return say(test::Options{.selection = selection});
}

void bails_out(const test::Options& options, std::span<const test::Case> cases,
               const std::string& why)
{
    const auto run = [&] {
        const unit::DyingGuest guest;
        static_cast<void>(test::run(options, cases));
    };
    EXPECT_EXIT(run(), testing::ExitedWithCode(2),
                HasSubstr("# error: " + why + "\nBail out! " + why + "\n"));
}

TEST(Runner, Pass)
{
    EXPECT_EQ(say("sample.passes"), "1..1\n"
                                    "# start sample.passes\n"
                                    "ok 1 sample.passes # 2 checks, N us\n"
                                    "# Totals: pass:1 fail:0 skip:0 error:0\n");
}

TEST(Runner, FailuresShowBothValues)
{
    const std::string output = say("sample.fails");
    EXPECT_THAT(output, HasSubstr("EXPECT_EQ(large, 4)\n"
                                  "#   expected: 4\n"
                                  "#   actual:   0x40200000              [cpu0 user +T ms]\n"));
    EXPECT_THAT(output, HasSubstr("EXPECT_NE(small, 31)\n"
                                  "#   expected: not 0x1f (31)\n"
                                  "#   actual:   0x1f (31)               [cpu0 "));
    EXPECT_THAT(output, HasSubstr("#   expected: < -2\n#   actual:   -1 "));
    EXPECT_THAT(output, HasSubstr("#   expected: (3, 4)\n#   actual:   (1, 2) "));
    EXPECT_THAT(output, HasSubstr("#   expected: \"b\"\n#   actual:   \"a\\x0a\" "));
    EXPECT_THAT(output, HasSubstr("EXPECT_FALSE(small == 31)\n"
                                  "#   expected: false\n#   actual:   true "));
    EXPECT_THAT(output, HasSubstr("# unit/support/sample_cases.cc:"));
    EXPECT_THAT(output, Not(HasSubstr("EXPECT_GE")));
    EXPECT_THAT(output, HasSubstr("\nnot ok 1 sample.fails # 7 checks, N us\n"));
}

TEST(Runner, AssertionEndsTheCase)
{
    const std::string output = say("sample.asserts");
    EXPECT_THAT(output, HasSubstr("ASSERT_GT(1, 2)\n#   expected: > 2\n#   actual:   1 "));
    EXPECT_THAT(output, HasSubstr("\nnot ok 1 sample.asserts # 1 check, N us\n"));
}

TEST(Runner, ManyFailuresDoNotFlood)
{
    const std::string output = say("sample.fails_a_lot");
    EXPECT_THAT(output, HasSubstr("# note: further failed checks are not shown\n"
                                  "not ok 1 sample.fails_a_lot # 1000 checks, N us\n"));
    EXPECT_LT(output.size(), 5000U);
}

TEST(Runner, TheWorstOutcomeWins)
{
    EXPECT_THAT(say("sample.skips"), HasSubstr("ok 1 sample.skips # SKIP no such thing here\n"));
    EXPECT_THAT(say("sample.fails_then_skips"),
                HasSubstr("not ok 1 sample.fails_then_skips # 1 check, N us\n"));
    const std::string output = say("sample.errs");
    EXPECT_THAT(output, HasSubstr("# test error: first 1 [cpu0 user +T ms]\n"
                                  "# test error: second [cpu0 user +T ms]\n"
                                  "not ok 1 sample.errs # ERROR first 1\n"
                                  "# Totals: pass:0 fail:0 skip:0 error:1\n"));
}

TEST(Runner, NoCheckIsAnError)
{
    EXPECT_THAT(say(test::Options{.selection = "sample.says_nothing", .seed = 99}),
                HasSubstr("# note: seed 99\nnot ok 1 sample.says_nothing # ERROR made no check\n"));
}

TEST(Runner, MissingCapability)
{
    test::offer(test::Capability::device_tree);
    test::offer(test::Capability::cpus, 1);
    EXPECT_EQ(say("sample.needs_much"), "1..1\n"
                                        "ok 1 sample.needs_much # SKIP needs cpus(200): 1 online\n"
                                        "# Totals: pass:0 fail:0 skip:1 error:0\n");
}

TEST(Runner, Items)
{
    const std::string output = say("sample.items");
    EXPECT_THAT(output, HasSubstr("# start sample.items\n"
                                  "  KTAP version 1\n"
                                  "  1..4\n"
                                  "  # start good\n"
                                  "  ok 1 good # 0x11\n"
                                  "  # start bad\n"
                                  "  # unit/support/sample_cases.cc:"));
    EXPECT_THAT(output, HasSubstr("  #   expected: 2\n"
                                  "  #   actual:   1                       [cpu0 user +T ms]\n"
                                  "  not ok 2 bad\n"
                                  "  # start skipped\n"
                                  "  ok 3 skipped # SKIP not here\n"
                                  "  # start empty\n"
                                  "  not ok 4 empty # ERROR made no check\n"
                                  "not ok 1 sample.items # ERROR empty: made no check\n"));
}

TEST(Runner, ItemsDecideAboutTheirCase)
{
    EXPECT_THAT(say("sample.items_fail"),
                HasSubstr("not ok 1 sample.items_fail # 2 checks, N us\n"));
    EXPECT_THAT(say("sample.items_pass"), HasSubstr("\nok 1 sample.items_pass # 1 check, N us\n"));
    EXPECT_THAT(say("sample.items_skip"),
                HasSubstr("\nok 1 sample.items_skip # SKIP all 1 items skipped\n"));
    EXPECT_THAT(say("sample.items_left_out"),
                HasSubstr("not ok 1 sample.items_left_out # ERROR 1 of 2 items ran\n"));
    EXPECT_THAT(
        say("sample.items_nested"),
        HasSubstr("not ok 1 sample.items_nested # ERROR outer: item inner inside an item\n"));
}

TEST(Runner, Benchmark)
{
    EXPECT_THAT(say("sample.measures"),
                HasSubstr("# bench latency ns n=100 min=1 p50=50 p99=99 max=100\n"));
}

TEST(Runner, SelectionSortsAndSums)
{
    EXPECT_EQ(say("sample.su?.*,sample.s*ps,sample.passes"),
              "1..3\n"
              "# start sample.passes\n"
              "ok 1 sample.passes # 2 checks, N us\n"
              "# start sample.skips\n"
              "ok 2 sample.skips # SKIP no such thing here\n"
              "# start sample.sub.group\n"
              "ok 3 sample.sub.group # 1 check, N us\n"
              "# Totals: pass:2 fail:0 skip:1 error:0\n");
}

std::vector<std::string> order(const test::Options& options)
{
    const std::string output = say(options);
    std::vector<std::string> ids;
    const std::regex start{"# start (sample\\S+)"};
    for (std::sregex_iterator i{output.begin(), output.end(), start}, end; i != end; ++i) {
        ids.push_back((*i)[1]);
    }
    return ids;
}

TEST(Runner, RepeatShufflesAnewAndFirstResumes)
{
    test::Options options{.selection = "sample.passes,sample.sub.group,sample.skips,sample.errs",
                          .seed = 7,
                          .repeat = 20,
                          .shuffle = true};
    const auto all = order(options);
    ASSERT_EQ(all.size(), 80U);
    EXPECT_EQ(order(options), all);
    EXPECT_FALSE(std::equal(all.begin(), all.begin() + 40, all.begin() + 40));
    for (auto pass = all.begin(); pass != all.end(); pass += 4) {
        std::vector<std::string> ids{pass, pass + 4};
        std::ranges::sort(ids);
        EXPECT_EQ(ids, (std::vector<std::string>{"sample.errs", "sample.passes", "sample.skips",
                                                 "sample.sub.group"}));
    }
    options.first = 43;
    EXPECT_EQ(order(options), (std::vector<std::string>{all.begin() + 42, all.end()}));
    EXPECT_THAT(say(options), testing::StartsWith("1..38\n# start"));
    EXPECT_THAT(say(options), HasSubstr("ok 1 " + all[42] + " "));
}

TEST(Runner, List)
{
    const std::string output = say(test::Options{.list = true});
    EXPECT_THAT(output, testing::StartsWith("1..0 # SKIP list only\n# test sample.asserts | "));
    EXPECT_THAT(output,
                HasSubstr("# test sample.needs_much | a missing capability is the reason of "
                          "the skip | device_tree && cpus(200)\n"));
    EXPECT_THAT(output, HasSubstr("# test sample.on_request | only when asked for | \n"));
    EXPECT_THAT(output, Not(HasSubstr("# start")));
}

TEST(RunnerDeathTest, BadSelections)
{
    bails_out({.selection = "sample.passes,psci.*"}, unit::sample_cases,
              "no test is chosen by 'psci.*'");
    bails_out({.selection = "sample.passes,-*", .first = 1}, unit::sample_cases,
              "assay.first is behind the last test of the plan");
    bails_out({.selection = "sample.passes", .first = 2}, unit::sample_cases,
              "assay.first is behind the last test of the plan");
    bails_out({}, {}, "no test is chosen by '*'");
}

TEST(RunnerDeathTest, TimeIsOver)
{
    const auto run = [] {
        const unit::DyingGuest guest;
        static_cast<void>(test::run({.selection = "sample.hangs"}, unit::sample_cases));
    };
    EXPECT_EXIT(
        run(), testing::ExitedWithCode(2),
        testing::AllOf(
            HasSubstr("# note: still in time\n# hang: no end after 10 s on cpu0 in sample.hangs\n"),
            HasSubstr("\nnot ok 1 sample.hangs # ERROR hang: no end after 10 s on cpu0\n"
                      "Bail out! hang in sample.hangs\n")));
}

TEST(RunnerDeathTest, DuplicateIds)
{
    const std::vector<test::Case> cases{unit::sample_cases[0], unit::sample_cases[1],
                                        unit::sample_cases[0]};
    bails_out({}, cases, "two tests are called sample.passes");
}

TEST(RunnerDeathTest, TooManyCases)
{
    const std::vector<test::Case> cases(1025, unit::sample_cases[0]);
    bails_out({}, cases, "more tests than the framework's table has room for");
}

}  // namespace
