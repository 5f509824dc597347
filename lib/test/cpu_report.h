// SPDX-License-Identifier: MIT
//
// Of the framework's own: the part of a report that says what each CPU does. Only for the end of
// the boot: a CPU that has answered does nothing else any more.
#pragma once

#include "lib/smp/smp.h"

#include <cstdint>
#include <optional>
#include <span>

namespace test {

// Where a CPU is. Without `pc` only the callers are known.
struct Position {
    std::optional<std::uint64_t> pc;
    std::uint64_t frame_pointer = 0;
};

// Prints "#   cpu0 backtrace (build ...)" and a line for each frame: #0 is where it is, #1 and
// above are return addresses.
void print_backtrace(unsigned cpu, Position position);

// Asks every CPU of these but the calling one that has something to do, and prints its backtrace.
// Bounded: one that does not answer is named with what it runs.
void report_other_cpus(std::span<const smp::Cpu> cpus);

// Stops the calling CPU and answers for it from here on.
[[noreturn]] void stop_and_answer(Position position);

}  // namespace test
