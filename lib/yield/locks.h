// SPDX-License-Identifier: MIT
//
// Two spinlocks that are fair, and suffer for it where a host has fewer CPUs than its guests: the
// lock goes to the one that came first, whether it runs or not. From J. M. Mellor-Crummey and
// M. L. Scott, "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", ACM
// Transactions on Computer Systems 9(1), 1991.
//
// While a CPU waits it calls `spin()`, which says whether to go on. With false the wait is given
// up, and so is the lock: the place in the queue is never taken, and nobody gets past it.
#pragma once

#include <atomic>
#include <cstdint>

namespace yield {

// Algorithm 2 there, without its backoff. All wait for the same word.
class TicketLock {
public:
    constexpr TicketLock() = default;
    TicketLock(const TicketLock&) = delete;
    TicketLock& operator=(const TicketLock&) = delete;

    template <typename Spin>
    [[nodiscard]] bool lock(Spin spin)
    {
        const std::uint32_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
        while (serving_.load(std::memory_order_acquire) != ticket) {
            if (!spin()) {
                return false;
            }
        }
        return true;
    }

    void unlock()
    {
        serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

private:
    std::atomic<std::uint32_t> next_{0};
    std::atomic<std::uint32_t> serving_{0};
};

// Algorithm 5 there, the list-based queue lock ("MCS"). Each waits for a word of its own.
class McsLock {
public:
    // A place in the queue. It must not move from lock() to unlock(), and must outlive the other
    // CPUs' use of the lock when a wait was given up.
    struct alignas(64) Node {
        std::atomic<Node*> next{nullptr};
        std::atomic<bool> waiting{false};
    };

    constexpr McsLock() = default;
    McsLock(const McsLock&) = delete;
    McsLock& operator=(const McsLock&) = delete;

    template <typename Spin>
    [[nodiscard]] bool lock(Node& node, Spin spin)
    {
        node.next.store(nullptr, std::memory_order_relaxed);
        node.waiting.store(true, std::memory_order_relaxed);
        // Release: who comes next finds the node initialised.
        Node* const before = tail_.exchange(&node, std::memory_order_acq_rel);
        if (before == nullptr) {
            return true;
        }
        before->next.store(&node, std::memory_order_release);
        while (node.waiting.load(std::memory_order_acquire)) {
            if (!spin()) {
                return false;
            }
        }
        return true;
    }

    // Waits, too: for the one who is in the queue but has not said so yet.
    template <typename Spin>
    [[nodiscard]] bool unlock(Node& node, Spin spin)
    {
        Node* after = node.next.load(std::memory_order_acquire);
        if (after == nullptr) {
            Node* expected = &node;
            if (tail_.compare_exchange_strong(expected, nullptr, std::memory_order_release,
                                              std::memory_order_relaxed)) {
                return true;
            }
            while ((after = node.next.load(std::memory_order_acquire)) == nullptr) {
                if (!spin()) {
                    return false;
                }
            }
        }
        after->waiting.store(false, std::memory_order_release);
        return true;
    }

private:
    std::atomic<Node*> tail_{nullptr};
};

}  // namespace yield
