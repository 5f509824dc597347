// SPDX-License-Identifier: MIT
//
// Cases that crash. Run on request only.

#include "lib/irq/irq.h"
#include "lib/mem/memory.h"
#include "lib/test/test.h"
#include "lib/time/time.h"

#include <arch/exception.h>
#include <arch/mmu.h>
#include <arch/timer.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace {

// Needs 256 bytes of stack for each level; the result keeps the compiler from making it a loop.
[[gnu::noinline]] std::uint64_t recurse(std::uint64_t depth)
{
    volatile std::byte frame[256];
    frame[depth % sizeof(frame)] = std::byte{1};
    if (depth == 0) {
        return 0;
    }
    return recurse(depth - 1) + static_cast<std::uint64_t>(frame[0]);
}

constexpr std::uint64_t without_end = ~std::uint64_t{0};

// Behind the last RAM; a PC's firmware keeps its tables right there.
volatile std::uint64_t& beyond_ram()
{
    const fdt::Region& last = mem::ram().back();
    std::uint64_t address = last.base + last.size;
    while (arch::access_of(address)) {
        address += mem::page_size;
    }
    return *reinterpret_cast<volatile std::uint64_t*>(address);
}

}  // namespace

TEST(misbehave, data_abort, .summary = "the case writes behind the end of RAM", .on_request = true)
{
    beyond_ram() = 1;
    EXPECT_TRUE(false);
}

TEST(misbehave, stack_overflow, .summary = "the case recurses until its stack is used up",
     .on_request = true)
{
    EXPECT_EQ(recurse(without_end), 0);
}

TEST(misbehave, recursion_in_handler,
     .summary = "an interrupt handler recurses until its stack is used up", .needs = irq,
     .on_request = true)
{
    const auto id = arch::deadline_timer_irq();
    if (!id) {
        return test::skip("{}", id.error().what);
    }
    const auto handler = [](irq::Id) { EXPECT_EQ(recurse(without_end), 0); };
    const irq::Guard guard{*id, handler};
    arch::set_deadline(arch::counter());
    timer::delay(timer::patience());
    EXPECT_TRUE(false);
}

TEST(misbehave, crash_in_handler,
     .summary = "an interrupt handler crashes while the interrupted code expects an exception",
     .needs = irq, .on_request = true)
{
    const auto id = arch::deadline_timer_irq();
    if (!id) {
        return test::skip("{}", id.error().what);
    }
    const auto handler = [](irq::Id) { beyond_ram() = 1; };
    const irq::Guard guard{*id, handler};
    const auto swallowed = arch::raised([] {
        arch::set_deadline(arch::counter());
        timer::delay(timer::patience());
    });
    EXPECT_FALSE(swallowed.has_value());
}
