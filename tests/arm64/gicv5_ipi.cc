// SPDX-License-Identifier: MIT
//
// Inter-processor interrupts as GICv5 has them: SPIs or LPIs that one CPU makes pending for another
// (AES 0070 has no interrupt type for them). What holds on every machine is in tests/common/ipi.cc.

#include "lib/smp/ipi.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/register_guard.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

using namespace gicv5;

namespace {

constexpr unsigned number_under_test = smp::ipi::first_free;

void send(unsigned cpu)
{
    irq::controller()->send_ipi(cpu, number_under_test);
}

irq::Id own_ipi()
{
    return irq::controller()->ipi(number_under_test);
}

// Better than the harness's interrupts.
constexpr std::uint8_t test_priority = default_priority / 2;

// Takes the interrupt as often as it is signalled.
unsigned take_all(irq::Id id)
{
    unsigned taken = 0;
    while (is_candidate(id) && acknowledged() == id) {
        finish(id);
        stay_quiet();
        ++taken;
    }
    return taken;
}

// Runs `body` on CPU 1, with interrupts masked there and the IPI better than those of the harness.
// Where it calls its argument, this CPU sends the IPI `count` times.
template <typename Body>
void with_receiver(unsigned count, Body body)
{
    std::atomic<bool> ready{false};
    std::atomic<bool> sent{false};
    const auto receive = [&] {
        const irq::Masked masked;
        const irq::Id id = own_ipi();
        commands().set_priority(id, test_priority);
        commands().enable(id);
        commands().synchronize();
        body([&] {
            ready.store(true);
            EXPECT_TRUE(timer::wait_until([&] { return sent.load(); }));
        });
        EXPECT_EQ(take_all(id), 0);
        interface.deactivate(id);  // of a case that failed
        sysreg::write(ICC_APR_EL1{});
        sysreg::synchronize();
        commands().disable(id);
        commands().set_priority(id, default_priority);
    };
    const smp::Task task{1, receive};
    EXPECT_TRUE(timer::wait_until([&] { return ready.load(); }));
    for (unsigned n = 0; n < count; ++n) {
        send(1);
    }
    commands().synchronize();
    sent.store(true);
}

}  // namespace

TEST(gicv5_ipi, configuration,
     .summary = "every IPI is an edge-triggered SPI or LPI that is targeted at its CPU",
     .needs = gicv5 && ipi)
{
    smp::on_all_cpus([] {
        for (unsigned n = 0; n < irq::controller()->ipi_count(); ++n) {
            const irq::Id id = irq::controller()->ipi(n);
            const auto state = commands().state(id);
            ASSERT_TRUE(state.has_value());
            ASSERT_EQ(state->mode, HandlingMode::edge);
            ASSERT_EQ(state->iaffid, interface.iaffid());
            ASSERT_FALSE(state->one_of_n);
            ASSERT_EQ(irq::controller()->ipi_number(id).value_or(~0U), n);
        }
    });
}

TEST(gicv5_ipi, collapses, .summary = "an IPI sent twice before it is acknowledged is taken once",
     .needs = gicv5 && ipi && cpus(2))
{
    with_receiver(2, [](auto receive) {
        receive();
        EXPECT_EQ(awaited(own_ipi()), own_ipi());
        EXPECT_EQ(take_all(own_ipi()), 1);
    });
}

TEST(gicv5_ipi, sent_while_active,
     .summary = "an IPI sent while the last one is handled is taken when that one has ended",
     .needs = gicv5 && ipi && cpus(2))
{
    with_receiver(1, [](auto receive) {
        const irq::Id id = own_ipi();
        send(1);
        ASSERT_EQ(awaited(id), id);
        ASSERT_EQ(acknowledged(), id);
        receive();
        EXPECT_EQ(state_of(id), State::active_and_pending);
        EXPECT_FALSE(is_candidate(id));
        finish(id);
        EXPECT_EQ(awaited(id), id);
        EXPECT_EQ(take_all(id), 1);
    });
}

TEST(gicv5_ipi, disabled, .summary = "an IPI that is disabled waits until it is enabled",
     .needs = gicv5_lpi && ipi && cpus(2))
{
    if (!is_a(IntidType::lpi, own_ipi())) {
        return test::skip("IPIs are SPIs here: see gicv5.spi.disabled_stays_pending");
    }
    with_receiver(1, [](auto receive) {
        const irq::Id id = own_ipi();
        commands().disable(id);
        receive();
        EXPECT_EQ(state_of(id), State::pending);
        EXPECT_FALSE(is_candidate(id));
        commands().enable(id);
        EXPECT_EQ(awaited(id), id);
        EXPECT_EQ(take_all(id), 1);
    });
}

TEST(gicv5_ipi, interface_disabled,
     .summary = "an IPI to a CPU whose interface is off waits until it is on",
     .needs = gicv5 && ipi && cpus(2))
{
    with_receiver(1, [](auto receive) {
        const irq::Id id = own_ipi();
        {
            const RegisterGuard<ICC_CR0_EL1> off{ICC_CR0_EL1::EN, 0};
            receive();
            stay_quiet();
            EXPECT_EQ(acknowledged(), nothing);
            EXPECT_EQ(state_of(id), State::pending);
        }
        EXPECT_EQ(awaited(id), id);
        EXPECT_EQ(take_all(id), 1);
    });
}

TEST(gicv5_ipi, priority_masked,
     .summary = "an IPI to a CPU that masks its priority waits until the mask opens",
     .needs = gicv5 && ipi && cpus(2))
{
    with_receiver(1, [](auto receive) {
        const irq::Id id = own_ipi();
        commands().set_priority(id, default_priority);
        {
            const RegisterGuard<ICC_PCR_EL1> mask{ICC_PCR_EL1::PRIORITY, test_priority};
            receive();
            stay_quiet();
            EXPECT_EQ(candidate(), nothing);
            EXPECT_EQ(acknowledged(), nothing);
            EXPECT_EQ(state_of(id), State::pending);
        }
        commands().set_priority(id, test_priority);
        EXPECT_EQ(awaited(id), id);
        EXPECT_EQ(take_all(id), 1);
    });
}

TEST(gicv5_ipi, all_to_one,
     .summary = "of interrupts that all CPUs send to one at once none is lost and none comes twice",
     .needs = gicv5_lpi && cpus(2))
{
    constexpr unsigned max_senders = 64;
    constexpr unsigned sends = 8;  // those before an acknowledge are one
    const unsigned senders = std::min(smp::online_count(), max_senders);
    const irq::Masked masked;
    const Lpis lpis{senders};
    for (unsigned n = 0; n < senders; ++n) {
        commands().set_priority(lpis[n], test_priority);
        commands().enable(lpis[n]);
    }
    std::array<unsigned, max_senders> taken{};
    std::atomic<unsigned> rank{0};
    std::atomic<unsigned> finished{0};
    const auto take = [&] {
        if (candidate().value - lpis[0].value >= senders) {
            return false;
        }
        const irq::Id id = acknowledged();  // another one may have come meanwhile
        finish(id);
        EXPECT_LT(id.value - lpis[0].value, senders);
        ++taken[(id.value - lpis[0].value) % max_senders];
        return true;
    };
    smp::on_all_cpus([&] {
        const unsigned self = rank.fetch_add(1);
        for (unsigned n = 0; self < senders && n < sends; ++n) {
            commands().set_pending(lpis[self]);
            if (smp::this_cpu().index == 0) {
                take();
            }
        }
        commands().synchronize();
        finished.fetch_add(1);
        if (smp::this_cpu().index == 0) {
            EXPECT_TRUE(timer::wait_until([&] {
                take();
                return finished.load() == smp::online_count();
            }));
        }
    });
    do {
        stay_quiet();
    } while (take());
    for (unsigned n = 0; n < senders; ++n) {
        ASSERT_GE(taken[n], 1);
        ASSERT_LE(taken[n], sends);
        ASSERT_EQ(state_of(lpis[n]), State::idle);
    }
}

TEST(gicv5_ipi, ping_pong,
     .summary = "two CPUs answer each other 2000 times; nothing is lost and no data is stale",
     .needs = gicv5 && ipi && cpus(2))
{
    constexpr unsigned rounds = 2000;
    alignas(64) std::atomic<unsigned> ball{0};  // how often it was hit
    std::atomic<unsigned> stale{0};
    std::atomic<bool> ready{false};
    std::atomic<bool> given_up{false};
    std::atomic<unsigned> received[2]{};
    // The hit is written relaxed: the interrupt alone orders it.
    const auto hit = [&](unsigned self) {
        const unsigned seen = ball.load(std::memory_order_relaxed);
        if (seen != 2 * received[self].fetch_add(1) + (self == 0 ? 2 : 1)) {
            stale.fetch_add(1);
        }
        if (seen < 2 * rounds) {
            ball.store(seen + 1, std::memory_order_relaxed);
            send(1 - self);
        }
    };
    const auto first_handler = [&](irq::Id) { hit(0); };
    const auto second_handler = [&](irq::Id) { hit(1); };
    const auto second = [&] {
        const irq::Guard guard{own_ipi(), second_handler};
        ready.store(true);
        sleep_until([&] { return received[1].load() == rounds || given_up.load(); });
    };
    const irq::Guard guard{own_ipi(), first_handler};
    const smp::Task task{1, second};
    ASSERT_TRUE(timer::wait_until([&] { return ready.load(); }));
    ball.store(1);
    send(1);
    bool answered = true;
    while (answered && received[0].load() != rounds) {
        const unsigned before = received[0].load();
        answered = timer::wait_until([&] { return received[0].load() != before; });
    }
    EXPECT_EQ(received[0].load(), rounds);
    given_up.store(true);
    EXPECT_EQ(received[1].load(), rounds);
    EXPECT_EQ(stale.load(), 0);
}
