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
#include "tests/support/edu.h"

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

// Long enough for an interrupt that must not come to come.
void be_quiet()
{
    timer::delay(timer::milliseconds(3));
}

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
        return test::error("{} ({:#x})", interrupt.error().what, interrupt.error().value);
    }
    test::item_value("{:#x}", interrupt->id.value);
    if (is_ppi(interrupt->id)) {
        EXPECT_EQ(cpu_interface().level_sensitive(number(interrupt->id)),
                  interrupt->mode == HandlingMode::level);
        return;
    }
    const Irs<Mmio>* const irs = routing_service_of(number(interrupt->id));
    ASSERT_TRUE(irs != nullptr);
    ASSERT_TRUE(arch::interrupt_id(specifier).has_value());
    const auto mode = irs->trigger_mode(number(interrupt->id));
    ASSERT_TRUE(mode.has_value());
    EXPECT_TRUE(*mode == interrupt->mode);
    EXPECT_TRUE(commands().state(interrupt->id).has_value());
}

// --- The edu device's wire -----------------------------------------------------------------------

// The wire of the edu device and its SPI.
class Wire {
public:
    [[nodiscard]] static Result<Wire> open()
    {
        const auto device = edu::open();
        if (!device) {
            return std::unexpected{device.error()};
        }
        const auto specifier = device->intx();
        if (!specifier) {
            return std::unexpected{specifier.error()};
        }
        const auto id = arch::interrupt_id(*specifier);
        if (!id) {
            return std::unexpected{id.error()};
        }
        return Wire{*device, *id};
    }

    [[nodiscard]] irq::Id id() const { return id_; }
    [[nodiscard]] const edu::Device& device() const { return device_; }
    void high() const { device_.raise(); }
    void low() const { device_.silence(); }

    [[nodiscard]] const Irs<Mmio>& irs() const { return *routing_service_of(number(id_)); }
    [[nodiscard]] bool set_mode(HandlingMode mode) const
    {
        return irs().set_trigger_mode(number(id_), mode).has_value();
    }
    // Not pending, whatever was before: of a level-sensitive SPI the wire alone decides.
    [[nodiscard]] bool start_over(HandlingMode mode) const
    {
        low();
        return set_mode(HandlingMode::level) && becomes_pending(false) && set_mode(mode);
    }

    [[nodiscard]] InterruptState state() const
    {
        return commands().state(id_).value_or(InterruptState{});
    }
    [[nodiscard]] bool becomes_pending(bool expected) const
    {
        return timer::wait_until([&] { return state().pending == expected; }, timer::seconds(1));
    }
    // For what must not change: gives it the time to.
    [[nodiscard]] bool stays_pending(bool expected) const
    {
        timer::delay(timer::milliseconds(1));
        return state().pending == expected;
    }

private:
    Wire(const edu::Device& device, irq::Id id) : device_{device}, id_{id} {}

    edu::Device device_;
    irq::Id id_;
};

// Calls `check` with the wire, low, and its SPI, level-sensitive and not pending; and leaves them
// so.
void with_wire(FunctionRef<void(const Wire&)> check)
{
    const auto wire = Wire::open();
    if (!wire) {
        return test::error("{} ({:#x})", wire.error().what, wire.error().value);
    }
    const edu::Quiet quiet{wire->device()};
    // To this CPU, whose mask holds for it: QEMU 11.1 does not disable SPIs.
    commands().target(wire->id(), cpu_interface().iaffid());
    ASSERT_TRUE(wire->start_over(HandlingMode::level));
    check(*wire);
    EXPECT_TRUE(wire->start_over(HandlingMode::level));
}

// Takes the interrupt of the wire on this CPU while it exists; the line goes low at the last of
// `count` interrupts, and at each one after that.
class WireIrq {
public:
    explicit WireIrq(const Wire& wire, unsigned count = 1)
        : handler_{*this, wire, count}, guard_{wire.id(), handler_}
    {
    }
    [[nodiscard]] unsigned taken() const { return taken_.load(); }
    [[nodiscard]] bool becomes(unsigned count) const
    {
        return timer::wait_until([&] { return taken() >= count; });
    }
    [[nodiscard]] irq::Id id() const { return id_; }

private:
    struct Handler {
        WireIrq& self;
        const Wire& wire;
        unsigned count;
        void operator()(irq::Id id) const
        {
            self.id_ = id;
            if (self.taken() + 1 >= count) {
                wire.low();
            }
            self.taken_.fetch_add(1);
        }
    };

    std::atomic<unsigned> taken_{0};
    irq::Id id_{};
    Handler handler_;
    irq::Guard guard_;
};

struct NamedMode {
    const char* name;
    HandlingMode mode;
};
constexpr NamedMode modes[]{{"level", HandlingMode::level}, {"edge", HandlingMode::edge}};

}  // namespace

// --- The device tree -----------------------------------------------------------------------------

TEST(gicv5_spi, specifiers,
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

TEST(gicv5_spi, uart_transmit,
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
    be_quiet();
    uart->io.write(saved);
    EXPECT_EQ(taken.load(), repetitions);
    EXPECT_EQ(seen.value, uart->id.value);
}

TEST(gicv5_spi, rtc_alarm, .summary = "the alarm of the PL031 raises its SPI once",
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
        be_quiet();
        EXPECT_EQ(taken.load(), 1);
        EXPECT_EQ(seen.value, rtc->id.value);
        io.write(RTCIMSC::from(saved.raw));
        io.write(RTCICR::from(1));
    }
}

// --- A PCI function's INTx -----------------------------------------------------------------------

TEST(gicv5_spi, intx, .summary = "a PCI function's INTx raises the SPI of the interrupt-map, once",
     .needs = edu && gicv5_spi)
{
    with_wire([](const Wire& wire) {
        const WireIrq irq{wire};
        for (unsigned round = 1; round <= 10; ++round) {
            wire.high();
            ASSERT_TRUE(irq.becomes(round));
        }
        be_quiet();
        EXPECT_EQ(irq.taken(), 10);
        EXPECT_EQ(irq.id().value, wire.id().value);
    });
}

TEST(gicv5_spi, intx_refires,
     .summary = "a level-sensitive SPI that is not silenced comes again after each deactivation",
     .needs = edu && gicv5_spi)
{
    with_wire([](const Wire& wire) {
        constexpr unsigned repetitions = 10;
        const WireIrq irq{wire, repetitions};
        wire.high();
        EXPECT_TRUE(irq.becomes(repetitions));
        be_quiet();
        EXPECT_EQ(irq.taken(), repetitions);
    });
}

TEST(gicv5_spi, edge_once,
     .summary = "an edge-triggered SPI comes once for a line that goes high and stays so",
     .needs = edu && gicv5_spi)
{
    with_wire([](const Wire& wire) {
        ASSERT_TRUE(wire.set_mode(HandlingMode::edge));
        constexpr unsigned rounds = 5;
        const WireIrq irq{wire, rounds + 1};
        for (unsigned round = 1; round <= rounds; ++round) {
            wire.high();
            ASSERT_TRUE(irq.becomes(round));
            be_quiet();
            ASSERT_EQ(irq.taken(), round);
            wire.low();
        }
        be_quiet();
        EXPECT_EQ(irq.taken(), rounds);
    });
}

TEST(gicv5_spi, pending_follows_wire,
     .summary = "the pending state of a level-sensitive SPI is that of its line",
     .needs = edu && gicv5_spi)
{
    const irq::Masked masked;
    with_wire([](const Wire& wire) {
        for (unsigned round = 0; round < 3; ++round) {
            wire.high();
            ASSERT_TRUE(wire.becomes_pending(true));
            wire.device().function().enable_intx(false);  // so does the line
            ASSERT_TRUE(wire.becomes_pending(false));
            wire.device().function().enable_intx(true);
            ASSERT_TRUE(wire.becomes_pending(true));
            wire.low();
            ASSERT_TRUE(wire.becomes_pending(false));
        }
    });
}

TEST(gicv5_spi, raised_while_handled,
     .summary = "a line that goes low and high again while its SPI is handled raises it once more",
     .needs = edu && gicv5_spi)
{
    test::Items items{std::size(modes)};
    for (const NamedMode& entry : modes) {
        items.run(entry.name, [&] {
            with_wire([&](const Wire& wire) {
                ASSERT_TRUE(wire.set_mode(entry.mode));
                std::atomic<unsigned> taken{0};
                bool was_active = false;
                bool was_pending = false;
                const auto handler = [&](irq::Id) {
                    wire.low();
                    if (taken.fetch_add(1) == 0) {
                        wire.high();
                        was_pending = wire.becomes_pending(true);
                        was_active = wire.state().active;
                    }
                };
                const irq::Guard guard{wire.id(), handler};
                wire.high();
                EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= 2; }));
                be_quiet();
                EXPECT_EQ(taken.load(), 2);
                EXPECT_TRUE(was_pending);
                EXPECT_TRUE(was_active);
            });
        });
    }
}

TEST(gicv5_spi, lowered_while_handled,
     .summary = "a line that goes high and low again while its SPI is handled raises the SPI once "
                "more where it is edge-triggered, and not where it is level-sensitive",
     .needs = edu && gicv5_spi)
{
    test::Items items{std::size(modes)};
    for (const NamedMode& entry : modes) {
        items.run(entry.name, [&] {
            with_wire([&](const Wire& wire) {
                ASSERT_TRUE(wire.set_mode(entry.mode));
                std::atomic<unsigned> taken{0};
                bool settled = false;
                const auto handler = [&](irq::Id) {
                    wire.low();
                    if (taken.fetch_add(1) == 0) {
                        wire.high();
                        settled = wire.becomes_pending(true);
                        wire.low();
                        settled &= wire.becomes_pending(entry.mode == HandlingMode::edge);
                    }
                };
                const irq::Guard guard{wire.id(), handler};
                wire.high();
                EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= 1; }));
                be_quiet();
                EXPECT_EQ(taken.load(), entry.mode == HandlingMode::edge ? 2 : 1);
                EXPECT_TRUE(settled);
            });
        });
    }
}

TEST(gicv5_spi, trigger_mode_changes,
     .summary = "an SPI's pending state follows its line and changes of its trigger mode as the "
                "architecture says",
     .needs = edu && gicv5_spi)
{
    const irq::Masked masked;
    enum class Step : std::uint8_t { none, high, low, to_edge, to_level, resample };
    using enum Step;
    using enum HandlingMode;
    struct {
        const char* name;
        HandlingMode mode;  // to begin with, the line low
        std::array<Step, 2> before;
        bool pending_before;
        Step step;
        bool pending;
    } constexpr rows[]{
        {"edge-rises", edge, {}, false, high, true},
        {"edge-falls", edge, {high}, true, low, true},
        {"level-rises", level, {}, false, high, true},
        {"level-falls", level, {high}, true, low, false},
        {"edge-to-level-high", edge, {high}, true, to_level, true},
        {"edge-to-level-low", edge, {high, low}, true, to_level, false},
        {"level-to-edge-high", level, {high}, true, to_edge, false},
        {"level-to-edge-low", level, {}, false, to_edge, false},
        {"level-to-edge-to-level", level, {high, to_edge}, false, to_level, true},
        {"level-resampled-high", level, {high}, true, resample, true},
        {"level-resampled-low", level, {}, false, resample, false},
    };
    test::Items items{std::size(rows)};
    for (const auto& row : rows) {
        items.run(row.name, [&] {
            with_wire([&](const Wire& wire) {
                bool done = wire.start_over(row.mode);
                const auto take = [&](Step step) {
                    switch (step) {
                    case none:
                        break;
                    case high:
                        wire.high();
                        break;
                    case low:
                        wire.low();
                        break;
                    case to_edge:
                        done &= wire.set_mode(edge);
                        break;
                    case to_level:
                        done &= wire.set_mode(level);
                        break;
                    case resample:
                        done &= wire.irs().resample(number(wire.id())).has_value();
                        break;
                    }
                };
                std::ranges::for_each(row.before, take);
                ASSERT_TRUE(wire.becomes_pending(row.pending_before));
                take(row.step);
                EXPECT_TRUE(wire.becomes_pending(row.pending));
                EXPECT_TRUE(wire.stays_pending(row.pending));
                EXPECT_TRUE(done);
            });
        });
    }
}

TEST(gicv5_spi, handling_mode_shown,
     .summary = "CDRCFG shows the handling mode of what made an SPI pending",
     .needs = edu && gicv5_spi)
{
    const irq::Masked masked;
    test::Items items{std::size(modes)};
    for (const NamedMode& entry : modes) {
        items.run(entry.name, [&] {
            with_wire([&](const Wire& wire) {
                ASSERT_TRUE(wire.set_mode(entry.mode));
                wire.high();
                ASSERT_TRUE(wire.becomes_pending(true));
                EXPECT_TRUE(wire.state().mode == entry.mode);
            });
        });
    }
}

TEST(gicv5_spi, resample_edge,
     .summary = "a resampled edge-triggered SPI whose line is low is not pending",
     .needs = edu && gicv5_spi)
{
    const irq::Masked masked;
    with_wire([](const Wire& wire) {
        const auto resample = [&] { return wire.irs().resample(number(wire.id())).has_value(); };
        ASSERT_TRUE(wire.set_mode(HandlingMode::edge));
        EXPECT_TRUE(resample());
        EXPECT_TRUE(wire.stays_pending(false));
        // Whether a high line is an edge to it, the architecture leaves open.
        ASSERT_TRUE(wire.set_mode(HandlingMode::level));
        wire.high();
        ASSERT_TRUE(wire.set_mode(HandlingMode::edge));
        EXPECT_TRUE(resample());
        timer::delay(timer::milliseconds(1));
        test::note("line high: pending is {}", wire.state().pending);
    });
}

TEST(gicv5_spi, device_to_each_cpu,
     .summary = "a device's SPI is taken by the CPU it is targeted at, and by no other",
     .needs = edu && gicv5_spi && cpus(2))
{
    with_wire([](const Wire& wire) {
        for (unsigned index = 1; index < smp::online_count(); ++index) {
            std::atomic<bool> listening{false};
            std::atomic<unsigned> taken{0};
            std::uint16_t iaffid = 0;
            const auto handler = [&](irq::Id) {
                wire.low();
                taken.fetch_add(1);
            };
            // A handler belongs to a CPU: anywhere else the interrupt is an error of the case.
            const auto listen = [&] {
                iaffid = cpu_interface().iaffid();
                const irq::Guard guard{wire.id(), handler};
                listening = true;
                EXPECT_TRUE(timer::wait_until([&] { return taken.load() != 0; }));
                be_quiet();
            };
            smp::Task task{index, listen};
            ASSERT_TRUE(timer::wait_until([&] { return listening.load(); }));
            EXPECT_EQ(wire.state().iaffid, iaffid);
            EXPECT_FALSE(wire.state().one_of_n);
            wire.high();
            task.wait();
            EXPECT_EQ(taken.load(), 1);
        }
    });
}

// --- A PCI function's MSIs -----------------------------------------------------------------------

TEST(gicv5_its, device_messages,
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
            be_quiet();
            EXPECT_EQ(taken.load(), sent);
            device->silence();
        }
    }
    EXPECT_TRUE(service.its.unmap_device(target->device).has_value());
    free_lpis(*first, 1);
}
