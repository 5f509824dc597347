// SPDX-License-Identifier: MIT
//
// Runs the selected cases one after the other on CPU 0 and reports them (KTAP version 1,
// https://docs.kernel.org/dev-tools/ktap.html).
#pragma once

#include "lib/test/case.h"
#include "lib/test/options.h"

#include <cstdint>
#include <span>

namespace test {

struct Totals {
    std::uint32_t pass, fail, skip, error;
};

// Prints the plan, runs, prints the totals; the version line comes from boot::main, which has
// unmasked interrupts. Bails out when two cases have one ID, when a glob chooses no case, when the
// plan ends before assay.first.
[[nodiscard]] Totals run(const Options& options, std::span<const Case> cases = linked_cases());

}  // namespace test
