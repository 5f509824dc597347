// SPDX-License-Identifier: MIT
//
// Interrupts of devices on GICv5: what the device tree says of them, SPIs whose wire a device
// drives (PL011, PL031, the edu PCI device), and MSIs. Arm GIC Architecture Specification, GICv5
// (AES 0070), "SPIs". What an IRS takes from a wire takes it some time.

#include "arm64/gic/gicv5.h"
#include "lib/boot/boot.h"
#include "lib/console/pl011.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "tests/support/arm64/spi_wire.h"
#include "tests/support/edu.h"
#include "tests/support/quiet.h"

#include <arch/irq.h>
#include <arch/mmu.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>

using namespace gicv5;

namespace {

// Arm PrimeCell Real Time Clock PL031 (DDI 0224), 3.3: counts seconds.
struct RTCDR : Register<RTCDR, std::uint32_t, 0x00> {};
struct RTCMR : Register<RTCMR, std::uint32_t, 0x04> {};  // match: raises the interrupt
struct RTCIMSC : Register<RTCIMSC, std::uint32_t, 0x10> {};
struct RTCRIS : Register<RTCRIS, std::uint32_t, 0x14> {};
struct RTCICR : Register<RTCICR, std::uint32_t, 0x1c> {};

// PL011: the interrupt of the transmitter in IMSC (DDI 0183, 3.3.10). Raised once something was
// sent: the console has.
constexpr Field transmit{5};

const fdt::Tree& tree()
{
    return *boot::info().tree;
}

// A device's interrupt and registers, by the `compatible` of its node.
struct Peripheral {
    irq::Id id;
    Mmio io;
};
[[nodiscard]] Result<Peripheral> find_peripheral(const char* compatible, const char* absent)
{
    const auto node = tree().find_compatible(compatible);
    if (!node) {
        return fail(absent);
    }
    const auto registers = node->reg();
    const auto specifier = node->interrupt();
    if (!registers || !specifier) {
        return std::unexpected{!registers ? registers.error() : specifier.error()};
    }
    if (const auto mapped = arch::map_device(*registers); !mapped) {
        return std::unexpected{mapped.error()};
    }
    const auto id = arch::interrupt_id(*specifier);
    if (!id) {
        return std::unexpected{id.error()};
    }
    return Peripheral{.id = *id, .io = Mmio{registers->base}};
}

// --- Every specifier -----------------------------------------------------------------------------

// Calls `visit` for every node below `parent`, in the order of the tree.
void for_each_node(fdt::Node parent, FunctionRef<void(fdt::Node)> visit)
{
    for (auto node = parent.first_child(); node; node = node->next_sibling()) {
        visit(*node);
        for_each_node(*node, visit);
    }
}

[[nodiscard]] bool belongs_to_gic(const fdt::InterruptSpecifier& specifier)
{
    return tree().at(specifier.controller).compatible("arm,gic-v5");
}

// Calls `visit` for every interrupt of a node that goes to the GIC, and for those of the PCI
// functions below it.
void for_each_interrupt(fdt::Node node, FunctionRef<void(const fdt::InterruptSpecifier&)> visit)
{
    for (std::size_t i = 0; const auto specifier = node.interrupt(i); ++i) {
        if (belongs_to_gic(*specifier)) {
            visit(*specifier);
        }
    }
    if (node.compatible("pci-host-ecam-generic")) {
        const auto bridge = pci::HostBridge::open(node);
        for (std::uint8_t device = 0; bridge && device < 32; ++device) {
            for (unsigned pin = 1; pin <= 4; ++pin) {
                const auto specifier =
                    bridge->interrupt({.bus = bridge->first_bus(), .device = device}, pin);
                if (specifier && belongs_to_gic(*specifier)) {
                    visit(*specifier);
                }
            }
        }
    }
}

[[nodiscard]] bool has_interrupts(fdt::Node node)
{
    unsigned count = 0;
    for_each_interrupt(node, [&](const fdt::InterruptSpecifier&) { ++count; });
    return count != 0;
}

// What a specifier says is what the GIC has: the SPI exists, and has the trigger mode of the flags.
void check_specifier(const fdt::InterruptSpecifier& specifier)
{
    const auto interrupt = device_interrupt(std::span{specifier.cells}.first(specifier.count));
    if (!interrupt) {
        test::note("{} ({:#x})", interrupt.error().what, interrupt.error().value);
    }
    ASSERT_TRUE(interrupt.has_value());
    test::item_value("{:#x}", interrupt->id.value);
    if (is_ppi(interrupt->id)) {
        return;  // the mode is the PPI's own, and reads as edge where a hypervisor hides the PPI
    }
    const Irs<Mmio>* const irs = routing_service_of(number(interrupt->id));
    ASSERT_TRUE(irs != nullptr);
    ASSERT_TRUE(arch::interrupt_id(specifier).has_value());
    const auto mode = irs->trigger_mode(number(interrupt->id));
    ASSERT_TRUE(mode.has_value());
    EXPECT_TRUE(*mode == interrupt->mode);
    EXPECT_TRUE(commands().state(interrupt->id).has_value());
}

}  // namespace

// --- The device tree -----------------------------------------------------------------------------

TEST(gicv5_device, specifiers,
     .summary =
         "every interrupt in the device tree is a PPI or an SPI that the IRS has, and the SPI "
         "takes the trigger mode of its flags",
     .needs = gicv5_spi)
{
    std::size_t count = 0;
    for_each_node(tree().root(), [&](fdt::Node node) { count += has_interrupts(node) ? 1 : 0; });
    test::Items items{count};
    for_each_node(tree().root(), [&](fdt::Node node) {
        if (has_interrupts(node)) {
            items.run(node.name(), [&] {
                for_each_interrupt(node, [](const auto& specifier) { check_specifier(specifier); });
            });
        }
    });
}

// --- PL011 and PL031 -----------------------------------------------------------------------------

TEST(gicv5_device, uart_transmit,
     .summary = "the transmitter of the PL011 raises its SPI, again and again until it is masked",
     .needs = gicv5_spi)
{
    constexpr unsigned repetitions = 5;
    const auto uart = find_peripheral("arm,pl011", "no arm,pl011 node");
    if (!uart) {
        return test::skip("{}", uart.error().what);
    }
    const auto saved = uart->io.read<pl011::IMSC>();
    std::atomic<unsigned> taken{0};
    irq::Id seen{};
    const auto handler = [&](irq::Id id) {
        seen = id;
        if (taken.fetch_add(1) + 1 == repetitions) {
            uart->io.write(saved.with(transmit, 0));
            static_cast<void>(uart->io.read<pl011::IMSC>());
        }
    };
    const irq::Guard guard{uart->id, handler};
    uart->io.write(saved.with(transmit, 1));
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= repetitions; }));
    stay_quiet();
    uart->io.write(saved);
    EXPECT_EQ(taken.load(), repetitions);
    EXPECT_EQ(seen.value, uart->id.value);
}

TEST(gicv5_device, rtc_alarm, .summary = "the alarm of the PL031 raises its SPI once",
     .needs = gicv5_spi)
{
    const auto rtc = find_peripheral("arm,pl031", "no arm,pl031 node");
    if (!rtc) {
        return test::skip("{}", rtc.error().what);
    }
    const Mmio& io = rtc->io;
    std::atomic<unsigned> taken{0};
    irq::Id seen{};
    const auto handler = [&](irq::Id id) {
        seen = id;
        io.write(RTCICR::from(1));
        static_cast<void>(io.read<RTCRIS>());
        taken.fetch_add(1);
    };
    const auto saved = io.read<RTCIMSC>();
    io.write(RTCICR::from(1));
    io.write(RTCIMSC::from(1));
    {
        const irq::Guard guard{rtc->id, handler};
        // This second; if it passes on the way, the next one.
        io.write(RTCMR::from(io.read<RTCDR>().raw));
        EXPECT_TRUE(timer::wait_until([&] {
            if (taken.load() == 0 && io.read<RTCDR>().raw > io.read<RTCMR>().raw) {
                io.write(RTCMR::from(io.read<RTCDR>().raw + 1));
            }
            return taken.load() != 0;
        }));
        stay_quiet();
        EXPECT_EQ(taken.load(), 1);
        EXPECT_EQ(seen.value, rtc->id.value);
        io.write(RTCIMSC::from(saved.raw));
        io.write(RTCICR::from(1));
    }
}

// --- A PCI function's INTx -----------------------------------------------------------------------

TEST(gicv5_device, intx_disabled,
     .summary = "a PCI function's Interrupt Disable takes its INTx away from the SPI of the "
                "interrupt-map, and gives it back",
     .needs = edu && gicv5_spi)
{
    const irq::Masked masked;
    const auto device = edu::open();
    ASSERT_TRUE(device.has_value());
    with_wire([&](const Wire& wire) {
        wire.high();
        ASSERT_TRUE(wire.becomes_pending(true));
        device->function().enable_intx(false);
        EXPECT_TRUE(wire.becomes_pending(false));
        device->function().enable_intx(true);
        EXPECT_TRUE(wire.becomes_pending(true));
    });
}

// --- A PCI function's MSIs -----------------------------------------------------------------------

TEST(gicv5_device, device_messages,
     .summary = "a PCI function's message is the LPI that the ITS has for its DeviceID and data",
     .needs = edu && gicv5_its)
{
    constexpr unsigned event_bits = 5;
    constexpr std::uint16_t last_event = (1U << event_bits) - 1;
    const auto device = edu::open();
    ASSERT_TRUE(device.has_value());
    const edu::Quiet quiet{*device};
    const auto target = pci::host_bridge()->msi_target(device->function().address());
    if (!target) {
        return test::skip("{}", target.error().what);
    }
    const TranslationService& service = translation_services().front();
    if (translation_services().size() != 1 || service.translater == 0) {
        return test::skip("not one ITS alone, with a translate frame");
    }
    const auto first = allocate_lpis(1);
    ASSERT_TRUE(first.has_value());
    const irq::Id id = lpi(*first);
    commands().prepare(id, cpu_interface().iaffid(), HandlingMode::edge);
    EXPECT_TRUE(service.its.map_device(target->device, event_bits).has_value());

    std::atomic<unsigned> taken{0};
    const auto handler = [&](irq::Id) { taken.fetch_add(1); };
    {
        const irq::Guard guard{id, handler};
        unsigned sent = 0;
        for (const std::uint16_t event : {std::uint16_t{0}, std::uint16_t{1}, last_event}) {
            EXPECT_TRUE(service.its.map_event(target->device, event, *first).has_value());
            EXPECT_TRUE(device->function().enable_msi(service.translater, event).has_value());
            device->raise();
            ++sent;
            EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= sent; }));
            device->silence();
            // What is not mapped any more is dropped.
            EXPECT_TRUE(service.its.unmap_event(target->device, event).has_value());
            device->raise();
            stay_quiet();
            EXPECT_EQ(taken.load(), sent);
            device->silence();
        }
    }
    EXPECT_TRUE(service.its.unmap_device(target->device).has_value());
    free_lpis(*first, 1);
}
