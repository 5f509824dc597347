// SPDX-License-Identifier: MIT
#include "lib/test/random.h"

#include "lib/test/case.h"
#include "lib/test/record.h"

#include <limits>
#include <string_view>

namespace test {

namespace {

constinit std::uint64_t run_seed = 1;

// FNV-1a.
std::uint64_t hash(std::string_view text)
{
    std::uint64_t value = 0xcbf29ce484222325;
    for (const char c : text) {
        value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return value;
}

}  // namespace

std::uint64_t seed()
{
    return run_seed;
}

void set_seed(std::uint64_t seed)
{
    run_seed = seed;
}

Random::Random() : state_{run_seed ^ hash(running.id())} {}

std::uint64_t Random::next()
{
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

std::uint64_t Random::below(std::uint64_t bound)
{
    // What is above the last whole multiple of the bound would favour small numbers.
    const std::uint64_t limit = std::numeric_limits<std::uint64_t>::max() / bound * bound;
    std::uint64_t number = next();
    while (number >= limit) {
        number = next();
    }
    return number % bound;
}

}  // namespace test
