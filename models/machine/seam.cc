// SPDX-License-Identifier: MIT
//
// The architecture seam: what guest code asks the CPU for, handed to the machine. What the machine
// throws is an exception of the guest.

#include "models/machine/board.h"
#include "models/machine/exception.h"

#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <arch/sysreg.h>

#include <thread>

namespace arch {

namespace {

using machine::Board;
using machine::Core;
using machine::Masks;

thread_local CpuData* current = nullptr;

InterruptState set_interrupt_mask(bool masked)
{
    Masks masks = Core::current().masks();
    const InterruptState before{masks.irq};
    masks.irq = masked;
    Core::current().set_masks(masks);
    return before;
}

// A step of the machine for the calling CPU. `address` is for the syndrome of an abort.
template <typename Step>
std::uint64_t on_machine(Step step, std::uint64_t address = 0, bool write = false)
{
    std::uint64_t value = 0;
    std::optional<std::uint64_t> syndrome;
    try {
        const machine::InMachine in_machine;
        value = step();
    } catch (const model::Undefined&) {
        syndrome = machine::undefined_instruction;
    } catch (const model::ExternalAbort&) {
        syndrome = machine::external_abort(write);
    }
    Board::get().report_violations();
    if (syndrome) {
        machine::raise({.esr = *syndrome, .far = address});
    }
    return value;
}

}  // namespace

InterruptState mask_interrupts()
{
    return set_interrupt_mask(true);
}

InterruptState unmask_interrupts()
{
    return set_interrupt_mask(false);
}

void restore_interrupts(InterruptState state)
{
    set_interrupt_mask(state.masked);
}

bool interrupts_masked()
{
    return Core::current().masks().irq;
}

void relax()
{
    std::this_thread::yield();
    Core::current().take_interrupts();
}

void wait_for_interrupt()
{
    Core::current().wait_for_interrupt();
}

void wait_for_event()
{
    Core::current().wait_for_event();
}

void send_event()
{
    for (Core& core : Board::get().cores()) {
        core.send_event();
    }
}

const char* privilege_name()
{
    return "EL1";
}

void set_cpu_data(CpuData* data)
{
    current = data;
}

CpuData* cpu_data()
{
    return current;
}

std::uint64_t detail::read_system_register(unsigned op0, unsigned op1, unsigned crn, unsigned crm,
                                           unsigned op2)
{
    return on_machine([&] { return Core::current().read({op0, op1, crn, crm, op2}); });
}

void detail::write_system_register(unsigned op0, unsigned op1, unsigned crn, unsigned crm,
                                   unsigned op2, std::uint64_t value)
{
    on_machine([&] {
        Core::current().write({op0, op1, crn, crm, op2}, value);
        return std::uint64_t{0};
    });
}

void synchronize_context()
{
    Core::current().take_interrupts();
}

std::uint64_t detail::io_read(std::uintptr_t address, unsigned width)
{
    if (Board::is_device(address)) {
        return on_machine([&] { return Board::get().read(address, width); }, address);
    }
    switch (width) {
    case 1:
        return *reinterpret_cast<const volatile std::uint8_t*>(address);
    case 2:
        return *reinterpret_cast<const volatile std::uint16_t*>(address);
    case 4:
        return *reinterpret_cast<const volatile std::uint32_t*>(address);
    default:
        return *reinterpret_cast<const volatile std::uint64_t*>(address);
    }
}

void detail::io_write(std::uintptr_t address, unsigned width, std::uint64_t value)
{
    if (Board::is_device(address)) {
        constexpr bool is_write = true;
        on_machine(
            [&] {
                Board::get().write(address, width, value);
                return std::uint64_t{0};
            },
            address, is_write);
        return;
    }
    switch (width) {
    case 1:
        *reinterpret_cast<volatile std::uint8_t*>(address) = static_cast<std::uint8_t>(value);
        break;
    case 2:
        *reinterpret_cast<volatile std::uint16_t*>(address) = static_cast<std::uint16_t>(value);
        break;
    case 4:
        *reinterpret_cast<volatile std::uint32_t*>(address) = static_cast<std::uint32_t>(value);
        break;
    default:
        *reinterpret_cast<volatile std::uint64_t*>(address) = value;
        break;
    }
}

// There is no translation: devices are where they are, pages of RAM allow what mprotect() can say.

Result<> map_device(fdt::Region)
{
    return {};
}

Result<> prepare_pages(std::uintptr_t, std::uint64_t)
{
    return {};
}

Result<> protect(std::uintptr_t address, std::uint64_t size, Access access)
{
    if (!Board::get().ram().protect(address, size, access)) {
        return fail("an address that is not RAM", address);
    }
    return {};
}

std::optional<Access> access_of(std::uintptr_t address)
{
    return Board::get().ram().access(address);
}

}  // namespace arch
