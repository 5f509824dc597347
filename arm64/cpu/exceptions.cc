// SPDX-License-Identifier: MIT

#include "arm64/boot/offsets.h"
#include "arm64/cpu/control_registers.h"
#include "arm64/cpu/recovery.h"
#include "arm64/image.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/fatal.h"

#include <arch/exception.h>

#include <cstddef>
#include <utility>

static_assert(offsetof(arch::CpuData, stack_high) == CPU_STACK_HIGH);
static_assert(offsetof(arch::CpuData, exception_stack_high) == CPU_EXCEPTION_STACK_HIGH);
static_assert(offsetof(arch::CpuData, exception_stack_low) == CPU_EXCEPTION_STACK_LOW);
static_assert(offsetof(arch::Frame, sp) == FRAME_SP);
static_assert(offsetof(arch::Frame, elr) == FRAME_ELR);
static_assert(offsetof(arch::Frame, spsr) == FRAME_SPSR);
static_assert(offsetof(arch::Frame, esr) == FRAME_ESR);
static_assert(offsetof(arch::Frame, far) == FRAME_FAR);
static_assert(offsetof(arch::Frame, kind) == FRAME_KIND);
static_assert(sizeof(arch::Frame) == FRAME_SIZE);
static_assert(offsetof(arch::RecoveryPoint, x19) == RECOVERY_X19);
static_assert(offsetof(arch::RecoveryPoint, frame_pointer) == RECOVERY_FP);
static_assert(offsetof(arch::RecoveryPoint, sp) == RECOVERY_SP);

extern "C" {
bool call_recoverable(arch::RecoveryPoint* point, void (*function)(void*), void* argument);
bool enter_user(arch::RecoveryPoint* point, void (*function)(std::uint64_t), std::uint64_t argument,
                std::uintptr_t stack);
void recovery_resume();
}

namespace arch {

namespace {

// SPSR_ELx for a return to where we are now.
std::uint64_t current_state()
{
    std::uint64_t daif;
    std::uint64_t stack_selection;
    asm volatile("mrs %0, daif\n\tmrs %1, spsel" : "=r"(daif), "=r"(stack_selection));
    return daif | sysreg::read<CurrentEL>().raw | stack_selection;
}

// A recovery point, armed for a scope.
class ArmedPoint {
public:
    ArmedPoint() : cpu_{cpu_data()}
    {
        point.state = current_state();
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
    point.exception = {frame.esr, frame.far, frame.elr, frame.spsr, frame.x[0]};
    for (unsigned i = 0; i < std::size(point.x19); ++i) {
        frame.x[19 + i] = point.x19[i];
    }
    frame.x[0] = 1;
    frame.x[29] = point.frame_pointer;
    frame.sp = point.sp;
    frame.elr = reinterpret_cast<std::uint64_t>(&recovery_resume);
    frame.spsr = point.state;
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
    static constexpr const char* names[]{"EL0", "EL1", "EL2", "EL3"};
    return names[sysreg::read<CurrentEL>()[CurrentEL::EL]];
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

// Called by vectors.S with exceptions masked.
extern "C" void handle_exception(arch::Frame& frame)
{
    enum Kind : std::uint64_t { synchronous, irq, fiq, serror };

    arch::CpuData& cpu = *arch::cpu_data();
    if (frame.kind == Kind::irq && ::irq::controller() != nullptr) {
        // What the interrupted code expects is not for the handler.
        const arch::Frame* const outer = std::exchange(cpu.interrupted, &frame);
        arch::RecoveryPoint* const recovery = std::exchange(cpu.recovery, nullptr);
        ::irq::dispatch();
        cpu.recovery = recovery;
        cpu.interrupted = outer;
        return;
    }
    if ((frame.kind == Kind::synchronous || frame.kind == Kind::serror) &&
        cpu.recovery != nullptr) {
        arch::resume_at(frame, *cpu.recovery);
        return;
    }
    test::crash(frame);
}
