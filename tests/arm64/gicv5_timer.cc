// SPDX-License-Identifier: MIT
//
// The generic timer as a source of level-sensitive PPIs: Arm GIC Architecture Specification, GICv5
// (AES 0070), Arm ARM (DDI 0487) D12.2.4. What holds for timers with any interrupt controller is
// in timer_irq.cc.

#include "arm64/gic/gicv5.h"
#include "lib/boot/boot.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/timers_under_test.h"
#include "tests/support/quiet.h"

#include <arch/cpu.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

using namespace gicv5;
using timer::Control;
using timer::Timer;

namespace {

constexpr std::uint64_t never = ~std::uint64_t{0};

// In which what a timer asks for has reached the CPU interface.
timer::Ticks settling_time()
{
    return timer::seconds(1);
}

// The interrupt of a timer, enabled at a priority for a scope with interrupts masked. The timer is
// off and its interrupt neither pending nor active at the end.
class TimerPpi {
public:
    TimerPpi(const Timer& timer, irq::Id id, std::uint8_t priority = default_priority)
        : timer_{timer},
          ppi_{number(id)},
          enabled_{interface.enabled(ppi_)},
          priority_{interface.priority(ppi_)}
    {
        interface.set_priority(ppi_, priority);
        interface.enable(ppi_);
    }
    ~TimerPpi()
    {
        timer_.disable();
        if (!enabled_) {
            interface.disable(ppi_);
        }
        interface.clear_active(ppi_);
        interface.set_priority(ppi_, priority_);
        sysreg::write(ICC_APR_EL1{});  // what the case acknowledged and did not end
        sysreg::synchronize();
    }
    TimerPpi(const TimerPpi&) = delete;
    TimerPpi& operator=(const TimerPpi&) = delete;

    [[nodiscard]] bool becomes_pending(bool expected) const
    {
        return timer::wait_until([&] { return interface.pending(ppi_) == expected; },
                                 settling_time());
    }

private:
    irq::Masked masked_;
    Timer timer_;
    unsigned ppi_;
    bool enabled_;
    std::uint8_t priority_;
};

[[nodiscard]] bool becomes_candidate(irq::Id id)
{
    return timer::wait_until([&] { return is_candidate(id); }, settling_time());
}

}  // namespace

TEST(gicv5_timer, specifiers,
     .summary = "the device tree gives the timers the PPIs that the architecture gives them",
     .needs = gicv5)
{
    struct {
        const char* name;
        std::uint32_t ppi;
    } constexpr entries[]{
        {"sec-phys", 29},        {"phys", cntp_ppi},      {"virt", cntv_ppi},
        {"hyp-phys", cnthp_ppi}, {"hyp-virt", cnthv_ppi},
    };
    const auto node = boot::info().tree->find_compatible("arm,armv8-timer");
    ASSERT_TRUE(node.has_value());
    const auto names = node->property("interrupt-names");
    test::Items items{std::size(entries)};
    for (std::size_t place = 0; place < std::size(entries); ++place) {
        items.run(entries[place].name, [&] {
            const auto specifier =
                names ? node->interrupt(entries[place].name) : node->interrupt(place);
            if (!specifier) {
                return test::skip("{}", specifier.error().what);
            }
            test::item_value("{} {} {}", specifier->cells[0], specifier->cells[1],
                             specifier->cells[2]);
            EXPECT_EQ(specifier->count, 3);
            EXPECT_EQ(specifier->cells[0], static_cast<std::uint32_t>(IntidType::ppi));
            EXPECT_EQ(specifier->cells[1], entries[place].ppi);
            EXPECT_NE(specifier->cells[2] & 0xc, 0);  // a level, high or low
        });
    }
}

TEST(gicv5_timer, intid, .summary = "the interrupt of each timer is the PPI of the architecture",
     .needs = gicv5)
{
    const bool el2 = test::has(test::Capability::el2);
    for_each_timer_irq([&](const Timer& timer, irq::Id id) {
        const TimerPpi ppi_of_timer{timer, id};
        const bool is_virtual = timer.kind() == timer::Kind::virt;
        const unsigned expected =
            is_virtual ? (el2 ? cnthv_ppi : cntv_ppi) : (el2 ? cnthp_ppi : cntp_ppi);
        timer.arm(0);
        ASSERT_TRUE(ppi_of_timer.becomes_pending(true));
        ASSERT_TRUE(timer::wait_until([] { return interface.candidate().has_value(); }));
        const auto acknowledged = interface.acknowledge();
        ASSERT_TRUE(acknowledged.has_value());
        EXPECT_EQ(*acknowledged, ppi(expected));
        timer.disable();
        finish(*acknowledged);
    });
}

TEST(gicv5_timer, pending_follows_control,
     .summary = "both pending registers of the PPI show the timer's output: ENABLE, not IMASK, due",
     .needs = gicv5)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerPpi ppi_of_timer{timer, id};
        const std::uint64_t bit = std::uint64_t{1} << number(id);
        for (const std::uint64_t compare_value : {never, std::uint64_t{0}}) {
            timer.set_compare_value(compare_value);
            for (unsigned control = 0; control < 4; ++control) {
                timer.set_control(Control::from(control));
                const bool output = compare_value == 0 && control == 1;
                ASSERT_TRUE(ppi_of_timer.becomes_pending(output));
                EXPECT_EQ(sysreg::read<ICC_PPI_SPENDR_EL1<0>>().raw & bit, output ? bit : 0);
                EXPECT_EQ(sysreg::read<ICC_PPI_CPENDR_EL1<0>>().raw & bit, output ? bit : 0);
            }
        }
    });
}

TEST(gicv5_timer, pending_not_cleared,
     .summary = "ICC_PPI_CPENDR_EL1 does not clear the pending state that a due timer asserts",
     .needs = gicv5)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerPpi ppi_of_timer{timer, id};
        timer.arm(0);
        ASSERT_TRUE(ppi_of_timer.becomes_pending(true));
        interface.clear_pending(number(id));
        EXPECT_TRUE(interface.pending(number(id)));
        EXPECT_TRUE(becomes_candidate(id));
    });
}

TEST(gicv5_timer, pending_not_set,
     .summary = "ICC_PPI_SPENDR_EL1 does not make the interrupt of an idle timer pending",
     .needs = gicv5)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerPpi ppi_of_timer{timer, id};
        interface.set_pending(number(id));
        EXPECT_FALSE(interface.pending(number(id)));
        timer::delay(timer::milliseconds(1));
        EXPECT_FALSE(is_candidate(id));
        timer.arm(0);  // it would have been seen
        EXPECT_TRUE(becomes_candidate(id));
    });
}

TEST(gicv5_timer, refires,
     .summary = "the interrupt of a timer that is not silenced comes again after each deactivation",
     .needs = gicv5)
{
    constexpr unsigned rounds = 100;
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerPpi ppi_of_timer{timer, id};
        timer.arm(0);
        for (unsigned round = 0; round < rounds; ++round) {
            ASSERT_TRUE(becomes_candidate(id));
            const auto acknowledged = interface.acknowledge();
            ASSERT_TRUE(acknowledged.has_value());
            ASSERT_EQ(acknowledged->value, id.value);
            ASSERT_TRUE(interface.pending(number(id)));  // the level is still there
            finish(id);
        }
        timer.disable();
        EXPECT_TRUE(timer::wait_until([&] { return !is_candidate(id); }));
    });
}

TEST(gicv5_timer, masked_in_handler,
     .summary = "a timer masked by IMASK in the handler does not interrupt again", .needs = gicv5)
{
    constexpr unsigned too_many = 10;  // so that it ends where IMASK does nothing
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        std::atomic<unsigned> taken{0};
        const auto handler = [&](irq::Id) {
            timer.mask();
            if (taken.fetch_add(1) + 1 >= too_many) {
                timer.disable();
            }
        };
        const irq::Guard guard{id, handler};
        timer.arm(0);
        ASSERT_TRUE(timer::wait_until([&] { return taken.load() != 0; }));
        stay_quiet();
        EXPECT_EQ(taken.load(), 1);
        timer.enable();  // still due
        EXPECT_TRUE(timer::wait_until([&] { return taken.load() == 2; }));
    });
}

TEST(gicv5_timer, due_while_active,
     .summary = "a timer that becomes due while its interrupt is active is signalled once that is "
                "deactivated, and not before",
     .needs = gicv5)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerPpi ppi_of_timer{timer, id};
        timer.arm(0);
        ASSERT_TRUE(becomes_candidate(id));
        ASSERT_TRUE(interface.acknowledge().has_value());
        timer.arm(timer.count() + timer::milliseconds(1).value);
        interface.drop_priority();  // so that its being active is all that holds it back
        sysreg::synchronize();
        ASSERT_TRUE(ppi_of_timer.becomes_pending(true));
        timer::delay(timer::milliseconds(1));
        EXPECT_FALSE(is_candidate(id));
        EXPECT_TRUE(interface.active(number(id)));

        interface.deactivate(id);
        EXPECT_TRUE(becomes_candidate(id));
    });
}

TEST(gicv5_timer, silenced_while_active,
     .summary = "a timer silenced while its interrupt is active leaves nothing behind",
     .needs = gicv5)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerPpi ppi_of_timer{timer, id};
        timer.arm(0);
        ASSERT_TRUE(becomes_candidate(id));
        ASSERT_TRUE(interface.acknowledge().has_value());
        timer.set_compare_value(never);
        EXPECT_TRUE(ppi_of_timer.becomes_pending(false));
        EXPECT_TRUE(interface.active(number(id)));
        finish(id);
        timer::delay(timer::milliseconds(1));
        EXPECT_FALSE(is_candidate(id));
    });
}

TEST(gicv5_timer, made_active,
     .summary = "a due timer is not signalled while its PPI is made active by a register",
     .needs = gicv5)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerPpi ppi_of_timer{timer, id};
        interface.set_active(number(id));
        timer.arm(0);
        ASSERT_TRUE(ppi_of_timer.becomes_pending(true));
        timer::delay(timer::milliseconds(1));
        EXPECT_FALSE(is_candidate(id));
        interface.clear_active(number(id));
        EXPECT_TRUE(becomes_candidate(id));
    });
}

TEST(gicv5_timer, priorities,
     .summary = "of two timers that are due the one of higher priority comes first, either way",
     .needs = gicv5 && timer_virt && timer_phys)
{
    constexpr std::uint8_t high = 0x08;
    constexpr std::uint8_t low = 0x10;
    const auto first_by_priority = [&](const Timer& better, const Timer& worse) {
        const irq::Id better_id = *timer::interrupt(better.kind());
        const irq::Id worse_id = *timer::interrupt(worse.kind());
        const timer::Guard saved_better{better};
        const timer::Guard saved_worse{worse};
        const TimerPpi better_ppi{better, better_id, high};
        const TimerPpi worse_ppi{worse, worse_id, low};
        worse.arm(0);
        ASSERT_TRUE(becomes_candidate(worse_id));
        better.arm(0);
        ASSERT_TRUE(becomes_candidate(better_id));
        const auto first = interface.acknowledge();
        ASSERT_TRUE(first.has_value());
        EXPECT_EQ(first->value, better_id.value);
        // It runs at its own priority, so the other one has to wait for its end.
        EXPECT_TRUE(interface.pending(number(worse_id)));
        EXPECT_FALSE(interface.candidate().has_value());
        better.disable();
        finish(better_id);
        EXPECT_TRUE(becomes_candidate(worse_id));
    };
    first_by_priority(timer::virtual_timer, timer::physical_timer);
    first_by_priority(timer::physical_timer, timer::virtual_timer);
}

TEST(gicv5_timer, wakes,
     .summary = "a CPU that sleeps in WFI with interrupts masked is woken by its timer, no earlier "
                "than it is due, and takes the interrupt when it unmasks",
     .needs = gicv5)
{
    for_each_timer_irq([](const Timer& timer, irq::Id id) {
        const TimerIrq irq{timer, id};
        const std::uint64_t deadline = timer.count() + timer::milliseconds(3).value;
        {
            const irq::Masked masked;
            timer.arm(deadline);
            // WFI may end early for any reason; the interrupt is what counts.
            while (!is_candidate(id) && timer.count() < deadline + timer::patience().value) {
                arch::wait_for_interrupt();
            }
            EXPECT_TRUE(is_candidate(id));
            EXPECT_GE(timer.count(), deadline);
            EXPECT_EQ(irq.taken(), 0);
        }
        EXPECT_TRUE(irq.wait());
        EXPECT_EQ(irq.id(), id);
    });
}

TEST(gicv5_timer, one_shots,
     .summary = "of a thousand short deadlines none is lost, none is early, none comes twice",
     .needs = gicv5 && timer_virt)
{
    constexpr unsigned count = 1'000;
    constexpr std::uint64_t shortest_us = 10;
    constexpr std::uint64_t longest_us = 1'000;
    const Timer& timer = timer::virtual_timer;
    const auto id = timer::interrupt(timer.kind());
    ASSERT_TRUE(id.has_value());
    const timer::Guard saved{timer};
    test::Random random;
    static std::array<std::uint64_t, count> lateness;
    std::uint64_t deadline = never;
    std::atomic<unsigned> taken{0};
    std::atomic<unsigned> early{0};
    const auto handler = [&](irq::Id) {
        const std::uint64_t now = timer.count();
        timer.disable();
        if (now < deadline) {
            early.fetch_add(1);
        }
        lateness[std::min(taken.load(), count - 1)] = timer::to_microseconds({now - deadline});
        taken.fetch_add(1);
    };
    const irq::Guard guard{*id, handler};
    for (unsigned shot = 1; shot <= count; ++shot) {
        {
            // CVAL is what TVAL made of the count, and the handler looks at it.
            const irq::Masked masked;
            const std::uint64_t distance = shortest_us + random.below(longest_us - shortest_us + 1);
            timer.set_timer_value(timer::microseconds(distance).value);
            deadline = timer.compare_value();
            timer.enable();
        }
        ASSERT_TRUE(timer::wait_until([&] { return taken.load() >= shot; }));
        ASSERT_EQ(taken.load(), shot);
    }
    EXPECT_EQ(early.load(), 0);
    test::report_benchmark("gicv5.timer.lateness", "us", lateness);
}

TEST(gicv5_timer, each_cpu,
     .summary = "the timers of all CPUs at work each interrupt their own CPU, when they are due",
     .needs = gicv5 && timer_virt && cpus(2))
{
    constexpr unsigned rounds = 20;
    const auto id = timer::interrupt(timer::Kind::virt);
    ASSERT_TRUE(id.has_value());
    smp::Barrier together{smp::online_count()};
    smp::on_all_cpus([&] {
        const Timer& timer = timer::virtual_timer;
        const timer::Guard saved{timer};
        std::atomic<unsigned> taken{0};
        std::atomic<unsigned> not_due{0};
        const auto handler = [&](irq::Id) {
            if (!timer.condition_met()) {
                not_due.fetch_add(1);
            }
            timer.disable();
            taken.fetch_add(1);
        };
        const irq::Guard guard{*id, handler};
        // Not all at the same time: what goes to the wrong CPU finds a timer that is not due.
        const timer::Ticks distance =
            timer::microseconds(std::uint64_t{100} * (1 + smp::this_cpu().index % 4));
        together.wait();
        for (unsigned round = 1; round <= rounds; ++round) {
            timer.arm(timer.count() + distance.value);
            ASSERT_TRUE(timer::wait_until([&] { return taken.load() >= round; }));
            ASSERT_EQ(taken.load(), round);
        }
        EXPECT_EQ(not_due.load(), 0);
    });
}
