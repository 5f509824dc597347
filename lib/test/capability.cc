// SPDX-License-Identifier: MIT
#include "lib/test/capability.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace test {

namespace {

constexpr std::size_t capability_count = static_cast<std::size_t>(Capability::count);

// What was found out about one capability; nothing yet: not looked for.
struct Finding {
    unsigned amount = 0;
    const char* reason = nullptr;
};
constinit Finding findings[capability_count];

constexpr std::string_view texts[]{"online",
#define ASSAY_CAPABILITY_TEXT(name, text) text,
                                   ASSAY_CAPABILITIES(ASSAY_CAPABILITY_TEXT)
#undef ASSAY_CAPABILITY_TEXT
};

Finding& finding(Capability capability)
{
    return findings[static_cast<std::size_t>(capability)];
}

std::optional<Capability> find_capability(std::string_view name)
{
    for (std::size_t i = 0; i < capability_count; ++i) {
        const auto capability = static_cast<Capability>(i);
        if (name == capability_name(capability)) {
            return capability;
        }
    }
    return std::nullopt;
}

void explain(Sink& reason, Capability capability, bool negated)
{
    const std::string_view text = texts[static_cast<std::size_t>(capability)];
    const Finding& found = finding(capability);
    if (capability == Capability::cpus) {
        format_to(reason, "{} {}", found.amount, text);
    } else if (negated) {
        format_to(reason, "there is {}", text);
    } else if (found.reason != nullptr) {
        reason.write(found.reason);
    } else {
        format_to(reason, "{}: not looked for", text);
    }
}

// One term: "gicv5", "!el2", "cpus(2)".
bool term_holds(const std::string_view term, Sink& reason)
{
    const bool negated = term.starts_with('!');
    const std::size_t bracket = std::min(term.find('('), term.size());
    const auto capability =
        find_capability(term.substr(negated ? 1 : 0, bracket - (negated ? 1 : 0)));
    unsigned at_least = bracket == term.size() ? 1 : 0;
    for (const char c : term.substr(bracket)) {
        if (c >= '0' && c <= '9') {
            at_least = at_least * 10 + static_cast<unsigned>(c - '0');
        }
    }
    if (capability && (amount(*capability) >= at_least) != negated) {
        return true;
    }
    format_to(reason, "needs {}: ", term);
    if (capability) {
        explain(reason, *capability, negated);
    } else {
        reason.write("no such capability");
    }
    return false;
}

}  // namespace

void offer(Capability capability, unsigned amount)
{
    finding(capability) = {.amount = amount, .reason = nullptr};
}

void missing(Capability capability, const char* reason)
{
    finding(capability) = {.amount = 0, .reason = reason};
}

unsigned amount(Capability capability)
{
    return finding(capability).amount;
}

bool satisfied(std::string_view expression, Sink& reason)
{
    constexpr std::string_view conjunction = " && ";
    while (!expression.empty()) {
        const std::string_view term = expression.substr(0, expression.find(conjunction));
        if (!term_holds(term, reason)) {
            return false;
        }
        expression.remove_prefix(std::min(term.size() + conjunction.size(), expression.size()));
    }
    return true;
}

void list_capabilities(Sink& sink)
{
    bool first = true;
    for (std::size_t i = 0; i < capability_count; ++i) {
        const auto capability = static_cast<Capability>(i);
        if (!has(capability)) {
            continue;
        }
        format_to(sink, "{}{}", first ? "" : " ", capability_name(capability));
        if (capability == Capability::cpus) {
            format_to(sink, "({})", amount(capability));
        }
        first = false;
    }
}

}  // namespace test
