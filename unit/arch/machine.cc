// SPDX-License-Identifier: MIT
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/power.h>

#include <unistd.h>

namespace arch {

Result<> map_device(fdt::Region)
{
    return {};
}

Result<> prepare_pages(std::uintptr_t, std::uint64_t)
{
    return {};
}

Result<> protect(std::uintptr_t, std::uint64_t, Access)
{
    return {};
}

Result<> discover_interrupts(const boot::Info&)
{
    return {};
}

Result<irq::Id> interrupt_id(const fdt::InterruptSpecifier&)
{
    return fail("the host has no interrupt controller");
}

Result<> discover_power(const boot::Info&)
{
    return {};
}

Result<> start_cpu(smp::Cpu&)
{
    return fail("the host has one CPU");
}

Result<> stop_this_cpu()
{
    return fail("the host has one CPU");
}

Result<bool> cpu_is_off(const smp::Cpu&)
{
    return fail("the host cannot say");
}

Result<> select_exit(std::string_view method)
{
    if (!method.empty()) {
        return fail("the host has no such way to end");
    }
    return {};
}

void exit(ExitStatus status)
{
    _exit(static_cast<int>(status));
}

Result<> reset()
{
    return fail("the host does not restart");
}

}  // namespace arch
