// SPDX-License-Identifier: MIT
//
// Registers and instructions that a CPU must not have: each an item whose access is UNDEFINED.
#pragma once

#include "arm64/cpu/sysreg.h"
#include "lib/test/test.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/exception.h>

#include <span>
#include <string_view>

struct UndefinedAccess {
    std::string_view name;
    void (*run)();
};

template <typename R>
constexpr UndefinedAccess reads(std::string_view name)
{
    return {name, [] { static_cast<void>(sysreg::read<R>()); }};
}

// Of zero.
template <typename R>
constexpr UndefinedAccess writes(std::string_view name)
{
    return {name, [] { sysreg::write(R{}); }};
}

inline void expect_undefined(std::span<const UndefinedAccess> accesses)
{
    test::Items items{accesses.size()};
    for (const UndefinedAccess& access : accesses) {
        items.run(access.name, [&] {
            const auto taken = arch::raised([&] { access.run(); });
            ASSERT_TRUE(taken.has_value());
            EXPECT_EQ(taken->esr, syndrome::undefined);
        });
    }
}
