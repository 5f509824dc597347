// SPDX-License-Identifier: MIT
//
// Steal time, and the flag that says who waits for the host. Linux
// Documentation/virt/kvm/x86/msr.rst, MSR_KVM_STEAL_TIME.

#include "lib/pv/steal_time.h"
#include "tests/support/x86/pv.h"
#include "x86/pv/discover.h"
#include "x86/pv/steal_times.h"

#include <arch/timer.h>

#include <array>
#include <atomic>

using namespace pv;

namespace {

using StealGuard = RegisterGuard<MSR_KVM_STEAL_TIME>;

constexpr std::uint64_t nanoseconds_per_microsecond = 1000;

MSR_KVM_STEAL_TIME steal_at(StealTime& area)
{
    return enabled_at<MSR_KVM_STEAL_TIME>(address_of(area));
}

// Registers structures for CPU 1, which is idle otherwise; the last one until the end of a scope.
class Cpu1Registration {
public:
    explicit Cpu1Registration(StealTime& area) { move_to(area); }
    ~Cpu1Registration()
    {
        smp::on_cpu(1, [] { msr::write(MSR_KVM_STEAL_TIME{}); });
    }
    Cpu1Registration(const Cpu1Registration&) = delete;
    Cpu1Registration& operator=(const Cpu1Registration&) = delete;

    static void move_to(StealTime& area)
    {
        smp::on_cpu(1, [&] { msr::write(steal_at(area)); });
    }
};

// The host fills a structure that is new to it when it next comes to it.
bool filled(const StealTime& area)
{
    return timer::wait_until([&] { return load(area.version) != 0; });
}

// As the calling CPU sees its own.
Versioned<std::uint64_t> read_own(const StealTime& area)
{
    const auto reading = read(area);
    EXPECT_TRUE(reading);
    return reading.value_or(Versioned<std::uint64_t>{});
}

Versioned<std::uint64_t> read_on_cpu1(const StealTime& area)
{
    Versioned<std::uint64_t> reading{};
    smp::on_cpu(1, [&] { reading = read_own(area); });
    return reading;
}

// Waits until CPU 1 has slept and the host has told its steal time since `version`.
bool wait_for_update(const StealTime& area, std::uint32_t version)
{
    return timer::wait_until([&] {
        let_cpu1_sleep();
        return read_on_cpu1(area).version != version;
    });
}

std::uint64_t to_nanoseconds(timer::Ticks ticks)
{
    return timer::to_microseconds(ticks) * nanoseconds_per_microsecond;
}

}  // namespace

TEST(
    pv, steal_registers,
    .summary = "each CPU registers its structure, reads the value back, and the host has filled it",
    .needs = steal_time)
{
    smp::on_all_cpus([] {
        StealTime area{};
        const StealGuard guard{steal_at(area)};
        EXPECT_EQ(msr::read<MSR_KVM_STEAL_TIME>().raw, steal_at(area).raw);
        ASSERT_TRUE(filled(area));
        EXPECT_EQ(read_own(area).version % 2, 0);
        EXPECT_EQ(load(area.flags), 0);
        for (const std::uint8_t& byte : area.padding) {
            EXPECT_EQ(load(byte), 0);
        }
    });
}

TEST(pv, steal_reserved_bits,
     .summary = "an address that is no multiple of 64 raises #GP: bits 1 to 5 are reserved; "
                "what was registered stays",
     .needs = steal_time)
{
    StealTime area{};
    const StealGuard guard{steal_at(area)};
    constexpr Field reserved = MSR_KVM_STEAL_TIME::RESERVED;
    test::Items items{reserved.high - reserved.low + 1};
    for (unsigned bit = reserved.low; bit <= reserved.high; ++bit) {
        TextBuffer<8> name;
        format_to(name, "bit {}", bit);
        items.run(name.text(), [&] {
            const std::uint64_t wrong = steal_at(area).raw | std::uint64_t{1} << bit;
            EXPECT_TRUE(write_is_refused(MSR_KVM_STEAL_TIME::index, wrong));
            EXPECT_TRUE(write_is_refused(MSR_KVM_STEAL_TIME::index, wrong & ~std::uint64_t{1}));
            EXPECT_EQ(msr::read<MSR_KVM_STEAL_TIME>().raw, steal_at(area).raw);
        });
    }
}

TEST(pv, steal_refused_registration_stays,
     .summary = "after a refused registration the old structure is still updated",
     .needs = steal_time && cpus(2))
{
    const StealTimes times;
    ASSERT_TRUE(times.ready());
    smp::on_cpu(1, [&] {
        EXPECT_TRUE(write_is_refused(MSR_KVM_STEAL_TIME::index, steal_at(times[1]).raw | 0x20));
    });
    EXPECT_TRUE(wait_for_update(times[1], read_on_cpu1(times[1]).version));
}

TEST(pv, steal_monotonic,
     .summary = "steal time never goes back, and versions only go on, by even steps",
     .needs = steal_time)
{
    smp::on_all_cpus([] {
        StealTime area{};
        const StealGuard guard{steal_at(area)};
        auto last = read_own(area);
        unsigned steps_back = 0;
        unsigned odd = 0;
        const timer::Ticks start = timer::now();
        while (timer::now() - start < timer::milliseconds(40)) {
            const auto now = read(area);
            if (!now) {
                ++odd;
                continue;
            }
            steps_back += now->value < last.value ? 1 : 0;
            // Of a count that wraps.
            steps_back += now->version - last.version > 0x8000'0000U ? 1 : 0;
            odd += now->version % 2;
            last = *now;
        }
        EXPECT_EQ(steps_back, 0);
        EXPECT_EQ(odd, 0);
        EXPECT_EQ(load(area.flags), 0);
    });
}

TEST(pv, steal_plausible,
     .summary = "no CPU loses more time than passes, and one that slept did not lose it all",
     .needs = steal_time && cpus(2))
{
    const StealTimes times;
    ASSERT_TRUE(times.ready());
    constexpr std::uint64_t tolerance = 2'000'000;
    test::Items items{2};
    for (const bool asleep : {false, true}) {
        items.run(asleep ? "asleep" : "busy", [&] {
            std::uint64_t before = 0;
            const timer::Ticks start = timer::now();
            smp::on_cpu(1, [&] { before = read_own(times[1]).value; });
            if (asleep) {
                timer::delay(timer::milliseconds(100));
            } else {
                smp::on_cpu(1, [] { timer::delay(timer::milliseconds(100)); });
            }
            const std::uint64_t stolen = read_on_cpu1(times[1]).value - before;
            const std::uint64_t passed = to_nanoseconds(timer::now() - start);
            test::item_value("{} of {} us stolen", stolen / 1000, passed / 1000);
            EXPECT_LE(stolen, passed + tolerance);
            if (asleep) {
                EXPECT_LT(stolen, passed / 10 * 9);
            }
        });
    }
}

TEST(pv, steal_updates, .summary = "the host tells the steal time each time it lets a CPU run",
     .needs = steal_time && cpus(2))
{
    const StealTimes times;
    ASSERT_TRUE(times.ready());
    std::uint32_t version = read_on_cpu1(times[1]).version;
    for (unsigned round = 0; round < 5; ++round) {
        ASSERT_TRUE(wait_for_update(times[1], version));
        const std::uint32_t next = read_on_cpu1(times[1]).version;
        EXPECT_EQ((next - version) % 2, 0);
        version = next;
    }
}

TEST(pv, steal_moves,
     .summary =
         "registered elsewhere, the steal time is told there, and the old place is left alone",
     .needs = steal_time && cpus(2))
{
    StealTime old_area{};
    StealTime new_area{};
    const Cpu1Registration registration{old_area};
    smp::on_cpu(1, [&] { EXPECT_TRUE(filled(old_area)); });
    Cpu1Registration::move_to(new_area);
    const Snapshot left{old_area};
    EXPECT_TRUE(wait_for_update(new_area, read_on_cpu1(new_area).version));
    EXPECT_TRUE(left.same());
}

TEST(pv, steal_disabled, .summary = "a structure that is not registered is not written any more",
     .needs = steal_time && cpus(2))
{
    StealTime area{};
    smp::on_cpu(1, [&] {
        const StealGuard guard{steal_at(area)};
        EXPECT_TRUE(filled(area));
    });
    const Snapshot left{area};
    for (unsigned i = 0; i < 5; ++i) {
        let_cpu1_sleep();
    }
    EXPECT_TRUE(left.same());
}

TEST(pv, steal_own_structure, .summary = "each CPU's structure is told of that CPU alone",
     .needs = steal_time && cpus(2))
{
    StealTime area{};
    const Cpu1Registration registration{area};
    // CPU 1 is idle: what happens to CPU 0 meanwhile is none of its business.
    timer::delay(timer::milliseconds(5));
    const Snapshot idle{area};
    {
        StealTime own{};
        const StealGuard guard{steal_at(own)};
        EXPECT_TRUE(filled(own));
        timer::delay(timer::milliseconds(20));
    }
    EXPECT_TRUE(idle.same());
}

TEST(pv, steal_keeps_to_its_place,
     .summary = "the host writes nothing around the structure, at the end of a page either",
     .needs = steal_time && cpus(2))
{
    for (const std::size_t offset : {std::size_t{0x40}, mem::page_size - sizeof(StealTime)}) {
        HostMemory memory;
        ASSERT_TRUE(memory.ready());
        auto& area = memory.place<StealTime>(offset);
        const Cpu1Registration registration{area};
        EXPECT_TRUE(wait_for_update(area, read_on_cpu1(area).version));
        EXPECT_TRUE(memory.untouched_around(area));
    }
}

TEST(pv, steal_outside_ram,
     .summary = "a registration where there is no memory does no harm, and the next one works",
     .needs = steal_time && cpus(2))
{
    constexpr std::uint64_t nowhere = std::uint64_t{1} << 38;
    if (mem::is_ram(nowhere, sizeof(StealTime))) {
        return test::skip("there is RAM at {:#x}", nowhere);
    }
    smp::on_cpu(1,
                [&] { static_cast<void>(msr::try_write(MSR_KVM_STEAL_TIME::index, nowhere | 1)); });
    let_cpu1_sleep();
    StealTime area{};
    const Cpu1Registration registration{area};
    EXPECT_TRUE(wait_for_update(area, read_on_cpu1(area).version));
}

TEST(pv, preempted_is_clear_while_running,
     .summary = "a CPU that looks at its own preempted flag finds it clear", .needs = steal_time)
{
    smp::on_all_cpus([] {
        StealTime area{};
        const StealGuard guard{steal_at(area)};
        unsigned set = 0;
        const timer::Ticks start = timer::now();
        while (timer::now() - start < timer::milliseconds(40)) {
            set += load(area.preempted) != 0 ? 1 : 0;
        }
        EXPECT_EQ(set, 0);
    });
}

TEST(pv, preempted_is_cleared,
     .summary = "what stands in the preempted byte is cleared when the host lets the CPU run",
     .needs = steal_time && cpus(2))
{
    const StealTimes times;
    ASSERT_TRUE(times.ready());
    const bool flush = leaves()->features[Features::PV_TLB_FLUSH] != 0;
    const Preempted preempted = Preempted{}.with(Preempted::VCPU_PREEMPTED, 1);
    const Preempted with_flush = preempted.with(Preempted::FLUSH_TLB, 1);
    test::Items items{2};
    for (const Preempted value : {preempted, with_flush}) {
        items.run(value == preempted ? "VCPU_PREEMPTED" : "VCPU_PREEMPTED and FLUSH_TLB", [&] {
            if (value == with_flush && !flush) {
                return test::skip("KVM does not offer PV_TLB_FLUSH");
            }
            std::uint32_t version = 0;
            smp::on_cpu(1, [&] {
                version = read_own(times[1]).version;
                store(times[1].preempted, value.raw);
            });
            ASSERT_TRUE(wait_for_update(times[1], version));
            smp::on_cpu(1, [&] { EXPECT_EQ(load(times[1].preempted), 0); });
        });
    }
}

TEST(pv, preempted_is_not_asleep, .summary = "a CPU that halts is not called preempted",
     .needs = steal_time && cpus(2))
{
    const StealTimes times;
    ASSERT_TRUE(times.ready());
    timer::delay(timer::milliseconds(5));
    std::uint64_t looks = 0;
    std::uint64_t preempted = 0;
    const timer::Ticks start = timer::now();
    while (timer::now() - start < timer::milliseconds(40)) {
        ++looks;
        preempted += times.vcpu_is_preempted(1) ? 1 : 0;
    }
    test::note("preempted in {} of {} looks", preempted, looks);
    EXPECT_LT(preempted, looks / 2);
}

// Between two looks that find the flag set under the same version, the CPU has not run.
TEST(pv, preempted_does_not_run,
     .summary = "a CPU that is called preempted makes no progress until it is not",
     .needs = steal_time && cpus(2))
{
    const StealTimes times;
    ASSERT_TRUE(times.ready());
    alignas(64) std::atomic<std::uint64_t> progress{0};
    std::atomic<bool> end{false};
    const auto work = [&] {
        while (!end.load(std::memory_order_relaxed)) {
            progress.fetch_add(1);
        }
    };
    std::uint64_t seen = 0;
    std::uint64_t moved = 0;
    {
        const smp::Task task{1, work};
        const timer::Ticks start = timer::now();
        while (timer::now() - start < timer::milliseconds(300)) {
            const std::uint32_t version = load(times[1].version);
            if (!times.vcpu_is_preempted(1)) {
                continue;
            }
            const std::uint64_t before = progress.load();
            timer::delay(timer::microseconds(5));
            const std::uint64_t after = progress.load();
            if (times.vcpu_is_preempted(1) && load(times[1].version) == version) {
                ++seen;
                moved += after != before ? 1 : 0;
            }
        }
        end = true;
    }
    if (seen == 0) {
        return test::skip("CPU 1 was never preempted while CPU 0 looked");
    }
    test::note("seen {} times", seen);
    EXPECT_EQ(moved, 0);
}
