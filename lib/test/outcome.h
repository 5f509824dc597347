// SPDX-License-Identifier: MIT
//
// What a case can say beside its checks. All of it may be called on any CPU.
#pragma once

#include "lib/base/format.h"

#include <span>
#include <string_view>
#include <type_traits>

namespace test {

namespace detail {

void skip_case(std::string_view pattern, std::span<const FormatArgument> arguments);
void error_case(std::string_view pattern, std::span<const FormatArgument> arguments);
void note_line(std::string_view pattern, std::span<const FormatArgument> arguments);
void set_item_value(std::string_view pattern, std::span<const FormatArgument> arguments);

}  // namespace detail

// Ends the case as not applicable; the caller returns after it.
//     if (...) { return test::skip("CPU has no AArch32 at EL0"); }
// A case that failed before is a failure all the same.
template <typename... Args>
void skip(FormatPattern<std::type_identity_t<Args>...> pattern, const Args&... args)
{
    detail::skip_case(pattern.pattern, FormatArguments{args...});
}

// Records that the test or its surroundings are wrong; the caller returns after it.
template <typename... Args>
void error(FormatPattern<std::type_identity_t<Args>...> pattern, const Args&... args)
{
    detail::error_case(pattern.pattern, FormatArguments{args...});
}

// A line for the reader of the log: "# note: ...". Not a check.
template <typename... Args>
void note(FormatPattern<std::type_identity_t<Args>...> pattern, const Args&... args)
{
    detail::note_line(pattern.pattern, FormatArguments{args...});
}

// Text shown on the running item's result line: its value. Outside an item there is no such text.
template <typename... Args>
void item_value(FormatPattern<std::type_identity_t<Args>...> pattern, const Args&... args)
{
    detail::set_item_value(pattern.pattern, FormatArguments{args...});
}

}  // namespace test
