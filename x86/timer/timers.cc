// SPDX-License-Identifier: MIT
#include "x86/timer/timers.h"

#include "lib/acpi/fadt.h"
#include "lib/acpi/hpet.h"
#include "lib/test/capability.h"
#include "lib/time/calibrate.h"
#include "x86/apic/controller.h"
#include "x86/platform/tables.h"

#include <arch/mmu.h>
#include <arch/timer.h>

namespace timer {

namespace {

using test::Capability;

// Higher than any, so that waits are too long and not too short until it is known.
constinit Frequency frequency{.hertz = highest_frequency, .source = "nothing yet"};

constinit std::uint64_t local_frequency = 0;
constinit std::uintptr_t hpet_address = 0;
constinit std::uint16_t pm_timer_port = 0;
constinit bool pm_timer_is_32_bits = false;

// The local APIC's timer counts this slowly as the deadline timer, 128 ticks of the bus a count, so
// that it reaches minutes.
constexpr unsigned deadline_divisor_log2 = 7;

// Of the clock's two registers it is always the newer one that is used.
alignas(64) constinit PvClockInfo clock_info{};

constexpr auto cpuid = [](std::uint32_t leaf, std::uint32_t subleaf) {
    return arch::cpuid(leaf, subleaf);
};
constexpr Leaves leaves{cpuid};

constexpr auto ordered_tsc = [] { return arch::counter(); };

// Turned on and off again: the clock itself is for the tests of KVM.
std::optional<Frequency> kvm_frequency()
{
    const auto base = leaves.kvm_base();
    if (!base || (arch::cpuid(*base + 1).eax & kvm_clock_feature) == 0) {
        return {};
    }
    const auto address = reinterpret_cast<std::uint64_t>(&clock_info);
    msr::write(MSR_KVM_SYSTEM_TIME_NEW::from(address).with(MSR_KVM_SYSTEM_TIME_NEW::ENABLE, 1));
    std::uint64_t hertz = 0;
    for (unsigned i = 0; i < 1000 && hertz == 0; ++i) {
        const volatile PvClockInfo& info = clock_info;
        const std::uint32_t version = info.version;
        const std::uint64_t read = pv_clock_frequency(info.tsc_to_system_mul, info.tsc_shift);
        if (version != 0 && version % 2 == 0 && info.version == version) {
            hertz = read;
        }
    }
    msr::write(MSR_KVM_SYSTEM_TIME_NEW{});
    if (!is_plausible(hertz)) {
        return {};
    }
    return Frequency{.hertz = hertz, .source = "kvmclock"};
}

Result<> find_hpet()
{
    const auto table = platform::acpi_table("HPET");
    if (!table) {
        return fail("no HPET table");
    }
    const auto described = acpi::Hpet::open(*table);
    if (!described) {
        return std::unexpected{described.error()};
    }
    const std::uint64_t address = described->registers.address;
    if (const auto mapped = arch::map_device({.base = address, .size = 0x400}); !mapped) {
        return mapped;
    }
    if (const auto started = Hpet{Mmio{address}}.start(); !started) {
        return started;
    }
    hpet_address = address;
    return {};
}

Result<> find_pm_timer()
{
    const auto table = platform::acpi_table("FACP");
    if (!table) {
        return fail("no FADT");
    }
    const auto fadt = acpi::Fadt::open(*table);
    if (!fadt) {
        return std::unexpected{fadt.error()};
    }
    if (fadt->hardware_reduced() || !fadt->pm_timer.there()) {
        return fail("the FADT has no power management timer");
    }
    if (fadt->pm_timer.space != acpi::GenericAddress::Space::port) {
        return fail("the power management timer is no port");
    }
    pm_timer_port = static_cast<std::uint16_t>(fadt->pm_timer.address);
    pm_timer_is_32_bits = fadt->pm_timer_is_32_bits();
    return {};
}

void offer(Capability capability, Result<> found)
{
    if (found) {
        test::offer(capability);
    } else {
        test::missing(capability, found.error().what);
    }
}

std::optional<Frequency> compare_with(const ReferenceClock& clock)
{
    const auto hertz = calibrate(clock, ordered_tsc);
    if (!hertz || !is_plausible(*hertz)) {
        return {};
    }
    return Frequency{.hertz = *hertz, .source = clock.name};
}

std::optional<Frequency> measured_frequency()
{
    if (test::has(Capability::hpet)) {
        const auto count = [] { return hpet().count(); };
        if (const auto found = compare_with({.name = "HPET",
                                             .frequency = hpet().frequency(),
                                             .mask = hpet().mask(),
                                             .count = count})) {
            return found;
        }
    }
    if (test::has(Capability::pm_timer)) {
        const auto count = [] { return pm_timer().count(); };
        if (const auto found = compare_with({.name = "PM timer",
                                             .frequency = pm_timer_frequency,
                                             .mask = pm_timer().mask(),
                                             .count = count})) {
            return found;
        }
    }
    if (test::has(Capability::pit)) {
        const auto count = [] { return pit().clock(); };
        if (const auto found = compare_with({.name = "PIT",
                                             .frequency = pit_frequency,
                                             .mask = Pit<PortIo>::clock_mask,
                                             .count = count})) {
            return found;
        }
    }
    return {};
}

std::optional<Frequency> find_frequency()
{
    if (const auto stated = stated_frequency(leaves)) {
        return stated;
    }
    if (const auto told = kvm_frequency()) {
        return told;
    }
    if (const auto measured = measured_frequency()) {
        return measured;
    }
    return nominal_frequency(leaves);
}

// By the counter, whose frequency is known now.
std::uint64_t measure_local_timer()
{
    const apic::Local local = apic::local();
    local.set_timer_mode(apic::TimerMode::one_shot, apic::vector::of(apic::Lvt::timer), true);
    local.set_timer_divisor(0);
    constexpr std::uint64_t most = 0xffff'ffff;
    local.set_timer_count(most);
    const auto counted = [&] { return most - local.timer_count(); };
    const ReferenceClock clock{.name = "TSC",
                               .frequency = frequency.hertz,
                               .mask = ~std::uint64_t{0},
                               .count = ordered_tsc};
    const auto hertz = calibrate(clock, counted);
    local.set_timer_count(0);
    return hertz.value_or(0);
}

bool uses_tsc_deadline()
{
    return test::has(Capability::tsc_deadline);
}

void find_deadline_timer()
{
    constexpr std::uint32_t tsc_deadline_feature = 1U << 24;
    constexpr std::uint32_t tsc_adjust_feature = 1U << 1;
    const bool has_apic = test::has(Capability::apic);
    offer(Capability::tsc_deadline, !has_apic ? fail("no local APIC")
                                    : (arch::cpuid(1).ecx & tsc_deadline_feature) == 0
                                        ? fail("CPUID has no TSC-deadline mode")
                                        : Result<>{});
    const auto extended = leaves.get(7);
    offer(Capability::tsc_adjust, extended && (extended->ebx & tsc_adjust_feature) != 0
                                      ? Result<>{}
                                      : fail("CPUID has no IA32_TSC_ADJUST"));
    if (has_apic && !uses_tsc_deadline()) {
        local_frequency = measure_local_timer();
    }
}

}  // namespace

std::uint64_t read_tsc()
{
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return std::uint64_t{high} << 32 | low;
}

const char* frequency_source()
{
    return frequency.source;
}

std::uint64_t local_timer_frequency()
{
    return local_frequency;
}

Hpet<Mmio> hpet()
{
    return Hpet{Mmio{hpet_address}};
}

PmTimer<PortIo> pm_timer()
{
    return {PortIo{pm_timer_port}, pm_timer_is_32_bits};
}

}  // namespace timer

namespace arch {

Result<> discover_timers(const boot::Info&)
{
    using namespace timer;
    offer(Capability::hpet, find_hpet());
    offer(Capability::pm_timer, find_pm_timer());
    offer(Capability::pit, pit().there() ? Result<>{} : fail("no 8254 keeps a mode"));
    offer(Capability::rtc, rtc().there() ? Result<>{} : fail("no MC146818 says that it runs"));
    const auto found = find_frequency();
    if (found) {
        frequency = *found;
    }
    find_deadline_timer();
    if (!found) {
        return fail("nothing tells the frequency of the TSC: it is taken for 10 GHz");
    }
    return {};
}

// LFENCE: RDTSC waits until everything before it is done (SDM volume 2, "RDTSC").
std::uint64_t counter()
{
    asm volatile("lfence" ::: "memory");
    return timer::read_tsc();
}

std::uint64_t counter_frequency()
{
    return timer::frequency.hertz;
}

Result<irq::Id> deadline_timer_irq()
{
    if (!timer::uses_tsc_deadline() && timer::local_frequency == 0) {
        return fail("the local APIC has no timer whose frequency is known");
    }
    return irq::Id{apic::vector::of(apic::Lvt::timer)};
}

void set_deadline(std::uint64_t counter_value)
{
    using namespace apic;
    const Local local = apic::local();
    const auto entry = local.lvt(Lvt::timer).with(LvtEntry::VECTOR, vector::of(Lvt::timer));
    const auto mode = timer::uses_tsc_deadline() ? TimerMode::tsc_deadline : TimerMode::one_shot;
    local.set_lvt(Lvt::timer, entry.with(LvtEntry::TIMER_MODE, static_cast<std::uint64_t>(mode)));
    if (mode == TimerMode::tsc_deadline) {
        // The mode is set before the deadline is (SDM volume 3, "TSC-Deadline Mode").
        asm volatile("mfence" ::: "memory");
        msr::write(timer::IA32_TSC_DEADLINE::from(counter_value));
        return;
    }
    const std::uint64_t now = counter();
    const std::uint64_t remaining = counter_value > now ? counter_value - now : 0;
    const std::uint64_t rate = timer::local_frequency >> timer::deadline_divisor_log2;
    const std::uint64_t count = remaining / timer::frequency.hertz * rate +
                                remaining % timer::frequency.hertz * rate / timer::frequency.hertz;
    local.set_timer_divisor(timer::deadline_divisor_log2);
    // At least one tick: 0 would stop it. A deadline that is too far away is none.
    local.set_timer_count(count >= 0xffff'ffff ? 0 : static_cast<std::uint32_t>(count + 1));
}

void cancel_deadline()
{
    if (timer::uses_tsc_deadline()) {
        msr::write(timer::IA32_TSC_DEADLINE{});
    } else {
        apic::local().set_timer_count(0);
    }
}

}  // namespace arch
