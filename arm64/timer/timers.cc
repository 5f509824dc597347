// SPDX-License-Identifier: MIT
#include "arm64/timer/timers.h"

#include "arm64/cpu/control_registers.h"
#include "lib/boot/boot.h"
#include "lib/test/capability.h"

#include <arch/irq.h>
#include <arch/timer.h>

namespace timer {

namespace {

// What counts are taken for when neither CNTFRQ_EL0 nor the device tree says: the architecture's
// rate since Armv8.6 and higher than any other, so that waits are too long and not too short.
constexpr std::uint64_t assumed_frequency = 1'000'000'000;

constinit std::uint64_t frequency = 0;  // from the device tree; 0: CNTFRQ_EL0 is right
constinit Result<irq::Id> virtual_interrupt = fail("no arm,armv8-timer node");
constinit Result<irq::Id> physical_interrupt = fail("no arm,armv8-timer node");

// An interrupt of the timer node: by name, or by its place in a list without names.
// Binding: Linux Documentation/devicetree/bindings/timer/arm,arch_timer.yaml
struct Entry {
    const char* name;
    std::size_t place;
};
constexpr Entry el1_physical{.name = "phys", .place = 1};
constexpr Entry el1_virtual{.name = "virt", .place = 2};
constexpr Entry el2_physical{.name = "hyp-phys", .place = 3};
constexpr Entry el2_virtual{.name = "hyp-virt", .place = 4};

Result<irq::Id> find_interrupt(const fdt::Node& node, Entry entry)
{
    const bool named = node.property("interrupt-names").has_value();
    const auto specifier =
        named ? node.interrupt(std::string_view{entry.name}) : node.interrupt(entry.place);
    if (!specifier) {
        return std::unexpected{specifier.error()};
    }
    return arch::interrupt_id(*specifier);
}

void offer_timer(test::Capability capability, const Result<irq::Id>& interrupt)
{
    if (interrupt) {
        test::offer(capability);
    } else {
        test::missing(capability, interrupt.error().what);
    }
}

std::optional<fdt::Node> find_node(const fdt::Tree& tree)
{
    const auto node = tree.find_compatible("arm,armv8-timer");
    return node ? node : tree.find_compatible("arm,armv7-timer");
}

}  // namespace

Result<irq::Id> interrupt(Kind kind)
{
    return kind == Kind::virt ? virtual_interrupt : physical_interrupt;
}

}  // namespace timer

namespace arch {

Result<> discover_timers(const boot::Info& info)
{
    using namespace timer;
    if (const auto node = find_node(*info.tree)) {
        const bool el2 = sysreg::read<CurrentEL>()[CurrentEL::EL] == 2;
        virtual_interrupt = find_interrupt(*node, el2 ? el2_virtual : el1_virtual);
        physical_interrupt = find_interrupt(*node, el2 ? el2_physical : el1_physical);
        if (const auto given = node->property("clock-frequency")) {
            frequency = given->cell().value_or(0);
        }
    }
    offer_timer(test::Capability::timer_virt, virtual_interrupt);
    offer_timer(test::Capability::timer_phys, physical_interrupt);
    if (frequency == 0 && sysreg::read<CNTFRQ_EL0>().raw == 0) {
        return fail("CNTFRQ_EL0 is 0 and the timer node has no clock-frequency");
    }
    return {};
}

// The virtual counter: a hypervisor never traps it.
std::uint64_t counter()
{
    return timer::virtual_timer.count();
}

std::uint64_t counter_frequency()
{
    if (timer::frequency != 0) {
        return timer::frequency;
    }
    const std::uint64_t read =
        sysreg::read<timer::CNTFRQ_EL0>()[timer::CNTFRQ_EL0::Clock_frequency];
    return read != 0 ? read : timer::assumed_frequency;
}

Result<irq::Id> deadline_timer_irq()
{
    return timer::interrupt(timer::Kind::phys);
}

// The physical counter runs at the same rate, at a distance that is not known.
void set_deadline(std::uint64_t counter_value)
{
    const std::uint64_t now = counter();
    const std::uint64_t remaining = counter_value > now ? counter_value - now : 0;
    timer::physical_timer.arm(timer::physical_timer.count() + remaining);
}

void cancel_deadline()
{
    timer::physical_timer.disable();
}

}  // namespace arch
