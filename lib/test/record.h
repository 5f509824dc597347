// SPDX-License-Identifier: MIT
//
// Of the framework's own: what the running case, or the running item of it, has said so far.
#pragma once

#include "lib/base/format.h"
#include "lib/base/spinlock.h"
#include "lib/test/case.h"

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

namespace test {

// The worst wins: a case that failed a check and then skips is a failure.
enum class Outcome : std::uint8_t { pass, skip, fail, error };

// Any CPU may add to it.
class Record {
public:
    void reset();

    void add_checks(std::uint32_t count) { checks_.fetch_add(count, std::memory_order_relaxed); }
    // Returns how many checks have failed with this one.
    std::uint32_t add_failure();
    // Sets the outcome unless it is as bad already; then the reason, too, stays what it was.
    void worsen(Outcome outcome, std::string_view pattern,
                std::span<const FormatArgument> arguments);
    void set_value(std::string_view pattern, std::span<const FormatArgument> arguments);
    // To say nothing is an error.
    void close();

    [[nodiscard]] Outcome outcome() const { return outcome_; }
    [[nodiscard]] std::uint32_t checks() const { return checks_; }
    [[nodiscard]] std::string_view reason() const { return reason_.text(); }
    [[nodiscard]] std::string_view value() const { return value_.text(); }

private:
    std::atomic<std::uint32_t> checks_{0};
    std::atomic<std::uint32_t> failures_{0};
    std::atomic<Outcome> outcome_{Outcome::pass};
    Spinlock lock_;  // of the texts, and of changes of the outcome
    TextBuffer<160> reason_;
    TextBuffer<80> value_;
};

// Writes "not ok 2 psci.version # ERROR reason\n"; `text` stands behind '#' when there is no
// reason.
void write_result(Sink& sink, std::uint32_t number, std::string_view name, const Record& record,
                  std::string_view text);

// The running case. Written by the runner and by Items, read by every CPU.
struct Running {
    std::atomic<const Case*> test{nullptr};  // null between cases
    std::atomic<std::uint32_t> number{0};
    std::atomic<bool> in_item{false};
    Record own;
    Record item;

    [[nodiscard]] Record& record() { return in_item ? item : own; }
    // The ID of the running case, "" between cases.
    [[nodiscard]] std::string_view id() const
    {
        const Case* const current = test;
        return current != nullptr ? current->id : "";
    }
    // What stands in front of the lines of a case or an item.
    [[nodiscard]] std::string_view indent() const { return in_item ? "  " : ""; }
};
extern constinit Running running;

}  // namespace test
