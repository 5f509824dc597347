// SPDX-License-Identifier: MIT

#include "lib/acpi/fadt.h"
#include "lib/base/mmio.h"
#include "lib/smp/smp.h"
#include "lib/time/time.h"
#include "x86/apic/ipi.h"
#include "x86/boot/secondary.h"
#include "x86/cpu/descriptors.h"
#include "x86/platform/tables.h"

#include <arch/io.h>
#include <arch/mmu.h>
#include <arch/port.h>
#include <arch/power.h>

#include <atomic>
#include <charconv>
#include <optional>

namespace arch {

namespace {

using acpi::GenericAddress;

enum class ExitMethod : std::uint8_t { acpi, debug_exit, keyboard, triple_fault, none };
constinit ExitMethod exit_method = ExitMethod::acpi;
constinit std::uint16_t debug_exit_port = 0xf4;

// What the ACPI tables say of the ways to power off and to reset.
struct AcpiPower {
    acpi::Fadt fadt;
    std::optional<acpi::SleepType> soft_off;
};
constinit std::optional<AcpiPower> acpi_power;

// PM1 control registers: ACPI Specification 6.5, 4.8.3.2.1. Sleep control register: 4.8.3.7.
constexpr std::uint16_t sci_enable = 1U << 0;
constexpr unsigned pm1_sleep_type_shift = 10;
constexpr std::uint16_t pm1_sleep_enable = 1U << 13;
constexpr unsigned sleep_type_shift = 2;
constexpr std::uint8_t sleep_enable = 1U << 5;

// A PC's own ways: the keyboard controller's reset line, the reset control register of chip sets.
constexpr std::uint16_t keyboard_command_port = 0x64;
constexpr std::uint8_t keyboard_pulse_reset = 0xfe;
constexpr std::uint16_t reset_control_port = 0xcf9;
constexpr std::uint8_t hard_reset = 0x06;

void map_register(const GenericAddress& at)
{
    if (at.there() && at.space == GenericAddress::Space::memory && !access_of(at.address)) {
        static_cast<void>(map_device({.base = at.address, .size = sizeof(std::uint64_t)}));
    }
}

void write8(const GenericAddress& at, std::uint8_t value)
{
    if (at.space == GenericAddress::Space::port) {
        port_write8(static_cast<std::uint16_t>(at.address), value);
    } else if (at.space == GenericAddress::Space::memory && access_of(at.address)) {
        io_write8(at.address, value);
    }
}

// PM1 registers are ports on every PC.
void write_pm1(const GenericAddress& at, std::uint8_t type)
{
    if (!at.there() || at.space != GenericAddress::Space::port) {
        return;
    }
    const auto port = static_cast<std::uint16_t>(at.address);
    const unsigned kept = port_read16(port) & sci_enable;
    port_write16(port, static_cast<std::uint16_t>(kept | unsigned{type} << pm1_sleep_type_shift |
                                                  pm1_sleep_enable));
}

// The machine's own time to do what it was told; not calibrated, since it may be needed before.
void give_time()
{
    for (unsigned i = 0; i < 100'000; ++i) {
        relax();
    }
}

void enter_soft_off()
{
    if (!acpi_power || !acpi_power->soft_off) {
        return;
    }
    const acpi::Fadt& fadt = acpi_power->fadt;
    const acpi::SleepType type = *acpi_power->soft_off;
    if (fadt.sleep_control.there()) {
        write8(fadt.sleep_control,
               static_cast<std::uint8_t>(type.a << sleep_type_shift | sleep_enable));
        give_time();
    }
    if (!fadt.hardware_reduced()) {
        write_pm1(fadt.pm1a_control, type.a);
        write_pm1(fadt.pm1b_control, type.b);
        give_time();
    }
}

void reset_by_keyboard()
{
    port_write8(keyboard_command_port, keyboard_pulse_reset);
    give_time();
}

// An exception without a descriptor table, and so without a double fault's handler.
void triple_fault()
{
    const x86::TableRegister none{};
    asm volatile("lidt %0\n\tint3" ::"m"(none));
}

void reset_by_every_way()
{
    if (acpi_power && acpi_power->fadt.has_reset_register()) {
        write8(acpi_power->fadt.reset_register, acpi_power->fadt.reset_value);
        give_time();
    }
    port_write8(reset_control_port, hard_reset);
    give_time();
    reset_by_keyboard();
    triple_fault();
}

// QEMU's isa-debug-exit: the process ends with twice the value plus 1. What QEMU itself ends with
// when it fails is 1.
void end_by_debug_exit(ExitStatus status)
{
    constexpr std::uint8_t first_value = 0x10;
    port_write8(debug_exit_port,
                static_cast<std::uint8_t>(first_value + static_cast<std::uint8_t>(status)));
    give_time();
}

Result<> use_debug_exit(std::string_view port)
{
    if (port.empty()) {
        return {};
    }
    if (port.starts_with("0x")) {
        port.remove_prefix(2);
    }
    const char* const begin = port.data();
    const auto parsed = std::from_chars(begin, begin + port.size(), debug_exit_port, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != begin + port.size()) {
        return fail("assay.exit=debug-exit:PORT wants a hexadecimal number");
    }
    return {};
}

}  // namespace

Result<> discover_power(const boot::Info&)
{
    const auto table = platform::acpi_table("FACP");
    const auto fadt = table ? acpi::Fadt::open(*table) : std::unexpected{table.error()};
    if (!fadt) {
        return {};  // the other ways need no table
    }
    AcpiPower power{.fadt = *fadt, .soft_off = {}};
    if (const auto dsdt = acpi::Table::read(platform::physical_memory(), fadt->dsdt)) {
        if (const auto type = acpi::soft_off_type(*dsdt)) {
            power.soft_off = *type;
        }
    }
    map_register(fadt->sleep_control);
    map_register(fadt->reset_register);
    acpi_power = power;
    return {};
}

Result<> start_cpu(smp::Cpu& cpu)
{
    if (secondary::page() == 0) {
        return fail("no memory below 640 KiB for CPUs to start in");
    }
    const auto id = static_cast<std::uint32_t>(cpu.hardware_id);
    secondary::announce(cpu);
    if (const auto sent = apic::send_init(id); !sent) {
        return sent;
    }
    timer::delay(timer::milliseconds(10));
    for (unsigned i = 0; i < 2 && !secondary::taken(); ++i) {
        if (const auto sent = apic::send_startup(id, secondary::page()); !sent) {
            return sent;
        }
        timer::delay(timer::microseconds(200));
    }
    return {};
}

Result<> stop_this_cpu()
{
    static_cast<void>(mask_interrupts());
    std::atomic_ref{cpu_data()->parked} = 1;
    for (;;) {
        asm volatile("hlt");
    }
}

Result<bool> cpu_is_off(const smp::Cpu& cpu)
{
    return std::atomic_ref{const_cast<unsigned&>(cpu.parked)} != 0;
}

Result<> select_exit(std::string_view method)
{
    constexpr std::string_view debug_exit = "debug-exit";
    if (method.empty() || method == "acpi") {
        exit_method = ExitMethod::acpi;
    } else if (method == debug_exit || method.starts_with("debug-exit:")) {
        exit_method = ExitMethod::debug_exit;
        method.remove_prefix(method == debug_exit ? method.size() : debug_exit.size() + 1);
        return use_debug_exit(method);
    } else if (method == "keyboard") {
        exit_method = ExitMethod::keyboard;
    } else if (method == "triple-fault") {
        exit_method = ExitMethod::triple_fault;
    } else if (method == "none") {
        exit_method = ExitMethod::none;
    } else {
        return fail("assay.exit is none of acpi, debug-exit[:PORT], keyboard, triple-fault, none");
    }
    return {};
}

// Where the way that was asked for is not there, the next ones are tried: all of them end the VM,
// or restart it.
void exit(ExitStatus status)
{
    static_cast<void>(mask_interrupts());
    switch (exit_method) {
    case ExitMethod::debug_exit:
        end_by_debug_exit(status);
        [[fallthrough]];
    case ExitMethod::acpi:
        enter_soft_off();
        [[fallthrough]];
    case ExitMethod::keyboard:
        reset_by_keyboard();
        [[fallthrough]];
    case ExitMethod::triple_fault:
        triple_fault();
        [[fallthrough]];
    case ExitMethod::none:
        break;
    }
    for (;;) {
        asm volatile("cli\n\thlt");
    }
}

Result<> reset()
{
    reset_by_every_way();
    return fail("the machine goes on after a reset");
}

}  // namespace arch
