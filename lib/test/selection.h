// SPDX-License-Identifier: MIT
//
// Which cases a selection chooses: globs separated by commas or white space.
//
// '*' stands for any text, '?' for any character; '-' in front of a glob excludes. A selection that
// only excludes, excludes from everything. A case that is only run on request is chosen by a glob
// whose text before the first wildcard names its group: "misbehave.*" finds what "*" does not.
// The host's host/globs.py has the same rules.
#pragma once

#include "lib/base/function_ref.h"
#include "lib/test/case.h"

#include <string_view>

namespace test {

[[nodiscard]] bool glob_matches(std::string_view glob, std::string_view text);

class Selection {
public:
    explicit constexpr Selection(std::string_view globs) : globs_{globs} {}

    [[nodiscard]] bool chooses(const Case& test) const;

    // Calls `visit` with each glob that does not exclude.
    void for_each_wanted(FunctionRef<void(std::string_view glob)> visit) const;

private:
    std::string_view globs_;
};

// Whether this one glob, without '-', chooses the case.
[[nodiscard]] bool glob_chooses(std::string_view glob, const Case& test);

}  // namespace test
