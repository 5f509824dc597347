// SPDX-License-Identifier: MIT
//
// The 56 slots of the feature ID space, each a result of its own.

#include "arm64/cpu/control_registers.h"
#include "arm64/cpu/id_registers.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/exception.h>

#include <array>
#include <cstdint>
#include <utility>

namespace {

namespace ids = id_registers;

using Snapshot = std::array<std::uint64_t, ids::count>;

// MRS and MSR name their register in the instruction: one function for each slot.
template <unsigned Slot>
struct IdRegister : SystemRegister<IdRegister<Slot>, 3, 0, 0, Slot / 8 + 1, Slot % 8> {};

template <unsigned Slot>
std::uint64_t read_slot()
{
    return sysreg::read<IdRegister<Slot>>().raw;
}

template <unsigned Slot>
void write_slot(std::uint64_t value)
{
    sysreg::write(IdRegister<Slot>::from(value));
}

struct Access {
    std::uint64_t (*read)();
    void (*write)(std::uint64_t);
};

template <unsigned... Slots>
constexpr std::array<Access, ids::count> make_accesses(std::integer_sequence<unsigned, Slots...>)
{
    return {Access{read_slot<Slots>, write_slot<Slots>}...};
}
constexpr auto accesses = make_accesses(std::make_integer_sequence<unsigned, ids::count>{});

Snapshot snapshot()
{
    Snapshot values;
    for (unsigned slot = 0; slot < ids::count; ++slot) {
        values[slot] = accesses[slot].read();
    }
    return values;
}

bool has_aarch32()
{
    constexpr std::uint64_t aarch64_only = 1;
    return sysreg::read<ID_AA64PFR0_EL1>()[ID_AA64PFR0_EL1::EL0] != aarch64_only;
}

// Reports every slot as an item. On an AArch64-only CPU the values of the slots that describe
// AArch32 are UNKNOWN.
void for_each_slot(FunctionRef<void(unsigned)> check)
{
    const bool aarch32 = has_aarch32();
    test::Items items{ids::count};
    for (unsigned slot = 0; slot < ids::count; ++slot) {
        items.run(ids::slots[slot].name, [&] {
            if (ids::describes_aarch32(slot) && !aarch32) {
                return test::skip("AArch64-only CPU");
            }
            check(slot);
        });
    }
}

std::uint64_t field_of(std::uint64_t value, const ids::KnownField& field)
{
    return (value & Field{field.high, field.low}.mask()) >> field.low;
}

}  // namespace

TEST(idreg, stable, .summary = "every ID register can be read, and reads the same again")
{
    for_each_slot([](unsigned slot) {
        std::uint64_t value = 0;
        ASSERT_FALSE(arch::raised([&] { value = accesses[slot].read(); }).has_value());
        test::item_value("{:#x}", value);
        for (unsigned i = 0; i < 10; ++i) {
            EXPECT_EQ(accesses[slot].read(), value);
        }
    });
}

TEST(idreg, unallocated,
     .summary = "ID registers that the architecture has not allocated read as zero")
{
    for (unsigned slot = 0; slot < ids::count; ++slot) {
        if (!ids::slots[slot].allocated && (has_aarch32() || !ids::describes_aarch32(slot))) {
            EXPECT_EQ(accesses[slot].read(), 0);
        }
    }
}

TEST(idreg, same_on_every_cpu, .summary = "every ID register has the same value on every CPU",
     .needs = cpus(2))
{
    const Snapshot boot = snapshot();
    for_each_slot([&](unsigned slot) {
        test::item_value("{:#x}", boot[slot]);
        smp::on_all_cpus([&] { EXPECT_EQ(accesses[slot].read(), boot[slot]); });
    });
}

TEST(idreg, read_only, .summary = "a write to an ID register is undefined and changes nothing")
{
    for_each_slot([](unsigned slot) {
        const std::uint64_t before = accesses[slot].read();
        const auto undefined = arch::raised([&] { accesses[slot].write(~before); });
        ASSERT_TRUE(undefined.has_value());
        EXPECT_EQ(undefined->esr, syndrome::undefined);
        EXPECT_EQ(accesses[slot].read(), before);
    });
}

TEST(idreg, known_values,
     .summary = "no field of an ID register has a value that the architecture reserves for good")
{
    for_each_slot([](unsigned slot) {
        const std::uint64_t value = accesses[slot].read();
        test::item_value("{:#x}", value);
        EXPECT_TRUE(ids::slots[slot].allocated || value == 0);
        for (const ids::KnownField& field : ids::known_fields) {
            if (field.slot != slot) {
                continue;
            }
            const std::uint64_t found = field_of(value, field);
            const bool known = found < 16 && (field.values >> found & 1) != 0;
            if (!known) {
                test::note("{}.{} = {:#x}: newer than this test, or reserved",
                           ids::slots[slot].name, field.name, found);
            }
            EXPECT_TRUE(known || !field.others_reserved);
        }
    });
}

TEST(idreg, same_after_restart, .summary = "a CPU that was off has the same ID registers as before",
     .needs = psci && cpus(2))
{
    constexpr unsigned index = 1;
    Snapshot before;
    smp::on_cpu(index, [&] { before = snapshot(); });
    const auto stopped = smp::stop(index);
    ASSERT_TRUE(stopped.has_value());
    const auto started = smp::start(index);
    ASSERT_TRUE(started.has_value());
    Snapshot after;
    smp::on_cpu(index, [&] { after = snapshot(); });
    for_each_slot([&](unsigned slot) {
        test::item_value("{:#x}", after[slot]);
        EXPECT_EQ(after[slot], before[slot]);
    });
}
