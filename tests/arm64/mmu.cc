// SPDX-License-Identifier: MIT
//
// Address translation: what pages allow, and what the translation instructions say of them.

#include "arm64/cpu/control_registers.h"
#include "lib/boot/boot.h"
#include "lib/mem/memory.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/probe.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/exception.h>
#include <arch/mmu.h>

#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

using arch::Access;
using syndrome::Class;
using syndrome::Fault;

PROBE(probe_read, "ldr x0, [x0]");
PROBE(probe_write, "str x1, [x0]");
USER_PROBE(user_read, "ldr x0, [x0]");
USER_PROBE(user_write, "str x0, [x0]");

namespace {

constexpr std::uint32_t ret_instruction = 0xd65f'03c0;

constexpr std::uint32_t movz_w0(std::uint32_t immediate)
{
    return 0x5280'0000 | immediate << 5;
}

using Code = std::uint32_t (*)();

// A page that holds a function, and what may be done with it.
class CodePage {
public:
    explicit CodePage(mem::Pages pages) : pages_{std::move(pages)} {}

    // The function returns `value`. The page must be writable.
    void write(std::uint32_t value) const
    {
        auto* const words = reinterpret_cast<volatile std::uint32_t*>(pages_.data());
        words[0] = movz_w0(value);
        words[1] = ret_instruction;
        arch::synchronize_instructions(pages_.data(), 2 * sizeof(std::uint32_t));
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

// What happens to each kind of access at each exception level.
struct Rights {
    bool read, write, execute;
};
struct Expectation {
    std::string_view name;
    Access access;
    Rights kernel, user;
};
constexpr Expectation expectations[]{
    {"none", Access::none, {false, false, false}, {false, false, false}},
    {"read", Access::read, {true, false, false}, {false, false, false}},
    {"read_write", Access::read_write, {true, true, false}, {false, false, false}},
    {"read_execute", Access::read_execute, {true, false, true}, {false, false, false}},
    {"user_read", Access::user_read, {true, false, false}, {true, false, false}},
    {"user_read_write", Access::user_read_write, {true, true, false}, {true, true, false}},
    {"user_execute", Access::user_execute, {true, false, false}, {true, false, true}},
};

bool allowed_in_user(void (*probe)(std::uint64_t), std::uint64_t address)
{
    return syndrome::is_class(arch::run_in_user(probe, address), Class::svc);
}

// The stage 1 translation of an address, by one of the AT instructions.
#define TRANSLATE(operation, address)                                     \
    [](std::uint64_t va) {                                                \
        asm volatile("at " operation ", %0\n\tisb" ::"r"(va) : "memory"); \
        return sysreg::read<PAR_EL1>();                                   \
    }(address)

bool is_status(PAR_EL1 par, Fault fault)
{
    return par[PAR_EL1::F] == 1 && (par[PAR_EL1::FST] & ~std::uint64_t{syndrome::level_mask}) ==
                                       static_cast<std::uint64_t>(fault);
}

constexpr std::uint64_t page_of(std::uint64_t address)
{
    return address & ~(mem::page_size - 1);
}

const std::uint64_t constant = 0x1122'3344'5566'7788;

}  // namespace

TEST(memory, permissions,
     .summary = "each kind of page allows what it should at EL1 and at EL0, and nothing else")
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
            const auto code = reinterpret_cast<void (*)(std::uint64_t)>(page->address());
            EXPECT_EQ(allowed_in_user(code, 0), expected.user.execute);
        });
    }
}

TEST(memory, text_is_not_writable,
     .summary = "a write to the image's code is a permission fault and changes nothing")
{
    const std::uint64_t address = probe_address(probe_read);
    const std::uint64_t before = probe_read(address);
    const auto fault = arch::raised([&] { probe_write(address, ~before); });
    ASSERT_TRUE(fault.has_value());
    EXPECT_TRUE(syndrome::is_class(*fault, Class::data_abort));
    EXPECT_TRUE(syndrome::is_fault(*fault, Fault::permission, syndrome::write_not_read));
    EXPECT_EQ(fault->far, address);
    EXPECT_EQ(probe_read(address), before);
}

TEST(memory, constants_are_not_writable,
     .summary = "a write to the image's constants is a permission fault")
{
    const auto address = reinterpret_cast<std::uintptr_t>(&constant);
    const auto fault = arch::raised([&] { probe_write(address, 0); });
    ASSERT_TRUE(fault.has_value());
    EXPECT_TRUE(syndrome::is_fault(*fault, Fault::permission, syndrome::write_not_read));
    EXPECT_EQ(fault->far, address);
}

TEST(memory, data_is_not_executable,
     .summary = "a branch into writable memory is a permission fault at its target")
{
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    page->write(1);
    const auto fault = arch::raised([&] { page->call(); });
    ASSERT_TRUE(fault.has_value());
    EXPECT_TRUE(syndrome::is_class(*fault, Class::instruction_abort));
    EXPECT_TRUE(syndrome::is_fault(*fault, Fault::permission));
    EXPECT_EQ(fault->far, page->address());
    EXPECT_EQ(fault->elr, page->address());
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
        const auto fault = arch::raised([&] { probe_read(page->address()); });
        ASSERT_TRUE(fault.has_value());
        EXPECT_TRUE(syndrome::is_fault(*fault, Fault::translation));
        EXPECT_EQ(fault->far, page->address());
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

TEST(memory, translation,
     .summary = "address translation instructions give RAM its own address, as normal memory")
{
    constexpr Field device_or_normal{63, 60};  // of PAR_EL1.ATTR: 0 for device memory

    const auto data = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    for (const std::uint64_t address : {data, probe_address(probe_read)}) {
        const PAR_EL1 par = TRANSLATE("s1e1r", address);
        EXPECT_EQ(par[PAR_EL1::F], 0);
        EXPECT_EQ(par.raw & PAR_EL1::address_mask, page_of(address));
        EXPECT_NE(par[device_or_normal], 0);
    }
}

TEST(memory, translation_faults,
     .summary = "address translation instructions report the fault an access would take")
{
    const auto page = make_code_page();
    if (!page) {
        return;
    }
    const std::uint64_t address = page->address();
    EXPECT_TRUE(is_status(TRANSLATE("s1e0r", address), Fault::permission));
    {
        const arch::AccessGuard guard{address, mem::page_size, Access::read};
        EXPECT_EQ((TRANSLATE("s1e1r", address)[PAR_EL1::F]), 0);
        EXPECT_TRUE(is_status(TRANSLATE("s1e1w", address), Fault::permission));
    }
    {
        const arch::AccessGuard guard{address, mem::page_size, Access::user_read};
        EXPECT_EQ((TRANSLATE("s1e0r", address)[PAR_EL1::F]), 0);
        EXPECT_TRUE(is_status(TRANSLATE("s1e0w", address), Fault::permission));
    }
    {
        const arch::AccessGuard guard{address, mem::page_size, Access::none};
        EXPECT_TRUE(is_status(TRANSLATE("s1e1r", address), Fault::translation));
    }
}

TEST(memory, device_attributes, .summary = "the console's registers are mapped as device memory",
     .needs = device_tree)
{
    constexpr Field device_or_normal{63, 60};

    const fdt::Tree& tree = *boot::info().tree;
    const auto chosen = tree.find("/chosen");
    const auto path = chosen ? chosen->property("stdout-path") : std::nullopt;
    if (!path) {
        return test::skip("the device tree has no /chosen/stdout-path");
    }
    const auto text = path->string();
    ASSERT_TRUE(text.has_value());
    const auto node = tree.find(*text);
    ASSERT_TRUE(node.has_value());
    const auto registers = node->reg();
    ASSERT_TRUE(registers.has_value());

    const PAR_EL1 par = TRANSLATE("s1e1r", registers->base);
    EXPECT_EQ(par[PAR_EL1::F], 0);
    EXPECT_EQ(par.raw & PAR_EL1::address_mask, page_of(registers->base));
    EXPECT_EQ(par[device_or_normal], 0);
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
            sysreg::synchronize();  // the other CPUs may have fetched already
            EXPECT_EQ(page->call(), value);
        });
    }
}
