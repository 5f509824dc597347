// SPDX-License-Identifier: MIT
//
// The I/O provider for unit tests of drivers: it expects exact reads and writes in an exact order.
//
//     unit::IoScript script;
//     unit::MockIo gicd = script.frame("GICD");
//     unit::MockIo icc = script.frame("ICC");
//     gicd.expect_write(GICD_CTLR::from(0x12));
//     gicd.expect_read(GICD_CTLR::from(0x52));
//     icc.expect_synchronize();
//     Driver{gicd, icc}.init();
//     // The end of the script's scope reports every step that was not taken.
//
// A step is identified by frame, register type and index: the same provider stands for memory
// (Mmio) and for system registers. Where a register lies is checked with static assertions on its
// layout, or with a device that decodes addresses.
#pragma once

#include "lib/base/register.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace unit {

class MockIo;

// The accesses that a driver is expected to make, over all its frames.
class IoScript {
public:
    IoScript() = default;
    IoScript(const IoScript&) = delete;
    IoScript& operator=(const IoScript&) = delete;
    ~IoScript() { verify(); }

    // A provider that plays this script. `name` tells frames apart and appears in failures.
    [[nodiscard]] MockIo frame(std::string_view name);

    // Fails for every step that was expected and not taken, and forgets them.
    void verify()
    {
        for (const Step& step : expected_) {
            ADD_FAILURE() << "never happened: " << step.describe();
        }
        expected_.clear();
    }

private:
    friend class MockIo;

    enum class Kind : std::uint8_t { read, write, synchronize };
    struct Step {
        Kind kind;
        std::string target;  // "GICD.GICD_ISENABLER[2]"
        std::uint64_t value;

        [[nodiscard]] std::string describe() const
        {
            std::ostringstream text;
            switch (kind) {
            case Kind::read:
                text << "read " << target << " -> 0x" << std::hex << value;
                break;
            case Kind::write:
                text << "write " << target << " = 0x" << std::hex << value;
                break;
            case Kind::synchronize:
                text << "synchronize " << target;
                break;
            }
            return text.str();
        }
    };

    [[nodiscard]] std::uint64_t read(const std::string& target)
    {
        if (!expected_.empty() && expected_.front().kind == Kind::read &&
            expected_.front().target == target) {
            return take().value;
        }
        if (const auto always = always_.find(target); always != always_.end()) {
            return always->second;
        }
        ADD_FAILURE() << "unexpected: read " << target << "\nexpected:   " << next();
        return 0;
    }

    void act(const Step& actual)
    {
        if (!expected_.empty() && expected_.front().kind == actual.kind &&
            expected_.front().target == actual.target && expected_.front().value == actual.value) {
            take();
            return;
        }
        ADD_FAILURE() << "unexpected: " << actual.describe() << "\nexpected:   " << next();
    }

    Step take()
    {
        Step step = std::move(expected_.front());
        expected_.pop_front();
        return step;
    }

    [[nodiscard]] std::string next() const
    {
        return expected_.empty() ? "nothing more" : expected_.front().describe();
    }

    std::deque<Step> expected_;
    std::map<std::string, std::uint64_t> always_;
};

// One frame of a script: what a driver takes as its provider. Copies are the same frame.
class MockIo {
public:
    MockIo(IoScript& script, std::string_view name) : script_{&script}, name_{name} {}

    // The test's side: what is to happen next.
    template <typename R>
    void expect_read(R value, std::size_t index = 0)
    {
        expect(IoScript::Kind::read, target<R>(index), value.raw);
    }
    template <typename R>
    void expect_write(R value, std::size_t index = 0)
    {
        expect(IoScript::Kind::write, target<R>(index), value.raw);
    }
    void expect_synchronize() { expect(IoScript::Kind::synchronize, name_, 0); }

    // Any number of reads give this value, wherever the script does not expect another: for
    // status that a driver polls and for devices that never answer.
    template <typename R>
    void always_read(R value, std::size_t index = 0)
    {
        script_->always_[target<R>(index)] = value.raw;
    }

    // The driver's side.
    template <typename R>
    [[nodiscard]] R read(std::size_t index = 0) const
    {
        return R::from(static_cast<typename R::raw_type>(script_->read(target<R>(index))));
    }
    template <typename R>
    void write(R value, std::size_t index = 0) const
    {
        script_->act({IoScript::Kind::write, target<R>(index), value.raw});
    }
    void synchronize() const { script_->act({IoScript::Kind::synchronize, name_, 0}); }

private:
    void expect(IoScript::Kind kind, std::string target, std::uint64_t value)
    {
        script_->expected_.push_back({kind, std::move(target), value});
    }

    // The register's type as it is spelled, without its namespaces.
    template <typename R>
    [[nodiscard]] static constexpr std::string_view register_name()
    {
        constexpr std::string_view before = "R = ";
        std::string_view text = __PRETTY_FUNCTION__;
        text.remove_prefix(text.find(before) + before.size());
        text = text.substr(0, text.find_first_of(";]"));
        const std::size_t colons = text.rfind("::");
        return colons == std::string_view::npos ? text : text.substr(colons + 2);
    }

    template <typename R>
    [[nodiscard]] std::string target(std::size_t index) const
    {
        return name_ + "." + std::string{register_name<R>()} + "[" + std::to_string(index) + "]";
    }

    IoScript* script_;
    std::string name_;
};

inline MockIo IoScript::frame(std::string_view name)
{
    return {*this, name};
}

}  // namespace unit
