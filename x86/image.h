// SPDX-License-Identifier: MIT
//
// Symbols of linker/x86.ld. Only their addresses mean something.
#pragma once

#include <cstddef>
#include <cstdint>

namespace image {

extern "C" {
// The image is linked at image_begin; what is loaded always begins at payload_begin, a page behind.
extern const char image_begin[], payload_begin[], image_end[];
extern const char user_text_begin[], user_text_end[];
extern const char rodata_begin[], data_begin[], relocated_end[];
extern const char boot_stack_guard[], boot_stack_low[], boot_stack_high[];
extern const char boot_exception_guard[], boot_exception_stack_low[], boot_exception_stack_high[];
extern const char user_stack[], user_stack_end[];
}

[[nodiscard]] inline std::uintptr_t address_of(const char* symbol)
{
    return reinterpret_cast<std::uintptr_t>(symbol);
}

}  // namespace image
