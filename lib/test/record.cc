// SPDX-License-Identifier: MIT
#include "lib/test/record.h"

namespace test {

constinit Running running;

void Record::reset()
{
    checks_ = 0;
    failures_ = 0;
    outcome_ = Outcome::pass;
    reason_.clear();
    value_.clear();
}

std::uint32_t Record::add_failure()
{
    const SpinlockGuard guard{lock_};
    if (outcome_ < Outcome::fail) {
        outcome_ = Outcome::fail;
    }
    return ++failures_;
}

void Record::worsen(Outcome outcome, std::string_view pattern,
                    std::span<const FormatArgument> arguments)
{
    const SpinlockGuard guard{lock_};
    if (outcome_ < outcome) {
        outcome_ = outcome;
        reason_.clear();
        format_arguments(reason_, pattern, arguments);
    }
}

void Record::set_value(std::string_view pattern, std::span<const FormatArgument> arguments)
{
    const SpinlockGuard guard{lock_};
    value_.clear();
    format_arguments(value_, pattern, arguments);
}

void Record::close()
{
    if (outcome_ == Outcome::pass && checks_ == 0) {
        worsen(Outcome::error, "made no check", {});
    }
}

void write_result(Sink& sink, std::uint32_t number, std::string_view name, const Record& record,
                  std::string_view text)
{
    const Outcome outcome = record.outcome();
    const bool ok = outcome == Outcome::pass || outcome == Outcome::skip;
    format_to(sink, "{} {} {}", ok ? "ok" : "not ok", number, name);
    if (outcome == Outcome::skip) {
        format_to(sink, " # SKIP {}", record.reason());
    } else if (outcome == Outcome::error) {
        format_to(sink, " # ERROR {}", record.reason());
    } else if (!text.empty()) {
        format_to(sink, " # {}", text);
    }
    sink.write("\n");
}

}  // namespace test
