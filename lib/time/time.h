// SPDX-License-Identifier: MIT
//
// Time, in ticks of the architecture's counter. Tests state invariants; a limit is only there to
// end a wait that will never end, and is generous: a VM can lose the CPU for hundreds of ms.
#pragma once

#include <arch/cpu.h>
#include <arch/timer.h>

#include <compare>
#include <cstdint>

namespace timer {

struct Ticks {
    std::uint64_t value;
    friend constexpr auto operator<=>(Ticks, Ticks) = default;
    friend constexpr Ticks operator+(Ticks a, Ticks b) { return {a.value + b.value}; }
    friend constexpr Ticks operator-(Ticks a, Ticks b) { return {a.value - b.value}; }
};

[[nodiscard]] Ticks now();
[[nodiscard]] Ticks microseconds(std::uint64_t count);
[[nodiscard]] Ticks milliseconds(std::uint64_t count);
[[nodiscard]] Ticks seconds(std::uint64_t count);
[[nodiscard]] std::uint64_t to_microseconds(Ticks ticks);

// Since start_clock(), at the beginning of boot::main().
[[nodiscard]] Ticks since_start();
void start_clock();

// The wait that ends every wait for something that should have happened: seconds, not ms.
[[nodiscard]] Ticks patience();

// Waits until `condition()` is true; false when `limit` passed first.
template <typename Condition>
[[nodiscard]] bool wait_until(Condition condition, Ticks limit = patience())
{
    const Ticks start = now();
    while (!condition()) {
        if (now() - start > limit) {
            return condition();
        }
        arch::relax();
    }
    return true;
}

void delay(Ticks duration);

}  // namespace timer
