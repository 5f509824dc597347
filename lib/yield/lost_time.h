// SPDX-License-Identifier: MIT
//
// Time that a CPU lost, as it sees it itself: it looks at the counter again and again, and where
// the counter went on by more than the code between two looks can take, the CPU did not run.
#pragma once

#include "lib/time/time.h"

#include <atomic>
#include <cstdint>

namespace yield {

// Used by one CPU, by its interrupt handlers too; the totals may be read by any.
class LostTime {
public:
    // A step longer than `threshold` is a gap. An interrupt's handler must be well below it.
    explicit LostTime(timer::Ticks threshold) : threshold_{threshold.value} {}

    // To be called all the time. The first look begins; a gap is counted with its whole length.
    void look()
    {
        const std::uint64_t now = timer::now().value;
        std::uint64_t last = last_.load(std::memory_order_relaxed);
        // A handler that looked in between has counted what there was to count.
        if (now <= last || !last_.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
            return;
        }
        if (last != 0 && now - last > threshold_) {
            total_.fetch_add(now - last, std::memory_order_relaxed);
            gaps_.fetch_add(1, std::memory_order_relaxed);
        }
    }

    [[nodiscard]] timer::Ticks last_look() const { return {last_.load(std::memory_order_relaxed)}; }
    [[nodiscard]] timer::Ticks total() const { return {total_.load(std::memory_order_relaxed)}; }
    [[nodiscard]] std::uint32_t gaps() const { return gaps_.load(std::memory_order_relaxed); }

private:
    std::uint64_t threshold_;
    std::atomic<std::uint64_t> last_{0};  // 0: not looked yet
    std::atomic<std::uint64_t> total_{0};
    std::atomic<std::uint32_t> gaps_{0};
};

}  // namespace yield
