// SPDX-License-Identifier: MIT
//
// The kernel command line as words separated by blanks.
#pragma once

#include <optional>
#include <string_view>

namespace boot {

// Takes the next word off the front of `line`; nothing when there is none left.
[[nodiscard]] constexpr std::optional<std::string_view> next_word(std::string_view& line)
{
    const std::size_t begin = line.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) {
        line = {};
        return {};
    }
    line.remove_prefix(begin);
    const std::string_view word = line.substr(0, line.find_first_of(" \t\n"));
    line.remove_prefix(word.size());
    return word;
}

// The value of `name=value`; the last one wins, as everywhere on a kernel command line.
[[nodiscard]] constexpr std::optional<std::string_view> option(std::string_view line,
                                                               std::string_view name)
{
    std::optional<std::string_view> value;
    while (const auto word = next_word(line)) {
        if (word->size() > name.size() && word->starts_with(name) && (*word)[name.size()] == '=') {
            value = word->substr(name.size() + 1);
        }
    }
    return value;
}

}  // namespace boot
