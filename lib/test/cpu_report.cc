// SPDX-License-Identifier: MIT
#include "lib/test/cpu_report.h"

#include "lib/base/build_id.h"
#include "lib/console/console.h"
#include "lib/irq/irq.h"
#include "lib/smp/ipi.h"
#include "lib/test/fatal.h"
#include "lib/time/time.h"

#include <arch/cpu.h>
#include <arch/exception.h>

#include <atomic>
#include <cstddef>
#include <new>

namespace test {

namespace {

constexpr unsigned max_depth = 32;

// The inter-processor interrupt that asks. Number 0 is lib/smp's, the others are the tests'.

// A question to one CPU. Who asks sets `asked`; who is asked takes it back before it answers, so
// that a late answer never meets the next question.
struct Question {
    std::atomic<const arch::CpuData*> asked{nullptr};
    std::atomic<bool> answered{false};
    Position answer{};
};
constinit Question question;

// VMs lose the CPU for hundreds of milliseconds.
timer::Ticks answer_limit()
{
    return timer::milliseconds(500);
}

void write_address(Sink& sink, std::uint64_t address)
{
    if (address >= arch::image_base() && address < arch::image_end()) {
        format_to(sink, "image+{:#x}", address - arch::image_base());
    } else {
        format_to(sink, "{:#x} (outside the image)", address);
    }
}

bool can_ask()
{
    return irq::controller() != nullptr && irq::controller()->ipi_count() > smp::ipi::report;
}

// The answer is in `question` then. A CPU that has stopped for a report of its own answers, too,
// without being interrupted.
bool ask(const smp::Cpu& cpu)
{
    const arch::CpuData* asked = &cpu;
    const auto answered = [] { return question.answered.load(std::memory_order_acquire); };
    question.answered = false;
    question.asked = asked;
    if (can_ask()) {
        irq::controller()->send_ipi(cpu.index, smp::ipi::report);
    }
    if (timer::wait_until(answered, answer_limit())) {
        return true;
    }
    const bool not_taken = question.asked.compare_exchange_strong(asked, nullptr);
    return !not_taken && timer::wait_until(answered, answer_limit());
}

constexpr auto on_question = [](irq::Id) {
    const arch::Frame& frame = *arch::cpu_data()->interrupted;
    stop_and_answer(
        {.pc = arch::program_counter(frame), .frame_pointer = arch::frame_pointer(frame)});
};

}  // namespace

void answer_report_requests()
{
    if (can_ask()) {
        irq::install_permanently(smp::ipi::report, on_question);
        irq::controller()->enable(irq::controller()->ipi(smp::ipi::report));
    }
}

void print_backtrace(unsigned cpu, Position position)
{
    console::Unit unit;
    format_to(unit, "#   cpu{} backtrace (build ", cpu);
    write_build_id(unit);
    unit.write(")\n");
    unsigned number = 0;
    const auto print_frame = [&](std::uint64_t address) {
        format_to(unit, "#     #{} ", number++);
        write_address(unit, address);
        unit.write("\n");
    };
    if (position.pc) {
        print_frame(*position.pc);
    }
    number = 1;
    arch::backtrace(position.frame_pointer, max_depth, print_frame);
}

void report_other_cpus(std::span<const smp::Cpu> cpus)
{
    for (const smp::Cpu& cpu : cpus) {
        if (&cpu == arch::cpu_data() || !cpu.online) {
            continue;
        }
        const smp::Work* const work = cpu.work;
        const bool runs_the_tests = cpu.index == 0;
        if (work == nullptr && !runs_the_tests) {
            console::print("#   cpu{} idle\n", cpu.index);
        } else if (ask(cpu)) {
            print_backtrace(cpu.index, question.answer);
        } else {
            console::Unit unit;
            format_to(unit, "#   cpu{} does not answer", cpu.index);
            if (work != nullptr) {
                unit.write("; it was given ");
                write_address(unit, work->code());
            }
            unit.write("\n");
        }
    }
}

void stop_and_answer(Position position)
{
    static_cast<void>(arch::mask_interrupts());
    for (;;) {
        const arch::CpuData* me = arch::cpu_data();
        if (question.asked.compare_exchange_strong(me, nullptr)) {
            question.answer = position;
            question.answered.store(true, std::memory_order_release);
        }
        arch::relax();
    }
}

}  // namespace test
