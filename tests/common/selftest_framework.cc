// SPDX-License-Identifier: MIT
//
// The framework proves itself before it judges a machine.

#include "lib/base/format.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/record.h"
#include "lib/test/test.h"

#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string_view>

using test::Relation;
using test::detail::holds;

TEST(selftest, relations,
     .summary = "every relation of a check is true and false where it should be")
{
    EXPECT_TRUE((holds<Relation::equal>(3, 3)));
    EXPECT_FALSE((holds<Relation::equal>(3, 4)));
    EXPECT_TRUE((holds<Relation::not_equal>(3, 4)));
    EXPECT_FALSE((holds<Relation::not_equal>(3, 3)));
    EXPECT_TRUE((holds<Relation::less>(3, 4)));
    EXPECT_FALSE((holds<Relation::less>(3, 3)));
    EXPECT_TRUE((holds<Relation::less_equal>(3, 3)));
    EXPECT_FALSE((holds<Relation::less_equal>(4, 3)));
    EXPECT_TRUE((holds<Relation::greater>(4, 3)));
    EXPECT_FALSE((holds<Relation::greater>(3, 3)));
    EXPECT_TRUE((holds<Relation::greater_equal>(3, 3)));
    EXPECT_FALSE((holds<Relation::greater_equal>(3, 4)));
}

TEST(selftest, wide_values, .summary = "comparisons see all 64 bits and the sign of their operands")
{
    constexpr std::uint64_t top = std::uint64_t{1} << 63;
    EXPECT_TRUE((holds<Relation::greater>(top, std::uint64_t{1})));
    EXPECT_FALSE((holds<Relation::equal>(top, std::uint64_t{0})));
    EXPECT_TRUE((holds<Relation::less>(std::numeric_limits<std::int64_t>::min(), std::int64_t{0})));
    EXPECT_TRUE((holds<Relation::equal>(std::string_view{"a"}, std::string_view{"a"})));
    EXPECT_FALSE((holds<Relation::equal>(std::string_view{"a"}, std::string_view{"b"})));
}

TEST(selftest, formatter,
     .summary = "the formatter prints numbers, text and padding on the target as specified")
{
    TextBuffer<128> text;
    format_to(text, "{} {:x} {:#x} {:08x} {:#010x}", 42U, 0xbeefU, 0x10U, 0xabcU, 0xabcU);
    EXPECT_EQ(text.text(), std::string_view{"42 beef 0x10 00000abc 0x00000abc"});

    text.clear();
    format_to(text, "[{:5}] [{:<5}] {} {} {} {{}}", -17, "ab", true, 'c', std::string_view{"end"});
    EXPECT_EQ(text.text(), std::string_view{"[  -17] [ab   ] true c end {}"});

    text.clear();
    format_to(text, "{} {} {:#018x}", std::numeric_limits<std::int64_t>::min(),
              std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 63);
    EXPECT_EQ(text.text(),
              std::string_view{"-9223372036854775808 18446744073709551615 0x8000000000000000"});
}

TEST(selftest, formatter_truncates, .summary = "text that does not fit a buffer is cut and marked")
{
    TextBuffer<4> text;
    format_to(text, "{}", "abcd");
    EXPECT_FALSE(text.truncated());
    format_to(text, "{}", 5);
    EXPECT_TRUE(text.truncated());
    EXPECT_EQ(text.text(), std::string_view{"abcd"});
}

TEST(selftest, random,
     .summary = "random numbers follow from the seed alone and stay below their bound")
{
    test::Random first{12345};
    test::Random same{12345};
    test::Random other{12346};
    unsigned differences = 0;
    for (unsigned i = 0; i < 100; ++i) {
        const std::uint64_t value = first.next();
        EXPECT_EQ(same.next(), value);
        differences += other.next() != value ? 1 : 0;
    }
    EXPECT_EQ(differences, 100);

    test::Random of_this_case;
    test::Random of_this_case_again;
    EXPECT_EQ(of_this_case.next(), of_this_case_again.next());

    std::array<unsigned, 7> seen{};
    for (unsigned i = 0; i < 1000; ++i) {
        const std::uint64_t value = first.below(seen.size());
        ASSERT_LT(value, seen.size());
        ++seen[value];
    }
    for (const unsigned count : seen) {
        EXPECT_GT(count, 0);
    }
}

TEST(selftest, items, .summary = "every item of a table is run once, in order, and shows its value")
{
    constexpr std::string_view names[]{"first", "second", "third"};
    std::size_t next = 0;
    test::Items items{std::size(names)};
    for (const std::string_view name : names) {
        items.run(name, [&] {
            test::item_value("{}", next);
            EXPECT_EQ(name, names[next]);
            ++next;
        });
    }
    EXPECT_EQ(next, std::size(names));
}

TEST(selftest, interrupt_guards,
     .summary = "guards of the interrupt mask nest and put back what was there")
{
    const bool before = arch::interrupts_masked();
    {
        const irq::Masked outer;
        EXPECT_TRUE(arch::interrupts_masked());
        {
            const irq::Unmasked inner;
            EXPECT_FALSE(arch::interrupts_masked());
            {
                const irq::Masked innermost;
                EXPECT_TRUE(arch::interrupts_masked());
            }
            EXPECT_FALSE(arch::interrupts_masked());
        }
        EXPECT_TRUE(arch::interrupts_masked());
    }
    EXPECT_EQ(arch::interrupts_masked(), before);
}

TEST(selftest, capabilities,
     .summary = "a needs expression holds exactly when every term of it does")
{
    TextBuffer<256> reason;
    EXPECT_EQ(test::amount(test::Capability::cpus), smp::online_count());
    EXPECT_TRUE(test::satisfied("", reason));
    EXPECT_TRUE(test::satisfied("cpus(1)", reason));
    EXPECT_TRUE(test::satisfied("irq && cpus(1)", reason));
    EXPECT_EQ(reason.text(), std::string_view{""});

    EXPECT_FALSE(test::satisfied("!irq", reason));
    reason.clear();
    EXPECT_FALSE(test::satisfied("irq && cpus(255)", reason));
    EXPECT_NE(reason.text().find("cpus(255)"), std::string_view::npos);
}

TEST(selftest, checks_on_other_cpus, .summary = "a check made on another CPU belongs to the case",
     .needs = cpus(2))
{
    const std::uint32_t before = test::running.own.checks();
    smp::on_cpu(1, [] { EXPECT_EQ(smp::this_cpu().index, 1); });
    EXPECT_EQ(test::running.own.checks(), before + 1);
}
