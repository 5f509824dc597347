// SPDX-License-Identifier: MIT
#include "lib/test/capability.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using test::Capability;

// "" when the expression holds, otherwise the reason.
std::string reason(std::string_view expression)
{
    TextBuffer<200> text;
    return test::satisfied(expression, text) ? "" : std::string{text.text()};
}

class CapabilityTest : public testing::Test {
protected:
    CapabilityTest()
    {
        test::offer(Capability::cpus, 2);
        test::offer(Capability::gicv3);
        test::missing(Capability::gicv5, "no arm,gic-v5 node");
    }
};

TEST_F(CapabilityTest, NothingNeeded)
{
    EXPECT_EQ(reason(""), "");
}

TEST_F(CapabilityTest, Present)
{
    EXPECT_EQ(reason("gicv3"), "");
    EXPECT_EQ(reason("gicv3 && cpus(2) && !gicv5"), "");
    EXPECT_TRUE(test::has(Capability::gicv3));
    EXPECT_EQ(test::amount(Capability::cpus), 2U);
}

TEST_F(CapabilityTest, TheFirstThatIsMissingIsTheReason)
{
    EXPECT_EQ(reason("gicv3 && gicv5 && cpus(9)"), "needs gicv5: no arm,gic-v5 node");
    EXPECT_EQ(reason("cpus(3)"), "needs cpus(3): 2 online");
    EXPECT_EQ(reason("!cpus(2)"), "needs !cpus(2): 2 online");
    EXPECT_EQ(reason("!gicv3"), "needs !gicv3: there is GICv3 or GICv4 with system registers");
    EXPECT_EQ(reason("pmu"), "needs pmu: PMUv3: not looked for");
}

TEST_F(CapabilityTest, UnknownNames)
{
    EXPECT_EQ(reason("warp"), "needs warp: no such capability");
    EXPECT_EQ(reason("!warp"), "needs !warp: no such capability");
    EXPECT_EQ(reason("gicv3 &&"), "needs gicv3 &&: no such capability");
}

TEST_F(CapabilityTest, LastWordCounts)
{
    test::offer(Capability::gicv5);
    EXPECT_EQ(reason("gicv5"), "");
    test::missing(Capability::gicv5, "IRS does not answer");
    EXPECT_EQ(reason("gicv5"), "needs gicv5: IRS does not answer");
}

TEST_F(CapabilityTest, List)
{
    TextBuffer<200> text;
    test::list_capabilities(text);
    const std::string list = " " + std::string{text.text()} + " ";
    EXPECT_NE(list.find(" cpus(2) "), std::string::npos);
    EXPECT_NE(list.find(" gicv3 "), std::string::npos);
    EXPECT_EQ(list.find("gicv5 "), std::string::npos);
}

}  // namespace
