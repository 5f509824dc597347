// SPDX-License-Identifier: MIT
//
// The steal time of all CPUs, for a scope: what a workload asks how long CPUs waited for the host
// and who waits now.
#pragma once

#include "lib/mem/memory.h"
#include "lib/pv/steal_time.h"

#include <cstdint>

namespace pv {

class StealTimes {
public:
    // Registers a structure for every online CPU. Needs the capability steal_time.
    StealTimes();
    ~StealTimes();
    StealTimes(const StealTimes&) = delete;
    StealTimes& operator=(const StealTimes&) = delete;

    // There was memory for them.
    [[nodiscard]] bool ready() const { return pages_.size() != 0; }

    [[nodiscard]] StealTime& operator[](unsigned cpu) const
    {
        return reinterpret_cast<StealTime*>(pages_.data())[cpu];
    }
    // Stolen so far, in ns; 0 where the structure does not stand still.
    [[nodiscard]] std::uint64_t stolen(unsigned cpu) const
    {
        const auto reading = read((*this)[cpu]);
        return reading ? reading->value : 0;
    }
    [[nodiscard]] bool vcpu_is_preempted(unsigned cpu) const
    {
        return pv::vcpu_is_preempted((*this)[cpu]);
    }

private:
    mem::Pages pages_;
};

}  // namespace pv
