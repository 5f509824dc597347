// SPDX-License-Identifier: MIT
//
// Checks. EXPECT_* records a failure and goes on; ASSERT_* records it and returns from the function
// it stands in, so that guards run. The first argument is what the machine did, the second what it
// should have done; both have the same type (integer literals take the other side's type).
//
// A failure prints its place, the expression, both values, CPU, privilege level and time:
//
//     # tests/arm64/timer.cc:88: EXPECT_EQ(control[CTL::ISTATUS], 0)
//     #   expected: 0
//     #   actual:   1                     [cpu0 EL1 +12.345 ms]
#pragma once

#include "lib/base/format.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace test {

// How a value of type T is shown. Specialise describe() by overload for types of your own:
//     void describe(Sink& sink, const Region& region);
template <typename T>
concept Described = requires(Sink& sink, const T& value) { describe(sink, value); };

enum class Relation : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };

namespace detail {

// Where a check stands.
struct Place {
    const char* file;
    unsigned line;
    const char* expression;
};

// A value with its type erased, for the report.
struct Value {
    using Print = void (*)(Sink& sink, const void* value);
    const void* object;
    Print print;
};

void print_boolean(Sink& sink, const void* value);
void print_unsigned(Sink& sink, std::uint64_t value);  // "4", "0x1f (31)", "0x40200000"
void print_signed(Sink& sink, std::int64_t value);

template <typename T>
void print_value(Sink& sink, const void* object)
{
    const T& value = *static_cast<const T*>(object);
    if constexpr (Described<T>) {
        describe(sink, value);
    } else if constexpr (std::is_same_v<T, bool>) {
        print_boolean(sink, object);
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
        format_to(sink, "\"{}\"", std::string_view{value});
    } else if constexpr (std::is_enum_v<T>) {
        const auto number = static_cast<std::underlying_type_t<T>>(value);
        print_value<std::underlying_type_t<T>>(sink, &number);
    } else if constexpr (std::unsigned_integral<T>) {
        print_unsigned(sink, value);
    } else if constexpr (std::signed_integral<T>) {
        print_signed(sink, value);
    } else if constexpr (std::is_pointer_v<T>) {
        print_unsigned(sink, reinterpret_cast<std::uintptr_t>(value));
    } else if constexpr (requires { value.value; }) {
        print_value<std::remove_cvref_t<decltype(value.value)>>(sink, &value.value);
    } else {
        static_assert(Described<T>, "no describe(Sink&, const T&) for this type");
    }
}

// Counts a check of the running case.
void count_check();
// Records a failed check and reports it; of many in one case only the first are shown.
[[gnu::cold]] void fail_check(const Place& place, Value actual, Value expected, Relation relation);

template <Relation R, typename T>
[[nodiscard]] constexpr bool holds(const T& actual, const T& expected)
{
    if constexpr (R == Relation::equal) {
        return actual == expected;
    } else if constexpr (R == Relation::not_equal) {
        return !(actual == expected);
    } else if constexpr (R == Relation::less) {
        return actual < expected;
    } else if constexpr (R == Relation::less_equal) {
        return actual <= expected;
    } else if constexpr (R == Relation::greater) {
        return actual > expected;
    } else {
        return actual >= expected;
    }
}

// The type both sides of a comparison have. A side that is a plain `int` constant takes the
// other's.
template <typename A, typename E>
struct Common {
    static_assert(std::is_same_v<A, E>, "both sides of a comparison must have the same type");
    using type = A;
};
template <typename A>
    requires(std::integral<A> && !std::is_same_v<A, int> && !std::is_same_v<A, bool>)
struct Common<A, int> {
    using type = A;
};

// Out of line, so that a check that holds costs little more than the comparison.
template <Relation R, typename T>
[[gnu::cold, gnu::noinline]] void fail_comparison(const T& actual, const T& expected,
                                                  const char* file, unsigned line,
                                                  const char* expression)
{
    fail_check({file, line, expression}, {&actual, print_value<T>}, {&expected, print_value<T>}, R);
}

template <Relation R, typename A, typename E>
[[nodiscard]] bool compare(const A& actual, const E& expected, const char* file, unsigned line,
                           const char* expression)
{
    using T = Common<std::decay_t<A>, std::decay_t<E>>::type;
    const T left = static_cast<T>(actual);
    const T right = static_cast<T>(expected);
    count_check();
    const bool good = holds<R, T>(left, right);
    if (!good) [[unlikely]] {
        fail_comparison<R, T>(left, right, file, line, expression);
    }
    return good;
}

}  // namespace detail
}  // namespace test

#define ASSAY_COMPARE_(relation, actual, expected, text)                                          \
    ::test::detail::compare<::test::Relation::relation>((actual), (expected), __FILE__, __LINE__, \
                                                        text)
#define ASSAY_EXPECT_(kind, relation, actual, expected) \
    static_cast<void>(                                  \
        ASSAY_COMPARE_(relation, actual, expected, #kind "(" #actual ", " #expected ")"))
#define ASSAY_ASSERT_(kind, relation, actual, expected)                                          \
    do {                                                                                         \
        if (!ASSAY_COMPARE_(relation, actual, expected, #kind "(" #actual ", " #expected ")")) { \
            return;                                                                              \
        }                                                                                        \
    } while (false)
#define ASSAY_EXPECT_BOOL_(kind, condition, expected) \
    static_cast<void>(                                \
        ASSAY_COMPARE_(equal, static_cast<bool>(condition), expected, #kind "(" #condition ")"))
#define ASSAY_ASSERT_BOOL_(kind, condition, expected)                      \
    do {                                                                   \
        if (!ASSAY_COMPARE_(equal, static_cast<bool>(condition), expected, \
                            #kind "(" #condition ")")) {                   \
            return;                                                        \
        }                                                                  \
    } while (false)

#define EXPECT_TRUE(condition) ASSAY_EXPECT_BOOL_(EXPECT_TRUE, condition, true)
#define EXPECT_FALSE(condition) ASSAY_EXPECT_BOOL_(EXPECT_FALSE, condition, false)
#define EXPECT_EQ(actual, expected) ASSAY_EXPECT_(EXPECT_EQ, equal, actual, expected)
#define EXPECT_NE(actual, expected) ASSAY_EXPECT_(EXPECT_NE, not_equal, actual, expected)
#define EXPECT_LT(actual, expected) ASSAY_EXPECT_(EXPECT_LT, less, actual, expected)
#define EXPECT_LE(actual, expected) ASSAY_EXPECT_(EXPECT_LE, less_equal, actual, expected)
#define EXPECT_GT(actual, expected) ASSAY_EXPECT_(EXPECT_GT, greater, actual, expected)
#define EXPECT_GE(actual, expected) ASSAY_EXPECT_(EXPECT_GE, greater_equal, actual, expected)

#define ASSERT_TRUE(condition) ASSAY_ASSERT_BOOL_(ASSERT_TRUE, condition, true)
#define ASSERT_FALSE(condition) ASSAY_ASSERT_BOOL_(ASSERT_FALSE, condition, false)
#define ASSERT_EQ(actual, expected) ASSAY_ASSERT_(ASSERT_EQ, equal, actual, expected)
#define ASSERT_NE(actual, expected) ASSAY_ASSERT_(ASSERT_NE, not_equal, actual, expected)
#define ASSERT_LT(actual, expected) ASSAY_ASSERT_(ASSERT_LT, less, actual, expected)
#define ASSERT_LE(actual, expected) ASSAY_ASSERT_(ASSERT_LE, less_equal, actual, expected)
#define ASSERT_GT(actual, expected) ASSAY_ASSERT_(ASSERT_GT, greater, actual, expected)
#define ASSERT_GE(actual, expected) ASSAY_ASSERT_(ASSERT_GE, greater_equal, actual, expected)
