// SPDX-License-Identifier: MIT
//
// Which of the three GICs the device tree describes, and what came of it.
#include "arm64/gic/gicv2.h"
#include "arm64/gic/gicv3.h"
#include "arm64/gic/gicv5.h"
#include "arm64/gic/specifier.h"
#include "arm64/timer/timers.h"
#include "lib/test/capability.h"

#include <arch/irq.h>

#include <array>

namespace arch {

namespace {

using test::Capability;

struct Driver {
    Capability capability;
    std::array<const char*, 4> compatible;  // null behind the last
    const char* absent;                     // what is said when no node is compatible
    Result<irq::Controller*> (*start)(const fdt::Node& node);
    Result<irq::Id> (*interrupt_id)(std::span<const std::uint32_t> cells);
};

constexpr Driver drivers[]{
    {Capability::gicv2,
     {"arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a7-gic"},
     "no arm,gic-400 or arm,cortex-a15-gic node",
     gicv2::start,
     gic::interrupt_id},
    {Capability::gicv3, {"arm,gic-v3"}, "no arm,gic-v3 node", gicv3::start, gic::interrupt_id},
    {Capability::gicv5, {"arm,gic-v5"}, "no arm,gic-v5 node", gicv5::start, gicv5::interrupt_id},
};

// The controller that works, and where its node is.
struct Chosen {
    const Driver* driver = nullptr;
    int node = 0;
};
constinit Chosen chosen;

std::optional<fdt::Node> find_node(const fdt::Tree& tree, const Driver& driver)
{
    for (const char* const compatible : driver.compatible) {
        if (compatible == nullptr) {
            break;
        }
        if (const auto node = tree.find_compatible(compatible)) {
            return node;
        }
    }
    return {};
}

Result<irq::Controller*> start(const Driver& driver, const fdt::Node& node)
{
    const auto controller = driver.start(node);
    if (controller) {
        if (const auto ready = (*controller)->init_cpu(); !ready) {
            return std::unexpected{ready.error()};
        }
    }
    return controller;
}

void offer_if(bool there, Capability capability, const char* reason)
{
    if (there) {
        test::offer(capability);
    } else {
        test::missing(capability, reason);
    }
}

Result<> discover_controller(const fdt::Tree& tree)
{
    Result<> result;
    const char* reason = "no interrupt controller node that is known";
    for (const Driver& driver : drivers) {
        const auto node = find_node(tree, driver);
        if (!node) {
            test::missing(driver.capability, driver.absent);
            continue;
        }
        const auto controller = start(driver, *node);
        if (!controller) {
            result = std::unexpected{controller.error()};
            reason = controller.error().what;
            test::missing(driver.capability, reason);
            continue;
        }
        chosen = {&driver, node->offset()};
        irq::set_controller(**controller);
        test::offer(driver.capability);
    }
    const irq::Controller* const controller = irq::controller();
    offer_if(controller != nullptr, Capability::irq, reason);
    offer_if(controller != nullptr && controller->ipi_count() != 0, Capability::ipi,
             controller != nullptr ? "the driver of this interrupt controller has none" : reason);
    offer_if(!gicv5::routing_services().empty(), Capability::gicv5_irs, "no arm,gic-v5-irs node");
    return result;
}

}  // namespace

Result<> discover_interrupts(const fdt::Tree& tree)
{
    const Result<> controller = discover_controller(tree);
    const Result<> timers = timer::discover(tree);
    return controller ? timers : controller;
}

Result<irq::Id> interrupt_id(const fdt::InterruptSpecifier& specifier)
{
    if (chosen.driver == nullptr) {
        return fail("no interrupt controller");
    }
    if (specifier.controller != chosen.node) {
        return fail("the interrupt belongs to another controller");
    }
    return chosen.driver->interrupt_id(std::span{specifier.cells}.first(specifier.count));
}

}  // namespace arch
