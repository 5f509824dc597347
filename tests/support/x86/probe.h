// SPDX-License-Identifier: MIT
//
// Functions that consist of the instruction under test and a return, so that the address of the
// function is the address an exception must report.
//
//     PROBE(probe_load, "movq (%rdi), %rax");
//
//     const auto fault = arch::raised([&] { probe_load(address); });
//     EXPECT_EQ(fault->rip, probe_address(probe_load));
//
// Arguments come in RDI and RSI, the result is RAX. USER_PROBE() defines one for
// arch::run_in_user(). Where more instructions are needed before the one under test, its offset is
// added to the address.
#pragma once

#include <cstdint>

#define ASSAY_PROBE_(name, section, instructions)                                     \
    asm(".pushsection " section ", \"ax\"\n\t.balign 16\n" #name ":\n\t" instructions \
        "\n\tretq\n\t.popsection")

#define PROBE(name, instructions)                                                      \
    ASSAY_PROBE_(name, ".text." #name, instructions);                                  \
    extern "C" [[gnu::visibility("hidden")]] std::uint64_t name(std::uint64_t rdi = 0, \
                                                                std::uint64_t rsi = 0)

#define USER_PROBE(name, instructions)              \
    ASSAY_PROBE_(name, ".user_text", instructions); \
    extern "C" [[gnu::visibility("hidden")]] void name(std::uint64_t rdi)

template <typename Probe>
[[nodiscard]] std::uint64_t probe_address(Probe* probe)
{
    return reinterpret_cast<std::uintptr_t>(probe);
}
