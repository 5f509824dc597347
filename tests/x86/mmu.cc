// SPDX-License-Identifier: MIT
//
// Address translation: what pages allow, on every CPU. Intel SDM volume 3, 4.6 (access
// rights), 4.10 (caching translations); AMD64 APM volume 2, 5.6.

#include "lib/irq/irq.h"
#include "lib/mem/memory.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "tests/support/x86/exception.h"
#include "tests/support/x86/guard.h"
#include "tests/support/x86/probe.h"
#include "x86/cpu/control_registers.h"
#include "x86/image.h"

#include <arch/cpuid.h>
#include <arch/exception.h>
#include <arch/mmu.h>

#include <atomic>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

using arch::Access;

PROBE(probe_read, "movq (%rdi), %rax");
PROBE(probe_write, "movq %rsi, (%rdi)");
PROBE(probe_stac_read, ".byte 0x0f, 0x01, 0xcb\n\tmovq (%rdi), %rax\n\t.byte 0x0f, 0x01, 0xca");
USER_PROBE(user_read, "movq (%rdi), %rax");
USER_PROBE(user_write, "movq %rax, (%rdi)");

namespace {

namespace code = x86::page_fault_code;

using Code = std::uint32_t (*)();

// A page that holds a function, and what may be done with it.
class CodePage {
public:
    explicit CodePage(mem::Pages pages) : pages_{std::move(pages)} {}

    // The function returns `value`. The page must be writable.
    void write(std::uint32_t value) const
    {
        constexpr std::uint8_t mov_eax = 0xb8;
        constexpr std::uint8_t ret = 0xc3;
        auto* const bytes = reinterpret_cast<volatile std::uint8_t*>(pages_.data());
        bytes[0] = mov_eax;
        for (unsigned i = 0; i < 4; ++i) {
            bytes[1 + i] = static_cast<std::uint8_t>(value >> (8 * i));
        }
        bytes[5] = ret;
        arch::synchronize_instructions(pages_.data(), 6);
    }
    std::uint32_t call() const { return reinterpret_cast<Code>(address())(); }
    [[nodiscard]] std::uint64_t address() const { return pages_.address(); }

private:
    mem::Pages pages_;
};

std::optional<CodePage> make_code_page()
{
    auto pages = mem::allocate(mem::page_size);
    if (!pages) {
        test::error("{}", pages.error().what);
        return {};
    }
    return CodePage{std::move(*pages)};
}

// What happens to each kind of access in each ring.
struct Rights {
    bool read, write, execute;
};
struct Expectation {
    std::string_view name;
    Access access;
    Rights kernel, user;
};
// Without SMEP and SMAP ring 0 may do with a page of ring 3 what that ring may.
constexpr Expectation expectations[]{
    {"none", Access::none, {false, false, false}, {false, false, false}},
    {"read", Access::read, {true, false, false}, {false, false, false}},
    {"read_write", Access::read_write, {true, true, false}, {false, false, false}},
    {"read_execute", Access::read_execute, {true, false, true}, {false, false, false}},
    {"user_read", Access::user_read, {true, false, false}, {true, false, false}},
    {"user_read_write", Access::user_read_write, {true, true, false}, {true, true, false}},
    {"user_execute", Access::user_execute, {true, false, true}, {true, false, true}},
};

bool allowed_in_user(void (*probe)(std::uint64_t), std::uint64_t address)
{
    return arch::run_in_user(probe, address).vector == x86::system_call;
}

// A feature of CPUID leaf 7.
bool has_feature(std::uint32_t arch::CpuidResult::* word, unsigned bit)
{
    return arch::cpuid(0).eax >= 7 && (arch::cpuid(7).*word >> bit & 1U) != 0;
}

const std::uint64_t constant = 0x1122'3344'5566'7788;

}  // namespace

TEST(memory, permissions,
     .summary = "each kind of page allows what it should in ring 0 and in ring 3, and nothing else")
{
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    const arch::UserAccess user_access;
    test::Items items{std::size(expectations)};
    for (const Expectation& expected : expectations) {
        items.run(expected.name, [&] {
            page->write(7);
            const arch::AccessGuard guard{page->address(), mem::page_size, expected.access};
            const std::uint64_t data = page->address() + 64;
            EXPECT_EQ(!arch::raised([&] { probe_read(data); }), expected.kernel.read);
            EXPECT_EQ(!arch::raised([&] { probe_write(data); }), expected.kernel.write);
            EXPECT_EQ(!arch::raised([&] { page->call(); }), expected.kernel.execute);
            EXPECT_EQ(allowed_in_user(user_read, data), expected.user.read);
            EXPECT_EQ(allowed_in_user(user_write, data), expected.user.write);
            const auto function = reinterpret_cast<void (*)(std::uint64_t)>(page->address());
            EXPECT_EQ(allowed_in_user(function, 0), expected.user.execute);
        });
    }
}

TEST(memory, text_is_not_writable,
     .summary = "a write to the image's code is a protection violation and changes nothing")
{
    const std::uint64_t address = probe_address(probe_read);
    const std::uint64_t before = probe_read(address);
    const auto fault = arch::raised([&] { probe_write(address, ~before); });
    EXPECT_RAISED(fault, x86::page_fault, code::present | code::write, probe_address(probe_write));
    EXPECT_EQ(probe_read(address), before);
}

TEST(memory, constants_are_not_writable,
     .summary = "a write to the image's constants is a protection violation")
{
    const auto address = reinterpret_cast<std::uintptr_t>(&constant);
    EXPECT_RAISED(arch::raised([&] { probe_write(address, 0); }), x86::page_fault,
                  code::present | code::write, probe_address(probe_write));
}

TEST(memory, data_is_not_executable,
     .summary = "a jump into writable memory is a protection violation at its target")
{
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    page->write(1);
    EXPECT_RAISED(arch::raised([&] { page->call(); }), x86::page_fault,
                  code::present | code::instruction, page->address());
}

TEST(memory, protection_is_put_back,
     .summary = "the end of an access guard gives a page its access back")
{
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    EXPECT_TRUE(arch::access_of(page->address()) == Access::read_write);
    {
        const arch::AccessGuard guard{page->address(), mem::page_size, Access::read};
        EXPECT_TRUE(arch::access_of(page->address()) == Access::read);
        EXPECT_TRUE(arch::access_of(page->address() + mem::page_size) != Access::read);
    }
    EXPECT_TRUE(arch::access_of(page->address()) == Access::read_write);
    EXPECT_FALSE(arch::raised([&] { probe_write(page->address()); }).has_value());
}

TEST(memory, protection_reaches_all,
     .summary = "a page closed by one CPU is closed on every other at once", .needs = cpus(2))
{
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    const auto readable = [&] { EXPECT_FALSE(arch::raised([&] { probe_read(page->address()); })); };
    const auto closed = [&] {
        EXPECT_RAISED(arch::raised([&] { probe_read(page->address()); }), x86::page_fault, 0,
                      probe_address(probe_read));
    };
    for (unsigned round = 0; round < 10; ++round) {
        smp::on_all_cpus(readable);
        {
            const arch::AccessGuard guard{page->address(), mem::page_size, Access::none};
            smp::on_all_cpus(closed);
        }
        smp::on_all_cpus(readable);
    }
}

TEST(memory, protection_reaches_masked,
     .summary = "a page closed by one CPU is closed on another that has its interrupts masked and "
                "uses the page all the time",
     .needs = cpus(2))
{
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    constexpr unsigned rounds = 10;
    std::atomic<unsigned> reads{0};
    std::atomic<unsigned> faults{0};
    std::atomic<bool> over{false};
    const auto use = [&] {
        const irq::Masked masked;
        while (!over) {
            if (arch::raised([&] { probe_read(page->address()); })) {
                faults.fetch_add(1);
            } else {
                reads.fetch_add(1);
            }
        }
    };
    const smp::Task task{1, use};
    const auto goes_on = [](const std::atomic<unsigned>& count) {
        const unsigned before = count;
        return timer::wait_until([&] { return count != before; });
    };
    for (unsigned round = 0; round < rounds; ++round) {
        EXPECT_TRUE(goes_on(reads));
        {
            const arch::AccessGuard guard{page->address(), mem::page_size, Access::none};
            // One read may have been done before the page was closed and be counted now.
            const unsigned done = reads;
            EXPECT_TRUE(goes_on(faults));
            EXPECT_TRUE(goes_on(faults));
            EXPECT_LE(reads.load(), done + 1);
        }
    }
    over = true;
}

TEST(memory, changed_code, .summary = "code that was changed runs changed on every CPU")
{
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    for (std::uint32_t value = 0; value < 20; ++value) {
        page->write(value);
        const arch::AccessGuard guard{page->address(), mem::page_size, Access::read_execute};
        smp::on_all_cpus([&] {
            static_cast<void>(arch::cpuid(0));  // the other CPUs may have fetched already
            EXPECT_EQ(page->call(), value);
        });
    }
}

TEST(memory, execution_prevention,
     .summary = "with CR4.SMEP ring 0 cannot execute a page of ring 3, without it can")
{
    constexpr unsigned smep = 7;
    if (!has_feature(&arch::CpuidResult::ebx, smep)) {
        return test::skip("CPUID has no SMEP");
    }
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    page->write(3);
    const arch::AccessGuard guard{page->address(), mem::page_size, Access::user_execute};
    EXPECT_FALSE(arch::raised([&] { page->call(); }).has_value());
    const ControlGuard<CR4> prevented{CR4::SMEP, 1};
    EXPECT_RAISED(arch::raised([&] { page->call(); }), x86::page_fault,
                  code::present | code::instruction, page->address());
}

TEST(memory, access_prevention,
     .summary = "with CR4.SMAP ring 0 cannot access a page of ring 3, except with RFLAGS.AC")
{
    constexpr unsigned smap = 20;
    if (!has_feature(&arch::CpuidResult::ebx, smap)) {
        EXPECT_RAISED(arch::raised([] { probe_stac_read(0); }), x86::invalid_opcode, 0,
                      probe_address(probe_stac_read));
        return;
    }
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    const arch::AccessGuard guard{page->address(), mem::page_size, Access::user_read_write};
    EXPECT_FALSE(arch::raised([&] { probe_write(page->address(), 1); }).has_value());
    const ControlGuard<CR4> prevented{CR4::SMAP, 1};
    EXPECT_RAISED(arch::raised([&] { probe_read(page->address()); }), x86::page_fault,
                  code::present, probe_address(probe_read));
    EXPECT_RAISED(arch::raised([&] { probe_write(page->address(), 2); }), x86::page_fault,
                  code::present | code::write, probe_address(probe_write));
    std::uint64_t value = 0;
    EXPECT_FALSE(arch::raised([&] { value = probe_stac_read(page->address()); }).has_value());
    EXPECT_EQ(value, 1);
}
