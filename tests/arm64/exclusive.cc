// SPDX-License-Identifier: MIT
//
// The exclusive monitors (Arm ARM B2.12) and the zeroing of cache blocks (DC ZVA).

#include "arm64/cpu/sysreg.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {

// Data cache zero ID register, Arm ARM D24.2.41.
struct DCZID_EL0 : SystemRegister<DCZID_EL0, 3, 3, 0, 0, 7> {
    static constexpr Field BS{3, 0};  // log2 of the block size in words
    static constexpr Field DZP{4};    // 1: DC ZVA is prohibited
};

std::uint64_t load_exclusive(const std::uint64_t& word)
{
    std::uint64_t value;
    asm volatile("ldxr %0, %1" : "=r"(value) : "Q"(word) : "memory");
    return value;
}

// Whether the store was made.
[[nodiscard]] bool store_exclusive(std::uint64_t& word, std::uint64_t value)
{
    std::uint32_t failed;
    asm volatile("stxr %w0, %2, %1" : "=&r"(failed), "=Q"(word) : "r"(value) : "memory");
    return failed == 0;
}

}  // namespace

TEST(memory, exclusive_store,
     .summary = "a store-exclusive after an undisturbed load-exclusive succeeds sooner or later")
{
    alignas(64) std::uint64_t word = 1;
    bool stored = false;
    for (unsigned attempt = 0; attempt < 10'000 && !stored; ++attempt) {
        stored = store_exclusive(word, load_exclusive(word) + 1);
    }
    EXPECT_TRUE(stored);
    EXPECT_EQ(word, 2);
}

TEST(memory, exclusive_cleared, .summary = "a store-exclusive after CLREX fails and stores nothing")
{
    alignas(64) std::uint64_t word = 1;
    load_exclusive(word);
    asm volatile("clrex" ::: "memory");
    EXPECT_FALSE(store_exclusive(word, 2));
    EXPECT_EQ(word, 1);
}

TEST(memory, exclusive_lost,
     .summary = "a store-exclusive fails after another CPU has stored to the word",
     .needs = cpus(2))
{
    alignas(64) std::uint64_t word = 1;
    for (std::uint64_t round = 1; round <= 30; ++round) {
        load_exclusive(word);
        smp::on_cpu(1, [&] { *static_cast<volatile std::uint64_t*>(&word) = round + 100; });
        EXPECT_FALSE(store_exclusive(word, 0));
        EXPECT_EQ(word, round + 100);
    }
}

TEST(memory, zero_block,
     .summary = "DC ZVA zeroes the whole block of an address and nothing beside it")
{
    const auto id = sysreg::read<DCZID_EL0>();
    if (id[DCZID_EL0::DZP] != 0) {
        return test::skip("DCZID_EL0.DZP prohibits DC ZVA");
    }
    constexpr std::size_t largest = 2048;
    constexpr std::uint8_t filler = 0xa5;
    alignas(largest) static constinit std::uint8_t memory[3 * largest]{};
    const std::size_t size = std::size_t{4} << id[DCZID_EL0::BS];
    ASSERT_LE(size, largest);

    std::ranges::fill(memory, filler);
    asm volatile("dc zva, %0" ::"r"(&memory[largest + size / 2]) : "memory");
    const auto is_filler = [](std::uint8_t byte) { return byte == filler; };
    const auto is_zero = [](std::uint8_t byte) { return byte == 0; };
    EXPECT_TRUE(std::all_of(memory, memory + largest, is_filler));
    EXPECT_TRUE(std::all_of(memory + largest, memory + largest + size, is_zero));
    EXPECT_TRUE(std::all_of(memory + largest + size, std::end(memory), is_filler));
}
