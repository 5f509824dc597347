// SPDX-License-Identifier: MIT
#include "models/machine/exception.h"

#include "lib/smp/smp.h"
#include "lib/test/fatal.h"
#include "models/machine/core.h"

#include <arch/cpu.h>
#include <arch/power.h>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string_view>

#include <csignal>
#include <sys/ucontext.h>
#include <unistd.h>

extern "C" const char __ehdr_start[];  // the linker's: where the program begins and ends
extern "C" const char _end[];

namespace arch {

struct RecoveryPoint {
    sigjmp_buf environment;
    machine::Masks masks;
    RecoveryPoint* previous;
    Exception exception;
};

}  // namespace arch

namespace machine {

namespace {

constexpr std::size_t signal_stack_size = std::size_t{128} * 1024;

thread_local unsigned machine_depth = 0;

[[noreturn]] void raise_at(arch::Frame& frame)
{
    if (arch::RecoveryPoint* const point = arch::cpu_data()->recovery) {
        point->exception = {.esr = frame.esr,
                            .far = frame.far,
                            .elr = frame.elr,
                            .spsr = frame.spsr,
                            .x0 = frame.x[0]};
        siglongjmp(point->environment, 1);
    }
    test::crash(frame);
}

[[noreturn]] void die(std::string_view what)
{
    static_cast<void>(::write(STDERR_FILENO, what.data(), what.size()));
    ::_exit(static_cast<int>(arch::ExitStatus::error));
}

// What the host's kernel says of a fault.
#if defined(__x86_64__)
void describe_fault(const mcontext_t& host, arch::Frame& frame, bool& write)
{
    constexpr greg_t is_write = 1 << 1;  // of a page fault's error code
    frame.elr = static_cast<std::uint64_t>(host.gregs[REG_RIP]);
    frame.sp = static_cast<std::uint64_t>(host.gregs[REG_RSP]);
    frame.x[29] = static_cast<std::uint64_t>(host.gregs[REG_RBP]);
    write = (host.gregs[REG_ERR] & is_write) != 0;
}
#elif defined(__aarch64__)
void describe_fault(const mcontext_t& host, arch::Frame& frame, bool& write)
{
    frame.elr = host.pc;
    frame.sp = host.sp;
    std::copy_n(host.regs, std::size(frame.x), frame.x);
    // A list of records, which ends with one without a magic number.
    const auto* record = reinterpret_cast<const _aarch64_ctx*>(&host.__reserved);
    while (record->magic != 0 && record->magic != ESR_MAGIC) {
        record = reinterpret_cast<const _aarch64_ctx*>(reinterpret_cast<const std::byte*>(record) +
                                                       record->size);
    }
    write = record->magic == ESR_MAGIC &&
            (reinterpret_cast<const esr_context*>(record)->esr & write_not_read) != 0;
}
#endif

void on_fault(int, siginfo_t* info, void* context)
{
    if (machine_depth != 0 || arch::cpu_data() == nullptr) {
        die("assay-arm64-model: the model accessed memory that is not there\n");
    }
    arch::Frame frame = frame_of(Core::current().masks());
    bool write = false;
    describe_fault(static_cast<const ucontext_t*>(context)->uc_mcontext, frame, write);
    frame.far = reinterpret_cast<std::uint64_t>(info->si_addr);
    frame.esr = translation_fault(write);
    raise_at(frame);
}

}  // namespace

void raise(Raised what)
{
    arch::Frame frame = frame_of(Core::current().masks());
    frame.esr = what.esr;
    frame.far = what.far;
    frame.elr = reinterpret_cast<std::uint64_t>(__builtin_return_address(0));
    frame.x[29] = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    raise_at(frame);
}

InMachine::InMachine()
{
    ++machine_depth;
}

InMachine::~InMachine()
{
    --machine_depth;
}

void catch_host_faults()
{
    // On a stack of its own: the guest's may be used up.
    static thread_local const auto stack = std::make_unique<std::byte[]>(signal_stack_size);
    const stack_t alternate{.ss_sp = stack.get(), .ss_flags = 0, .ss_size = signal_stack_size};
    ::sigaltstack(&alternate, nullptr);
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    ::sigaction(SIGSEGV, &action, nullptr);
    ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace machine

namespace arch {

std::optional<Exception> raised(FunctionRef<void()> callable)
{
    CpuData& cpu = *cpu_data();
    RecoveryPoint point{.environment = {},
                        .masks = machine::Core::current().masks(),
                        .previous = cpu.recovery,
                        .exception = {}};
    cpu.recovery = &point;
    if (sigsetjmp(point.environment, 0) == 0) {
        callable();
        cpu_data()->recovery = point.previous;
        return {};
    }
    cpu_data()->recovery = point.previous;
    machine::Core::current().set_masks(point.masks);
    return point.exception;
}

void expect_no_exceptions()
{
    cpu_data()->recovery = nullptr;
}

// Frame records are those of the host's procedure call standard: caller's record, return address.
void backtrace(std::uint64_t frame_pointer, unsigned limit, FunctionRef<void(std::uint64_t)> visit)
{
    const auto on_stack = [](std::uint64_t record) {
        return std::ranges::any_of(smp::cpus(), [=](const smp::Cpu& cpu) {
            return record >= cpu.stack_low && record + 16 <= cpu.stack_high && record % 8 == 0;
        });
    };
    std::uint64_t previous = 0;
    while (limit-- != 0 && frame_pointer > previous && on_stack(frame_pointer)) {
        const auto* const record = reinterpret_cast<const std::uint64_t*>(frame_pointer);
        if (record[1] == 0) {
            return;
        }
        visit(record[1]);
        previous = frame_pointer;
        frame_pointer = record[0];
    }
}

std::uint64_t image_base()
{
    return reinterpret_cast<std::uintptr_t>(__ehdr_start);
}

std::uint64_t image_end()
{
    return reinterpret_cast<std::uintptr_t>(_end);
}

}  // namespace arch
