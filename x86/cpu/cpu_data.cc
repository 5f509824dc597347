// SPDX-License-Identifier: MIT

#include "x86/cpu/control_registers.h"
#include "x86/cpu/descriptors.h"
#include "x86/cpu/idt.h"
#include "x86/cpu/nmi.h"
#include "x86/cpu/vectors.h"

#include <arch/cpu.h>

#include <bit>
#include <iterator>
#include <optional>

extern "C" const char exception_vectors[];

namespace {

constexpr std::size_t entry_size = 8;  // of vectors.S

alignas(16) constinit x86::Gate table[x86::vector_count]{};

// What is left of the exception stack below, in the order of the stack table: first the one on
// which reports are made.
struct StackShare {
    unsigned ist;
    std::size_t size;
};
constexpr StackShare shares[]{
    {x86::ist::exceptions, 6144},
    {x86::ist::nmi, 4096},
    {x86::ist::vmm_communication, 2048},
    {x86::ist::fatal, 4096},
};

unsigned stack_of(unsigned vector)
{
    switch (vector) {
    case x86::nmi:
        return x86::ist::nmi;
    case x86::double_fault:
    case x86::machine_check:
        return x86::ist::fatal;
    case x86::vmm_communication:
        return x86::ist::vmm_communication;
    default:
        return vector < x86::first_interrupt ? x86::ist::exceptions : x86::ist::none;
    }
}

}  // namespace

void x86::make_idt()
{
    auto entry = reinterpret_cast<std::uintptr_t>(exception_vectors);
    for (unsigned vector = 0; vector < vector_count; ++vector) {
        const bool open = vector == breakpoint || vector == overflow || vector == system_call;
        table[vector] = Gate::to(entry, Gate::interrupt, stack_of(vector), open ? 3 : 0);
        entry += entry_size;
    }
    load_idt();
}

void x86::load_idt()
{
    const TableRegister operand{.limit = sizeof(table) - 1,
                                .base = reinterpret_cast<std::uintptr_t>(table)};
    asm volatile("lidt %0" ::"m"(operand) : "memory");
}

std::span<x86::Gate> x86::idt()
{
    return table;
}

void arch::set_cpu_data(CpuData* data)
{
    data->self = data;
    std::uintptr_t top = data->exception_stack_high;
    for (const StackShare& share : shares) {
        const std::uintptr_t begin = top - 16;
        *reinterpret_cast<CpuData**>(begin) = data;  // what vectors.S looks for
        data->task_state.ist[share.ist - 1] = begin;
        top -= share.size;
    }
    data->descriptors.points_to(reinterpret_cast<std::uintptr_t>(&data->task_state));

    const x86::TableRegister operand{.limit = sizeof(data->descriptors) - 1,
                                     .base = reinterpret_cast<std::uintptr_t>(&data->descriptors)};
    asm volatile("lgdt %0\n\t"
                 "ltr %w1" ::"m"(operand),
                 "r"(x86::selector::task_state)
                 : "memory");
    msr::write(IA32_GS_BASE::from(reinterpret_cast<std::uintptr_t>(data)));
}

nmi::Guard::~Guard()
{
    arch::cpu_data()->nmi_guard = older_;
}

void nmi::Guard::install()
{
    older_ = arch::cpu_data()->nmi_guard;
    arch::cpu_data()->nmi_guard = this;
}

bool nmi::handle(const arch::Frame& frame)
{
    const Guard* const guard = arch::cpu_data()->nmi_guard;
    if (guard == nullptr) {
        return false;
    }
    guard->handler_(frame);
    return true;
}
