// SPDX-License-Identifier: MIT
//
// What a function returns that can fail: a value, or a sentence that says what was wrong.
#pragma once

#include <cstdint>
#include <expected>

// A failure. `what` is a static string, a sentence without the full stop: "no memory node"; it
// names the thing that is wrong. `value` is the offending number where there is one, else 0.
struct Error {
    const char* what;
    std::uint64_t value = 0;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// return fail("memory node has no reg property");
[[nodiscard]] constexpr std::unexpected<Error> fail(const char* what, std::uint64_t value = 0)
{
    return std::unexpected<Error>{Error{.what = what, .value = value}};
}
