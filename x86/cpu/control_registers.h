// SPDX-License-Identifier: MIT
//
// Control registers and what goes with them: Intel SDM volume 3, 2.5; AMD64 APM volume 2, 3.1.
#pragma once

#include "lib/base/register.h"
#include "x86/cpu/msr.h"

#include <cstdint>

struct CR0 : Bits<CR0, std::uint64_t> {
    static constexpr Field PE{0};   // protection
    static constexpr Field MP{1};   // WAIT follows TS
    static constexpr Field EM{2};   // no FPU: its instructions raise #NM, those of SSE #UD
    static constexpr Field TS{3};   // task switched: instructions of FPU and SSE raise #NM
    static constexpr Field ET{4};   // reads as 1
    static constexpr Field NE{5};   // FPU errors raise #MF
    static constexpr Field WP{16};  // read-only pages hold for ring 0
    static constexpr Field AM{18};  // RFLAGS.AC counts in ring 3
    static constexpr Field NW{29};
    static constexpr Field CD{30};
    static constexpr Field PG{31};  // paging
};

struct CR4 : Bits<CR4, std::uint64_t> {
    static constexpr Field VME{0};
    static constexpr Field PVI{1};
    static constexpr Field TSD{2};  // RDTSC is privileged
    static constexpr Field DE{3};   // DR4 and DR5 raise #UD
    static constexpr Field PSE{4};
    static constexpr Field PAE{5};
    static constexpr Field MCE{6};          // machine checks raise #MC
    static constexpr Field PGE{7};          // global pages
    static constexpr Field PCE{8};          // RDPMC in ring 3
    static constexpr Field OSFXSR{9};       // SSE
    static constexpr Field OSXMMEXCPT{10};  // SSE exceptions raise #XM
    static constexpr Field UMIP{11};        // SGDT and its like are privileged
    static constexpr Field LA57{12};        // five levels of page tables
    static constexpr Field FSGSBASE{16};
    static constexpr Field PCIDE{17};
    static constexpr Field OSXSAVE{18};
    static constexpr Field SMEP{20};  // ring 0 does not execute user pages
    static constexpr Field SMAP{21};  // nor access them, except with RFLAGS.AC
    static constexpr Field PKE{22};
    static constexpr Field CET{23};
    static constexpr Field PKS{24};
};

// Flags of RFLAGS: volume 1, 3.4.3.
struct Rflags : Bits<Rflags, std::uint64_t> {
    static constexpr Field CF{0};
    static constexpr Field fixed{1};  // reads as 1
    static constexpr Field PF{2};
    static constexpr Field AF{4};
    static constexpr Field ZF{6};
    static constexpr Field SF{7};
    static constexpr Field TF{8};  // single step
    static constexpr Field IF{9};
    static constexpr Field DF{10};
    static constexpr Field OF{11};
    static constexpr Field IOPL{13, 12};
    static constexpr Field NT{14};
    static constexpr Field RF{16};  // no instruction breakpoint
    static constexpr Field VM{17};
    static constexpr Field AC{18};
    static constexpr Field ID{21};
};

struct IA32_EFER : Msr<IA32_EFER, 0xc000'0080> {
    static constexpr Field SCE{0};  // SYSCALL
    static constexpr Field LME{8};
    static constexpr Field LMA{10};
    static constexpr Field NXE{11};  // pages that are not executable
    static constexpr Field SVME{12};
};

struct IA32_FS_BASE : Msr<IA32_FS_BASE, 0xc000'0100> {};
struct IA32_GS_BASE : Msr<IA32_GS_BASE, 0xc000'0101> {};
struct IA32_KERNEL_GS_BASE : Msr<IA32_KERNEL_GS_BASE, 0xc000'0102> {};

// MOV to and from the registers. They order accesses to memory around them.
namespace control {

[[nodiscard]] inline CR0 cr0()
{
    std::uint64_t value;
    asm volatile("movq %%cr0, %0" : "=r"(value)::"memory");
    return CR0::from(value);
}
inline void write(CR0 value)
{
    asm volatile("movq %0, %%cr0" ::"r"(value.raw) : "memory");
}

[[nodiscard]] inline std::uint64_t cr2()
{
    std::uint64_t value;
    asm volatile("movq %%cr2, %0" : "=r"(value)::"memory");
    return value;
}
inline void write_cr2(std::uint64_t value)
{
    asm volatile("movq %0, %%cr2" ::"r"(value) : "memory");
}

[[nodiscard]] inline std::uint64_t cr3()
{
    std::uint64_t value;
    asm volatile("movq %%cr3, %0" : "=r"(value)::"memory");
    return value;
}
inline void write_cr3(std::uint64_t value)
{
    asm volatile("movq %0, %%cr3" ::"r"(value) : "memory");
}

[[nodiscard]] inline CR4 cr4()
{
    std::uint64_t value;
    asm volatile("movq %%cr4, %0" : "=r"(value)::"memory");
    return CR4::from(value);
}
inline void write(CR4 value)
{
    asm volatile("movq %0, %%cr4" ::"r"(value.raw) : "memory");
}

}  // namespace control
