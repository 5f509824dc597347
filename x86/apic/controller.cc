// SPDX-License-Identifier: MIT
#include "x86/apic/controller.h"

#include "lib/base/spinlock.h"
#include "lib/boot/boot.h"
#include "lib/boot/words.h"
#include "lib/smp/smp.h"
#include "lib/test/capability.h"
#include "lib/test/test.h"
#include "x86/apic/ipi.h"
#include "x86/apic/pic.h"
#include "x86/cpu/port_io.h"
#include "x86/platform/tables.h"

#include <arch/cpuid.h>
#include <arch/irq.h>
#include <arch/mmu.h>

namespace apic {

namespace {

using test::Capability;

constexpr std::uint32_t features_leaf = 1;
constexpr std::uint32_t apic_feature = 1U << 9;     // EDX
constexpr std::uint32_t x2apic_feature = 1U << 21;  // ECX

constexpr std::uint64_t frame_size = 0x1000;

// An entry of an I/O APIC has eight bits for the destination, of which all ones are every CPU.
constexpr std::uint32_t highest_wire_destination = 0xfe;

// The pins that the tables call NMI are LINT1 of every CPU on all machines there are.
constexpr LvtEntry nmi_pin =
    LvtEntry{}.with(LvtEntry::DELIVERY, static_cast<std::uint64_t>(Delivery::nmi));

class Controller final : public irq::Controller {
public:
    constexpr Controller() = default;

    [[nodiscard]] Result<> start(Mode mode)
    {
        mode_ = mode;
        base_ = msr::read<IA32_APIC_BASE>()[IA32_APIC_BASE::BASE] << 12;
        if (mode == Mode::xapic) {
            return arch::map_device({.base = base_, .size = frame_size});
        }
        return {};
    }

    [[nodiscard]] Result<> start_io(const Wiring& wiring)
    {
        wiring_ = wiring;
        if (wiring.chips().empty()) {
            return fail("no I/O APIC in the MADT or the MP table");
        }
        for (const Wiring::Chip& chip : wiring.chips()) {
            if (const auto mapped = arch::map_device({.base = chip.address, .size = frame_size});
                !mapped) {
                return mapped;
            }
            const IoApic io_apic{Mmio{chip.address}};
            if (const auto ready = io_apic.initialise(); !ready) {
                return ready;
            }
            chips_[chip_count_++] = {
                .io_apic = io_apic, .first_gsi = chip.first_gsi, .count = io_apic.count()};
        }
        return {};
    }

    [[nodiscard]] const char* name() const override
    {
        return mode_ == Mode::x2apic ? "x2apic" : "xapic";
    }

    [[nodiscard]] Result<> init_cpu() override
    {
        if (const auto set = set_mode(msr::Provider{}, mode_); !set) {
            return set;
        }
        const Local apic = local();
        if (const auto ready = apic.enable(vector::spurious); !ready) {
            return ready;
        }
        if (mode_ == Mode::xapic) {
            // Eight CPUs have a bit of their own.
            apic.join_flat(static_cast<std::uint8_t>(1U << smp::this_cpu().index % 8));
        }
        apic.set_lvt(Lvt::lint1, nmi_pin);
        return {};
    }

    void enable(irq::Id id) override
    {
        if (const auto entry = vector::local_entry(id.value)) {
            const Local apic = local();
            apic.set_lvt(*entry,
                         apic.lvt(*entry).with(LvtEntry::VECTOR, id.value).with(LvtEntry::MASK, 0));
        } else if (const auto gsi = vector::gsi(id.value)) {
            if (const std::uint32_t self = local().id(); self > highest_wire_destination) {
                test::error("the I/O APIC cannot reach the CPU with APIC ID {:#x}", self);
                return;
            }
            const SpinlockGuard guard{lock_};
            if (const auto wire = this->wire(*gsi)) {
                const auto signalling = wiring_.signalling_of(*gsi);
                wire->chip.set_redirection(
                    wire->number, Redirection{}
                                      .with(Redirection::VECTOR, id.value)
                                      .with(Redirection::TRIGGER, signalling.level ? 1 : 0)
                                      .with(Redirection::POLARITY, signalling.active_low ? 1 : 0)
                                      .with(Redirection::DESTINATION, local().id()));
            }
        }
    }
    void disable(irq::Id id) override
    {
        if (const auto entry = vector::local_entry(id.value)) {
            const Local apic = local();
            apic.set_lvt(*entry, apic.lvt(*entry).with(LvtEntry::MASK, 1));
        } else if (const auto gsi = vector::gsi(id.value)) {
            const SpinlockGuard guard{lock_};
            if (const auto wire = this->wire(*gsi)) {
                wire->chip.set_masked(wire->number, true);
                // The answer comes after the write has had its effect.
                static_cast<void>(wire->chip.masked(wire->number));
            }
        }
    }
    [[nodiscard]] bool enabled(irq::Id id) const override
    {
        if (const auto entry = vector::local_entry(id.value)) {
            return local().lvt(*entry)[LvtEntry::MASK] == 0;
        }
        if (const auto gsi = vector::gsi(id.value)) {
            const SpinlockGuard guard{lock_};
            const auto wire = this->wire(*gsi);
            return wire && !wire->chip.masked(wire->number);
        }
        return true;
    }
    [[nodiscard]] bool pending(irq::Id id) const override { return local().requested(id.value); }
    [[nodiscard]] bool active(irq::Id id) const override { return local().in_service(id.value); }

    // The CPU knows the vector. What is spurious, the local APIC's or the 8259's, is in service
    // nowhere and is not ended. A source that was masked while its interrupt was already on the way
    // is no candidate any more.
    [[nodiscard]] std::optional<irq::Id> acknowledge() override
    {
        const irq::Id id{arch::cpu_data()->vector};
        if (id.value == vector::spurious || id.value < vector::first_wire) {
            return {};
        }
        if (can_be_late(id) && !enabled(id)) {
            local().end();
            return {};
        }
        return id;
    }
    void end(irq::Id) override { local().end(); }

    [[nodiscard]] unsigned ipi_count() const override { return vector::ipi_count; }
    [[nodiscard]] irq::Id ipi(unsigned number) const override
    {
        return {vector::first_ipi + number};
    }
    [[nodiscard]] std::optional<unsigned> ipi_number(irq::Id id) const override
    {
        return vector::ipi_number(id.value);
    }
    void send_ipi(unsigned cpu, unsigned number) override
    {
        const auto destination = static_cast<std::uint32_t>(smp::cpus()[cpu].hardware_id);
        const auto vector = static_cast<std::uint8_t>(vector::first_ipi + number);
        // An interrupt in between would send over the same two registers.
        const irq::Masked masked;
        if (const auto sent = local().send(fixed(vector).to(destination)); !sent) {
            test::error("IPI to cpu{}: {}", cpu, sent.error().what);
        }
    }

    [[nodiscard]] Local local() const { return {AnyMode{mode_, base_}, mode_}; }
    [[nodiscard]] Mode mode() const { return mode_; }
    [[nodiscard]] const Wiring& wiring() const { return wiring_; }
    [[nodiscard]] std::optional<Wire> wire(unsigned gsi) const
    {
        for (const Chip& chip : std::span{chips_}.first(chip_count_)) {
            if (gsi >= chip.first_gsi && gsi - chip.first_gsi < chip.count) {
                return Wire{.chip = chip.io_apic, .number = gsi - chip.first_gsi};
            }
        }
        return {};
    }

private:
    // Not the counter overflow: taking it masks its entry.
    [[nodiscard]] static bool can_be_late(irq::Id id)
    {
        return vector::gsi(id.value) || vector::local_entry(id.value) == Lvt::timer;
    }

    struct Chip {
        IoApic<Mmio> io_apic{Mmio{}};
        std::uint32_t first_gsi = 0;
        unsigned count = 0;
    };

    Mode mode_ = Mode::xapic;
    std::uint64_t base_ = 0;
    Wiring wiring_;
    std::array<Chip, Wiring::max_chips> chips_{};
    std::size_t chip_count_ = 0;
    mutable Spinlock lock_;  // of the I/O APICs' two registers
};

constinit Controller controller;

Wiring find_wiring()
{
    if (const auto table = platform::acpi_table("APIC")) {
        if (const auto madt = acpi::Madt::open(*table)) {
            return Wiring::from(*madt);
        }
    }
    if (const auto& table = platform::mp_table()) {
        return Wiring::from(*table);
    }
    return {};
}

Result<Mode> choose_mode(std::string_view command_line)
{
    const auto wanted = boot::option(command_line, "assay.apic");
    if (wanted == "x2apic" && !has_x2apic()) {
        return fail("assay.apic=x2apic, and CPUID has no x2APIC");
    }
    // What firmware has turned on stays on: with it, IDs may not fit into an xAPIC.
    const bool already = mode_of(msr::read<IA32_APIC_BASE>()) == Mode::x2apic;
    return has_x2apic() && (wanted != "xapic" || already) ? Mode::x2apic : Mode::xapic;
}

void offer_if(bool there, Capability capability, const char* reason)
{
    if (there) {
        test::offer(capability);
    } else {
        test::missing(capability, reason);
    }
}

Result<> start_local(const boot::Info& info)
{
    if ((arch::cpuid(features_leaf).edx & apic_feature) == 0) {
        return fail("CPUID has no local APIC");
    }
    const auto mode = choose_mode(info.command_line);
    if (!mode) {
        return std::unexpected{mode.error()};
    }
    if (const auto started = controller.start(*mode); !started) {
        return started;
    }
    return controller.init_cpu();
}

}  // namespace

Local local()
{
    return controller.local();
}

Mode machine_mode()
{
    return controller.mode();
}

bool has_x2apic()
{
    return (arch::cpuid(features_leaf).ecx & x2apic_feature) != 0;
}

Result<irq::Id> gsi_interrupt(unsigned gsi)
{
    const auto number = vector::of_gsi(gsi);
    if (!number) {
        return fail("there is no vector for this global system interrupt", gsi);
    }
    if (!controller.wire(gsi)) {
        return fail("no I/O APIC has this global system interrupt", gsi);
    }
    return irq::Id{*number};
}

Result<irq::Id> isa_interrupt(unsigned number)
{
    if (number >= Wiring::isa_count) {
        return fail("no such ISA interrupt", number);
    }
    return gsi_interrupt(controller.wiring().isa[number].gsi);
}

std::optional<Wire> wire_of(unsigned gsi)
{
    return controller.wire(gsi);
}

const Wiring& wiring()
{
    return controller.wiring();
}

Result<> send_init(std::uint32_t apic_id)
{
    const irq::Masked masked;
    return local().send(init().to(apic_id));
}

Result<> send_startup(std::uint32_t apic_id, std::uint8_t page)
{
    const irq::Masked masked;
    return local().send(startup(page).to(apic_id));
}

}  // namespace apic

namespace arch {

Result<> discover_interrupts(const boot::Info& info)
{
    using namespace apic;
    const Pics pics{PortIo{first_pic_port}, PortIo{second_pic_port}};
    pics.turn_off(vector::pic);
    offer_if(pics.there(), Capability::pic, "no 8259 keeps a mask");
    offer_if(platform::acpi_tables().has_value(), Capability::acpi, "no ACPI tables");
    offer_if(platform::mp_table().has_value(), Capability::mp_table, "no MP table");

    const auto started = start_local(info);
    const char* const reason = started ? "" : started.error().what;
    for (const Capability capability : {Capability::apic, Capability::irq, Capability::ipi}) {
        offer_if(started.has_value(), capability, reason);
    }
    offer_if(started && has_x2apic(), Capability::x2apic, started ? "CPUID has no x2APIC" : reason);
    if (!started) {
        test::missing(Capability::ioapic, reason);
        return started;
    }
    irq::set_controller(controller);
    const auto io_started = controller.start_io(find_wiring());
    offer_if(io_started.has_value(), Capability::ioapic, io_started ? "" : io_started.error().what);
    return {};
}

Result<irq::Id> interrupt_id(const fdt::InterruptSpecifier&)
{
    return fail("device trees of x86 are not read");
}

}  // namespace arch
