// SPDX-License-Identifier: MIT
#include "lib/test/selection.h"

#include <algorithm>
#include <cstddef>

namespace test {

namespace {

// An initrd may be padded with NULs.
constexpr std::string_view separators{", \t\r\n\0", 6};

// Takes the next glob off `globs`; "" at the end.
std::string_view next_glob(std::string_view& globs)
{
    globs.remove_prefix(std::min(globs.find_first_not_of(separators), globs.size()));
    const std::string_view glob = globs.substr(0, globs.find_first_of(separators));
    globs.remove_prefix(glob.size());
    return glob;
}

bool names_group(std::string_view glob, std::string_view id)
{
    const std::string_view group_and_dot = id.substr(0, id.rfind('.') + 1);
    return glob.substr(0, glob.find_first_of("*?")).starts_with(group_and_dot);
}

}  // namespace

// After a mismatch only the last '*' has to take one character more: no recursion.
bool glob_matches(std::string_view glob, std::string_view text)
{
    constexpr std::size_t none = std::string_view::npos;
    std::size_t at_glob = 0;
    std::size_t at_text = 0;
    std::size_t star = none;
    std::size_t star_text = 0;
    while (at_text < text.size()) {
        if (at_glob < glob.size() && glob[at_glob] == '*') {
            star = at_glob++;
            star_text = at_text;
        } else if (at_glob < glob.size() &&
                   (glob[at_glob] == '?' || glob[at_glob] == text[at_text])) {
            ++at_glob;
            ++at_text;
        } else if (star != none) {
            at_glob = star + 1;
            at_text = ++star_text;
        } else {
            return false;
        }
    }
    return glob.find_first_not_of('*', at_glob) == none;
}

bool glob_chooses(std::string_view glob, const Case& test)
{
    return glob_matches(glob, test.id) &&
           ((test.flags & Case::on_request) == 0 || names_group(glob, test.id));
}

bool Selection::chooses(const Case& test) const
{
    std::string_view rest = globs_;
    for (auto glob = next_glob(rest); !glob.empty(); glob = next_glob(rest)) {
        if (glob.starts_with('-') && glob_matches(glob.substr(1), test.id)) {
            return false;
        }
    }
    bool chosen = false;
    for_each_wanted([&](std::string_view glob) { chosen = chosen || glob_chooses(glob, test); });
    return chosen;
}

void Selection::for_each_wanted(FunctionRef<void(std::string_view glob)> visit) const
{
    bool only_excludes = true;
    std::string_view rest = globs_;
    for (auto glob = next_glob(rest); !glob.empty(); glob = next_glob(rest)) {
        if (!glob.starts_with('-')) {
            only_excludes = false;
            visit(glob);
        }
    }
    if (only_excludes) {
        visit("*");
    }
}

}  // namespace test
