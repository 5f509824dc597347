// SPDX-License-Identifier: MIT
//
// Reports that end the boot. The host starts the remaining cases in a fresh one.
//
// They may be called on any CPU, in any state: they take no lock, and from then on nothing but the
// report reaches the console. A second CPU that comes here becomes a part of the first one's
// report.
#pragma once

#include <arch/exception.h>

#include <string_view>

namespace test {

// An exception nobody expected: prints "# crash: ..." with the decoded syndrome, all registers and
// the backtrace of every CPU, the case's result line, and ends the VM. Called by the architecture's
// exception entry, on the CPU that took it. An exception inside the report ends the VM with one
// line.
[[noreturn]] void crash(const arch::Frame& frame);

// The running case does not end: the same report with "# hang: <why>". `frame` is what the
// watchdog's interrupt interrupted; null when the harness itself noticed (a deadlock).
[[noreturn]] void hang(std::string_view why, const arch::Frame* frame);

// From now on the calling CPU answers the report of another CPU with its backtrace.
// Called whenever the CPU's interrupt interface was initialised; does nothing without IPIs.
void answer_report_requests();

// The harness cannot go on: "# error: <what>", "Bail out! <what>", end of the VM.
[[noreturn]] void bail_out(std::string_view what);

}  // namespace test
