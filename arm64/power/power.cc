// SPDX-License-Identifier: MIT

#include "arm64/boot/entry_state.h"
#include "arm64/boot/offsets.h"
#include "arm64/boot/privilege.h"
#include "arm64/cpu/hypervisor.h"
#include "arm64/mmu/mmu.h"
#include "arm64/power/holding_pen.h"
#include "arm64/power/psci.h"
#include "arm64/power/semihosting.h"
#include "lib/boot/boot.h"
#include "lib/smp/smp.h"
#include "lib/test/capability.h"

#include <arch/cache.h>
#include <arch/power.h>

#include <cstddef>

// In .data, not .bss: CPUs in the pen read it before and while the boot CPU clears .bss.
constinit PenRelease pen_release{~std::uint64_t{0}, nullptr};
static_assert(offsetof(PenRelease, affinity) == PEN_AFFINITY);
static_assert(offsetof(PenRelease, cpu) == PEN_CPU);

extern "C" void secondary_entry();

namespace arch {

namespace {

enum class ExitMethod : std::uint8_t { psci, semihosting, none };
constinit ExitMethod exit_method = ExitMethod::psci;

// To memory, for a CPU whose caches are off.
template <typename T>
void clean(const T& object)
{
    clean_to_coherency(reinterpret_cast<std::uintptr_t>(&object), sizeof(object));
}

void release_from_pen(smp::Cpu& cpu)
{
    pen_release.cpu = static_cast<const CpuData*>(&cpu);
    clean(pen_release);  // in memory before the affinity is
    pen_release.affinity = cpu.hardware_id;
    clean(pen_release);
    send_event();
}

}  // namespace

Result<> discover_power(const boot::Info& info)
{
    const auto found = psci::discover(*info.tree);
    if (!found) {
        test::missing(test::Capability::psci, found.error().what);
    } else if (!psci::has_standard_functions()) {
        test::missing(test::Capability::psci, "the psci node is of version 0.1");
    } else {
        test::offer(test::Capability::psci);
    }
    hypervisor::offer_capabilities();
    return found;
}

Result<> start_cpu(smp::Cpu& cpu)
{
    // The new CPU reads these with its caches off.
    clean(cpu);
    clean(translation_settings);
    clean(privilege_settings);
    if (psci::conduit() == psci::Conduit::none) {
        if (entry_state.level != 3) {
            return fail("no way to start a CPU: there is no psci node");
        }
        release_from_pen(cpu);
        return {};
    }
    const std::uint64_t returned = psci::call(
        psci::Function::cpu_on, cpu.hardware_id, reinterpret_cast<std::uint64_t>(&secondary_entry),
        reinterpret_cast<std::uint64_t>(static_cast<const CpuData*>(&cpu)));
    if (psci::status(returned) != psci::Status::success) {
        return fail("PSCI CPU_ON failed", returned);
    }
    return {};
}

Result<> stop_this_cpu()
{
    return fail("PSCI CPU_OFF returned", psci::call(psci::Function::cpu_off));
}

Result<bool> cpu_is_off(const smp::Cpu& cpu)
{
    const std::uint64_t returned = psci::call(psci::Function::affinity_info, cpu.hardware_id, 0);
    const auto state = static_cast<psci::AffinityState>(static_cast<std::int32_t>(returned));
    if (psci::status(returned) < psci::Status::success) {
        return fail("PSCI AFFINITY_INFO failed", returned);
    }
    return state == psci::AffinityState::off;
}

Result<> select_exit(std::string_view method)
{
    if (method.empty() || method == "psci") {
        exit_method = ExitMethod::psci;
    } else if (method == "semihosting") {
        exit_method = ExitMethod::semihosting;
    } else if (method == "none") {
        exit_method = ExitMethod::none;
    } else {
        return fail("assay.exit is none of psci, semihosting, none");
    }
    return {};
}

void exit(ExitStatus status)
{
    static_cast<void>(mask_interrupts());
    switch (exit_method) {
    case ExitMethod::semihosting:
        semihosting::exit(static_cast<unsigned>(status));
        break;
    case ExitMethod::psci:
        static_cast<void>(psci::call(psci::Function::system_off));
        break;
    case ExitMethod::none:
        break;
    }
    for (;;) {
        wait_for_interrupt();
    }
}

Result<> reset()
{
    return fail("PSCI SYSTEM_RESET returned", psci::call(psci::Function::system_reset));
}

}  // namespace arch
