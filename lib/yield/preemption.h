// SPDX-License-Identifier: MIT
//
// What a hypervisor tells its guest about CPUs that it does not run: steal time and the preempted
// flag. Whoever finds such an interface at boot offers it; what nobody offered is not there.
#pragma once

#include <cstdint>

namespace yield {

// Both may be asked on any CPU about any CPU (its index in smp::cpus()). Null: not offered.
struct PreemptionHints {
    // Nanoseconds in which the CPU could have run and did not run, counted from any moment.
    // Never less than before; time asleep does not count.
    std::uint64_t (*steal_ns)(unsigned cpu) = nullptr;
    // Whether the host took the CPU away while it had something to do. A hint: may be out of date
    // as soon as it is read, except that a CPU never finds itself preempted.
    bool (*is_preempted)(unsigned cpu) = nullptr;
};

// Before the first test, on the boot CPU; every CPU is registered with the hypervisor by then.
void offer_hints(const PreemptionHints& hints);
[[nodiscard]] const PreemptionHints& hints();

}  // namespace yield
