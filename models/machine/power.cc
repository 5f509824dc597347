// SPDX-License-Identifier: MIT
//
// CPUs are threads, and the machine's end is the process's.

#include "models/machine/power.h"

#include "lib/smp/smp.h"
#include "lib/test/capability.h"
#include "models/machine/board.h"
#include "models/machine/exception.h"

#include <arch/power.h>

#include <algorithm>
#include <atomic>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <deque>

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

namespace machine {

namespace {

constexpr std::size_t guard_size = 4096;
constexpr std::size_t stack_size = std::size_t{8} << 20;  // sanitizers need it

// The thread that is a CPU while it is on.
class Thread {
public:
    explicit Thread(Core& core) : core_{core} {}
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    [[nodiscard]] Core& core() { return core_; }
    [[nodiscard]] bool on() const { return on_; }

    [[nodiscard]] Result<> start(smp::Cpu& cpu, void (*function)(smp::Cpu& cpu));
    // Of the calling thread.
    [[noreturn]] static void stop() { siglongjmp(current->off_, 1); }

private:
    static thread_local Thread* current;

    [[nodiscard]] bool allocate_stack();
    static void* run(void* thread);

    Core& core_;
    std::byte* stack_ = nullptr;  // above a guard page
    pthread_t id_{};
    smp::Cpu* cpu_ = nullptr;
    void (*function_)(smp::Cpu& cpu) = nullptr;
    sigjmp_buf off_{};
    bool started_ = false;
    std::atomic<bool> on_{false};
};

thread_local Thread* Thread::current = nullptr;

bool Thread::allocate_stack()
{
    if (stack_ == nullptr) {
        void* const memory = ::mmap(nullptr, guard_size + stack_size, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED || ::mprotect(memory, guard_size, PROT_NONE) != 0) {
            return false;
        }
        stack_ = static_cast<std::byte*>(memory) + guard_size;
    }
    return true;
}

Result<> Thread::start(smp::Cpu& cpu, void (*function)(smp::Cpu& cpu))
{
    if (on_.exchange(true)) {
        return fail("the CPU is on already", cpu.hardware_id);
    }
    if (started_) {
        ::pthread_join(id_, nullptr);  // its stack is used again
    }
    if (!allocate_stack()) {
        return fail("the host has no memory for a stack");
    }
    cpu.stack_low = reinterpret_cast<std::uintptr_t>(stack_);
    cpu.stack_high = cpu.stack_low + stack_size;
    cpu.recovery = nullptr;
    cpu.interrupted = nullptr;
    cpu_ = &cpu;
    function_ = function;
    core_.reset();
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstack(&attributes, stack_, stack_size);
    const int error = ::pthread_create(&id_, &attributes, run, this);
    ::pthread_attr_destroy(&attributes);
    started_ = error == 0;
    if (error != 0) {
        return fail("the host does not start a thread", static_cast<std::uint64_t>(error));
    }
    return {};
}

void* Thread::run(void* thread)
{
    current = static_cast<Thread*>(thread);
    catch_host_faults();
    current->core_.run_here();
    arch::set_cpu_data(current->cpu_);
    if (sigsetjmp(current->off_, 0) == 0) {
        current->function_(*current->cpu_);
    }
    current->on_ = false;
    return nullptr;
}

// One for each core, in their order.
std::deque<Thread>& threads()
{
    static std::deque<Thread> all = [] {
        std::deque<Thread> made;
        for (Core& core : Board::get().cores()) {
            made.emplace_back(core);
        }
        return made;
    }();
    return all;
}

Thread* find_thread(const smp::Cpu& cpu)
{
    const auto found = std::ranges::find_if(
        threads(), [&](Thread& thread) { return thread.core().affinity() == cpu.hardware_id; });
    return found != threads().end() ? &*found : nullptr;
}

}  // namespace

Result<> start_thread(smp::Cpu& cpu, void (*function)(smp::Cpu& cpu))
{
    Thread* const thread = find_thread(cpu);
    if (thread == nullptr) {
        return fail("the machine has no CPU of that affinity", cpu.hardware_id);
    }
    return thread->start(cpu, function);
}

void stop_this_thread()
{
    Thread::stop();
}

bool is_on(const smp::Cpu& cpu)
{
    const Thread* const thread = find_thread(cpu);
    return thread != nullptr && thread->on();
}

}  // namespace machine

namespace arch {

// Tests that turn CPUs off and on again say that they need PSCI.
Result<> discover_power(const boot::Info&)
{
    test::offer(test::Capability::psci);
    return {};
}

Result<> start_cpu(smp::Cpu& cpu)
{
    return machine::start_thread(cpu, [](smp::Cpu& self) { smp::secondary_main(self); });
}

Result<> stop_this_cpu()
{
    machine::stop_this_thread();
}

Result<bool> cpu_is_off(const smp::Cpu& cpu)
{
    return !machine::is_on(cpu);
}

Result<> select_exit(std::string_view method)
{
    if (!method.empty()) {
        return fail("the model machine has no choice of assay.exit");
    }
    return {};
}

void exit(ExitStatus status)
{
    std::fflush(stdout);
    const bool in_error = machine::Board::get().is_run_in_error();
    ::_exit(static_cast<int>(in_error ? ExitStatus::error : status));
}

Result<> reset()
{
    return fail("the model machine does not restart");
}

}  // namespace arch
