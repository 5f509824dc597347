// SPDX-License-Identifier: MIT
//
// A frequency found out by comparing a counter with a clock whose rate is known.
#pragma once

#include "lib/base/function_ref.h"
#include "lib/base/result.h"

#include <cstdint>

namespace timer {

// A clock that counts up and wraps behind `mask`.
struct ReferenceClock {
    const char* name;
    std::uint64_t frequency;  // in Hz
    std::uint64_t mask;
    FunctionRef<std::uint64_t()> count;
};

// The frequency of `counter` in Hz. Two windows of about 4 ms, one right behind the other, have to
// agree: the machine may lose the CPU in the middle of one, or the clock may be a bad one. Errors:
// the clock stands still; no two windows agree.
[[nodiscard]] Result<std::uint64_t> calibrate(const ReferenceClock& clock,
                                              FunctionRef<std::uint64_t()> counter);

// Whether two frequencies are the same but for what a measurement is off: half a percent.
[[nodiscard]] constexpr bool agree(std::uint64_t a, std::uint64_t b)
{
    const std::uint64_t difference = a > b ? a - b : b - a;
    return difference <= (a > b ? a : b) / 200;
}

}  // namespace timer
