// SPDX-License-Identifier: MIT

#include "x86/mmu/shootdown.h"

#include "lib/base/spinlock.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "x86/apic/controller.h"
#include "x86/cpu/control_registers.h"

#include <atomic>

namespace {

constinit Spinlock lock;

std::atomic_ref<unsigned> flush_wanted(smp::Cpu& cpu)
{
    return std::atomic_ref{cpu.flush_wanted};
}

}  // namespace

void mmu::flush_other_cpus()
{
    const smp::Cpu& self = smp::this_cpu();
    if (smp::online_count() == 1 || irq::controller() == nullptr) {
        return;
    }
    const SpinlockGuard guard{lock};
    for (smp::Cpu& cpu : smp::cpus()) {
        if (&cpu != &self && cpu.online) {
            flush_wanted(cpu) = 1;
            const auto destination = static_cast<std::uint32_t>(cpu.hardware_id);
            if (const auto sent = apic::local().send(apic::nmi().to(destination)); !sent) {
                test::error("NMI to cpu{}: {}", cpu.index, sent.error().what);
            }
        }
    }
    for (smp::Cpu& cpu : smp::cpus()) {
        const auto answered = [&] { return !cpu.online || flush_wanted(cpu) == 0; };
        if (&cpu != &self && !timer::wait_until(answered)) {
            test::error("cpu{} does not take an NMI: it keeps old translations", cpu.index);
        }
    }
}

bool mmu::answer_flush()
{
    const auto wanted = flush_wanted(smp::this_cpu());
    if (wanted == 0) {
        return false;
    }
    control::write_cr3(control::cr3());
    wanted = 0;
    return true;
}
