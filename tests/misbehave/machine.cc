// SPDX-License-Identifier: MIT
//
// Cases that leave the host with something unexpected: a machine that is gone, or strange output.
// Run on request only.

#include "lib/console/console.h"
#include "lib/test/test.h"

#include <arch/power.h>

#include <cstddef>
#include <string_view>

TEST(misbehave, power_off_early, .summary = "the case powers the machine off", .on_request = true)
{
    arch::exit(arch::ExitStatus::success);
}

TEST(misbehave, reset, .summary = "the case restarts the machine, every time it runs",
     .on_request = true)
{
    const auto answer = arch::reset();
    test::error("{}", answer.error().what);
}

TEST(misbehave, console_nul, .summary = "the case writes NUL characters to the console",
     .on_request = true)
{
    constexpr char text[] = "before\0\0\0after\n";
    console::write({text, sizeof(text) - 1});
    EXPECT_TRUE(true);
}

TEST(misbehave, console_binary, .summary = "the case writes every byte there is to the console",
     .on_request = true)
{
    char bytes[256];
    for (std::size_t i = 0; i < sizeof(bytes); ++i) {
        bytes[i] = static_cast<char>(i);
    }
    console::write({bytes, sizeof(bytes)});
    EXPECT_TRUE(true);
}
