// SPDX-License-Identifier: MIT

#include "x86/boot/secondary.h"

#include "lib/console/console.h"
#include "lib/mem/memory.h"
#include "lib/smp/smp.h"
#include "x86/boot/offsets.h"
#include "x86/cpu/apic_id.h"
#include "x86/cpu/control_registers.h"
#include "x86/cpu/idt.h"
#include "x86/mmu/mmu.h"

#include <arch/mmu.h>

#include <atomic>
#include <cstddef>
#include <cstring>

extern "C" {
extern const char trampoline_begin[], trampoline_protected[], trampoline_long[];
extern const char trampoline_parameters[], trampoline_end[];
extern const char boot_descriptors[], boot_descriptors_end[];
void secondary_entry();

// Whose turn it is; start.S takes it.
constinit std::atomic<arch::CpuData*> starting_cpu{nullptr};
}

namespace {

struct FarPointer {
    std::uint32_t offset;
    std::uint16_t selector;
    std::uint16_t unused;
};

// What stands behind the trampoline's code.
struct Trampoline {
    FarPointer entry32;
    FarPointer entry64;
    std::uint16_t table_limit;  // the operand of LGDT with 32 bits, whose base is not aligned
    std::uint16_t table_base_low, table_base_high;
    std::uint16_t unused;
    std::uint64_t cr3;
    std::uint64_t continuation;
};
static_assert(offsetof(Trampoline, entry32) == TRAMPOLINE_ENTRY32);
static_assert(offsetof(Trampoline, entry64) == TRAMPOLINE_ENTRY64);
static_assert(offsetof(Trampoline, table_limit) == TRAMPOLINE_GDTR);
static_assert(offsetof(Trampoline, cr3) == TRAMPOLINE_CR3);
static_assert(offsetof(Trampoline, continuation) == TRAMPOLINE_CONTINUE);
static_assert(sizeof(Trampoline) == TRAMPOLINE_SIZE);

constexpr std::uint64_t real_mode_end = 0xa0000;

constinit std::byte* low_page = nullptr;

std::uint32_t address_below_4g(const void* object)
{
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(object));
}

FarPointer entry_at(const char* label, std::uint16_t selector)
{
    return {.offset =
                address_below_4g(low_page) + static_cast<std::uint32_t>(label - trampoline_begin),
            .selector = selector,
            .unused = 0};
}

}  // namespace

void secondary::reserve_page()
{
    const auto page = mem::claim(mem::page_size);
    if (page && reinterpret_cast<std::uintptr_t>(*page) < real_mode_end) {
        low_page = *page;
    }
}

void secondary::prepare()
{
    if (low_page == nullptr) {
        return;
    }
    const auto descriptors = address_below_4g(boot_descriptors);
    const Trampoline parameters{
        .entry32 = entry_at(trampoline_protected, SELECTOR_CODE32),
        .entry64 = entry_at(trampoline_long, SELECTOR_CODE64),
        .table_limit = static_cast<std::uint16_t>(boot_descriptors_end - boot_descriptors - 1),
        .table_base_low = static_cast<std::uint16_t>(descriptors),
        .table_base_high = static_cast<std::uint16_t>(descriptors >> 16),
        .unused = 0,
        .cr3 = mmu::root(),
        .continuation = reinterpret_cast<std::uint64_t>(&secondary_entry),
    };
    std::memcpy(low_page, trampoline_begin,
                static_cast<std::size_t>(trampoline_end - trampoline_begin));
    std::memcpy(low_page + (trampoline_parameters - trampoline_begin), &parameters,
                sizeof(parameters));
    if (!arch::protect(reinterpret_cast<std::uintptr_t>(low_page), mem::page_size,
                       arch::Access::read_execute)) {
        low_page = nullptr;
    }
}

std::uint8_t secondary::page()
{
    return static_cast<std::uint8_t>(reinterpret_cast<std::uintptr_t>(low_page) / mem::page_size);
}

void secondary::announce(arch::CpuData& cpu)
{
    starting_cpu = &cpu;
}

bool secondary::taken()
{
    return starting_cpu == nullptr;
}

// A secondary CPU, on its own stack with the image's page tables.
extern "C" [[noreturn]] void secondary_start(arch::CpuData& data)
{
    auto& cpu = static_cast<smp::Cpu&>(data);
    arch::set_cpu_data(&cpu);
    x86::load_idt();
    std::atomic_ref{cpu.parked} = 0;
    if (apic_id() != cpu.hardware_id) {
        console::print("# error: CPU {:#x} came when CPU {:#x} was started\n", apic_id(),
                       cpu.hardware_id);
        for (;;) {
            asm volatile("cli\n\thlt");
        }
    }
    smp::secondary_main(cpu);
}
