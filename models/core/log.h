// SPDX-License-Identifier: MIT
//
// What a device model tells about a run: what it did, line by line, for those who want to watch,
// and what software did that the architecture forbids.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model {

[[nodiscard]] inline std::string hex(std::uint64_t value)
{
    std::array<char, 16> digits{};
    const char* const end = std::to_chars(digits.begin(), digits.end(), value, 16).ptr;
    return "0x" + std::string(static_cast<const char*>(digits.data()), end);
}

// Lines go to a function, where one is set; it must not call the model.
class Log {
public:
    using Sink = std::function<void(std::string_view)>;

    void set_sink(Sink sink) { sink_ = std::move(sink); }
    [[nodiscard]] explicit operator bool() const { return static_cast<bool>(sink_); }
    void line(std::string_view text) const
    {
        if (sink_) {
            sink_(text);
        }
    }

private:
    Sink sink_;
};

struct Violation {
    std::string_view rule;  // one sentence of static storage: what was forbidden
    std::string text;       // the case at hand: numbers and addresses
};

// The model goes on after a violation, with the effect the architecture gives it.
class Violations {
public:
    void add(std::string_view rule, std::string text = {})
    {
        const std::scoped_lock lock{mutex_};
        if (list_.size() < kept) {
            list_.push_back({.rule = rule, .text = std::move(text)});
        }
    }
    [[nodiscard]] std::vector<Violation> list() const
    {
        const std::scoped_lock lock{mutex_};
        return list_;
    }
    [[nodiscard]] bool empty() const
    {
        const std::scoped_lock lock{mutex_};
        return list_.empty();
    }
    [[nodiscard]] bool contains(std::string_view rule) const
    {
        const std::scoped_lock lock{mutex_};
        return std::ranges::any_of(list_, [&](const Violation& v) { return v.rule == rule; });
    }
    // What was kept since the last time, which is forgotten.
    [[nodiscard]] std::vector<Violation> take()
    {
        const std::scoped_lock lock{mutex_};
        return std::exchange(list_, {});
    }
    void clear() { static_cast<void>(take()); }

private:
    static constexpr std::size_t kept = 1000;  // the first ones tell the story

    mutable std::mutex mutex_;
    std::vector<Violation> list_;
};

}  // namespace model
