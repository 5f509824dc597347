// SPDX-License-Identifier: MIT
//
// Measurements, for a reader or a tool that compares runs; never a verdict.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace test {

// Prints "# bench <name> <unit> n= min= p50= p99= max=". Percentiles are samples (nearest rank).
// Sorts `samples` in place; prints nothing without one.
void report_benchmark(std::string_view name, std::string_view unit,
                      std::span<std::uint64_t> samples);

}  // namespace test
