// SPDX-License-Identifier: MIT
//
// The clock that a host describes by numbers: a count of the CPU's counter, the time it stands for,
// and how counts become nanoseconds. Linux Documentation/virt/kvm/x86/msr.rst,
// MSR_KVM_SYSTEM_TIME_NEW and MSR_KVM_WALL_CLOCK_NEW; the structures are those of Xen.
#pragma once

#include "lib/base/register.h"
#include "lib/pv/shared.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pv {

inline constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;

struct ClockFlags : Bits<ClockFlags, std::uint8_t> {
    static constexpr Field TSC_STABLE{0};     // all CPUs agree; where the feature is offered
    static constexpr Field GUEST_STOPPED{1};  // the host had stopped the VM; the guest clears it
};

// struct pvclock_vcpu_time_info
struct alignas(32) ClockInfo {
    std::uint32_t version;  // lib/pv/shared.h
    std::uint32_t padding;
    std::uint64_t tsc_timestamp;
    std::uint64_t system_time;  // ns at that count
    std::uint32_t tsc_to_system_mul;
    std::int8_t tsc_shift;
    std::uint8_t flags;
    std::array<std::uint8_t, 2> padding2;
};
static_assert(sizeof(ClockInfo) == 32 && offsetof(ClockInfo, system_time) == 16);
static_assert(offsetof(ClockInfo, tsc_shift) == 28 && offsetof(ClockInfo, flags) == 29);

// How counts become nanoseconds: shifted (to the left, or by a negative number to the right), then
// multiplied by `mul` / 2^32.
struct Scale {
    std::uint32_t mul;
    std::int8_t shift;
    friend constexpr bool operator==(const Scale&, const Scale&) = default;

    // A product of 96 bits, of which the middle ones are the result; modulo 2^64.
    [[nodiscard]] constexpr std::uint64_t nanoseconds(std::uint64_t count) const
    {
        const auto distance = static_cast<unsigned>(shift < 0 ? -shift : shift);
        const std::uint64_t shifted = distance > 63 ? 0
                                      : shift < 0   ? count >> distance
                                                    : count << distance;
        const std::uint64_t high = (shifted >> 32) * mul;
        const std::uint64_t low = (shifted & 0xffff'ffff) * mul;
        return high + (low >> 32);
    }

    // Counts a second, rounded down; 0: there is no such number.
    [[nodiscard]] constexpr std::uint64_t frequency() const
    {
        const auto distance = static_cast<unsigned>(shift < 0 ? -shift : shift);
        if (mul == 0 || distance > 31) {
            return 0;
        }
        const std::uint64_t dividend = nanoseconds_per_second << 32;
        return shift >= 0 ? (dividend / mul) >> distance
                          : (dividend / mul << distance) + (dividend % mul << distance) / mul;
    }
};

// What is read of a ClockInfo in one go.
struct ClockReading {
    std::uint64_t tsc_timestamp;
    std::uint64_t system_time;
    Scale scale;
    ClockFlags flags;

    // The time in ns at a count of the same CPU, not before that of the timestamp.
    [[nodiscard]] constexpr std::uint64_t at(std::uint64_t count) const
    {
        return system_time + scale.nanoseconds(count - tsc_timestamp);
    }
    [[nodiscard]] constexpr bool is_stable() const { return flags[ClockFlags::TSC_STABLE] != 0; }
};

[[nodiscard]] inline std::optional<Versioned<ClockReading>> read(const ClockInfo& area)
{
    return read_versioned(area.version, [&] {
        return ClockReading{.tsc_timestamp = load(area.tsc_timestamp),
                            .system_time = load(area.system_time),
                            .scale = {load(area.tsc_to_system_mul), load(area.tsc_shift)},
                            .flags = ClockFlags::from(load(area.flags))};
    });
}

// The time in ns now. `counter()` is asked between the two looks at the version, and must not be
// read early.
template <typename Counter>
[[nodiscard]] std::optional<std::uint64_t> time(const ClockInfo& area, Counter counter)
{
    const auto now = read_versioned(area.version, [&] {
        const ClockReading reading{.tsc_timestamp = load(area.tsc_timestamp),
                                   .system_time = load(area.system_time),
                                   .scale = {load(area.tsc_to_system_mul), load(area.tsc_shift)},
                                   .flags = {}};
        return reading.at(counter());
    });
    if (!now) {
        return {};
    }
    return now->value;
}

// Makes one clock of those of all CPUs where they are not stable: no time is earlier than one that
// was told before, on whatever CPU.
class CommonClock {
public:
    [[nodiscard]] std::uint64_t not_before(std::uint64_t time)
    {
        std::uint64_t last = last_.load(std::memory_order_relaxed);
        while (last < time) {
            if (last_.compare_exchange_weak(last, time)) {
                return time;
            }
        }
        return last;
    }

private:
    std::atomic<std::uint64_t> last_{0};
};

// struct pvclock_wall_clock: the time of day at which the system time was 0.
struct WallClock {
    std::uint32_t version;
    std::uint32_t sec;  // since 1970
    std::uint32_t nsec;
};
static_assert(sizeof(WallClock) == 12);

struct TimeOfDay {
    std::uint32_t sec;
    std::uint32_t nsec;

    [[nodiscard]] constexpr std::uint64_t nanoseconds() const
    {
        return sec * nanoseconds_per_second + nsec;
    }
};

[[nodiscard]] inline std::optional<Versioned<TimeOfDay>> read(const WallClock& area)
{
    return read_versioned(
        area.version, [&] { return TimeOfDay{.sec = load(area.sec), .nsec = load(area.nsec)}; });
}

}  // namespace pv
