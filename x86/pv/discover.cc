// SPDX-License-Identifier: MIT
#include "x86/pv/discover.h"

#include "lib/test/capability.h"
#include "x86/cpu/hypervisor.h"

#include <arch/cpuid.h>

#include <algorithm>
#include <array>

namespace pv {

namespace {

using test::Capability;

struct Offer {
    Capability capability;
    Field feature;
    const char* reason;
};
constexpr Offer offers[]{
    {Capability::pv_clock, Features::CLOCKSOURCE2, "KVM does not offer CLOCKSOURCE2"},
    {Capability::steal_time, Features::STEAL_TIME, "KVM does not offer STEAL_TIME"},
    {Capability::pv_eoi, Features::PV_EOI, "KVM does not offer PV_EOI"},
    {Capability::pv_unhalt, Features::PV_UNHALT, "KVM does not offer PV_UNHALT"},
    {Capability::pv_send_ipi, Features::PV_SEND_IPI, "KVM does not offer PV_SEND_IPI"},
    {Capability::pv_sched_yield, Features::PV_SCHED_YIELD, "KVM does not offer PV_SCHED_YIELD"},
    {Capability::async_pf, Features::ASYNC_PF, "KVM does not offer ASYNC_PF"},
    {Capability::poll_control, Features::POLL_CONTROL, "KVM does not offer POLL_CONTROL"},
};

// "no KVM signature in CPUID, the hypervisor is TCGTCGTCGTCG", NUL-terminated.
constinit std::array<char, 80> no_kvm{};

const char* reason_without_kvm()
{
    TextBuffer<no_kvm.size() - 1> text;
    format_to(text, "no KVM signature in CPUID");
    if (hypervisor::present()) {
        format_to(text, ", the hypervisor is {}", hypervisor::name());
    }
    std::ranges::copy(text.text(), no_kvm.begin());
    return no_kvm.data();
}

}  // namespace

std::optional<Leaves> leaves()
{
    return find_leaves([](std::uint32_t leaf) { return arch::cpuid(leaf); });
}

void discover()
{
    const auto found = leaves();
    const char* const reason = found ? nullptr : reason_without_kvm();
    if (found) {
        test::offer(Capability::kvm);
    } else {
        test::missing(Capability::kvm, reason);
    }
    for (const Offer& offer : offers) {
        if (found && found->features[offer.feature] != 0) {
            test::offer(offer.capability);
        } else {
            test::missing(offer.capability, found ? offer.reason : reason);
        }
    }
}

}  // namespace pv
