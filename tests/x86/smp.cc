// SPDX-License-Identifier: MIT
//
// CPUs that are stopped and started again by INIT and SIPI: Intel SDM volume 3, 8.4
// (multiple-processor initialization), 9.1 (state after INIT).

#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "x86/apic/ipi.h"
#include "x86/boot/secondary.h"
#include "x86/cpu/apic_id.h"
#include "x86/cpu/control_registers.h"

#include <arch/cpu.h>

#include <cstdint>

namespace {

// Takes the last CPU out of use, runs `meanwhile`, and starts it again.
template <typename Meanwhile>
void restart_last_cpu(Meanwhile meanwhile)
{
    const unsigned index = smp::cpus().back().index;
    const auto stopped = smp::stop(index);
    if (!stopped) {
        return test::error("{}", stopped.error().what);
    }
    meanwhile(smp::cpus()[index]);
    const auto started = smp::start(index);
    if (!started) {
        return test::error("{}", started.error().what);
    }
}

}  // namespace

TEST(smp, restart, .summary = "a CPU that was stopped comes back by INIT and SIPI, again and again",
     .needs = apic && cpus(2))
{
    const unsigned index = smp::cpus().back().index;
    for (unsigned round = 0; round < 5; ++round) {
        restart_last_cpu([](const smp::Cpu&) {});
        ASSERT_TRUE(smp::cpus()[index].online.load());
        unsigned ran_on = smp::Cpu::none;
        smp::on_cpu(index, [&] { ran_on = smp::this_cpu().index; });
        EXPECT_EQ(ran_on, index);
    }
}

TEST(smp, own_ids, .summary = "every CPU has the APIC ID by which it was found and started")
{
    smp::on_all_cpus([] { EXPECT_EQ(std::uint64_t{apic_id()}, smp::this_cpu().hardware_id); });
}

TEST(smp, same_control_registers,
     .summary = "every CPU runs with the same control registers, page tables and EFER",
     .needs = cpus(2))
{
    const CR0 cr0 = control::cr0();
    const CR4 cr4 = control::cr4();
    const std::uint64_t cr3 = control::cr3();
    const auto efer = msr::read<IA32_EFER>();
    smp::on_all_cpus([&] {
        EXPECT_EQ(control::cr0().raw, cr0.raw);
        EXPECT_EQ(control::cr4().raw, cr4.raw);
        EXPECT_EQ(control::cr3(), cr3);
        EXPECT_EQ(msr::read<IA32_EFER>().raw, efer.raw);
    });
}

TEST(smp, startup_needs_init,
     .summary = "a SIPI without an INIT before it does not start a CPU, nor disturb one that runs",
     .needs = apic && cpus(2))
{
    const auto send = [](const smp::Cpu& cpu) {
        const auto sent =
            apic::send_startup(static_cast<std::uint32_t>(cpu.hardware_id), secondary::page());
        EXPECT_TRUE(sent.has_value());
        timer::delay(timer::milliseconds(20));
    };
    const smp::Cpu& last = smp::cpus().back();
    send(last);
    unsigned ran_on = smp::Cpu::none;
    smp::on_cpu(last.index, [&] { ran_on = smp::this_cpu().index; });
    EXPECT_EQ(ran_on, last.index);

    restart_last_cpu([&](const smp::Cpu& cpu) {
        send(cpu);
        EXPECT_FALSE(cpu.online.load());
    });
    EXPECT_TRUE(last.online.load());
}

TEST(smp, repeated_init,
     .summary = "a CPU that waits for its SIPI waits on after another INIT, and then starts",
     .needs = apic && cpus(2))
{
    const smp::Cpu& last = smp::cpus().back();
    const auto stopped = smp::stop(last.index);
    ASSERT_TRUE(stopped.has_value());
    const auto id = static_cast<std::uint32_t>(last.hardware_id);
    for (unsigned i = 0; i < 2; ++i) {
        EXPECT_TRUE(apic::send_init(id).has_value());
        timer::delay(timer::milliseconds(10));
    }
    const auto started = smp::start(last.index);
    EXPECT_TRUE(started.has_value());
}
