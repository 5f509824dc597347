// SPDX-License-Identifier: MIT
//
// Capabilities: what a machine may offer and a test may need, by name.
//
// Whoever looks for a thing at boot says what came of it: offer() when it is there, missing() with
// what was found instead when it is not. What nobody spoke of is "not looked for".
#pragma once

#include "lib/base/format.h"

#include <cstdint>
#include <string_view>

// Name, and what it is: the skip reason where nothing more exact was said.
// Beside these there is cpus(n): at least n online CPUs.
#define ASSAY_CAPABILITIES(X)                                        \
    X(ipi, "inter-processor interrupts")                             \
    X(irq, "an interrupt controller with a driver")                  \
    X(psci, "PSCI 0.2 or later")                                     \
    X(gicv2, "GICv2")                                                \
    X(gicv3, "GICv3 or GICv4 with system registers")                 \
    X(gicv5, "GICv5 CPU interface")                                  \
    X(gicv5_irs, "GICv5 interrupt routing service")                  \
    X(gicv5_spi, "GICv5 SPIs")                                       \
    X(gicv5_lpi, "GICv5 LPIs")                                       \
    X(gicv5_setlpi, "GICv5 SETLPI frame")                            \
    X(gicv5_one_n, "GICv5 1-of-N targeting")                         \
    X(gicv5_its, "GICv5 interrupt translation service")              \
    X(gicv5_iwb, "GICv5 interrupt wire bridge")                      \
    X(nmi, "FEAT_NMI")                                               \
    X(kvm, "KVM")                                                    \
    X(edu, "QEMU's edu PCI device")                                  \
    X(timer_virt, "EL1 virtual timer with an interrupt")             \
    X(timer_phys, "EL1 physical timer with an interrupt")            \
    X(el2, "tests run at EL2 (VHE)")                                 \
    X(aarch32_el0, "AArch32 state at EL0")                           \
    X(pmu, "PMUv3")                                                  \
    X(apic, "a local APIC")                                          \
    X(x2apic, "x2APIC mode")                                         \
    X(ioapic, "an I/O APIC")                                         \
    X(pic, "two 8259 interrupt controllers")                         \
    X(acpi, "ACPI tables")                                           \
    X(mp_table, "an MP table")                                       \
    X(tsc_deadline, "the TSC-deadline mode of the local APIC timer") \
    X(tsc_adjust, "IA32_TSC_ADJUST")                                 \
    X(hpet, "an HPET")                                               \
    X(pm_timer, "an ACPI power management timer")                    \
    X(pit, "an 8254 interval timer")                                 \
    X(rtc, "a CMOS real-time clock")                                 \
    X(pv_clock, "KVM's clock")                                       \
    X(steal_time, "KVM's steal time")                                \
    X(pv_eoi, "KVM's end of interrupt in memory")                    \
    X(pv_unhalt, "KVM's KICK_CPU")                                   \
    X(pv_send_ipi, "KVM's SEND_IPI")                                 \
    X(pv_sched_yield, "KVM's SCHED_YIELD")                           \
    X(async_pf, "KVM's asynchronous page faults")                    \
    X(poll_control, "KVM's POLL_CONTROL")                            \
    X(initrd, "an initial RAM disk")                                 \
    X(device_tree, "a device tree")

namespace test {

enum class Capability : std::uint8_t {
    cpus,
#define ASSAY_CAPABILITY_ENUM(name, text) name,
    ASSAY_CAPABILITIES(ASSAY_CAPABILITY_ENUM)
#undef ASSAY_CAPABILITY_ENUM
        count
};

// `amount` is for counted capabilities (cpus), otherwise 1. `reason` is a static string:
// "no arm,gic-v3 node".
void offer(Capability capability, unsigned amount = 1);
void missing(Capability capability, const char* reason);

// How much of it there is; 0 when it is missing.
[[nodiscard]] unsigned amount(Capability capability);
[[nodiscard]] inline bool has(Capability capability)
{
    return amount(capability) != 0;
}

// Not constant, so that a call in a consteval function is the compiler's error message.
void more_than_four_terms_in_needs();
void not_takes_a_single_capability();

// A conjunction of at most four terms. Written with the names below: gicv5 && !el2 && cpus(2).
struct Needs {
    struct Term {
        Capability capability{};
        std::uint8_t at_least = 1;
        bool negated = false;
        friend constexpr bool operator==(const Term&, const Term&) = default;
    };
    static constexpr unsigned max_terms = 4;
    Term terms[max_terms]{};
    unsigned count = 0;

    friend consteval Needs operator&&(const Needs& a, const Needs& b)
    {
        if (a.count + b.count > max_terms) {
            more_than_four_terms_in_needs();
        }
        Needs both = a;
        for (unsigned i = 0; i < b.count; ++i) {
            both.terms[both.count++] = b.terms[i];
        }
        return both;
    }
    friend consteval Needs operator!(const Needs& needs)
    {
        if (needs.count != 1) {
            not_takes_a_single_capability();
        }
        Needs inverted = needs;
        inverted.terms[0].negated = !inverted.terms[0].negated;
        return inverted;
    }
};

// The names as .needs sees them. A base class of the metadata, so that a capability's name is found
// before a driver's namespace of the same name.
struct CapabilityNames {
#define ASSAY_CAPABILITY_NAME(name, text) static constexpr Needs name{{{Capability::name}}, 1};
    ASSAY_CAPABILITIES(ASSAY_CAPABILITY_NAME)
#undef ASSAY_CAPABILITY_NAME
    static consteval Needs cpus(std::uint8_t at_least)
    {
        return {.terms = {{.capability = Capability::cpus, .at_least = at_least}}, .count = 1};
    }
};

[[nodiscard]] constexpr std::string_view capability_name(Capability capability)
{
    constexpr std::string_view names[]{"cpus",
#define ASSAY_CAPABILITY_TEXT(name, text) #name,
                                       ASSAY_CAPABILITIES(ASSAY_CAPABILITY_TEXT)
#undef ASSAY_CAPABILITY_TEXT
    };
    return names[static_cast<unsigned>(capability)];
}

// Whether the expression a test carries ("gicv5 && cpus(2)") holds; when not, `reason` gets what is
// missing and what was found instead: "needs gicv5: no arm,gic-v5 node".
[[nodiscard]] bool satisfied(std::string_view expression, Sink& reason);

// Writes what the machine offers: "gicv3 ipi cpus(2)".
void list_capabilities(Sink& sink);

}  // namespace test
