// SPDX-License-Identifier: MIT
//
// The registers of the generic timer, without interrupts: Arm ARM (DDI 0487) D12.2.

#include "arm64/cpu/control_registers.h"
#include "lib/boot/boot.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/timers_under_test.h"

#include <cstdint>

using timer::Control;
using timer::Timer;

namespace {

// Self-synchronizing counters: FEAT_ECV.
struct CNTPCTSS_EL0 : SystemRegister<CNTPCTSS_EL0, 3, 3, 14, 0, 5> {};
struct CNTVCTSS_EL0 : SystemRegister<CNTVCTSS_EL0, 3, 3, 14, 0, 6> {};

constexpr std::uint64_t never = ~std::uint64_t{0};

// Whether CVAL is what the count was between two reads, plus `offset` (which wraps).
bool is_count_plus(std::uint64_t value, std::uint64_t offset, std::uint64_t before,
                   std::uint64_t after)
{
    return value - offset - before <= after - before;
}

}  // namespace

TEST(timer, status,
     .summary = "ISTATUS of an enabled timer tells whether its time has come, masked or not")
{
    for_each_timer([](const Timer& timer) {
        for (const std::uint64_t compare_value : {std::uint64_t{0}, never}) {
            for (const std::uint64_t mask : {0U, 1U}) {
                const irq::Masked masked;
                timer.set_compare_value(compare_value);
                timer.set_control(Control{}.with(Control::ENABLE, 1).with(Control::IMASK, mask));
                const Control control = timer.control();
                timer.disable();
                EXPECT_EQ(control[Control::ISTATUS], compare_value == 0 ? 1 : 0);
                EXPECT_EQ(control[Control::IMASK], mask);
                EXPECT_EQ(control[Control::ENABLE], 1);
            }
        }
    });
}

TEST(timer, control_bits,
     .summary = "the control register of a timer keeps ENABLE and IMASK and nothing else")
{
    for_each_timer([](const Timer& timer) {
        const irq::Masked masked;
        timer.set_compare_value(never);
        timer.set_control(Control::from(~std::uint64_t{0}));
        EXPECT_EQ(timer.control().raw, 3);  // not ISTATUS: its time has not come
        timer.set_control(Control{}.with(Control::IMASK, 1));
        EXPECT_EQ(timer.control().with(Control::ISTATUS, 0).raw, 2);
        timer.disable();
        EXPECT_EQ(timer.control().with(Control::ISTATUS, 0).raw, 0);
    });
}

TEST(timer, compare_value, .summary = "CVAL keeps all 64 bits")
{
    for_each_timer([](const Timer& timer) {
        for (unsigned bit = 0; bit < 64; ++bit) {
            const std::uint64_t value = std::uint64_t{1} << bit;
            timer.set_compare_value(value);
            EXPECT_EQ(timer.compare_value(), value);
            timer.set_compare_value(~value);
            EXPECT_EQ(timer.compare_value(), ~value);
        }
    });
}

TEST(timer, timer_value_write,
     .summary = "a write of TVAL sets CVAL to the count plus the sign-extended lower 32 bits")
{
    struct {
        std::uint64_t written, offset;
    } constexpr writes[]{
        {0, 0},
        {1, 1},
        {0x7fff'ffff, 0x7fff'ffff},
        {0x8000'0000, 0xffff'ffff'8000'0000},
        {0xffff'ffff, 0xffff'ffff'ffff'ffff},
        {0x1'0000'0000, 0},
        {0x1234'5678'0000'1000, 0x1000},
        {0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff},
    };
    for_each_timer([&](const Timer& timer) {
        for (const auto& write : writes) {
            const std::uint64_t before = timer.count();
            timer.set_timer_value(write.written);
            const std::uint64_t after = timer.count();
            EXPECT_TRUE(is_count_plus(timer.compare_value(), write.offset, before, after));
        }
    });
}

TEST(timer, timer_value_read, .summary = "TVAL reads as the lower 32 bits of CVAL minus the count")
{
    for_each_timer([](const Timer& timer) {
        const irq::Masked masked;
        timer.set_control(Control{}.with(Control::ENABLE, 1).with(Control::IMASK, 1));
        for (const std::uint64_t distance : {std::uint64_t{0x1000'0000}, std::uint64_t{0x7000'0000},
                                             std::uint64_t{0x1'8000'0000}, never << 20}) {
            const std::uint64_t compare_value = timer.count() + distance;
            timer.set_compare_value(compare_value);
            const std::uint64_t before = timer.count();
            const auto value = static_cast<std::uint32_t>(timer.timer_value());
            const std::uint64_t after = timer.count();
            const auto earliest = static_cast<std::uint32_t>(compare_value - before);
            EXPECT_LE(earliest - value, static_cast<std::uint32_t>(after - before));
        }
    });
}

TEST(timer, due_at_once, .summary = "a timer whose CVAL is not in the future is due at once")
{
    for_each_timer([](const Timer& timer) {
        const irq::Masked masked;
        timer.mask();
        for (const std::uint64_t ago : {0U, 1U, 2U, 1'000'000U}) {
            timer.set_compare_value(never);
            EXPECT_FALSE(timer.condition_met());
            timer.set_compare_value(timer.count() - ago);
            EXPECT_TRUE(timer.condition_met());
        }
    });
}

TEST(timer, due_in_time,
     .summary = "a timer becomes due when the count reaches CVAL, and not before")
{
    for_each_timer([](const Timer& timer) {
        const irq::Masked masked;
        timer.mask();
        for (unsigned i = 0; i < 20; ++i) {
            const std::uint64_t deadline =
                timer.count() + timer::microseconds(std::uint64_t{50} * i).value;
            timer.set_compare_value(deadline);
            bool early = false;
            EXPECT_TRUE(timer::wait_until([&] {
                const bool met = timer.condition_met();
                early |= met && timer.count() < deadline;
                return met;
            }));
            EXPECT_FALSE(early);
        }
    });
}

TEST(timer, far_deadlines, .summary = "a timer whose CVAL is far in the future is not due")
{
    for_each_timer([](const Timer& timer) {
        const irq::Masked masked;
        timer.mask();
        for (const unsigned bit : {31U, 32U, 33U, 40U, 48U, 55U, 60U, 61U, 62U}) {
            timer.set_compare_value(timer.count() + (std::uint64_t{1} << bit));
            EXPECT_FALSE(timer.condition_met());
            timer::delay(timer::microseconds(200));
            EXPECT_FALSE(timer.condition_met());
        }
        for (const std::uint64_t compare_value : {never, never - 1, never >> 1}) {
            timer.set_compare_value(compare_value);
            timer::delay(timer::microseconds(200));
            EXPECT_FALSE(timer.condition_met());
        }
    });
}

TEST(timer, counts_when_due, .summary = "TVAL goes on to count down after the timer was due")
{
    for_each_timer([](const Timer& timer) {
        const irq::Masked masked;
        timer.mask();
        timer.set_timer_value(0);
        timer::delay(timer::microseconds(100));
        const auto first = static_cast<std::int32_t>(timer.timer_value());
        EXPECT_LT(first, std::int32_t{0});
        timer::delay(timer::microseconds(100));
        EXPECT_LT(static_cast<std::int32_t>(timer.timer_value()), first);
    });
}

TEST(timer, constant_offset,
     .summary = "the virtual counter keeps its distance from the physical one")
{
    const auto physical = [] { return timer::physical_timer.count(); };
    const auto virtual_count = [] { return timer::virtual_timer.count(); };
    const std::uint64_t first = physical();
    const std::uint64_t shown = virtual_count();
    const std::uint64_t offset_at_least = first - shown;
    const std::uint64_t slack = physical() - first;
    for (unsigned i = 0; i < 100; ++i) {
        const std::uint64_t before = physical();
        const std::uint64_t now = virtual_count();
        const std::uint64_t after = physical();
        // before <= now + offset <= after, for an offset within [offset_at_least, + slack].
        EXPECT_TRUE(static_cast<std::int64_t>(now + offset_at_least + slack - before) >= 0);
        EXPECT_TRUE(static_cast<std::int64_t>(after - (now + offset_at_least)) >= 0);
    }
}

TEST(timer, same_frequency, .summary = "CNTFRQ_EL0 is set, and the same on every CPU")
{
    const std::uint64_t frequency = sysreg::read<timer::CNTFRQ_EL0>().raw;
    if (boot::info().entry_level != 3) {  // where the image is the firmware, nobody has set it
        EXPECT_NE(frequency, 0);
    }
    smp::on_all_cpus([&] { EXPECT_EQ(sysreg::read<timer::CNTFRQ_EL0>().raw, frequency); });
}

TEST(timer, self_synchronized,
     .summary = "the self-synchronizing counters keep in step with the others")
{
    if (sysreg::read<ID_AA64MMFR0_EL1>()[ID_AA64MMFR0_EL1::ECV] == 0) {
        return test::skip("no FEAT_ECV");
    }
    for (unsigned i = 0; i < 1'000; ++i) {
        const std::uint64_t virtual_before = timer::virtual_timer.count();
        const std::uint64_t virtual_now = sysreg::read<CNTVCTSS_EL0>().raw;
        EXPECT_GE(virtual_now, virtual_before);
        EXPECT_GE(timer::virtual_timer.count(), virtual_now);
        const std::uint64_t physical_before = timer::physical_timer.count();
        const std::uint64_t physical_now = sysreg::read<CNTPCTSS_EL0>().raw;
        EXPECT_GE(physical_now, physical_before);
        EXPECT_GE(timer::physical_timer.count(), physical_now);
    }
}
