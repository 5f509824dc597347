// SPDX-License-Identifier: MIT
//
// Architecture seam, host: exceptions are made up by the tests; nothing raises one.
#pragma once

#include "lib/base/format.h"
#include "lib/base/function_ref.h"

#include <cstdint>

namespace arch {

struct Frame {
    std::uint64_t pc;
    std::uint64_t frame_pointer;
};

[[nodiscard]] std::uint64_t program_counter(const Frame& frame);
[[nodiscard]] std::uint64_t frame_pointer(const Frame& frame);
void describe(Sink& sink, const Frame& frame);  // "test exception"
void print_frame(const Frame& frame, const char* prefix);

void expect_no_exceptions();

// A host stack is not walked: visits `frame_pointer` itself, so that a test can see it.
void backtrace(std::uint64_t frame_pointer, unsigned limit, FunctionRef<void(std::uint64_t)> visit);

[[nodiscard]] std::uint64_t image_base();  // 0x1000
[[nodiscard]] std::uint64_t image_end();

}  // namespace arch
