// SPDX-License-Identifier: MIT
//
// The machine's CPUs: found, started, and given work.
//
// CPU 0 is the one that booted and runs the tests. The others wait; on_cpu() gives one of them a
// function to run. A wait of the harness that can never end (two CPUs that wait for each other,
// a CPU that does not come back) ends the case with a report that names both CPUs.
#pragma once

#include "lib/base/function_ref.h"
#include "lib/base/result.h"

#include <arch/cpu.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace boot {
struct Info;
}

namespace smp {

using Work = FunctionRef<void()>;

// What the image keeps for one CPU. Architecture data is in the base class.
struct Cpu : arch::CpuData {
    unsigned index = 0;             // 0 is the boot CPU; otherwise the order of the device tree
    std::uint64_t hardware_id = 0;  // as the device tree's reg has it: MPIDR affinity
    std::uintptr_t stack_low = 0;   // lowest usable address; the page below it is a guard
    std::atomic<bool> online{false};
    std::atomic<const Work*> work{nullptr};  // set by the giver, cleared when done
    std::atomic<unsigned> waits_for{none};   // index of the CPU whose work this CPU waits for

    static constexpr unsigned none = ~0u;
};

// All CPUs the machine describes, online or not. cpus()[0] is the boot CPU.
[[nodiscard]] std::span<Cpu> cpus();
[[nodiscard]] Cpu& this_cpu();
[[nodiscard]] unsigned online_count();

// Makes the calling CPU CPU 0. Called once, before anything else here.
void adopt_boot_cpu(Cpu& cpu);

// Finds the machine's CPUs and starts the secondary ones. Errors: it describes none, the boot CPU
// is not among them, no memory. A CPU that does not come up is reported on the console and left
// out.
[[nodiscard]] Result<> start_all(const boot::Info& info);

// CPUs are named by their index in cpus(). Work is given to online CPUs other than CPU 0, which
// never waits for any; any CPU may give it. What is given to an offline CPU is never done: the wait
// ends with the case's deadline.

// Runs `work` on one CPU and waits until it is done. On the own CPU it is a call.
void on_cpu(unsigned index, Work work);
// Runs `work` on every online CPU at once, this one included, and waits for all.
void on_all_cpus(Work work);

// Work that runs while the caller goes on. The destructor waits.
class Task {
public:
    // The callable must outlive the task, so it has to have a name. Not for the own CPU.
    template <typename Callable>
        requires std::is_constructible_v<Work, Callable&>
    Task(unsigned index, Callable& callable) : Task{index, Work{callable}, Adopt{}}
    {
    }
    ~Task();
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    [[nodiscard]] bool done() const;
    void wait();

private:
    struct Adopt {};
    Task(unsigned index, Work work, Adopt);

    unsigned index_;
    Work work_;
    bool waited_ = false;
};

// Where `parties` CPUs meet; reusable. A party that never comes is found by the case's deadline.
class Barrier {
public:
    explicit Barrier(unsigned parties) : parties_{parties} {}
    void wait();

private:
    unsigned parties_;
    std::atomic<unsigned> arrived_{0};
    std::atomic<unsigned> generation_{0};
};

// What others want to do here: `waiting` is called again and again while the harness waits for
// another CPU (the watchdog's deadline), `deadlock` when the wait can never end, with the CPUs'
// names, `online` on each secondary CPU when it is up.
struct Hooks {
    void (*waiting)();
    void (*deadlock)(std::string_view why);
    void (*online)();
};
void set_hooks(Hooks hooks);

// The loop of a CPU without work; called by the architecture's start code and never returns.
[[noreturn]] void secondary_main(Cpu& cpu);

// Takes CPU `index` out of use (it powers itself off) and brings it back: for tests of the power
// interface. Errors: what the machine answered.
[[nodiscard]] Result<> stop(unsigned index);
[[nodiscard]] Result<> start(unsigned index);

}  // namespace smp
