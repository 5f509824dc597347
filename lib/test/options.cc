// SPDX-License-Identifier: MIT
#include "lib/test/options.h"

#include "lib/base/format.h"
#include "lib/boot/words.h"

#include <limits>
#include <optional>

namespace test {

namespace {

// "<complaint> <word>". There is one command line, so one buffer does.
std::unexpected<std::string_view> complain(std::string_view complaint, std::string_view word)
{
    static constinit TextBuffer<128> message;
    message.clear();
    format_to(message, "{} {}", complaint, word);
    return std::unexpected{message.text()};
}

std::optional<std::uint64_t> parse_number(std::string_view text)
{
    std::uint64_t base = 10;
    if (text.starts_with("0x")) {
        base = 16;
        text.remove_prefix(2);
    }
    if (text.empty()) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    for (const char c : text) {
        const std::size_t digit = std::string_view{"0123456789abcdef"}.find(c);
        if (digit >= base) {
            return std::nullopt;
        }
        if (number > (std::numeric_limits<std::uint64_t>::max() - digit) / base) {
            return std::nullopt;
        }
        number = number * base + digit;
    }
    return number;
}

// False: not a value this option can have.
template <typename T>
bool set_number(T& option, std::string_view value, std::uint64_t lowest)
{
    const auto number = parse_number(value);
    if (!number || *number < lowest || *number > std::numeric_limits<T>::max()) {
        return false;
    }
    option = static_cast<T>(*number);
    return true;
}

bool set_choice(bool& option, std::string_view value, std::string_view yes, std::string_view no)
{
    option = value == yes;
    return value == yes || value == no;
}

enum class Verdict : std::uint8_t { accepted, bad_value, unknown };

// `word` without "assay.".
Verdict apply(Options& options, std::string_view word, std::string_view initrd)
{
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const bool has_value = equals != std::string_view::npos;
    const std::string_view value = has_value ? word.substr(equals + 1) : std::string_view{};

    bool good = false;
    if (name == "list") {
        options.list = good = !has_value;
    } else if (name == "tests") {
        options.selection = value == "@initrd" ? initrd : value;
        good = !options.selection.empty();
    } else if (name == "seed") {
        good = set_number(options.seed, value, 0);
    } else if (name == "order") {
        good = set_choice(options.shuffle, value, "random", "sorted");
    } else if (name == "repeat") {
        good = set_number(options.repeat, value, 1);
    } else if (name == "first") {
        good = set_number(options.first, value, 1);
    } else if (name == "timeout") {
        good = set_number(options.timeout_seconds, value, 0);
    } else if (name == "el2") {
        good = value == "stay" || value == "drop";
    } else if (name == "exit") {
        good = !value.empty();
    } else if (name == "ipi") {
        good = value == "lpi" || value == "spi" || value == "none";
    } else {
        return Verdict::unknown;
    }
    return good ? Verdict::accepted : Verdict::bad_value;
}

}  // namespace

std::expected<Options, std::string_view> parse_options(std::string_view command_line,
                                                       std::string_view initrd)
{
    constexpr std::string_view prefix = "assay.";
    Options options;
    while (const auto word = boot::next_word(command_line)) {
        if (!word->starts_with(prefix)) {
            continue;
        }
        switch (apply(options, word->substr(prefix.size()), initrd)) {
        case Verdict::accepted:
            break;
        case Verdict::bad_value:
            return complain("bad value in option", *word);
        case Verdict::unknown:
            return complain("unknown option", *word);
        }
    }
    return options;
}

}  // namespace test
