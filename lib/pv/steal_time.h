// SPDX-License-Identifier: MIT
//
// The structure in which KVM tells a CPU how long it waited for the host, and others whether it
// does so now. The same on x86 (Linux arch/x86/include/uapi/asm/kvm_para.h, struct kvm_steal_time)
// and LoongArch.
#pragma once

#include "lib/base/register.h"
#include "lib/pv/shared.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pv {

struct Preempted : Bits<Preempted, std::uint8_t> {
    static constexpr Field VCPU_PREEMPTED{0};  // it could run, and the host runs something else
    static constexpr Field FLUSH_TLB{1};       // x86: the host flushes the TLB before it runs
};

// Zero when it is registered: the host adds.
struct alignas(64) StealTime {
    std::uint64_t steal;    // ns
    std::uint32_t version;  // lib/pv/shared.h
    std::uint32_t flags;    // 0
    std::uint8_t preempted;
    std::array<std::uint8_t, 47> padding;
};
static_assert(sizeof(StealTime) == 64);
static_assert(offsetof(StealTime, version) == 8 && offsetof(StealTime, flags) == 12);
static_assert(offsetof(StealTime, preempted) == 16);

// The time stolen so far in ns, and its version. Nothing: lib/pv/shared.h.
[[nodiscard]] inline std::optional<Versioned<std::uint64_t>> read(const StealTime& area)
{
    return read_versioned(area.version, [&] { return load(area.steal); });
}

[[nodiscard]] inline Preempted preempted(const StealTime& area)
{
    return Preempted::from(load(area.preempted));
}

// What Linux's vcpu_is_preempted() says of the CPU whose structure this is. A hint: it may be over
// when it is heard. A CPU that sleeps is not preempted.
[[nodiscard]] inline bool vcpu_is_preempted(const StealTime& area)
{
    return preempted(area)[Preempted::VCPU_PREEMPTED] != 0;
}

// In place of an IPI that flushes a TLB: the host does it when the CPU runs again. False: it is not
// preempted, and needs the IPI.
[[nodiscard]] inline bool request_flush(StealTime& area)
{
    std::uint8_t expected = Preempted{}.with(Preempted::VCPU_PREEMPTED, 1).raw;
    const std::uint8_t wanted = Preempted::from(expected).with(Preempted::FLUSH_TLB, 1).raw;
    return std::atomic_ref{area.preempted}.compare_exchange_strong(expected, wanted) ||
           expected == wanted;
}

}  // namespace pv
