// SPDX-License-Identifier: MIT
//
// The I/O APIC: Intel 82093AA data sheet; ICH9 data sheet, 13.5. Its wires are those of the PIT,
// the RTC and the HPET, as the machine has them.

#include "lib/acpi/madt.h"
#include "tests/support/x86/apic.h"
#include "x86/platform/tables.h"

using namespace apic;

namespace {

constexpr unsigned pit_isa_interrupt = 0;

// What a write changes.
constexpr std::uint64_t writable = Redirection::VECTOR.mask() | Redirection::DELIVERY.mask() |
                                   Redirection::DESTINATION_MODE.mask() |
                                   Redirection::POLARITY.mask() | Redirection::TRIGGER.mask() |
                                   Redirection::MASK.mask() | Redirection::DESTINATION.mask();

// The chips, each as an item: "0xfec00000".
void for_each_chip(FunctionRef<void(const IoApic<Mmio>&)> check)
{
    test::Items items{wiring().chips().size()};
    for (const Wiring::Chip& chip : wiring().chips()) {
        TextBuffer<20> name;
        format_to(name, "{:#x}", chip.address);
        items.run(name.text(), [&] { check(IoApic{Mmio{chip.address}}); });
    }
}

// The PIT's interrupt. Nothing, and the case is skipped: it does not come by the wire of the
// firmware's table at all, which ioapic.pit reports.
std::optional<irq::Id> pit_interrupt();

// The PIT as a source of an edge about every millisecond.
class TickingPit {
public:
    TickingPit() { timer::pit().start(0, timer::PitMode::rate_generator, 1193); }
    ~TickingPit() { timer::pit().start_clock(); }
    TickingPit(const TickingPit&) = delete;
    TickingPit& operator=(const TickingPit&) = delete;
};

std::optional<irq::Id> pit_interrupt()
{
    const auto id = isa_interrupt(pit_isa_interrupt);
    const CountedVector counted{id ? id->value : low_vector};
    const TickingPit ticking;
    if (!id || !timer::wait_until([&] { return counted.taken() != 0; }, timer::seconds(1))) {
        test::skip("the PIT's interrupt does not come by the wire of the firmware's table");
        return {};
    }
    return *id;
}

// The HPET's first timer with a level-triggered interrupt on a wire above the ISA's.
class HpetLevel {
public:
    // Nothing where no such wire leads to an I/O APIC.
    static std::optional<unsigned> find_gsi()
    {
        const std::uint64_t routes = timer::hpet().configuration(0)[timer::TIM_CONF::INT_ROUTE_CAP];
        for (unsigned gsi = Wiring::isa_count; gsi < 32; ++gsi) {
            if ((routes >> gsi & 1) != 0 && wire_of(gsi)) {
                return gsi;
            }
        }
        return {};
    }

    explicit HpetLevel(unsigned gsi) : gsi_{gsi} { timer::hpet().disarm(0); }
    ~HpetLevel()
    {
        timer::hpet().disarm(0);
        lower();
    }
    HpetLevel(const HpetLevel&) = delete;
    HpetLevel& operator=(const HpetLevel&) = delete;

    // Raises the line in about `count` ticks.
    void raise_in(std::uint64_t count) const
    {
        const auto configuration = timer::TIM_CONF{}
                                       .with(timer::TIM_CONF::INT_ROUTE_CNF, gsi_)
                                       .with(timer::TIM_CONF::INT_TYPE_CNF, 1);
        registers().write(configuration, 0);
        registers().write(timer::TIM_COMP::from(timer::hpet().count() + count), 0);
        registers().write(configuration.with(timer::TIM_CONF::INT_ENB_CNF, 1), 0);
    }
    [[nodiscard]] bool raised() const
    {
        return (registers().read<timer::GINTR_STA>().raw & 1) != 0;
    }
    void lower() const { registers().write(timer::GINTR_STA::from(1)); }

private:
    [[nodiscard]] static Mmio registers() { return timer::hpet().io(); }

    unsigned gsi_;
};

std::uint64_t hpet_milliseconds(std::uint64_t count)
{
    return timer::hpet().frequency() * count / 1000;
}

}  // namespace

TEST(ioapic, version, .summary = "every I/O APIC says how many wires it has, and at least one",
     .needs = ioapic)
{
    for_each_chip([](const IoApic<Mmio>& chip) {
        const auto version = chip.version();
        EXPECT_GE(version[IOAPICVER::VERSION_NUMBER], 0x10);
        EXPECT_LE(version[IOAPICVER::VERSION_NUMBER], 0x2f);
        EXPECT_GE(chip.count(), 1);
        EXPECT_LE(chip.count(), 240);
    });
}

TEST(ioapic, wires_do_not_overlap, .summary = "no two I/O APICs have the same system interrupt",
     .needs = ioapic)
{
    for_each_chip([](const IoApic<Mmio>& chip) {
        EXPECT_GE(chip.count(), 1);
        for (const Wiring::Chip& a : wiring().chips()) {
            for (const Wiring::Chip& b : wiring().chips()) {
                if (a.first_gsi < b.first_gsi) {
                    EXPECT_LE(a.first_gsi + IoApic{Mmio{a.address}}.count(), b.first_gsi);
                }
            }
        }
    });
}

TEST(ioapic, entries_keep, .summary = "an entry keeps what is written, and its status bits are 0",
     .needs = ioapic)
{
    for_each_chip([](const IoApic<Mmio>& chip) {
        const irq::Masked masked;
        for (unsigned wire = 0; wire < chip.count(); ++wire) {
            const auto before = chip.redirection(wire);
            if (before[Redirection::MASK] == 0) {
                continue;  // somebody's
            }
            for (const std::uint64_t pattern :
                 {std::uint64_t{0x5500'0000'0001'a855}, std::uint64_t{0xaa00'0000'0001'20aa},
                  std::uint64_t{0x1'0000}}) {
                chip.set_redirection(wire, Redirection::from(pattern));
                EXPECT_EQ(chip.redirection(wire).raw & writable, pattern & writable);
                EXPECT_EQ(chip.redirection(wire)[Redirection::DELIVERY_STATUS], 0);
            }
            chip.set_redirection(wire, before);
        }
    });
}

TEST(ioapic, read_only, .summary = "remote IRR and delivery status cannot be written",
     .needs = ioapic)
{
    for_each_chip([](const IoApic<Mmio>& chip) {
        const irq::Masked masked;
        const unsigned wire = chip.count() - 1;
        const auto before = chip.redirection(wire);
        chip.set_redirection(wire, Redirection{}
                                       .with(Redirection::MASK, 1)
                                       .with(Redirection::TRIGGER, 1)
                                       .with(Redirection::REMOTE_IRR, 1)
                                       .with(Redirection::DELIVERY_STATUS, 1));
        EXPECT_EQ(chip.redirection(wire)[Redirection::REMOTE_IRR], 0);
        EXPECT_EQ(chip.redirection(wire)[Redirection::DELIVERY_STATUS], 0);
        chip.set_redirection(wire, before);
    });
}

TEST(ioapic, pit, .summary = "the PIT's edges come by the wire that the firmware's table says",
     .needs = ioapic && pit)
{
    const auto id = isa_interrupt(pit_isa_interrupt);
    ASSERT_TRUE(id);
    const CountedVector counted{id->value};
    const TickingPit ticking;
    EXPECT_TRUE(counted.wait(5));
}

TEST(ioapic, pit_masked, .summary = "a masked wire raises nothing, and goes on when it is unmasked",
     .needs = ioapic && pit)
{
    const auto id = pit_interrupt();
    if (!id) {
        return;
    }
    const CountedVector counted{id->value};
    const TickingPit ticking;
    ASSERT_TRUE(counted.wait(2));
    irq::controller()->disable(*id);
    let_pass();  // one may have been on its way
    const unsigned before = counted.taken();
    let_pass();
    let_pass();
    EXPECT_EQ(counted.taken(), before);
    irq::controller()->enable(*id);
    EXPECT_TRUE(counted.wait(before + 5));
}

TEST(ioapic, destination, .summary = "a wire's interrupts go to the CPU that its entry names",
     .needs = ioapic && pit)
{
    const auto id = pit_interrupt();
    if (!id) {
        return;
    }
    const TickingPit ticking;
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (!cpu.online || cpu.hardware_id > 0xfe) {
            continue;
        }
        // The guard routes the wire to the CPU it is made on; anywhere else the interrupt would
        // have no handler, which is an error.
        smp::on_cpu(cpu.index, [&] {
            const CountedVector counted{id->value};
            EXPECT_TRUE(counted.wait(3));
        });
    }
}

TEST(ioapic, logical_destination, .summary = "an entry with a logical destination reaches that CPU",
     .needs = ioapic && pit)
{
    if (machine_mode() == Mode::x2apic) {
        return test::skip("the eight bits of an entry do not hold an x2APIC's logical ID");
    }
    const auto id = pit_interrupt();
    if (!id) {
        return;
    }
    const CountedVector counted{id->value};
    const auto wire = wire_of(wiring().isa[pit_isa_interrupt].gsi);
    ASSERT_TRUE(wire);
    const auto physical = wire->chip.redirection(wire->number);
    wire->chip.set_redirection(
        wire->number,
        physical.with(Redirection::DESTINATION_MODE, 1).with(Redirection::DESTINATION, 1));
    const TickingPit ticking;
    EXPECT_TRUE(counted.wait(3));
    wire->chip.set_redirection(wire->number, physical);
}

TEST(ioapic, pending, .summary = "an edge waits in the local APIC while the CPU masks interrupts",
     .needs = ioapic && pit)
{
    const auto id = pit_interrupt();
    if (!id) {
        return;
    }
    const TickingPit ticking;
    const CountedVector counted{id->value};
    const irq::Masked masked;
    EXPECT_TRUE(timer::wait_until([&] { return irq::controller()->pending(*id); }));
    EXPECT_FALSE(irq::controller()->active(*id));
    irq::controller()->disable(*id);
    const irq::Unmasked unmasked;
    let_pass();
    EXPECT_FALSE(irq::controller()->pending(*id));
}

TEST(ioapic, rtc, .summary = "the RTC's periodic interrupt comes by ISA interrupt 8",
     .needs = ioapic && rtc)
{
    const auto id = isa_interrupt(timer::rtc_isa_interrupt);
    ASSERT_TRUE(id);
    const auto rtc = timer::rtc();
    const auto rate = rtc.get<timer::RTC_A>();
    std::atomic<unsigned> taken{0};
    std::atomic<unsigned> without_reason{0};
    const auto handler = [&](irq::Id) {
        without_reason.fetch_add(rtc.acknowledge()[timer::RTC_C::PF] == 0 ? 1 : 0);
        taken.fetch_add(1);
    };
    {
        const irq::Guard guard{*id, handler};
        rtc.set_periodic(6);
        EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= 5; }));
        // Turning it off takes the reason away from an interrupt that is on its way.
        EXPECT_EQ(without_reason.load(), 0);
        rtc.set_periodic(0);
        let_pass();
    }
    rtc.set(rate);
}

TEST(ioapic, hpet_edge, .summary = "the HPET's timer raises an edge on the wire it is routed to",
     .needs = ioapic && hpet)
{
    const auto gsi = HpetLevel::find_gsi();
    if (!gsi) {
        return test::skip("the HPET has no wire to an I/O APIC above those of ISA");
    }
    const auto wire = wire_of(*gsi);
    const auto id = gsi_interrupt(*gsi);
    ASSERT_TRUE(id);
    const CountedVector counted{id->value};
    const auto level = wire->chip.redirection(wire->number);
    wire->chip.set_redirection(wire->number,
                               level.with(Redirection::TRIGGER, 0).with(Redirection::POLARITY, 0));
    timer::hpet().arm(0, *gsi, timer::hpet().count() + hpet_milliseconds(1));
    EXPECT_TRUE(counted.wait());
    let_pass();
    EXPECT_EQ(counted.taken(), 1);
    timer::hpet().disarm(0);
}

TEST(ioapic, level, .summary = "a level that stays high comes again after each EOI, until it drops",
     .needs = ioapic && hpet)
{
    const auto gsi = HpetLevel::find_gsi();
    if (!gsi) {
        return test::skip("the HPET has no wire to an I/O APIC above those of ISA");
    }
    const auto wire = wire_of(*gsi);
    const auto id = gsi_interrupt(*gsi);
    ASSERT_TRUE(id);
    const HpetLevel source{*gsi};
    std::atomic<unsigned> taken{0};
    bool in_service_is_level = true;
    bool remote = true;
    const auto handler = [&](irq::Id) {
        in_service_is_level &= local().level_triggered(id->value);
        remote &= wire->chip.redirection(wire->number)[Redirection::REMOTE_IRR] != 0;
        if (taken.fetch_add(1) + 1 >= 3) {
            source.lower();
        }
    };
    const irq::Guard guard{*id, handler};
    const auto entry = wire->chip.redirection(wire->number);
    wire->chip.set_redirection(wire->number, entry.with(Redirection::POLARITY, 0));
    source.raise_in(hpet_milliseconds(1));
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= 3; }));
    let_pass();
    // A timer that fires a little early does so again, which raises the line once more.
    EXPECT_LE(taken.load(), 5);
    EXPECT_TRUE(in_service_is_level);
    EXPECT_TRUE(remote);
    EXPECT_EQ(wire->chip.redirection(wire->number)[Redirection::REMOTE_IRR], 0);
}

TEST(ioapic, level_masked,
     .summary = "a level that rose while its wire was masked comes on unmasking",
     .needs = ioapic && hpet)
{
    const auto gsi = HpetLevel::find_gsi();
    if (!gsi) {
        return test::skip("the HPET has no wire to an I/O APIC above those of ISA");
    }
    const auto wire = wire_of(*gsi);
    const auto id = gsi_interrupt(*gsi);
    ASSERT_TRUE(id);
    const HpetLevel source{*gsi};
    std::atomic<unsigned> taken{0};
    const auto handler = [&](irq::Id) {
        source.lower();
        taken.fetch_add(1);
    };
    const irq::Guard guard{*id, handler};
    const auto entry = wire->chip.redirection(wire->number).with(Redirection::POLARITY, 0);
    wire->chip.set_redirection(wire->number, entry.with(Redirection::MASK, 1));
    source.raise_in(hpet_milliseconds(1));
    EXPECT_TRUE(timer::wait_until([&] { return source.raised(); }));
    let_pass();
    EXPECT_EQ(taken.load(), 0);
    wire->chip.set_redirection(wire->number, entry.with(Redirection::MASK, 0));
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() != 0; }));
    let_pass();
    EXPECT_LE(taken.load(), 3);
}

TEST(acpi, checksums, .summary = "every table that the root lists can be read and has its checksum",
     .needs = acpi)
{
    const auto& tables = platform::acpi_tables();
    ASSERT_TRUE(tables);
    EXPECT_GE(tables->count(), 1);
    for (std::size_t i = 0; i < tables->count(); ++i) {
        const auto table = tables->at(i);
        EXPECT_TRUE(table);
        if (table) {
            EXPECT_EQ(table->bytes().sum(), 0);
        }
    }
}

// The MP table need not have them all: firmware leaves out all but the first of a package.
TEST(acpi, cpus_of_both_tables, .summary = "every CPU of the MP table is one of the MADT's",
     .needs = acpi && mp_table)
{
    const auto table = platform::acpi_table("APIC");
    ASSERT_TRUE(table);
    const auto madt = acpi::Madt::open(*table);
    ASSERT_TRUE(madt);
    unsigned boot_cpus = 0;
    platform::mp_table()->for_each_processor([&](const acpi::MpTable::Processor& described) {
        if (!described.enabled) {
            return;
        }
        boot_cpus += described.boot ? 1 : 0;
        bool found = false;
        madt->for_each_processor([&](const acpi::Madt::Processor& processor) {
            found |= processor.enabled && processor.apic_id == described.apic_id;
        });
        EXPECT_TRUE(found);
    });
    EXPECT_EQ(boot_cpus, 1);
}

TEST(acpi, all_cpus_answer, .summary = "every enabled processor of the MADT has come up",
     .needs = acpi)
{
    const auto table = platform::acpi_table("APIC");
    ASSERT_TRUE(table);
    const auto madt = acpi::Madt::open(*table);
    ASSERT_TRUE(madt);
    unsigned enabled = 0;
    madt->for_each_processor(
        [&](const acpi::Madt::Processor& processor) { enabled += processor.enabled ? 1 : 0; });
    EXPECT_EQ(smp::online_count(), enabled);
}
