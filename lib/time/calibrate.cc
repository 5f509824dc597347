// SPDX-License-Identifier: MIT
#include "lib/time/calibrate.h"

#include <limits>

namespace timer {

namespace {

constexpr std::uint64_t windows_per_second = 250;
constexpr unsigned most_windows = 12;
constexpr unsigned readings = 8;

// A clock that was asked so often without an answer that is far enough, stands still.
constexpr std::uint64_t most_polls = 20'000'000;

// One moment on both.
struct Moment {
    std::uint64_t clock;
    std::uint64_t counter;
    std::uint64_t doubt;  // between the two readings of the counter around that of the clock
};

// The surest of some readings: the CPU may be away in the middle of one.
Moment look(const ReferenceClock& clock, FunctionRef<std::uint64_t()> counter)
{
    Moment best{.clock = 0, .counter = 0, .doubt = std::numeric_limits<std::uint64_t>::max()};
    for (unsigned i = 0; i < readings; ++i) {
        const std::uint64_t before = counter();
        const std::uint64_t count = clock.count();
        const std::uint64_t after = counter();
        if (after - before < best.doubt) {
            best = {
                .clock = count, .counter = before + (after - before) / 2, .doubt = after - before};
        }
    }
    return best;
}

// a * b / c without overflow: windows are short, but nobody knows how long the CPU was away.
std::uint64_t scale(std::uint64_t a, std::uint64_t b, std::uint64_t c)
{
    return a / c * b + a % c * b / c;
}

Result<std::uint64_t> measure(const ReferenceClock& clock, FunctionRef<std::uint64_t()> counter)
{
    const std::uint64_t window = clock.frequency / windows_per_second;
    const Moment begin = look(clock, counter);
    for (std::uint64_t polls = 0; ((clock.count() - begin.clock) & clock.mask) < window; ++polls) {
        if (polls == most_polls) {
            return fail("a clock to calibrate with stands still", clock.frequency);
        }
    }
    const Moment end = look(clock, counter);
    const std::uint64_t passed = (end.clock - begin.clock) & clock.mask;
    if (passed == 0) {
        return fail("a clock to calibrate with stands still", clock.frequency);
    }
    return scale(end.counter - begin.counter, clock.frequency, passed);
}

}  // namespace

Result<std::uint64_t> calibrate(const ReferenceClock& clock, FunctionRef<std::uint64_t()> counter)
{
    auto last = measure(clock, counter);
    for (unsigned i = 1; i < most_windows && last; ++i) {
        const auto next = measure(clock, counter);
        if (next && agree(*last, *next)) {
            return *last / 2 + *next / 2 + (*last % 2 + *next % 2) / 2;
        }
        last = next;
    }
    return last ? fail("no two measurements of a frequency agree", *last)
                : std::unexpected{last.error()};
}

}  // namespace timer
