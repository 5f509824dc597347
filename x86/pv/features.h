// SPDX-License-Identifier: MIT
//
// What KVM says of itself by CPUID: Linux Documentation/virt/kvm/x86/cpuid.rst.
#pragma once

#include "lib/base/register.h"

#include <arch/cpuid.h>

#include <cstdint>
#include <optional>

namespace pv {

// EAX of the second leaf.
struct Features : Bits<Features, std::uint32_t> {
    static constexpr Field CLOCKSOURCE{0};  // the clock by its old registers
    static constexpr Field NOP_IO_DELAY{1};
    static constexpr Field CLOCKSOURCE2{3};
    static constexpr Field ASYNC_PF{4};
    static constexpr Field STEAL_TIME{5};
    static constexpr Field PV_EOI{6};
    static constexpr Field PV_UNHALT{7};
    static constexpr Field PV_TLB_FLUSH{9};
    static constexpr Field ASYNC_PF_VMEXIT{10};
    static constexpr Field PV_SEND_IPI{11};
    static constexpr Field POLL_CONTROL{12};
    static constexpr Field PV_SCHED_YIELD{13};
    static constexpr Field ASYNC_PF_INT{14};
    static constexpr Field MSI_EXT_DEST_ID{15};
    static constexpr Field HC_MAP_GPA_RANGE{16};
    static constexpr Field MIGRATION_CONTROL{17};
    static constexpr Field CLOCKSOURCE_STABLE{24};
};
// EDX of the second leaf.
struct Hints : Bits<Hints, std::uint32_t> {
    static constexpr Field REALTIME{0};  // CPUs are never preempted for long
};

inline constexpr std::uint32_t first_hypervisor_leaf = 0x4000'0000;
inline constexpr std::uint32_t end_of_hypervisor_leaves = 0x4001'0000;
inline constexpr std::uint32_t leaf_step = 0x100;  // from one hypervisor's leaves to the next's

[[nodiscard]] constexpr bool is_kvm_signature(const arch::CpuidResult& leaf)
{
    return leaf.ebx == 0x4b4d'564b && leaf.ecx == 0x564b'4d56 && leaf.edx == 0x4d;  // KVMKVMKVM
}

// KVM's leaves.
struct Leaves {
    std::uint32_t base;     // not the first one where it shows those of another hypervisor, too
    std::uint32_t highest;  // early KVM says 0 and has one more leaf
    Features features;
    Hints hints;
    friend constexpr bool operator==(const Leaves&, const Leaves&) = default;
};

// Calls `visit` with the base of every run of leaves that begins with KVM's signature. `cpuid` is
// called with a leaf.
template <typename Cpuid, typename Visit>
void for_each_kvm_base(Cpuid cpuid, Visit visit)
{
    constexpr std::uint32_t hypervisor_present = 1U << 31;
    if ((cpuid(1).ecx & hypervisor_present) == 0) {
        return;
    }
    for (std::uint32_t base = first_hypervisor_leaf; base < end_of_hypervisor_leaves;
         base += leaf_step) {
        if (is_kvm_signature(cpuid(base))) {
            visit(base);
        }
    }
}

// Nothing: no KVM, or one that does not want to be known.
template <typename Cpuid>
[[nodiscard]] std::optional<Leaves> find_leaves(Cpuid cpuid)
{
    std::optional<Leaves> found;
    for_each_kvm_base(cpuid, [&](std::uint32_t base) {
        if (found) {
            return;
        }
        const std::uint32_t highest = cpuid(base).eax;
        const arch::CpuidResult features = cpuid(base + 1);
        found = Leaves{.base = base,
                       .highest = highest == 0 ? base + 1 : highest,
                       .features = Features::from(features.eax),
                       .hints = Hints::from(features.edx)};
    });
    return found;
}

}  // namespace pv
