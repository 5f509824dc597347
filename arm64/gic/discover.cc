// SPDX-License-Identifier: MIT
//
// Which of the three GICs the device tree describes, and what came of it.
#include "arm64/gic/gicv2.h"
#include "arm64/gic/gicv3.h"
#include "arm64/gic/gicv5.h"
#include "arm64/gic/specifier.h"
#include "lib/boot/boot.h"
#include "lib/test/capability.h"

#include <arch/irq.h>

#include <array>

namespace arch {

namespace {

using test::Capability;

struct Driver {
    Capability capability;
    std::array<const char*, 2> compatible;      // null where there is one alone
    const char* absent;                         // what is said when no node is compatible
    void (*report_absent)(const char* reason);  // of its parts; null where it has none
    Result<irq::Controller*> (*start)(const fdt::Node& node);
    Result<irq::Id> (*interrupt_id)(std::span<const std::uint32_t> cells);
};

constexpr Driver drivers[]{
    {.capability = Capability::gicv2,
     .compatible = {"arm,cortex-a15-gic", "arm,gic-400"},
     .absent = "no arm,gic-400 or arm,cortex-a15-gic node",
     .report_absent = nullptr,
     .start = gicv2::start,
     .interrupt_id = gic::interrupt_id},
    {.capability = Capability::gicv3,
     .compatible = {"arm,gic-v3"},
     .absent = "no arm,gic-v3 node",
     .report_absent = nullptr,
     .start = gicv3::start,
     .interrupt_id = gic::interrupt_id},
    {.capability = Capability::gicv5,
     .compatible = {"arm,gic-v5"},
     .absent = "no arm,gic-v5 node",
     .report_absent = gicv5::report_absent,
     .start = gicv5::start,
     .interrupt_id = gicv5::prepare_interrupt},
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
        const auto node = compatible != nullptr ? tree.find_compatible(compatible) : std::nullopt;
        if (node) {
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

void report_missing(const Driver& driver, const char* reason)
{
    test::missing(driver.capability, reason);
    if (driver.report_absent != nullptr) {
        driver.report_absent(reason);
    }
}

void offer_if(bool there, Capability capability, const char* reason)
{
    if (there) {
        test::offer(capability);
    } else {
        test::missing(capability, reason);
    }
}

}  // namespace

Result<> discover_interrupts(const boot::Info& info)
{
    Result<> result;
    const char* reason = "no interrupt controller node that is known";
    for (const Driver& driver : drivers) {
        const auto node = find_node(*info.tree, driver);
        if (!node) {
            report_missing(driver, driver.absent);
            continue;
        }
        const auto controller = start(driver, *node);
        if (!controller) {
            result = std::unexpected{controller.error()};
            reason = controller.error().what;
            report_missing(driver, reason);
            continue;
        }
        chosen = {.driver = &driver, .node = node->offset()};
        irq::set_controller(**controller);
        test::offer(driver.capability);
    }
    const irq::Controller* const controller = irq::controller();
    offer_if(controller != nullptr, Capability::irq, reason);
    // A controller that has none has said why.
    if (controller == nullptr || controller->ipi_count() != 0) {
        offer_if(controller != nullptr, Capability::ipi, reason);
    }
    return result;
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
