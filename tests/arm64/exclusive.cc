// SPDX-License-Identifier: MIT
//
// The exclusive monitors (Arm ARM B2.12) and the zeroing of cache blocks (DC ZVA).

#include "arm64/cpu/sysreg.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"

#include <algorithm>
#include <atomic>
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

// A reservation granule of its own, as large as CTR_EL0.ERG lets it be.
struct alignas(2048) Granule {
    std::uint64_t word = 0;
};

struct Attempt {
    bool changed;  // by another CPU, between the two exclusives
    bool stored;
};

// Load-exclusive; plain loads until the word has changed, at most `loads` of them; store-exclusive.
// This CPU does nothing else in between: what clears its monitor is the other CPU's store.
Attempt store_exclusive_after_change(std::uint64_t& word, std::uint64_t value, std::uint64_t loads)
{
    const irq::Masked masked;  // an exception return clears the monitor
    std::uint64_t first;
    std::uint64_t last;
    std::uint32_t failed;
    asm volatile("ldxr    %[first], %[word]\n"
                 "1:\tldr     %[last], %[word]\n\t"
                 "cmp     %[last], %[first]\n\t"
                 "b.ne    2f\n\t"
                 "sub     %[loads], %[loads], #1\n\t"
                 "cbnz    %[loads], 1b\n"
                 "2:\tstxr    %w[failed], %[value], %[word]"
                 : [first] "=&r"(first), [last] "=&r"(last), [failed] "=&r"(failed),
                   [loads] "+&r"(loads), [word] "+Q"(word)
                 : [value] "r"(value)
                 : "cc", "memory");
    return {.changed = first != last, .stored = failed == 0};
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
    constexpr std::uint64_t a_few = 16;
    constexpr std::uint64_t seconds = 2'000'000'000;  // loads
    constexpr std::uint64_t stray = ~std::uint64_t{0};
    Granule granule;

    // Alone, the same sequence stores.
    bool undisturbed = false;
    for (unsigned attempt = 0; attempt < 1'000 && !undisturbed; ++attempt) {
        undisturbed = store_exclusive_after_change(granule.word, 1, a_few).stored;
    }
    if (!undisturbed) {
        return test::skip("a load between the exclusives clears this CPU's monitor");
    }

    std::atomic<bool> stop{false};
    // Never twice the same value: an emulator may compare values instead of watching stores.
    const auto store = [&] {
        for (std::uint64_t value = 2; !stop.load(std::memory_order_relaxed); ++value) {
            *static_cast<volatile std::uint64_t*>(&granule.word) = value;
        }
    };
    const smp::Task task{1, store};
    bool changed = true;
    for (unsigned round = 0; round < 30 && changed; ++round) {
        const Attempt attempt = store_exclusive_after_change(granule.word, stray, seconds);
        changed = attempt.changed;
        EXPECT_TRUE(changed);
        EXPECT_FALSE(attempt.changed && attempt.stored);
    }
    stop = true;
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
