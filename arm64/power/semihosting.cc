// SPDX-License-Identifier: MIT

#include "arm64/power/semihosting.h"

#include <arch/exception.h>

#include <cstdint>

namespace semihosting {

void exit(unsigned status)
{
    constexpr std::uint64_t sys_exit = 0x18;
    constexpr std::uint64_t application_exit = 0x20026;
    const std::uint64_t block[2]{application_exit, status};
    static_cast<void>(arch::raised([&block] {
        register std::uint64_t operation asm("x0") = sys_exit;
        register const std::uint64_t* parameters asm("x1") = block;
        asm volatile("hlt #0xf000" : "+r"(operation) : "r"(parameters) : "memory");
    }));
}

}  // namespace semihosting
