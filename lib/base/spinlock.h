// SPDX-License-Identifier: MIT
//
// A test-and-set lock for short sections. Not fair, not recursive.
#pragma once

#include <arch/cpu.h>

#include <atomic>

class Spinlock {
public:
    constexpr Spinlock() = default;
    Spinlock(const Spinlock&) = delete;
    Spinlock& operator=(const Spinlock&) = delete;

    void lock()
    {
        while (!try_lock()) {
            arch::relax();
        }
    }

    [[nodiscard]] bool try_lock() { return !held_.exchange(true, std::memory_order_acquire); }

    void unlock() { held_.store(false, std::memory_order_release); }

private:
    std::atomic<bool> held_{false};
};

// Holds a lock for a scope. Interrupts are masked meanwhile: their handlers may want it, too.
class SpinlockGuard {
public:
    explicit SpinlockGuard(Spinlock& lock) : lock_{lock}, interrupts_{arch::mask_interrupts()}
    {
        lock_.lock();
    }
    ~SpinlockGuard()
    {
        lock_.unlock();
        arch::restore_interrupts(interrupts_);
    }
    SpinlockGuard(const SpinlockGuard&) = delete;
    SpinlockGuard& operator=(const SpinlockGuard&) = delete;

private:
    Spinlock& lock_;
    arch::InterruptState interrupts_;
};
