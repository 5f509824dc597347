// SPDX-License-Identifier: MIT
//
// The time stamp counter: its registers, and what the machine says about its frequency. Intel SDM
// volume 3, "Time-Stamp Counter"; CPUID leaves: volume 2, "CPUID".
#pragma once

#include "lib/base/result.h"
#include "x86/cpu/msr.h"

#include <arch/cpuid.h>

#include <array>
#include <cstdint>
#include <optional>

namespace timer {

struct IA32_TIME_STAMP_COUNTER : Msr<IA32_TIME_STAMP_COUNTER, 0x10> {};
// Follows writes of the counter: the counter is that of the reset plus this.
struct IA32_TSC_ADJUST : Msr<IA32_TSC_ADJUST, 0x3b> {};
// In the timer's TSC-deadline mode: the count at which it fires; 0 and afterwards: not armed.
struct IA32_TSC_DEADLINE : Msr<IA32_TSC_DEADLINE, 0x6e0> {};

// What a frequency has to be to be believed.
inline constexpr std::uint64_t lowest_frequency = 100'000'000;
inline constexpr std::uint64_t highest_frequency = 10'000'000'000;

[[nodiscard]] constexpr bool is_plausible(std::uint64_t frequency)
{
    return frequency >= lowest_frequency && frequency <= highest_frequency;
}

// CPUID as it is to be asked: a leaf beyond the maximum shows another leaf's data or nothing (SDM
// volume 2, "CPUID").
template <typename Cpuid>
class Leaves {
public:
    constexpr explicit Leaves(Cpuid cpuid) : cpuid_{cpuid} {}

    // Nothing: the CPU has no such leaf.
    [[nodiscard]] std::optional<arch::CpuidResult> get(std::uint32_t leaf) const
    {
        const std::uint32_t first = leaf & 0xc000'0000;
        if (first == hypervisor_base && !has_hypervisor()) {
            return {};
        }
        const std::uint32_t last = cpuid_(first, 0).eax;
        // Early KVM says 0 and means its one leaf of features.
        const bool old = first == hypervisor_base && last == 0;
        if (leaf > (old ? hypervisor_base + 1 : last)) {
            return {};
        }
        return cpuid_(leaf, 0);
    }

    // Where KVM's leaves begin: behind those of Hyper-V when it has them, too.
    [[nodiscard]] std::optional<std::uint32_t> kvm_base() const
    {
        for (std::uint32_t base = hypervisor_base;
             has_hypervisor() && base < hypervisor_base + 0x1'0000; base += 0x100) {
            const auto found = cpuid_(base, 0);
            if (found.ebx == 0x4b4d'564b && found.ecx == 0x564b'4d56 && found.edx == 0x4d) {
                return base;
            }
        }
        return {};
    }

private:
    static constexpr std::uint32_t hypervisor_base = 0x4000'0000;

    [[nodiscard]] bool has_hypervisor() const { return (cpuid_(1, 0).ecx & 1U << 31) != 0; }

    Cpuid cpuid_;
};

// A frequency in Hz and who says so.
struct Frequency {
    std::uint64_t hertz;
    const char* source;
};

// What CPUID says exactly: the crystal of leaf 0x15, or a hypervisor's leaf of frequencies.
template <typename Cpuid>
[[nodiscard]] std::optional<Frequency> stated_frequency(const Leaves<Cpuid>& leaves)
{
    if (const auto ratio = leaves.get(0x15); ratio && ratio->eax != 0 && ratio->ebx != 0) {
        const std::uint64_t hertz = std::uint64_t{ratio->ecx} * ratio->ebx / ratio->eax;
        if (is_plausible(hertz)) {
            return Frequency{.hertz = hertz, .source = "CPUID 0x15"};
        }
    }
    if (const auto rates = leaves.get(0x4000'0010)) {
        const std::uint64_t hertz = std::uint64_t{rates->eax} * 1000;
        if (is_plausible(hertz)) {
            return Frequency{.hertz = hertz, .source = "CPUID 0x40000010"};
        }
    }
    return {};
}

// The base frequency of leaf 0x16: that of the data sheet, which is only near the truth.
template <typename Cpuid>
[[nodiscard]] std::optional<Frequency> nominal_frequency(const Leaves<Cpuid>& leaves)
{
    const auto base = leaves.get(0x16);
    const std::uint64_t hertz = base ? std::uint64_t{base->eax & 0xffffU} * 1'000'000 : 0;
    if (!is_plausible(hertz)) {
        return {};
    }
    return Frequency{.hertz = hertz, .source = "CPUID 0x16"};
}

// KVM's clock (Linux Documentation/virt/kvm/x86/msr.rst): where it says how ticks become time.
struct MSR_KVM_SYSTEM_TIME_NEW : Msr<MSR_KVM_SYSTEM_TIME_NEW, 0x4b56'4d01> {
    static constexpr Field ADDRESS{63, 2};
    static constexpr Field ENABLE{0};
};
inline constexpr std::uint32_t kvm_clock_feature = 1U << 3;  // EAX of the leaf of features

struct alignas(64) PvClockInfo {
    std::uint32_t version;  // odd while it changes
    std::uint32_t padding;
    std::uint64_t tsc_timestamp;
    std::uint64_t system_time;
    std::uint32_t tsc_to_system_mul;
    std::int8_t tsc_shift;
    std::uint8_t flags;
    std::array<std::uint8_t, 2> padding2;
};

// ns = (ticks shifted left by `shift`) * mul / 2^32.
[[nodiscard]] constexpr std::uint64_t pv_clock_frequency(std::uint32_t mul, std::int8_t shift)
{
    if (mul == 0 || shift <= -32 || shift >= 32) {
        return 0;
    }
    const std::uint64_t shifted = (std::uint64_t{1'000'000'000} << 32) / mul;
    return shift >= 0 ? shifted >> shift : shifted << -shift;
}

}  // namespace timer
