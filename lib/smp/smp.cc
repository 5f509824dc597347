// SPDX-License-Identifier: MIT

#include "lib/smp/smp.h"

#include "lib/boot/boot.h"
#include "lib/console/console.h"
#include "lib/irq/irq.h"
#include "lib/mem/memory.h"
#include "lib/smp/ipi.h"
#include "lib/test/capability.h"
#include "lib/time/time.h"

#include <arch/cpu.h>
#include <arch/cpus.h>
#include <arch/mmu.h>
#include <arch/power.h>

#include <new>
#include <optional>

namespace smp {

namespace {

constexpr std::size_t stack_size = std::size_t{32} * 1024;
constexpr std::size_t exception_stack_size = std::size_t{16} * 1024;

constinit std::span<Cpu> all_cpus;
constinit std::atomic<unsigned> online{1};
constinit Hooks hooks{[] {}, [](std::string_view) {}, [] {}};

bool has_ipis()
{
    return irq::controller() != nullptr && irq::controller()->ipi_count() > ipi::wake;
}

// How often a wait wakes the other CPU again: a machine that loses an event is for a test to find,
// not a reason for the harness to hang.
constexpr unsigned turns_per_reminder = 1U << 16;

// The interrupt has done its work when it ends the sleep.
constexpr auto on_wake = [](irq::Id) {};

void wake(const Cpu& cpu)
{
    if (has_ipis()) {
        irq::controller()->send_ipi(cpu.index, ipi::wake);
    }
    arch::send_event();
}

// Follows who waits for whom; true when the chain comes back to this CPU.
bool waits_in_a_circle(const Cpu& self)
{
    unsigned index = self.waits_for;
    for (std::size_t steps = 0; steps <= all_cpus.size() && index != Cpu::none; ++steps) {
        if (index == self.index) {
            return true;
        }
        index = all_cpus[index].waits_for;
    }
    return false;
}

template <typename Condition>
void wait_for(const Cpu& other, Condition condition)
{
    Cpu& self = this_cpu();
    const unsigned outer = self.waits_for.exchange(other.index);
    for (unsigned turns = 1; !condition(); ++turns) {
        if (waits_in_a_circle(self)) {
            TextBuffer<96> why;
            format_to(why, "deadlock of the harness: cpu{} waits for cpu{}, which waits for cpu{}",
                      self.index, other.index, other.waits_for.load());
            hooks.deadlock(why.text());
        }
        hooks.waiting();
        if (turns % turns_per_reminder == 0) {
            wake(other);
        }
        arch::relax();
    }
    self.waits_for = outer;
}

// Gives `cpu` the work; waits first until it has finished what it was given before.
void give(Cpu& cpu, const Work& work)
{
    wait_for(cpu, [&] {
        const Work* none = nullptr;
        return cpu.work.compare_exchange_strong(none, &work, std::memory_order_acq_rel);
    });
    wake(cpu);
}

// A stack with a guard page below it. Returns its lowest usable address.
Result<std::uintptr_t> allocate_stack(std::size_t size)
{
    auto pages = mem::allocate(mem::page_size + size);
    if (!pages) {
        return std::unexpected{pages.error()};
    }
    if (const auto guarded = arch::protect(pages->address(), mem::page_size, arch::Access::none);
        !guarded) {
        return std::unexpected{guarded.error()};
    }
    return reinterpret_cast<std::uintptr_t>(pages->release()) + mem::page_size;
}

Result<> give_stacks(Cpu& cpu)
{
    const auto stack = allocate_stack(stack_size);
    const auto exception_stack = allocate_stack(exception_stack_size);
    if (!stack || !exception_stack) {
        return std::unexpected{stack ? exception_stack.error() : stack.error()};
    }
    cpu.stack_low = *stack;
    cpu.stack_high = *stack + stack_size;
    cpu.exception_stack_low = *exception_stack;
    cpu.exception_stack_high = *exception_stack + exception_stack_size;
    return {};
}

// Makes the array of all CPUs, this one first.
Result<> find_cpus(const boot::Info& info)
{
    const Cpu& self = this_cpu();
    std::size_t count = 0;
    bool boot_cpu_found = false;
    const auto look = [&](std::uint64_t id) {
        boot_cpu_found |= id == self.hardware_id;
        ++count;
    };
    if (const auto counted = arch::for_each_cpu(info, look); !counted) {
        return counted;
    }
    if (!boot_cpu_found) {
        return fail("the boot CPU is not among the CPUs that the machine describes",
                    self.hardware_id);
    }

    auto pages = mem::allocate(count * sizeof(Cpu), mem::page_size);
    if (!pages) {
        return std::unexpected{pages.error()};
    }
    auto* const array = reinterpret_cast<Cpu*>(pages->release());
    unsigned index = 0;
    Cpu* cpu = ::new (&array[index]) Cpu{};
    static_cast<arch::CpuData&>(*cpu) = self;
    cpu->hardware_id = self.hardware_id;
    cpu->stack_low = self.stack_low;
    cpu->online = true;
    const auto add = [&](std::uint64_t id) {
        if (id != self.hardware_id) {
            cpu = ::new (&array[++index]) Cpu{};
            cpu->index = index;
            cpu->hardware_id = id;
        }
    };
    static_cast<void>(arch::for_each_cpu(info, add));
    // One that repeats the boot CPU's affinity is counted but is no other CPU.
    all_cpus = {array, index + 1};
    arch::set_cpu_data(&array[0]);
    return {};
}

}  // namespace

std::span<Cpu> cpus()
{
    return all_cpus;
}

Cpu& this_cpu()
{
    return *static_cast<Cpu*>(arch::cpu_data());
}

unsigned online_count()
{
    return online;
}

void set_hooks(Hooks new_hooks)
{
    hooks = new_hooks;
}

void adopt_boot_cpu(Cpu& cpu)
{
    cpu.online = true;
    all_cpus = {&cpu, 1};
    arch::set_cpu_data(&cpu);
}

Result<> start_all(const boot::Info& info)
{
    if (const auto found = find_cpus(info); !found) {
        return found;
    }
    for (Cpu& cpu : all_cpus.subspan(1)) {
        // All stacks first: a guard page changes the translation of its neighbours for a moment.
        if (const auto given = give_stacks(cpu); !given) {
            return given;
        }
    }
    if (has_ipis()) {
        irq::install_permanently(ipi::wake, on_wake);
    }
    for (const Cpu& cpu : all_cpus.subspan(1)) {
        if (const auto started = start(cpu.index); !started) {
            console::print("# error: cpu{} (id {:#x}) did not start: {} ({:#x})\n", cpu.index,
                           cpu.hardware_id, started.error().what, started.error().value);
        }
    }
    test::offer(test::Capability::cpus, online);
    return {};
}

void on_cpu(unsigned index, Work work)
{
    if (index == this_cpu().index) {
        work();
        return;
    }
    Task{index, work}.wait();
}

void on_all_cpus(Work work)
{
    const Cpu& self = this_cpu();
    for (Cpu& cpu : all_cpus) {
        if (cpu.online && &cpu != &self) {
            give(cpu, work);
        }
    }
    work();
    for (const Cpu& cpu : all_cpus) {
        wait_for(cpu, [&] { return &cpu == &self || cpu.work.load() != &work; });
    }
}

Task::Task(unsigned index, Work work, Adopt) : index_{index}, work_{work}
{
    give(all_cpus[index], work_);
}

Task::~Task()
{
    wait();
}

bool Task::done() const
{
    return waited_ || all_cpus[index_].work.load(std::memory_order_acquire) != &work_;
}

void Task::wait()
{
    if (!waited_) {
        wait_for(all_cpus[index_], [this] { return done(); });
        waited_ = true;
    }
}

void Barrier::wait()
{
    const unsigned generation = generation_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == parties_) {
        arrived_.store(0, std::memory_order_relaxed);
        generation_.store(generation + 1, std::memory_order_release);
        arch::send_event();
        return;
    }
    while (generation_.load(std::memory_order_acquire) == generation) {
        hooks.waiting();
        arch::relax();
    }
}

void secondary_main(Cpu& cpu)
{
    bool woken_by_ipi = false;
    if (irq::controller() != nullptr) {
        if (const auto ready = irq::controller()->init_cpu(); !ready) {
            console::print("# error: cpu{}: {} ({:#x})\n", cpu.index, ready.error().what,
                           ready.error().value);
        } else if (has_ipis()) {
            irq::controller()->enable(irq::controller()->ipi(ipi::wake));
            woken_by_ipi = true;
        }
    }
    hooks.online();
    cpu.online.store(true, std::memory_order_release);
    ++online;
    for (;;) {
        // Masked between the look and the sleep, so that no wake-up is lost: WFI ends with an
        // interrupt that is pending, masked or not.
        static_cast<void>(arch::mask_interrupts());
        const Work* const work = cpu.work.load(std::memory_order_acquire);
        if (work == nullptr) {
            if (woken_by_ipi) {
                arch::wait_for_interrupt();
            } else {
                arch::wait_for_event();
            }
        }
        static_cast<void>(arch::unmask_interrupts());
        if (work != nullptr) {
            (*work)();
            cpu.work.store(nullptr, std::memory_order_release);
            arch::send_event();
        }
    }
}

Result<> stop(unsigned index)
{
    Cpu& cpu = all_cpus[index];
    Error refused{};
    const auto leave = [&cpu, &refused] {
        static_cast<void>(arch::mask_interrupts());
        cpu.online = false;
        --online;
        const auto stopped = arch::stop_this_cpu();
        refused = stopped.error();
        ++online;
        cpu.online = true;
    };
    const Work work{leave};
    give(cpu, work);
    Result<> result{};
    wait_for(cpu, [&] {
        if (cpu.work.load(std::memory_order_acquire) == nullptr) {
            result = std::unexpected{refused};
            return true;
        }
        if (cpu.online.load()) {
            return false;
        }
        const auto off = arch::cpu_is_off(cpu);
        if (!off) {
            result = std::unexpected{off.error()};
            return true;
        }
        return *off;
    });
    if (result) {
        cpu.work = nullptr;
    }
    return result;
}

Result<> start(unsigned index)
{
    Cpu& cpu = all_cpus[index];
    if (const auto started = arch::start_cpu(cpu); !started) {
        return started;
    }
    if (!timer::wait_until([&cpu] { return cpu.online.load(std::memory_order_acquire); })) {
        return fail("the CPU was started but does not answer");
    }
    return {};
}

}  // namespace smp
