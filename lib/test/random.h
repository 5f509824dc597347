// SPDX-License-Identifier: MIT
//
// Random numbers that a run can repeat: the header line of the log has the seed.
#pragma once

#include <cstdint>

namespace test {

// The seed of this run: the option assay.seed.
[[nodiscard]] std::uint64_t seed();
void set_seed(std::uint64_t seed);

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
class Random {
public:
    Random();  // follows from the run's seed and the running case's ID alone
    explicit constexpr Random(std::uint64_t state) : state_{state} {}

    [[nodiscard]] std::uint64_t next();
    [[nodiscard]] std::uint64_t below(std::uint64_t bound);  // uniform; bound > 0

private:
    std::uint64_t state_;
};

}  // namespace test
