// SPDX-License-Identifier: MIT
#include "lib/test/fatal.h"

#include "lib/console/console.h"
#include "lib/smp/smp.h"
#include "lib/test/cpu_report.h"
#include "lib/test/record.h"

#include <arch/cpu.h>
#include <arch/power.h>

#include <atomic>

namespace test {

namespace {

// The CPU that reports. Others that come here meanwhile stop and are part of its report.
constinit std::atomic<bool> reporting{false};
constinit std::atomic<const arch::CpuData*> reporter{nullptr};
constinit unsigned exceptions_in_report = 0;

[[noreturn]] void end()
{
    console::flush();
    arch::exit(arch::ExitStatus::error);
}

// Each step does less than the one before, which may be what failed.
[[noreturn]] void end_of_broken_report()
{
    switch (exceptions_in_report++) {
    case 0:
        console::break_lock();
        console::print("Bail out! another exception inside the report\n");
        end();
    case 1:
        arch::exit(arch::ExitStatus::error);
    default:
        for (;;) {
            arch::wait_for_interrupt();
        }
    }
}

// Returns once in a boot, with the console for this CPU alone.
void enter_report(Position position)
{
    static_cast<void>(arch::mask_interrupts());
    arch::expect_no_exceptions();
    if (reporting.exchange(true)) {
        if (reporter != arch::cpu_data()) {
            stop_and_answer(position);
        }
        end_of_broken_report();
    }
    reporter = arch::cpu_data();
    console::break_lock();
}

// `kind` is "crash" or "hang"; `what` says it in a few words.
[[noreturn]] void report(std::string_view kind, std::string_view what, const arch::Frame* frame,
                         Position position)
{
    const unsigned cpu = smp::this_cpu().index;
    const std::string_view id = running.id();
    console::print("# {}: {} on cpu{}{}{}\n", kind, what, cpu, id.empty() ? "" : " in ", id);
    if (frame != nullptr) {
        arch::print_frame(*frame, "#   ");
    }
    print_backtrace(cpu, position);
    report_other_cpus(smp::cpus());
    if (id.empty()) {
        console::print("Bail out! {}: {}\n", kind, what);
    } else {
        console::print("not ok {} {} # ERROR {}: {} on cpu{}\nBail out! {} in {}\n",
                       running.number.load(), id, kind, what, cpu, kind, id);
    }
    end();
}

Position here()
{
    return {.pc = std::nullopt,
            .frame_pointer = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0))};
}

Position position_of(const arch::Frame& frame)
{
    return {.pc = arch::program_counter(frame), .frame_pointer = arch::frame_pointer(frame)};
}

}  // namespace

void crash(const arch::Frame& frame)
{
    const Position position = position_of(frame);
    enter_report(position);
    TextBuffer<100> what;
    arch::describe(what, frame);
    report("crash", what.text(), &frame, position);
}

void hang(std::string_view why, const arch::Frame* frame)
{
    const Position position = frame != nullptr ? position_of(*frame) : here();
    enter_report(position);
    report("hang", why, frame, position);
}

void bail_out(std::string_view what)
{
    enter_report(here());
    console::print("# error: {}\nBail out! {}\n", what, what);
    end();
}

}  // namespace test
