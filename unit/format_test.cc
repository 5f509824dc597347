// SPDX-License-Identifier: MIT
#include "lib/base/format.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace {

template <typename... Args>
std::string text(FormatPattern<std::type_identity_t<Args>...> pattern, const Args&... args)
{
    TextBuffer<200> buffer;
    format_to(buffer, pattern, args...);
    return std::string{buffer.text()};
}

// What the compiler would refuse.
std::string unchecked(std::string_view pattern, std::span<const FormatArgument> arguments = {})
{
    TextBuffer<200> buffer;
    format_arguments(buffer, pattern, arguments);
    return std::string{buffer.text()};
}

TEST(Format, Types)
{
    EXPECT_EQ(text("{} {}", true, false), "true false");
    EXPECT_EQ(text("{}{}", 'o', 'k'), "ok");
    EXPECT_EQ(text("{}", "text"), "text");
    EXPECT_EQ(text("{}", std::string_view{"view"}), "view");
    EXPECT_EQ(text("{}", static_cast<const char*>(nullptr)), "(null)");
    EXPECT_EQ(text("{}", reinterpret_cast<const void*>(0x1234)), "0x1234");
    enum class Colour : std::uint8_t { green = 7 };
    EXPECT_EQ(text("{}", Colour::green), "7");
}

TEST(Format, Numbers)
{
    EXPECT_EQ(text("{}", 0), "0");
    EXPECT_EQ(text("{}", std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
    EXPECT_EQ(text("{}", std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
    EXPECT_EQ(text("{}", std::int8_t{-1}), "-1");
    EXPECT_EQ(text("{:x}", 0xabcU), "abc");
    EXPECT_EQ(text("{:#x}", 0xabcU), "0xabc");
    EXPECT_EQ(text("{:#x}", -16), "-0x10");
}

TEST(Format, Width)
{
    EXPECT_EQ(text("[{:5}]", 42), "[   42]");
    EXPECT_EQ(text("[{:<5}]", 42), "[42   ]");
    EXPECT_EQ(text("[{:<6}]", "ab"), "[ab    ]");
    EXPECT_EQ(text("[{:2}]", 12345), "[12345]");
    EXPECT_EQ(text("{:03}", 7), "007");
    EXPECT_EQ(text("{:04}", -7), "-007");
    EXPECT_EQ(text("{:08x}", 0xbeefU), "0000beef");
    EXPECT_EQ(text("{:#018x}", std::uint64_t{0xbeef}), "0x000000000000beef");
    EXPECT_EQ(text("{:#064}", 1).size(), 64U);
}

TEST(Format, Braces)
{
    EXPECT_EQ(text("{{}} {{{}}}", 1), "{} {1}");
}

TEST(Format, MalformedPatternsAreShown)
{
    const FormatArgument one[]{FormatArgument{1}};
    EXPECT_EQ(unchecked("{} {}", one), "1 {?}");
    EXPECT_EQ(unchecked("a {b"), "a {b");
    EXPECT_EQ(unchecked("a } b"), "a } b");
    EXPECT_EQ(unchecked("{:q}", one), "{?}");
    EXPECT_EQ(unchecked("{:65}", one), "{?}");
    EXPECT_EQ(unchecked("{:99999999999999999999}", one), "{?}");
    EXPECT_EQ(unchecked("{"), "{");
    EXPECT_EQ(unchecked("}"), "}");
    EXPECT_EQ(unchecked(""), "");
}

TEST(Format, FieldsAreCounted)
{
    static_assert(count_fields("") == 0);
    static_assert(count_fields("{} {:#x} {{}}") == 2);
    static_assert(count_fields("{") == -1);
    static_assert(count_fields("}") == -1);
    static_assert(count_fields("{:z}") == -1);
}

TEST(Format, BufferTruncates)
{
    TextBuffer<4> buffer;
    format_to(buffer, "{}", "abcd");
    EXPECT_FALSE(buffer.truncated());
    format_to(buffer, "{}", "e");
    EXPECT_TRUE(buffer.truncated());
    EXPECT_EQ(buffer.text(), "abcd");
    buffer.clear();
    EXPECT_FALSE(buffer.truncated());
    EXPECT_EQ(buffer.text(), "");
}

}  // namespace
