// SPDX-License-Identifier: MIT
#include "lib/test/options.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using test::Options;
using test::parse_options;

std::string_view complaint(std::string_view command_line)
{
    const auto options = parse_options(command_line, "");
    return options ? "accepted" : options.error();
}

TEST(Options, Defaults)
{
    const Options options = parse_options("", "").value();
    EXPECT_EQ(options.selection, "*");
    EXPECT_EQ(options.seed, 1U);
    EXPECT_EQ(options.repeat, 1U);
    EXPECT_EQ(options.first, 1U);
    EXPECT_EQ(options.timeout_seconds, 10U);
    EXPECT_FALSE(options.shuffle);
    EXPECT_FALSE(options.list);
}

TEST(Options, All)
{
    const Options options =
        parse_options("console=ttyAMA0  assay.tests=psci.*,-psci.off assay.seed=0x1f\t"
                      "assay.order=random assay.repeat=3 assay.first=7 assay.timeout=0 "
                      "assay.el2=stay assay.exit=semihosting assay.list root=/dev/vda ",
                      "")
            .value();
    EXPECT_EQ(options.selection, "psci.*,-psci.off");
    EXPECT_TRUE(options.shuffle);
    EXPECT_EQ(options.repeat, 3U);
    EXPECT_EQ(options.first, 7U);
    EXPECT_EQ(options.timeout_seconds, 0U);
    EXPECT_TRUE(options.list);
}

TEST(Options, NumbersAreDecimalOrHexadecimal)
{
    EXPECT_EQ(parse_options("assay.seed=18446744073709551615", "").value().seed, ~0ULL);
    EXPECT_EQ(parse_options("assay.seed=0xffffffffffffffff", "").value().seed, ~0ULL);
    EXPECT_EQ(parse_options("assay.seed=0x1f", "").value().seed, 31U);
    for (const char* bad :
         {"assay.seed=18446744073709551616", "assay.seed=0x10000000000000000",
          "assay.seed=", "assay.seed=0x", "assay.seed=-1", "assay.seed=1f", "assay.seed",
          "assay.first=0", "assay.repeat=0", "assay.first=4294967296", "assay.timeout=ten"}) {
        EXPECT_EQ(complaint(bad), std::string{"bad value in option "} + bad);
    }
}

TEST(Options, LastOneWins)
{
    const Options options =
        parse_options("assay.order=random assay.seed=1 assay.seed=2 assay.order=sorted", "")
            .value();
    EXPECT_EQ(options.seed, 2U);
    EXPECT_FALSE(options.shuffle);
}

TEST(Options, SelectionFromTheInitrd)
{
    EXPECT_EQ(parse_options("assay.tests=@initrd", "a.b\nc.d\n").value().selection, "a.b\nc.d\n");
    EXPECT_EQ(complaint("assay.tests=@initrd"), "bad value in option assay.tests=@initrd");
}

TEST(Options, ErrorsNameTheWord)
{
    EXPECT_EQ(complaint("quiet assay.foo"), "unknown option assay.foo");
    EXPECT_EQ(complaint("assay.foo=1"), "unknown option assay.foo=1");
    EXPECT_EQ(complaint("assay."), "unknown option assay.");
    EXPECT_EQ(complaint("assay.list=1"), "bad value in option assay.list=1");
    EXPECT_EQ(complaint("assay.order=up"), "bad value in option assay.order=up");
    EXPECT_EQ(complaint("assay.el2=maybe"), "bad value in option assay.el2=maybe");
    EXPECT_EQ(complaint("assay.exit="), "bad value in option assay.exit=");
    EXPECT_EQ(complaint("assay.tests="), "bad value in option assay.tests=");
}

TEST(Options, OtherWordsAreLeftAlone)
{
    EXPECT_EQ(complaint("assayfoo assay earlycon=pl011 xassay.foo"), "accepted");
}

TEST(Options, ALongWordIsCut)
{
    const std::string word = "assay." + std::string(500, 'x');
    EXPECT_TRUE(complaint(word).starts_with("unknown option assay.xxx"));
    EXPECT_LE(complaint(word).size(), 128U);
}

}  // namespace
