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

// The registers at an exception or interrupt, as the vectors store them (order known to vectors.S).
struct Frame {
    std::uint64_t gs_base;
    std::uint64_t cr2;  // valid for page faults
    std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    std::uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    std::uint64_t vector;
    std::uint64_t error_code;  // 0 where the vector has none
    std::uint64_t rip, cs, rflags, rsp, ss;
};

[[nodiscard]] inline std::uint64_t program_counter(const Frame& frame)
{
    return frame.rip;
}
[[nodiscard]] inline std::uint64_t frame_pointer(const Frame& frame)
{
    return frame.rbp;
}

// What raised(...) returns.
struct Exception {
    std::uint64_t vector;
    std::uint64_t error_code;
    std::uint64_t cr2;
    std::uint64_t rip;  // of a fault: the instruction itself; of a trap: the next one
    std::uint64_t cs;
    std::uint64_t rflags;
    std::uint64_t rsp;
    std::uint64_t ss;
    std::uint64_t rax;  // argument of a system call
};

// Runs `callable` and returns the exception it raised, or nothing. After an exception the CPU is as
// it was before the call (stack, RFLAGS, ring); destructors of objects inside
// the callable have not run. NMIs and machine checks are not meant.
[[nodiscard]] std::optional<Exception> raised(FunctionRef<void()> callable);

// From now on every exception on this CPU is unexpected: for the reports that end the boot.
void expect_no_exceptions();

// Runs `function(argument)` in ring 3 on the image's one user stack (one CPU at a time) and returns
// how it left: by a system call (the normal way: return from the function makes one), or by a
// fault. Code and stack must be accessible there: see arch::UserAccess in <arch/mmu.h>.
[[nodiscard]] Exception run_in_user(void (*function)(std::uint64_t), std::uint64_t argument);

// What happened and where: "page fault: write, not present, at 0x1000 from ring 0".
void describe(Sink& sink, const Frame& frame);

// Prints all registers of a frame, each line behind `prefix`.
void print_frame(const Frame& frame, const char* prefix);

// Walks the frame records from `frame_pointer` and calls `visit` with each return address, at most
// `limit` times; stops at the first record outside the stack that contains it.
void backtrace(std::uint64_t frame_pointer, unsigned limit, FunctionRef<void(std::uint64_t)> visit);

// The address of the image's first byte: reports print addresses relative to it.
[[nodiscard]] std::uint64_t image_base();
[[nodiscard]] std::uint64_t image_end();

}  // namespace arch
