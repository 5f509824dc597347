// SPDX-License-Identifier: MIT
//
// What an exception is expected to be, as one value to compare.
//
//     EXPECT_RAISED(arch::raised([] { probe_ud2(); }), x86::invalid_opcode, 0,
//     probe_address(probe_ud2));
#pragma once

#include "lib/test/test.h"
#include "x86/cpu/vectors.h"

#include <arch/exception.h>

#include <cstdint>
#include <optional>

namespace exception {

struct Outcome {
    bool raised = false;
    std::uint64_t vector = 0;
    std::uint64_t error_code = 0;
    std::uint64_t rip = 0;
    friend constexpr bool operator==(const Outcome&, const Outcome&) = default;
};

[[nodiscard]] inline Outcome outcome(const arch::Exception& taken)
{
    return {true, taken.vector, taken.error_code, taken.rip};
}
[[nodiscard]] inline Outcome outcome(const std::optional<arch::Exception>& taken)
{
    return taken ? outcome(*taken) : Outcome{};
}
[[nodiscard]] inline Outcome somewhere(Outcome outcome)
{
    outcome.rip = 0;
    return outcome;
}

[[nodiscard]] constexpr Outcome expected(x86::Vector vector, std::uint64_t error_code,
                                         std::uint64_t rip = 0)
{
    return {true, vector, error_code, rip};
}

// The error code of a fault that a gate is to blame for: Intel SDM volume 3, 6.13. `external`: the
// gate was not asked for by a program.
[[nodiscard]] constexpr std::uint64_t gate_code(std::uint64_t vector, bool external = false)
{
    constexpr std::uint64_t idt = 1U << 1;
    return vector << 3 | idt | (external ? 1 : 0);
}

inline void describe(Sink& sink, const Outcome& outcome)
{
    if (!outcome.raised) {
        sink.write("no exception");
        return;
    }
    format_to(sink, "vector {} error code {:#x}", outcome.vector, outcome.error_code);
    if (outcome.rip >= arch::image_base() && outcome.rip < arch::image_end()) {
        format_to(sink, " at image+{:#x}", outcome.rip - arch::image_base());
    } else if (outcome.rip != 0) {
        format_to(sink, " at {:#x}", outcome.rip);
    }
}

}  // namespace exception

#define EXPECT_RAISED(taken, vector, error_code, rip) \
    EXPECT_EQ(exception::outcome(taken), exception::expected(vector, error_code, rip))
// Wherever it was.
#define EXPECT_RAISED_SOMEWHERE(taken, vector, error_code)     \
    EXPECT_EQ(exception::somewhere(exception::outcome(taken)), \
              exception::expected(vector, error_code))
