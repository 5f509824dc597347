// SPDX-License-Identifier: MIT
//
// The image as it was loaded: relocated, zeroed, protected.

#include "lib/smp/smp.h"
#include "lib/test/test.h"

#include <arch/exception.h>
#include <arch/mmu.h>

#include <algorithm>
#include <cstdint>
#include <optional>

extern "C" std::uintptr_t __stack_chk_guard;

namespace {

constinit int anchor = 0x1234;
constinit int* volatile pointer_to_anchor = &anchor;
constinit volatile std::uint64_t never_written[512]{};

std::uint64_t address_of(const volatile void* object)
{
    return reinterpret_cast<std::uintptr_t>(object);
}

bool in_image(std::uint64_t address)
{
    return address >= arch::image_base() && address < arch::image_end();
}

// Whether a frame with an array holds the canary above it.
[[gnu::noinline]] bool canary_in_frame()
{
    volatile unsigned char array[32];
    array[0] = 0;
    std::uint64_t at = (address_of(array) + sizeof(array) + 7) & ~std::uint64_t{7};
    for (unsigned i = 0; i < 8; ++i, at += 8) {
        if (*reinterpret_cast<volatile std::uintptr_t*>(at) == __stack_chk_guard) {
            return true;
        }
    }
    return false;
}

constexpr unsigned deepest = 5;

// Calls itself `depth` times, then walks the stack.
[[gnu::noinline]] unsigned frames_in_image(unsigned depth)
{
    if (depth > 0) {
        const volatile unsigned frames = frames_in_image(depth - 1);
        return frames;
    }
    unsigned frames = 0;
    const auto count = [&](std::uint64_t address) { frames += in_image(address) ? 1 : 0; };
    const auto frame = address_of(__builtin_frame_address(0));
    arch::backtrace(frame, 64, count);
    return frames;
}

}  // namespace

TEST(selftest, relocation, .summary = "pointers in data hold the addresses the image was loaded at")
{
    EXPECT_EQ(address_of(pointer_to_anchor), address_of(&anchor));
    EXPECT_EQ(*pointer_to_anchor, 0x1234);
    EXPECT_EQ(arch::image_base() % 4096, 0);
    EXPECT_TRUE(in_image(address_of(&anchor)));
    EXPECT_TRUE(in_image(address_of(reinterpret_cast<const void*>(&in_image))));
}

TEST(selftest, zeroed_data, .summary = "data without a value is zero")
{
    EXPECT_TRUE(std::ranges::all_of(never_written, [](std::uint64_t word) { return word == 0; }));
}

TEST(selftest, stack_protector,
     .summary = "a frame with an array carries the stack protector's canary")
{
    EXPECT_NE(__stack_chk_guard, std::uintptr_t{0});
    EXPECT_TRUE(canary_in_frame());
}

TEST(selftest, backtrace,
     .summary = "the frame records of a call chain lead back through the image")
{
    const unsigned shallow = frames_in_image(0);
    EXPECT_GE(shallow, 2);
    EXPECT_EQ(frames_in_image(deepest), shallow + deepest);
}

TEST(selftest, write_xor_execute,
     .summary = "no page of the image can be both written and executed")
{
    const auto code = arch::access_of(address_of(reinterpret_cast<const void*>(&in_image)));
    const auto data = arch::access_of(address_of(&anchor));
    const auto text = arch::access_of(address_of("a constant"));
    ASSERT_TRUE(code.has_value() && data.has_value() && text.has_value());
    EXPECT_EQ(*code, arch::Access::read_execute);
    EXPECT_EQ(*data, arch::Access::read_write);
    EXPECT_NE(*text, arch::Access::read_write);
}

TEST(selftest, cpu_data, .summary = "every CPU finds its own data and runs on its own stack")
{
    smp::on_all_cpus([] {
        const smp::Cpu& cpu = smp::this_cpu();
        const std::uint64_t local = address_of(&cpu.index);
        EXPECT_EQ(local, address_of(&smp::cpus()[cpu.index].index));
        volatile int on_stack = 0;
        EXPECT_GE(address_of(&on_stack), cpu.stack_low);
        EXPECT_LT(address_of(&on_stack), cpu.stack_high);
    });
}
