// SPDX-License-Identifier: MIT
#include "lib/test/benchmark.h"

#include "lib/console/console.h"

#include <algorithm>
#include <cstddef>

void test::report_benchmark(std::string_view name, std::string_view unit,
                            std::span<std::uint64_t> samples)
{
    if (samples.empty()) {
        return;
    }
    // A heap, for the size of the code.
    std::ranges::make_heap(samples);
    std::ranges::sort_heap(samples);
    const auto percentile = [&](std::size_t percent) {
        return samples[(samples.size() * percent + 99) / 100 - 1];
    };
    console::print("# bench {} {} n={} min={} p50={} p99={} max={}\n", name, unit, samples.size(),
                   samples.front(), percentile(50), percentile(99), samples.back());
}
