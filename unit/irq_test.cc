// SPDX-License-Identifier: MIT
#include "lib/irq/irq.h"

#include "lib/smp/smp.h"

#include <arch/cpu.h>

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <thread>
#include <vector>

namespace {

constexpr irq::Id timer_irq{27};
constexpr irq::Id other_irq{30};

// A controller whose candidates the test lines up.
class FakeController final : public irq::Controller {
public:
    std::deque<irq::Id> candidates;
    std::set<std::uint32_t> enabled_ids;
    std::vector<std::uint32_t> ended;

    [[nodiscard]] const char* name() const override { return "fake"; }
    [[nodiscard]] Result<> init_cpu() override { return {}; }
    void enable(irq::Id id) override { enabled_ids.insert(id.value); }
    void disable(irq::Id id) override { enabled_ids.erase(id.value); }
    [[nodiscard]] bool enabled(irq::Id id) const override { return enabled_ids.contains(id.value); }
    [[nodiscard]] bool pending(irq::Id) const override { return false; }
    [[nodiscard]] bool active(irq::Id) const override { return false; }
    [[nodiscard]] std::optional<irq::Id> acknowledge() override
    {
        if (candidates.empty()) {
            return {};
        }
        const irq::Id id = candidates.front();
        candidates.pop_front();
        return id;
    }
    void end(irq::Id id) override { ended.push_back(id.value); }
    [[nodiscard]] unsigned ipi_count() const override { return 0; }
    [[nodiscard]] irq::Id ipi(unsigned) const override { return {0}; }
    [[nodiscard]] std::optional<unsigned> ipi_number(irq::Id id) const override
    {
        return id == other_irq ? std::optional{1U} : std::nullopt;
    }
    void send_ipi(unsigned, unsigned) override {}
};

// Handlers belong to a CPU, so the thread is one for the time of a test.
class Irq : public testing::Test {
protected:
    Irq()
    {
        arch::set_cpu_data(&cpu);
        irq::set_controller(controller);
    }
    ~Irq() override { arch::set_cpu_data(previous_cpu); }

    arch::CpuData* const previous_cpu = arch::cpu_data();
    smp::Cpu cpu{};
    static inline FakeController controller;

    void SetUp() override { controller = {}; }
};

TEST_F(Irq, HandlerRunsBetweenAcknowledgeAndEnd)
{
    bool ran_before_end = false;
    const auto on_irq = [&](irq::Id id) {
        ran_before_end =
            id == timer_irq && controller.candidates.empty() && controller.ended.empty();
    };
    const irq::Guard guard{timer_irq, on_irq};
    controller.candidates = {timer_irq};
    irq::dispatch();
    EXPECT_TRUE(ran_before_end);
    EXPECT_EQ(controller.ended, std::vector{timer_irq.value});
}

TEST_F(Irq, GuardEnablesAndPutsBack)
{
    const auto on_irq = [](irq::Id) {};
    controller.enable(other_irq);
    {
        const irq::Guard first{timer_irq, on_irq};
        const irq::Guard second{other_irq, on_irq};
        EXPECT_TRUE(controller.enabled(timer_irq));
        EXPECT_TRUE(controller.enabled(other_irq));
    }
    EXPECT_FALSE(controller.enabled(timer_irq));
    EXPECT_TRUE(controller.enabled(other_irq));
}

TEST_F(Irq, NewerGuardHidesTheOlderOne)
{
    unsigned older = 0;
    unsigned newer = 0;
    const auto on_older = [&](irq::Id) { ++older; };
    const auto on_newer = [&](irq::Id) { ++newer; };
    controller.candidates = {timer_irq, timer_irq};
    const irq::Guard outer{timer_irq, on_older};
    {
        const irq::Guard inner{timer_irq, on_newer};
        irq::dispatch();
    }
    EXPECT_TRUE(controller.enabled(timer_irq));
    irq::dispatch();
    EXPECT_EQ(newer, 1U);
    EXPECT_EQ(older, 1U);
}

TEST_F(Irq, HandlersOfAnotherCpuAreNotRun)
{
    unsigned here = 0;
    unsigned there = 0;
    const auto on_here = [&](irq::Id) { ++here; };
    const auto on_there = [&](irq::Id) { ++there; };
    const irq::Guard guard{timer_irq, on_here};
    std::thread{[&] {
        smp::Cpu other_cpu{};
        arch::set_cpu_data(&other_cpu);
        const irq::Guard other_guard{timer_irq, on_there};
        controller.candidates = {timer_irq};
        irq::dispatch();
    }}.join();
    EXPECT_EQ(here, 0U);
    EXPECT_EQ(there, 1U);
}

TEST_F(Irq, PermanentHandlerIsForEveryCpuAndGuardsGoBeforeIt)
{
    static unsigned permanent = 0;
    static constexpr auto on_permanent = [](irq::Id) { ++permanent; };
    irq::install_permanently(1, on_permanent);
    controller.candidates = {other_irq, other_irq};
    std::thread{[] {
        smp::Cpu other_cpu{};
        arch::set_cpu_data(&other_cpu);
        irq::dispatch();
    }}.join();
    EXPECT_EQ(permanent, 1U);
    const auto on_guard = [](irq::Id) {};
    const irq::Guard guard{other_irq, on_guard};
    irq::dispatch();
    EXPECT_EQ(permanent, 1U);
}

TEST_F(Irq, NothingToAcknowledgeIsCounted)
{
    const unsigned before = irq::spurious_count();
    irq::dispatch();
    EXPECT_EQ(irq::spurious_count(), before + 1);
    EXPECT_TRUE(controller.ended.empty());
}

TEST_F(Irq, InterruptWithoutHandlerIsDisabledAndEnded)
{
    controller.enable(timer_irq);
    controller.candidates = {timer_irq};
    irq::dispatch();
    EXPECT_FALSE(controller.enabled(timer_irq));
    EXPECT_EQ(controller.ended, std::vector{timer_irq.value});
}

TEST_F(Irq, MaskedPutsBackWhatWas)
{
    const irq::Unmasked unmasked;
    EXPECT_FALSE(arch::interrupts_masked());
    {
        const irq::Masked masked;
        EXPECT_TRUE(arch::interrupts_masked());
        {
            const irq::Masked nested;
        }
        EXPECT_TRUE(arch::interrupts_masked());
    }
    EXPECT_FALSE(arch::interrupts_masked());
}

}  // namespace
