// SPDX-License-Identifier: MIT
//
// The local APIC: Intel SDM volume 3, "Advanced Programmable Interrupt Controller (APIC)"; AMD64
// APM volume 2, chapter 16. In the mode the machine runs in, x2APIC where there is one.

#include "tests/support/x86/apic.h"
#include "x86/apic/ipi.h"
#include "x86/cpu/nmi.h"
#include "x86/cpu/vectors.h"

#include <arch/cpuid.h>
#include <arch/mmu.h>

using namespace apic;

namespace {

constexpr unsigned max_cpus = 64;

// Interrupts taken, by receiver.
using Counts = std::array<std::atomic<unsigned>, max_cpus>;

// Every CPU counts `vector` while `body` runs on CPU 0, which gets the counts.
void with_counts(std::uint8_t vector, FunctionRef<void(const Counts&)> body)
{
    if (smp::online_count() > max_cpus) {
        return test::skip("more than {} CPUs", max_cpus);
    }
    Counts counts{};
    smp::Barrier ready{smp::online_count()};
    smp::Barrier done{smp::online_count()};
    smp::on_all_cpus([&] {
        const unsigned self = smp::this_cpu().index;
        const auto count = [&](irq::Id) { counts[self].fetch_add(1); };
        const irq::Guard guard{irq::Id{vector}, count};
        ready.wait();
        if (self == 0) {
            body(counts);
        }
        done.wait();
    });
}

// Waits until each online CPU has taken `expected(cpu)` interrupts, and a while longer.
void expect_counts(const Counts& counts, FunctionRef<unsigned(const smp::Cpu&)> expected)
{
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (cpu.online) {
            static_cast<void>(
                timer::wait_until([&] { return counts[cpu.index].load() >= expected(cpu); }));
        }
    }
    let_pass();
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (cpu.online) {
            EXPECT_EQ(counts[cpu.index].load(), expected(cpu));
        }
    }
}

std::uint32_t id_of(const smp::Cpu& cpu)
{
    return static_cast<std::uint32_t>(cpu.hardware_id);
}

std::uint64_t read_cr8()
{
    std::uint64_t value;
    asm volatile("movq %%cr8, %0" : "=r"(value)::"memory");
    return value;
}

void write_cr8(std::uint64_t value)
{
    asm volatile("movq %0, %%cr8" ::"r"(value) : "memory");
}

// Holds back interrupts up to a priority for a scope.
class TaskPriority {
public:
    explicit TaskPriority(std::uint8_t priority) : previous_{local().task_priority()}
    {
        local().set_task_priority(priority);
    }
    ~TaskPriority() { local().set_task_priority(previous_); }
    TaskPriority(const TaskPriority&) = delete;
    TaskPriority& operator=(const TaskPriority&) = delete;

private:
    std::uint8_t previous_;
};

bool raises_gp(std::uint32_t index, std::uint64_t value)
{
    const auto exception = msr::try_write(index, value);
    return exception && exception->vector == x86::general_protection;
}

// Turns the calling CPU's APIC into what the framework expects, whatever a test did to it.
class ApicRestored {
public:
    ApicRestored() = default;
    ~ApicRestored()
    {
        if (const auto ready = irq::controller()->init_cpu(); !ready) {
            test::error("the local APIC does not come back: {}", ready.error().what);
        }
    }
    ApicRestored(const ApicRestored&) = delete;
    ApicRestored& operator=(const ApicRestored&) = delete;
};

}  // namespace

TEST(apic, id, .summary = "every CPU's APIC ID is the one CPUID and the firmware's table say",
     .needs = apic)
{
    smp::on_all_cpus([] {
        const std::uint32_t id = local().id();
        EXPECT_EQ(id, id_of(smp::this_cpu()));
        EXPECT_EQ(arch::cpuid(1).ebx >> 24, id & 0xff);
        if (arch::cpuid(0).eax >= 0xb && arch::cpuid(0xb).ebx != 0) {
            EXPECT_EQ(arch::cpuid(0xb).edx, id);
        }
    });
}

TEST(apic, ids_differ, .summary = "no two CPUs have the same APIC ID", .needs = apic && cpus(2))
{
    for (const smp::Cpu& cpu : smp::cpus()) {
        for (const smp::Cpu& other : smp::cpus().first(cpu.index)) {
            EXPECT_NE(cpu.hardware_id, other.hardware_id);
        }
    }
}

TEST(apic, version, .summary = "the version is that of an integrated APIC, the same on every CPU",
     .needs = apic)
{
    const std::uint32_t first = local().version().raw;
    smp::on_all_cpus([first] {
        const auto version = local().version();
        EXPECT_EQ(version[VERSION::VERSION_NUMBER] & 0xf0, 0x10);
        EXPECT_GE(version[VERSION::MAX_LVT_ENTRY], 3);
        EXPECT_EQ(version.raw, first);
    });
}

TEST(apic, base, .summary = "IA32_APIC_BASE marks the boot CPU alone and its APIC as enabled",
     .needs = apic)
{
    smp::on_all_cpus([] {
        const auto base = msr::read<IA32_APIC_BASE>();
        EXPECT_EQ(base[IA32_APIC_BASE::BSP], smp::this_cpu().index == 0 ? 1 : 0);
        EXPECT_EQ(base[IA32_APIC_BASE::EN], 1);
        EXPECT_TRUE(mode_of(base) == machine_mode());
    });
}

TEST(apic, base_reserved_bits, .summary = "reserved bits of IA32_APIC_BASE raise #GP",
     .needs = apic)
{
    const auto base = msr::read<IA32_APIC_BASE>();
    for (const unsigned bit : {0U, 1U, 7U, 9U, 63U}) {
        EXPECT_TRUE(raises_gp(IA32_APIC_BASE::index, base.raw | std::uint64_t{1} << bit));
    }
    EXPECT_EQ(msr::read<IA32_APIC_BASE>().raw, base.raw);
}

TEST(apic, mode_transitions, .summary = "a change of mode that is not allowed raises #GP",
     .needs = x2apic && cpus(2))
{
    smp::on_cpu(1, [] {
        const irq::Masked masked;
        const ApicRestored restored;
        const auto base = msr::read<IA32_APIC_BASE>();
        const auto value = [&](bool enabled, bool extended) {
            return base.with(IA32_APIC_BASE::EN, enabled ? 1 : 0)
                .with(IA32_APIC_BASE::EXTD, extended ? 1 : 0)
                .raw;
        };
        const auto refused = [&](bool enabled, bool extended) {
            return raises_gp(IA32_APIC_BASE::index, value(enabled, extended));
        };
        ASSERT_TRUE(set_mode(msr::Provider{}, Mode::x2apic));
        EXPECT_TRUE(refused(true, false));
        EXPECT_TRUE(refused(false, true));
        EXPECT_TRUE(mode_of(msr::read<IA32_APIC_BASE>()) == Mode::x2apic);
        ASSERT_TRUE(set_mode(msr::Provider{}, Mode::disabled));
        EXPECT_TRUE(refused(true, true));
        EXPECT_TRUE(refused(false, true));
        EXPECT_TRUE(mode_of(msr::read<IA32_APIC_BASE>()) == Mode::disabled);
        ASSERT_TRUE(set_mode(msr::Provider{}, Mode::xapic));
        EXPECT_TRUE(refused(false, true));
        EXPECT_TRUE(mode_of(msr::read<IA32_APIC_BASE>()) == Mode::xapic);
    });
}

TEST(apic, ids_of_both_modes, .summary = "the ID in xAPIC mode is the low byte of the x2APIC ID",
     .needs = x2apic && cpus(2))
{
    const std::uint64_t base = msr::read<IA32_APIC_BASE>()[IA32_APIC_BASE::BASE] << 12;
    ASSERT_TRUE(arch::map_device({.base = base, .size = 0x1000}));
    smp::on_cpu(1, [base] {
        const irq::Masked masked;
        const ApicRestored restored;
        ASSERT_TRUE(set_mode(msr::Provider{}, Mode::x2apic));
        const std::uint32_t wide = LocalApic{X2apicMsrs{}, Mode::x2apic}.id();
        ASSERT_TRUE(set_mode(msr::Provider{}, Mode::xapic));
        EXPECT_EQ((LocalApic{Mmio{base}, Mode::xapic}.id()), wide & 0xff);
    });
}

TEST(apic, disabled_cpuid, .summary = "CPUID shows no APIC while IA32_APIC_BASE disables it",
     .needs = apic && cpus(2))
{
    smp::on_cpu(1, [] {
        const irq::Masked masked;
        const ApicRestored restored;
        constexpr std::uint32_t feature = 1U << 9;
        EXPECT_EQ(arch::cpuid(1).edx & feature, feature);
        ASSERT_TRUE(set_mode(msr::Provider{}, Mode::disabled));
        EXPECT_EQ(arch::cpuid(1).edx & feature, 0);
    });
}

TEST(apic, x2apic_logical_id, .summary = "the logical ID of an x2APIC follows from its ID",
     .needs = x2apic)
{
    if (machine_mode() != Mode::x2apic) {
        return test::skip("the machine runs in xAPIC mode");
    }
    smp::on_all_cpus(
        [] { EXPECT_EQ(local().logical_destination().raw, logical_x2apic_id(local().id())); });
}

TEST(apic, x2apic_reserved, .summary = "what an x2APIC does not have, raises #GP", .needs = x2apic)
{
    if (machine_mode() != Mode::x2apic) {
        return test::skip("the machine runs in xAPIC mode");
    }
    struct Access {
        const char* name;
        std::uint32_t index;
        std::optional<std::uint64_t> value;  // nothing: a read
    };
    constexpr Access accesses[]{
        {.name = "read SELF_IPI", .index = 0x83f, .value = {}},
        {.name = "read EOI", .index = 0x80b, .value = {}},
        {.name = "read DFR", .index = 0x80e, .value = {}},
        {.name = "write DFR", .index = 0x80e, .value = 0xffff'ffff},
        {.name = "read ICR_HIGH", .index = 0x831, .value = {}},
        {.name = "write ID", .index = 0x802, .value = 0},
        {.name = "write VERSION", .index = 0x803, .value = 0},
        {.name = "write LDR", .index = 0x80d, .value = 1},
        {.name = "write PPR", .index = 0x80a, .value = 0},
        {.name = "write ISR", .index = 0x810, .value = 0},
        {.name = "write IRR", .index = 0x820, .value = 0},
        {.name = "write CURRENT_COUNT", .index = 0x839, .value = 0},
        {.name = "write 1 to EOI", .index = 0x80b, .value = 1},
        {.name = "write 1 to ESR", .index = 0x828, .value = 1},
        {.name = "TPR bit 8", .index = 0x808, .value = 0x100},
        {.name = "TPR bit 32", .index = 0x808, .value = std::uint64_t{1} << 32},
        {.name = "SVR bit 32", .index = 0x80f, .value = std::uint64_t{1} << 32 | 0x1ff},
        {.name = "SELF_IPI bit 8", .index = 0x83f, .value = 0x1a1},
        {.name = "ICR bit 31", .index = 0x830, .value = 0x8000'0000U | 0x4'40a1U},
        {.name = "ICR bit 13", .index = 0x830, .value = 0x2000U | 0x4'40a1U},
    };
    const CountedVector not_refused{low_vector};
    test::Items items{std::size(accesses)};
    for (const Access& access : accesses) {
        items.run(access.name, [&] {
            const irq::Masked masked;
            if (access.value) {
                EXPECT_TRUE(raises_gp(access.index, *access.value));
            } else {
                EXPECT_FALSE(msr::try_read(access.index));
            }
        });
    }
}

TEST(apic, self_ipi, .summary = "a CPU takes what it sends to itself, by every way there is, once",
     .needs = apic)
{
    struct Way {
        const char* name;
        void (*send)();
    };
    constexpr Way ways[]{
        {.name = "shorthand", .send = [] { send(fixed(low_vector).to(Shorthand::self)); }},
        {.name = "physical", .send = [] { send(fixed(low_vector).to(local().id())); }},
        {.name = "logical",
         .send =
             [] {
                 const auto logical = local().logical_destination();
                 send(fixed(low_vector)
                          .to_logical(machine_mode() == Mode::x2apic
                                          ? logical.raw
                                          : logical[LDR::xAPIC_LOGICAL_ID]));
             }},
        {.name = "SELF_IPI", .send = [] { local().send_to_self(low_vector); }},
    };
    test::Items items{std::size(ways)};
    for (const Way& way : ways) {
        items.run(way.name, [&] {
            if (std::string_view{way.name} == "SELF_IPI" && machine_mode() != Mode::x2apic) {
                return test::skip("an xAPIC has no such register");
            }
            const bool shared = std::string_view{way.name} == "logical" &&
                                machine_mode() == Mode::xapic && smp::online_count() > 8;
            if (shared) {
                return test::skip("more than eight CPUs share the bits of the flat model");
            }
            smp::on_all_cpus([&] {
                const CountedVector counted{low_vector};
                for (unsigned round = 1; round <= 10; ++round) {
                    way.send();
                    ASSERT_TRUE(counted.wait(round));
                }
                let_pass();
                EXPECT_EQ(counted.taken(), 10);
            });
        });
    }
}

TEST(apic, others_shorthand, .summary = "\"all excluding self\" reaches every other CPU once",
     .needs = apic && cpus(2))
{
    with_counts(low_vector, [](const Counts& counts) {
        send(fixed(low_vector).to(Shorthand::others));
        expect_counts(counts, [](const smp::Cpu& cpu) { return cpu.index == 0 ? 0U : 1U; });
    });
}

TEST(apic, all_shorthand, .summary = "\"all including self\" reaches every CPU once", .needs = apic)
{
    with_counts(low_vector, [](const Counts& counts) {
        send(fixed(low_vector).to(Shorthand::all));
        expect_counts(counts, [](const smp::Cpu&) { return 1U; });
    });
}

TEST(apic, physical_broadcast, .summary = "the physical destination of all ones is every CPU",
     .needs = apic)
{
    with_counts(low_vector, [](const Counts& counts) {
        send(fixed(low_vector).to(machine_mode() == Mode::x2apic ? 0xffff'ffffU : 0xffU));
        expect_counts(counts, [](const smp::Cpu&) { return 1U; });
    });
}

TEST(apic, physical_destination, .summary = "a physical destination is one CPU", .needs = apic)
{
    with_counts(low_vector, [](const Counts& counts) {
        for (const smp::Cpu& target : smp::cpus()) {
            if (target.online) {
                send(fixed(low_vector).to(id_of(target)));
                ASSERT_TRUE(timer::wait_until([&] { return counts[target.index].load() == 1; }));
            }
        }
        expect_counts(counts, [](const smp::Cpu&) { return 1U; });
    });
}

TEST(apic, logical_destination, .summary = "a logical destination is the CPUs whose bits it has",
     .needs = apic && cpus(2))
{
    if (machine_mode() == Mode::xapic && smp::online_count() > 8) {
        return test::skip("more than eight CPUs share the bits of the flat model");
    }
    with_counts(low_vector, [](const Counts& counts) {
        // CPUs 0 and 1: in one message where one cluster has both.
        const auto logical = [](unsigned index) {
            return machine_mode() == Mode::x2apic ? logical_x2apic_id(id_of(smp::cpus()[index]))
                                                  : 1U << index;
        };
        if (logical(0) >> 16 == logical(1) >> 16) {
            send(fixed(low_vector).to_logical(logical(0) | logical(1)));
        } else {
            send(fixed(low_vector).to_logical(logical(0)));
            send(fixed(low_vector).to_logical(logical(1)));
        }
        expect_counts(counts, [](const smp::Cpu& cpu) { return cpu.index < 2 ? 1U : 0U; });
    });
}

TEST(apic, lowest_priority, .summary = "a lowest-priority IPI is taken by one CPU of many, once",
     .needs = apic && cpus(2))
{
    if (machine_mode() == Mode::x2apic) {
        return test::skip("of an x2APIC, it is the model's own");
    }
    with_counts(low_vector, [](const Counts& counts) {
        const auto total = [&counts] {
            unsigned sum = 0;
            for (const auto& count : counts) {
                sum += count.load();
            }
            return sum;
        };
        for (unsigned round = 1; round <= 10; ++round) {
            send(Message{Delivery::lowest_priority, low_vector}.to_logical(0xff));
            ASSERT_TRUE(timer::wait_until([&] { return total() >= round; }));
        }
        let_pass();
        EXPECT_EQ(total(), 10);
    });
}

TEST(apic, pending_while_masked, .summary = "an interrupt waits in the IRR until the CPU takes it",
     .needs = apic)
{
    const CountedVector counted{low_vector};
    const irq::Masked masked;
    EXPECT_FALSE(local().requested(low_vector));
    send(fixed(low_vector).to(Shorthand::self));
    EXPECT_TRUE(timer::wait_until([] { return local().requested(low_vector); }));
    EXPECT_FALSE(local().in_service(low_vector));
    EXPECT_EQ(counted.taken(), 0);
    EXPECT_TRUE(take_until([&] { return counted.taken() != 0; }));
    EXPECT_FALSE(local().requested(low_vector));
    EXPECT_FALSE(local().in_service(low_vector));
}

TEST(apic, merged, .summary = "interrupts of one vector that wait are one", .needs = apic)
{
    const CountedVector counted{low_vector};
    const irq::Masked masked;
    for (unsigned i = 0; i < 5; ++i) {
        send(fixed(low_vector).to(Shorthand::self));
    }
    EXPECT_TRUE(timer::wait_until([] { return local().requested(low_vector); }));
    EXPECT_TRUE(take_until([&] { return counted.taken() != 0; }));
    const irq::Unmasked unmasked;
    let_pass();
    EXPECT_EQ(counted.taken(), 1);
}

TEST(apic, one_more_while_in_service,
     .summary = "while a vector is in service, one more of it waits, and comes after the EOI",
     .needs = apic)
{
    unsigned taken = 0;
    bool waited = false;
    const auto handler = [&](irq::Id) {
        if (++taken == 1) {
            send(fixed(low_vector).to(Shorthand::self));
            send(fixed(low_vector).to(Shorthand::self));
            waited = timer::wait_until([] { return local().requested(low_vector); }) &&
                     local().in_service(low_vector);
        }
    };
    const irq::Guard guard{irq::Id{low_vector}, handler};
    send(fixed(low_vector).to(Shorthand::self));
    EXPECT_TRUE(take_until([&] { return taken >= 2; }));
    let_pass();
    EXPECT_TRUE(waited);
    EXPECT_EQ(taken, 2);
}

TEST(apic, priority_order, .summary = "of interrupts that wait, the highest vector comes first",
     .needs = apic)
{
    std::array<std::uint32_t, 3> order{};
    unsigned taken = 0;
    const auto handler = [&](irq::Id id) {
        if (taken < order.size()) {
            order[taken] = id.value;
        }
        ++taken;
    };
    const irq::Guard low{irq::Id{low_vector}, handler};
    const irq::Guard middle{irq::Id{middle_vector}, handler};
    const irq::Guard high{irq::Id{high_vector}, handler};
    const irq::Masked masked;
    for (const std::uint8_t vector : {middle_vector, low_vector, high_vector}) {
        send(fixed(vector).to(Shorthand::self));
    }
    ASSERT_TRUE(timer::wait_until([] {
        return local().requested(low_vector) && local().requested(middle_vector) &&
               local().requested(high_vector);
    }));
    EXPECT_TRUE(take_until([&] { return taken == 3; }));
    EXPECT_EQ(order[0], std::uint32_t{high_vector});
    EXPECT_EQ(order[1], std::uint32_t{middle_vector});
    EXPECT_EQ(order[2], std::uint32_t{low_vector});
}

TEST(apic, nesting,
     .summary = "a handler is interrupted by a higher class and not by its own or a lower one",
     .needs = apic)
{
    constexpr std::uint8_t same_class = middle_vector + 1;
    bool inside = false;
    unsigned nested_high = 0;
    unsigned nested_other = 0;
    unsigned others = 0;
    const auto on_high = [&](irq::Id) { nested_high += inside ? 1 : 0; };
    const auto on_other = [&](irq::Id) {
        nested_other += inside ? 1 : 0;
        ++others;
    };
    const auto on_middle = [&](irq::Id) {
        inside = true;
        send(fixed(low_vector).to(Shorthand::self));
        send(fixed(same_class).to(Shorthand::self));
        send(fixed(high_vector).to(Shorthand::self));
        static_cast<void>(take_until([&] { return nested_high != 0; }));
        {
            const irq::Unmasked unmasked;
            let_pass();
        }
        inside = false;
    };
    const irq::Guard low{irq::Id{low_vector}, on_other};
    const irq::Guard same{irq::Id{same_class}, on_other};
    const irq::Guard high{irq::Id{high_vector}, on_high};
    const irq::Guard middle{irq::Id{middle_vector}, on_middle};
    send(fixed(middle_vector).to(Shorthand::self));
    EXPECT_TRUE(take_until([&] { return others == 2; }));
    EXPECT_EQ(nested_high, 1);
    EXPECT_EQ(nested_other, 0);
}

TEST(apic, task_priority, .summary = "the TPR holds back its class and those below, and no other",
     .needs = apic)
{
    const CountedVector low{low_vector};
    const CountedVector middle{middle_vector};
    const CountedVector high{high_vector};
    {
        const TaskPriority priority{middle_vector & 0xf0};
        for (const std::uint8_t vector : {low_vector, middle_vector, high_vector}) {
            send(fixed(vector).to(Shorthand::self));
        }
        EXPECT_TRUE(high.wait());
        let_pass();
        EXPECT_EQ(low.taken(), 0);
        EXPECT_EQ(middle.taken(), 0);
        EXPECT_TRUE(local().requested(low_vector));
        EXPECT_TRUE(local().requested(middle_vector));
        local().set_task_priority(low_vector & 0xf0);
        EXPECT_TRUE(middle.wait());
        let_pass();
        EXPECT_EQ(low.taken(), 0);
    }
    EXPECT_TRUE(low.wait());
    EXPECT_EQ(high.taken(), 1);
    EXPECT_EQ(middle.taken(), 1);
    EXPECT_EQ(low.taken(), 1);
}

TEST(apic, cr8, .summary = "CR8 is the class of the TPR, written by either", .needs = apic)
{
    const irq::Masked masked;
    const TaskPriority restored{0};
    for (unsigned priority = 0; priority < 16; ++priority) {
        local().set_task_priority(static_cast<std::uint8_t>(priority << 4 | 5));
        EXPECT_EQ(read_cr8(), std::uint64_t{priority});
        write_cr8(15 - priority);
        EXPECT_EQ(std::uint64_t{local().task_priority()}, std::uint64_t{(15 - priority) << 4});
    }
}

TEST(apic, cr8_reserved, .summary = "a reserved bit of CR8 raises #GP", .needs = apic)
{
    const auto exception = arch::raised([] { write_cr8(0x10); });
    ASSERT_TRUE(exception);
    EXPECT_EQ(exception->vector, std::uint64_t{x86::general_protection});
    EXPECT_EQ(exception->error_code, 0);
}

TEST(apic, cr8_releases, .summary = "an interrupt that CR8 held back comes when CR8 is lowered",
     .needs = apic)
{
    const CountedVector counted{low_vector};
    write_cr8(low_vector >> 4);
    send(fixed(low_vector).to(Shorthand::self));
    let_pass();
    EXPECT_EQ(counted.taken(), 0);
    write_cr8(0);
    EXPECT_TRUE(counted.wait());
    EXPECT_EQ(counted.taken(), 1);
}

TEST(apic, processor_priority,
     .summary = "the PPR is the TPR or the class in service, whichever is higher", .needs = apic)
{
    {
        const irq::Masked masked;
        EXPECT_EQ(local().processor_priority(), 0);
        const TaskPriority priority{0x35};
        EXPECT_EQ(local().processor_priority(), 0x35);
    }
    std::uint8_t in_service = 0;
    std::uint8_t below = 0;
    std::uint8_t above = 0;
    bool done = false;
    const auto handler = [&](irq::Id) {
        in_service = local().processor_priority();
        {
            const TaskPriority priority{0x25};
            below = local().processor_priority();
        }
        {
            const TaskPriority priority{0xe5};
            above = local().processor_priority();
        }
        done = true;
    };
    const irq::Guard guard{irq::Id{middle_vector}, handler};
    send(fixed(middle_vector).to(Shorthand::self));
    EXPECT_TRUE(take_until([&] { return done; }));
    EXPECT_EQ(in_service, middle_vector & 0xf0);
    EXPECT_EQ(below, middle_vector & 0xf0);
    EXPECT_EQ(above, 0xe5);
}

TEST(apic, in_service, .summary = "a vector is in service in its handler and not afterwards",
     .needs = apic)
{
    bool inside = false;
    bool edge = false;
    bool done = false;
    const auto handler = [&](irq::Id) {
        inside = local().in_service(low_vector) && !local().requested(low_vector);
        edge = !local().level_triggered(low_vector);
        done = true;
    };
    const irq::Guard guard{irq::Id{low_vector}, handler};
    send(fixed(low_vector).to(Shorthand::self));
    EXPECT_TRUE(take_until([&] { return done; }));
    EXPECT_TRUE(inside);
    EXPECT_TRUE(edge);
    EXPECT_FALSE(local().in_service(low_vector));
}

TEST(apic, every_vector, .summary = "every vector that is free is taken by its own number",
     .needs = apic)
{
    for (unsigned i = 0; i < vector::free_count; ++i) {
        const auto vector = static_cast<std::uint8_t>(vector::first_free + i);
        const CountedVector counted{vector};
        send(fixed(vector).to(Shorthand::self));
        EXPECT_TRUE(counted.wait());
        EXPECT_EQ(counted.taken(), 1);
    }
}

TEST(apic, send_illegal_vector,
     .summary = "sending a vector below 16 is an error that the ESR shows, and sends nothing",
     .needs = apic)
{
    constexpr std::uint8_t illegal = 5;
    const irq::Masked masked;
    static_cast<void>(local().take_errors());
    send(fixed(illegal).to(Shorthand::self));
    const auto errors = local().take_errors();
    // Which side notices is the model's: the sender, or the receiver, who is the same here.
    EXPECT_NE(errors[ESR::SEND_ILLEGAL_VECTOR] | errors[ESR::RECEIVED_ILLEGAL_VECTOR], 0);
    EXPECT_FALSE(local().requested(illegal));
    if (local().requested(illegal)) {
        // It would come as the exception of that number: now, where it is expected.
        static_cast<void>(arch::raised([] {
            const irq::Unmasked unmasked;
            let_pass();
        }));
        local().end();
    }
    EXPECT_EQ(local().take_errors().raw, 0);
}

TEST(apic, lvt_keeps, .summary = "the entries of the local vector table keep vector and mask",
     .needs = apic && cpus(2))
{
    smp::on_cpu(1, [] {
        const irq::Masked masked;
        const ApicRestored restored;
        for (unsigned i = 0; i < lvt_count; ++i) {
            const auto entry = static_cast<Lvt>(i);
            if (!local().has(entry)) {
                continue;
            }
            const auto value = LvtEntry{}.with(LvtEntry::MASK, 1);
            local().set_lvt(entry, value.with(LvtEntry::VECTOR, high_vector));
            EXPECT_EQ(local().lvt(entry)[LvtEntry::VECTOR], std::uint32_t{high_vector});
            EXPECT_EQ(local().lvt(entry)[LvtEntry::MASK], 1);
            local().set_lvt(entry, value.with(LvtEntry::VECTOR, low_vector));
            EXPECT_EQ(local().lvt(entry)[LvtEntry::VECTOR], std::uint32_t{low_vector});
        }
    });
}

TEST(apic, software_disable,
     .summary = "while SVR disables the APIC, every local entry is masked and stays so",
     .needs = apic && cpus(2))
{
    smp::on_cpu(1, [] {
        const irq::Masked masked;
        const ApicRestored restored;
        local().disable();
        for (const Lvt entry : {Lvt::timer, Lvt::lint0, Lvt::lint1, Lvt::error}) {
            EXPECT_EQ(local().lvt(entry)[LvtEntry::MASK], 1);
            local().set_lvt(entry, local().lvt(entry).with(LvtEntry::MASK, 0));
            EXPECT_EQ(local().lvt(entry)[LvtEntry::MASK], 1);
        }
    });
}

TEST(apic, spurious_vector, .summary = "the SVR keeps its vector and its enable",
     .needs = apic && cpus(2))
{
    smp::on_cpu(1, [] {
        const irq::Masked masked;
        const ApicRestored restored;
        for (const std::uint32_t vector : {0xefU, 0xffU}) {
            local().set_spurious(SVR{}.with(SVR::ENABLE, 1).with(SVR::VECTOR, vector));
            EXPECT_EQ(local().spurious()[SVR::VECTOR], vector);
            EXPECT_EQ(local().spurious()[SVR::ENABLE], 1);
        }
    });
}

TEST(apic, nmi_to_self, .summary = "an NMI sent to the own CPU comes in spite of masked interrupts",
     .needs = apic)
{
    std::atomic<unsigned> taken{0};
    const auto handler = [&](const arch::Frame&) { taken.fetch_add(1); };
    const ::nmi::Guard guard{handler};
    const irq::Masked masked;
    send(apic::nmi().to(local().id()));
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() != 0; }));
    let_pass();
    EXPECT_EQ(taken.load(), 1);
}

TEST(apic, nmi_to_others, .summary = "an NMI reaches every other CPU once",
     .needs = apic && cpus(2))
{
    Counts counts{};
    smp::Barrier ready{smp::online_count()};
    smp::Barrier done{smp::online_count()};
    if (smp::online_count() > max_cpus) {
        return test::skip("more than {} CPUs", max_cpus);
    }
    smp::on_all_cpus([&] {
        const unsigned self = smp::this_cpu().index;
        const auto handler = [&](const arch::Frame&) { counts[self].fetch_add(1); };
        const ::nmi::Guard guard{handler};
        ready.wait();
        if (self == 0) {
            send(apic::nmi().to(Shorthand::others));
            expect_counts(counts, [](const smp::Cpu& cpu) { return cpu.index == 0 ? 0U : 1U; });
        }
        done.wait();
    });
}

TEST(apic, nmi_in_nmi,
     .summary = "an NMI in the handler of another waits for its end; of more, one is kept",
     .needs = apic)
{
    std::atomic<unsigned> taken{0};
    unsigned depth = 0;
    unsigned deepest = 0;
    const auto handler = [&](const arch::Frame&) {
        deepest = ++depth > deepest ? depth : deepest;
        if (taken.fetch_add(1) == 0) {
            for (unsigned i = 0; i < 3; ++i) {
                static_cast<void>(local().send(apic::nmi().to(local().id())));
                let_pass();
            }
        }
        --depth;
    };
    const ::nmi::Guard guard{handler};
    send(apic::nmi().to(local().id()));
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() >= 2; }));
    let_pass();
    EXPECT_EQ(taken.load(), 2);
    EXPECT_EQ(deepest, 1);
}

TEST(apic, startup_of_a_running_cpu, .summary = "a start signal to a running CPU changes nothing",
     .needs = apic && cpus(2))
{
    for (unsigned i = 0; i < 3; ++i) {
        ASSERT_TRUE(send_startup(id_of(smp::cpus()[1]), 0x80));
        unsigned ran_on = 0;
        const auto work = [&] { ran_on = smp::this_cpu().index; };
        smp::on_cpu(1, work);
        EXPECT_EQ(ran_on, 1);
    }
}

TEST(apic, no_receiver, .summary = "an IPI to an APIC ID that nobody has, gets lost without harm",
     .needs = apic)
{
    const std::uint32_t nobody = machine_mode() == Mode::x2apic ? 0x00ff'fff0U : 0xfeU;
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (id_of(cpu) == nobody) {
            return test::skip("there is such a CPU");
        }
    }
    const CountedVector counted{low_vector};
    send(fixed(low_vector).to(nobody));
    send(fixed(low_vector).to(Shorthand::self));
    EXPECT_TRUE(counted.wait());
    let_pass();
    EXPECT_EQ(counted.taken(), 1);
}

TEST(apic, halt_wakes, .summary = "HLT behind STI ends with an interrupt that was already waiting",
     .needs = apic)
{
    const CountedVector counted{low_vector};
    for (unsigned round = 1; round <= 200; ++round) {
        const irq::Masked masked;
        send(fixed(low_vector).to(Shorthand::self));
        ASSERT_TRUE(timer::wait_until([] { return local().requested(low_vector); }));
        arch::wait_for_interrupt();
        ASSERT_EQ(counted.taken(), round);
    }
}

TEST(apic, storm,
     .summary = "interrupts from two CPUs reach a third that reprograms its APIC all the while",
     .needs = apic && cpus(3))
{
    constexpr unsigned rounds = 500;
    std::atomic<bool> stop{false};
    std::atomic<unsigned> taken{0};
    smp::Barrier ready{2};
    const auto victim = [&] {
        const auto handler = [&](irq::Id) { taken.fetch_add(1); };
        const irq::Guard low{irq::Id{low_vector}, handler};
        const irq::Guard high{irq::Id{high_vector}, handler};
        ready.wait();
        const irq::Unmasked unmasked;
        for (std::uint8_t priority = 0; !stop.load(); priority = priority == 0 ? 0xb0 : 0) {
            local().set_task_priority(priority);
            local().set_spurious(SVR{}.with(SVR::ENABLE, 1).with(SVR::VECTOR, vector::spurious));
        }
        local().set_task_priority(0);
        let_pass();
    };
    const auto sender = [&] {
        for (unsigned i = 0; i < rounds; ++i) {
            send(fixed(high_vector).to(id_of(smp::cpus()[2])));
        }
    };
    smp::Task receiving{2, victim};
    ready.wait();
    smp::Task sending{1, sender};
    for (unsigned i = 0; i < rounds; ++i) {
        send(fixed(low_vector).to(id_of(smp::cpus()[2])));
    }
    sending.wait();
    const unsigned before = taken.load();
    // One more of each still gets through.
    send(fixed(low_vector).to(id_of(smp::cpus()[2])));
    EXPECT_TRUE(timer::wait_until([&] { return taken.load() > before; }));
    stop = true;
    receiving.wait();
    EXPECT_GE(taken.load(), 2);
    EXPECT_LE(taken.load(), 2 * rounds + 1);
}
