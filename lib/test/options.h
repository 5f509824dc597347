// SPDX-License-Identifier: MIT
//
// The options of a run: the words of the command line that begin with "assay.".
//
//     assay.tests=GLOB[,GLOB...]  which cases (selection.h); @initrd: the globs are in the initrd
//     assay.seed=N                what random numbers follow from
//     assay.order=sorted|random   by ID, or shuffled by the seed
//     assay.repeat=N              the whole selection N times, shuffled anew each time
//     assay.first=N               begin with the N-th case of that plan, counted from 1
//     assay.timeout=SECONDS       for each case; 0: no watchdog
//     assay.el2=stay|drop         read by the architecture's start code
//     assay.exit=METHOD           how to end the VM (<arch/power.h>): read by boot::main
//     assay.ipi=lpi|spi|none      what a GICv5 takes for IPIs: read by its driver
//     assay.list                  print the cases and end
//
// Numbers are decimal, or hexadecimal behind 0x. Of a repeated word the last one counts.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace test {

struct Options {
    std::string_view selection = "*";
    std::uint64_t seed = 1;
    std::uint32_t repeat = 1;
    std::uint32_t first = 1;
    std::uint32_t timeout_seconds = 10;
    bool shuffle = false;
    bool list = false;
    // "": whatever the machine offers. NOLINTNEXTLINE(readability-redundant-member-init)
};

// Words without the prefix are other people's. The options point into both texts. Errors are
// sentences with the word in them, in static storage: "unknown option assay.foo".
[[nodiscard]] std::expected<Options, std::string_view> parse_options(std::string_view command_line,
                                                                     std::string_view initrd);

}  // namespace test
