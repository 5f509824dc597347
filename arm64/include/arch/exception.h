// SPDX-License-Identifier: MIT
//
// Architecture seam: exceptions. An expected exception is a value; an unexpected one ends the boot
// with a report.
#pragma once

#include "lib/base/format.h"
#include "lib/base/function_ref.h"

#include <cstdint>
#include <optional>

namespace arch {

// The registers at an exception, as the vectors store them (order known to vectors.S).
struct Frame {
    std::uint64_t x[31];  // x[29] is the frame pointer, x[30] the link register
    std::uint64_t sp;
    std::uint64_t elr;   // ELR_ELx: where it happened (SVC, HVC, SMC: the next instruction)
    std::uint64_t spsr;  // SPSR_ELx
    std::uint64_t esr;   // ESR_ELx
    std::uint64_t far;   // FAR_ELx; valid for aborts and alignment faults
    std::uint64_t
        kind;  // which vector: 0 synchronous (esr and far are valid), 1 IRQ, 2 FIQ, 3 SError
    std::uint64_t unused;
};

[[nodiscard]] inline std::uint64_t program_counter(const Frame& frame)
{
    return frame.elr;
}
[[nodiscard]] inline std::uint64_t frame_pointer(const Frame& frame)
{
    return frame.x[29];
}

// What raised(...) returns: the syndrome of a synchronous exception or SError.
struct Exception {
    std::uint64_t esr;
    std::uint64_t far;
    std::uint64_t elr;
    std::uint64_t spsr;
    std::uint64_t x0;  // argument of an SVC

    // ESR_ELx.EC, Arm ARM D24.2.40.
    [[nodiscard]] unsigned exception_class() const { return (esr >> 26) & 0x3f; }
    [[nodiscard]] std::uint32_t iss() const { return esr & 0x1ffffff; }
};

// Runs `callable` and returns the exception it raised, or nothing. After an exception the CPU is as
// it was before the call (stack, interrupt masks, exception level); destructors of objects inside
// the callable have not run.
[[nodiscard]] std::optional<Exception> raised(FunctionRef<void()> callable);

// From now on every exception on this CPU is unexpected: for the reports that end the boot.
void expect_no_exceptions();

// Runs `function(argument)` at the least privileged level on the image's one user stack (one CPU at
// a time) and returns how it left: by a system call (the normal way: return from the function makes
// one), or by a fault. Code and stack must be accessible there: see arch::UserAccess in
// <arch/mmu.h>.
[[nodiscard]] Exception run_in_user(void (*function)(std::uint64_t), std::uint64_t argument);

// One line about a syndrome: "data abort, same EL: translation fault level 1, write".
void describe_syndrome(Sink& sink, std::uint64_t esr);

// What happened and where: "data abort, same EL: translation fault level 1, write from EL1".
void describe(Sink& sink, const Frame& frame);

// Prints all registers of a frame with its decoded syndrome, each line behind `prefix`.
void print_frame(const Frame& frame, const char* prefix);

// Walks the frame records from `frame_pointer` and calls `visit` with each return address, at most
// `limit` times; stops at the first record outside the stack that contains it.
void backtrace(std::uint64_t frame_pointer, unsigned limit, FunctionRef<void(std::uint64_t)> visit);

// The address of the image's first byte: reports print addresses relative to it.
[[nodiscard]] std::uint64_t image_base();
[[nodiscard]] std::uint64_t image_end();

}  // namespace arch
