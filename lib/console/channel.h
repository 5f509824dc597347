// SPDX-License-Identifier: MIT
//
// What is behind the console's functions: a device, the text said before there was one, a lock.
#pragma once

#include "lib/base/spinlock.h"

#include <arch/cpu.h>

#include <atomic>
#include <cstddef>
#include <string_view>

namespace console {

class Device;

class Channel {
public:
    constexpr Channel() = default;

    // The first device gets what was said before.
    void attach(Device& device);

    // For one unit of text. False: the lock was broken, nothing to release.
    [[nodiscard]] bool acquire();
    void release() { lock_.unlock(); }

    void write(std::string_view text);
    void begin_line();
    void flush();

    // From now on only the calling CPU's text is written, and without the lock; it begins on a
    // line of its own.
    void break_lock();

private:
    // Text said before the first device that does not fit is counted and dropped.
    static constexpr std::size_t early_capacity = 4096;

    [[nodiscard]] bool muted() const
    {
        return broken_.load(std::memory_order_acquire) && arch::cpu_data() != owner_;
    }
    void put(char c);

    Spinlock lock_;
    std::atomic<bool> broken_{false};
    const arch::CpuData* owner_ = nullptr;
    Device* device_ = nullptr;
    bool line_open_ = false;
    std::size_t early_size_ = 0;
    std::size_t early_lost_ = 0;
    char early_[early_capacity]{};
};

}  // namespace console
