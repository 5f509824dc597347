// SPDX-License-Identifier: MIT
#include "lib/test/selection.h"

#include "unit/support/make_case.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using test::Case;
using test::glob_matches;
using test::Selection;

bool chooses(std::string_view globs, const char* id)
{
    return Selection{globs}.chooses(unit::make_case(id));
}

bool chooses_on_request(std::string_view globs, const char* id)
{
    return Selection{globs}.chooses(unit::make_case(id, Case::on_request));
}

TEST(Glob, Matches)
{
    EXPECT_TRUE(glob_matches("", ""));
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("***", "abc"));
    EXPECT_TRUE(glob_matches("a?c", "abc"));
    EXPECT_TRUE(glob_matches("a*c*e", "abcde"));
    EXPECT_TRUE(glob_matches("*.version", "psci.version"));
    EXPECT_TRUE(glob_matches("*aab", "aaaab"));
    EXPECT_FALSE(glob_matches("", "a"));
    EXPECT_FALSE(glob_matches("a", ""));
    EXPECT_FALSE(glob_matches("?", ""));
    EXPECT_FALSE(glob_matches("a*b", "a"));
    EXPECT_FALSE(glob_matches("psci", "psci.version"));
    EXPECT_FALSE(glob_matches("psci?", "psci.version"));
}

TEST(Glob, ManyStarsEnd)
{
    const std::string stars = "*a*a*a*a*a*a*a*a*a*a*a*a*b";
    EXPECT_FALSE(glob_matches(stars, std::string(2000, 'a')));
}

TEST(Selection, AnyGlobChooses)
{
    EXPECT_TRUE(chooses("psci.*,timer.virt.*", "timer.virt.cval"));
    EXPECT_TRUE(chooses("psci.*\ntimer.*\n", "timer.virt.cval"));
    EXPECT_TRUE(chooses({" psci.* ,, timer.*\r\n\0\0", 21}, "timer.virt.cval"));
    EXPECT_FALSE(chooses("psci.*,timer.phys.*", "timer.virt.cval"));
}

TEST(Selection, ExcludesWinWhereverTheyStand)
{
    EXPECT_FALSE(chooses("psci.*,-psci.off", "psci.off"));
    EXPECT_FALSE(chooses("-psci.off,psci.*", "psci.off"));
    EXPECT_TRUE(chooses("-psci.off,psci.*", "psci.on"));
}

TEST(Selection, OnlyExcludesLeaveTheRest)
{
    EXPECT_TRUE(chooses("-psci.*", "timer.virt.cval"));
    EXPECT_FALSE(chooses("-psci.*", "psci.on"));
    EXPECT_FALSE(chooses_on_request("-psci.*", "misbehave.hang"));
    EXPECT_TRUE(chooses("", "psci.on"));
}

TEST(Selection, OnRequestNeedsTheGroupsName)
{
    EXPECT_FALSE(chooses_on_request("*", "misbehave.hang"));
    EXPECT_FALSE(chooses_on_request("mis*", "misbehave.hang"));
    EXPECT_FALSE(chooses_on_request("*.hang", "misbehave.hang"));
    EXPECT_FALSE(chooses_on_request("misbehave?hang", "misbehave.hang"));
    EXPECT_TRUE(chooses_on_request("misbehave.*", "misbehave.hang"));
    EXPECT_TRUE(chooses_on_request("misbehave.hang", "misbehave.hang"));
    EXPECT_FALSE(chooses_on_request("a.*", "a.b.hang"));
    EXPECT_TRUE(chooses_on_request("a.b.*", "a.b.hang"));
}

TEST(Selection, WantedGlobsAreVisited)
{
    const auto wanted = [](std::string_view globs) {
        std::vector<std::string> found;
        Selection{globs}.for_each_wanted([&](std::string_view glob) { found.emplace_back(glob); });
        return found;
    };
    EXPECT_EQ(wanted("a.*,-a.b\nc.d"), (std::vector<std::string>{"a.*", "c.d"}));
    EXPECT_EQ(wanted("-a.b"), (std::vector<std::string>{"*"}));
}

}  // namespace
