// SPDX-License-Identifier: MIT
//
// Which CPUs there are: the first of MADT, MP table and fw_cfg that the machine has.
#include "lib/acpi/madt.h"
#include "x86/cpu/port_io.h"
#include "x86/platform/fw_cfg.h"
#include "x86/platform/tables.h"

#include <arch/cpuid.h>
#include <arch/cpus.h>

namespace arch {

namespace {

Result<> visit_madt(const acpi::Table& table, FunctionRef<void(std::uint64_t)> visit)
{
    const auto madt = acpi::Madt::open(table);
    if (!madt) {
        return std::unexpected{madt.error()};
    }
    unsigned count = 0;
    madt->for_each_processor([&](const acpi::Madt::Processor& processor) {
        if (processor.enabled) {
            ++count;
            visit(processor.apic_id);
        }
    });
    if (count == 0) {
        return fail("the MADT has no enabled processor");
    }
    return {};
}

Result<> visit_mp_table(const acpi::MpTable& table, FunctionRef<void(std::uint64_t)> visit)
{
    unsigned count = 0;
    table.for_each_processor([&](const acpi::MpTable::Processor& processor) {
        if (processor.enabled) {
            ++count;
            visit(processor.apic_id);
        }
    });
    if (count == 0) {
        return fail("the MP table has no enabled processor");
    }
    return {};
}

}  // namespace

Result<> for_each_cpu(const boot::Info&, FunctionRef<void(std::uint64_t hardware_id)> visit)
{
    if (const auto table = platform::acpi_table("APIC")) {
        return visit_madt(*table, visit);
    }
    if (const auto& table = platform::mp_table()) {
        return visit_mp_table(*table, visit);
    }
    // No table: QEMU numbers its CPUs from 0 where their topology leaves no gaps.
    if (const fw_cfg::FwCfg fw_cfg{PortIo{fw_cfg::first_port}}; fw_cfg.there()) {
        for (unsigned id = 0; id < fw_cfg.cpus(); ++id) {
            visit(id);
        }
        return {};
    }
    // Nothing tells of others: the one that runs, by its initial APIC ID.
    visit(cpuid(1).ebx >> 24);
    return {};
}

}  // namespace arch
