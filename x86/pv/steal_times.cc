// SPDX-License-Identifier: MIT
#include "x86/pv/steal_times.h"

#include "lib/smp/smp.h"
#include "x86/pv/registers.h"

#include <utility>

namespace pv {

StealTimes::StealTimes()
{
    auto pages = mem::allocate(smp::cpus().size() * sizeof(StealTime));
    if (!pages) {
        return;
    }
    pages_ = std::move(*pages);
    pages_.zero();
    smp::on_all_cpus([this] {
        const auto address = reinterpret_cast<std::uintptr_t>(&(*this)[smp::this_cpu().index]);
        msr::write(enabled_at<MSR_KVM_STEAL_TIME>(address));
    });
}

StealTimes::~StealTimes()
{
    if (ready()) {
        smp::on_all_cpus([] { msr::write(MSR_KVM_STEAL_TIME{}); });
    }
}

}  // namespace pv
