// SPDX-License-Identifier: MIT
#include "lib/time/time.h"

namespace timer {

namespace {

constinit Ticks start{0};

// count * frequency / per_second without overflow for any count that can pass.
constexpr std::uint64_t scale(std::uint64_t count, std::uint64_t to, std::uint64_t from)
{
    return count / from * to + count % from * to / from;
}

Ticks ticks(std::uint64_t count, std::uint64_t per_second)
{
    return {scale(count, arch::counter_frequency(), per_second)};
}

}  // namespace

Ticks now()
{
    return {arch::counter()};
}

Ticks microseconds(std::uint64_t count)
{
    return ticks(count, 1'000'000);
}

Ticks milliseconds(std::uint64_t count)
{
    return ticks(count, 1'000);
}

Ticks seconds(std::uint64_t count)
{
    return ticks(count, 1);
}

std::uint64_t to_microseconds(Ticks ticks)
{
    return scale(ticks.value, 1'000'000, arch::counter_frequency());
}

void start_clock()
{
    start = now();
}

Ticks since_start()
{
    return now() - start;
}

Ticks patience()
{
    return seconds(4);
}

void delay(Ticks duration)
{
    const Ticks begin = now();
    while (now() - begin < duration) {
        arch::relax();
    }
}

}  // namespace timer
