// SPDX-License-Identifier: MIT

#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/fatal.h"
#include "x86/boot/offsets.h"
#include "x86/cpu/control_registers.h"
#include "x86/cpu/idt.h"
#include "x86/cpu/nmi.h"
#include "x86/cpu/recovery.h"
#include "x86/cpu/vectors.h"
#include "x86/image.h"
#include "x86/mmu/shootdown.h"

#include <arch/exception.h>

#include <cstddef>
#include <utility>

static_assert(offsetof(arch::CpuData, self) == CPU_SELF);
static_assert(offsetof(arch::CpuData, task_state) + offsetof(x86::TaskState, rsp) == CPU_RSP0);
static_assert(offsetof(arch::Frame, gs_base) == FRAME_GS_BASE);
static_assert(offsetof(arch::Frame, cr2) == FRAME_CR2);
static_assert(offsetof(arch::Frame, vector) == FRAME_VECTOR);
static_assert(offsetof(arch::Frame, cs) == FRAME_CS);
static_assert(sizeof(arch::Frame) == FRAME_SIZE);
static_assert(offsetof(arch::RecoveryPoint, rbx) == RECOVERY_RBX);
static_assert(offsetof(arch::RecoveryPoint, rbp) == RECOVERY_RBP);
static_assert(offsetof(arch::RecoveryPoint, r12) == RECOVERY_R12);
static_assert(offsetof(arch::RecoveryPoint, r15) == RECOVERY_R15);
static_assert(offsetof(arch::RecoveryPoint, rsp) == RECOVERY_RSP);
static_assert(x86::system_call == SYSTEM_CALL_VECTOR);
static_assert(x86::selector::code64 == SELECTOR_CODE64);
static_assert(x86::selector::data == SELECTOR_DATA);
static_assert(x86::selector::code32 == SELECTOR_CODE32);
static_assert(x86::selector::user_data == SELECTOR_USER_DATA);
static_assert(x86::selector::user_code64 == SELECTOR_USER_CODE64);

extern "C" {
bool call_recoverable(arch::RecoveryPoint* point, void (*function)(void*), void* argument);
bool enter_user(arch::RecoveryPoint* point, void (*function)(std::uint64_t), std::uint64_t argument,
                std::uintptr_t stack);
void recovery_resume();
}

namespace arch {

namespace {

// A recovery point, armed for a scope.
class ArmedPoint {
public:
    ArmedPoint() : cpu_{cpu_data()}
    {
        point.rflags = detail::rflags();
        point.previous = cpu_->recovery;
        cpu_->recovery = &point;
    }
    ~ArmedPoint() { cpu_->recovery = point.previous; }
    ArmedPoint(const ArmedPoint&) = delete;
    ArmedPoint& operator=(const ArmedPoint&) = delete;

    RecoveryPoint point{};

private:
    CpuData* cpu_;
};

// Changes the frame so that the return from the exception goes to the recovery point.
void resume_at(Frame& frame, RecoveryPoint& point)
{
    point.exception = {.vector = frame.vector,
                       .error_code = frame.error_code,
                       .cr2 = frame.cr2,
                       .rip = frame.rip,
                       .cs = frame.cs,
                       .rflags = frame.rflags,
                       .rsp = frame.rsp,
                       .ss = frame.ss,
                       .rax = frame.rax};
    frame.gs_base = reinterpret_cast<std::uintptr_t>(cpu_data());
    frame.rbx = point.rbx;
    frame.rbp = point.rbp;
    frame.r12 = point.r12;
    frame.r13 = point.r13;
    frame.r14 = point.r14;
    frame.r15 = point.r15;
    frame.rax = 1;
    frame.rip = reinterpret_cast<std::uint64_t>(&recovery_resume);
    frame.cs = x86::selector::code64;
    frame.rflags = point.rflags;
    frame.rsp = point.rsp;
    frame.ss = x86::selector::data;
}

// Whether what comes with this vector is what a program can raise and expect.
bool can_be_expected(std::uint64_t vector)
{
    return vector == x86::system_call ||
           (vector < x86::first_interrupt && vector != x86::nmi && vector != x86::machine_check);
}

}  // namespace

std::optional<Exception> raised(FunctionRef<void()> callable)
{
    ArmedPoint armed;
    const bool came_back = call_recoverable(
        &armed.point, [](void* function) { (*static_cast<FunctionRef<void()>*>(function))(); },
        &callable);
    if (!came_back) {
        return {};
    }
    return armed.point.exception;
}

Exception run_in_user(void (*function)(std::uint64_t), std::uint64_t argument)
{
    ArmedPoint armed;
    enter_user(&armed.point, function, argument, image::address_of(image::user_stack_end));
    return armed.point.exception;
}

void expect_no_exceptions()
{
    cpu_data()->recovery = nullptr;
}

void backtrace(std::uint64_t frame_pointer, unsigned limit, FunctionRef<void(std::uint64_t)> visit)
{
    struct Stack {
        std::uintptr_t low, high;
        [[nodiscard]] bool holds(std::uint64_t record) const
        {
            return record >= low && record + 16 <= high && record % 16 == 0;
        }
    };
    const auto stack_of = [](std::uint64_t record) -> Stack {
        for (const smp::Cpu& cpu : smp::cpus()) {
            for (const Stack stack : {Stack{cpu.stack_low, cpu.stack_high},
                                      Stack{cpu.exception_stack_low, cpu.exception_stack_high}}) {
                if (stack.holds(record)) {
                    return stack;
                }
            }
        }
        return {0, 0};
    };
    const Stack stack = stack_of(frame_pointer);
    std::uint64_t previous = 0;
    while (limit-- != 0 && stack.holds(frame_pointer) && frame_pointer > previous) {
        const auto* const record = reinterpret_cast<const std::uint64_t*>(frame_pointer);
        if (record[1] == 0) {
            return;
        }
        visit(record[1]);
        previous = frame_pointer;
        frame_pointer = record[0];
    }
}

const char* privilege_name()
{
    std::uint64_t cs;
    asm volatile("movq %%cs, %0" : "=r"(cs));
    return (cs & 3) == 0 ? "ring0" : "ring3";
}

std::uint64_t image_base()
{
    return image::address_of(image::image_begin);
}

std::uint64_t image_end()
{
    return image::address_of(image::image_end);
}

}  // namespace arch

namespace {

void handle_nmi(arch::Frame& frame)
{
    arch::RecoveryPoint* const recovery = std::exchange(arch::cpu_data()->recovery, nullptr);
    const bool wanted = mmu::answer_flush() || nmi::handle(frame);
    arch::cpu_data()->recovery = recovery;
    if (!wanted) {
        test::crash(frame);
    }
    // The interrupted code may be the entry of a page fault that has not read it yet.
    if (control::cr2() != frame.cr2) {
        control::write_cr2(frame.cr2);
    }
}

}  // namespace

// Called by vectors.S with interrupts masked.
extern "C" void handle_exception(arch::Frame& frame)
{
    arch::CpuData& cpu = *arch::cpu_data();
    if (frame.vector == x86::nmi) {
        handle_nmi(frame);
        return;
    }
    if (arch::can_be_expected(frame.vector) && cpu.recovery != nullptr) {
        arch::resume_at(frame, *cpu.recovery);
        return;
    }
    if (frame.vector < x86::first_interrupt || frame.vector == x86::system_call ||
        ::irq::controller() == nullptr) {
        test::crash(frame);
    }
    // What the interrupted code expects is not for the handler.
    const arch::Frame* const outer = std::exchange(cpu.interrupted, &frame);
    arch::RecoveryPoint* const recovery = std::exchange(cpu.recovery, nullptr);
    cpu.vector = static_cast<unsigned>(frame.vector);
    ::irq::dispatch();
    cpu.recovery = recovery;
    cpu.interrupted = outer;
}
