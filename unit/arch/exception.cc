// SPDX-License-Identifier: MIT
#include "lib/console/console.h"

#include <arch/exception.h>

namespace arch {

std::uint64_t program_counter(const Frame& frame)
{
    return frame.pc;
}

std::uint64_t frame_pointer(const Frame& frame)
{
    return frame.frame_pointer;
}

void describe(Sink& sink, const Frame&)
{
    sink.write("test exception");
}

void print_frame(const Frame& frame, const char* prefix)
{
    console::print("{}PC {:#018x}\n", prefix, frame.pc);
}

void expect_no_exceptions() {}

void backtrace(std::uint64_t frame_pointer, unsigned limit, FunctionRef<void(std::uint64_t)> visit)
{
    if (limit != 0) {
        visit(frame_pointer);
    }
}

std::uint64_t image_base()
{
    return 0x1000;
}

std::uint64_t image_end()
{
    return 0x9000;
}

}  // namespace arch
