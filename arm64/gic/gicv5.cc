// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv5.h"

#include "lib/base/spinlock.h"

#include <arch/mmu.h>

#include <array>

namespace gicv5 {

namespace {

struct ID_AA64PFR2_EL1 : SystemRegister<ID_AA64PFR2_EL1, 3, 0, 0, 4, 2> {
    static constexpr Field GCIE{15, 12};
};

constexpr unsigned max_routing_services = 8;

class Controller final : public irq::Controller {
public:
    constexpr Controller() = default;

    [[nodiscard]] Result<> start(const fdt::Node& node)
    {
        if (sysreg::read<ID_AA64PFR2_EL1>()[ID_AA64PFR2_EL1::GCIE] == 0) {
            return fail("device tree has arm,gic-v5 but ID_AA64PFR2_EL1.GCIE is 0");
        }
        for (auto child = node.first_child(); child; child = child->next_sibling()) {
            if (child->compatible("arm,gic-v5-irs") && child->enabled()) {
                if (const auto started = start_irs(*child); !started) {
                    return started;
                }
            }
        }
        return {};
    }

    [[nodiscard]] const char* name() const override { return "gicv5"; }

    [[nodiscard]] Result<> init_cpu() override
    {
        if (const auto reset = cpu_interface().reset(); !reset) {
            return reset;
        }
        if (const auto joined = join_irs(cpu_interface().iaffid()); !joined) {
            return joined;
        }
        return cpu_interface().enable();
    }

    void enable(irq::Id id) override
    {
        if (is_ppi(id)) {
            cpu_interface().enable(number(id));
        }
    }
    void disable(irq::Id id) override
    {
        if (is_ppi(id)) {
            cpu_interface().disable(number(id));
        }
    }
    [[nodiscard]] bool enabled(irq::Id id) const override
    {
        return is_ppi(id) && cpu_interface().enabled(number(id));
    }
    [[nodiscard]] bool pending(irq::Id id) const override
    {
        return is_ppi(id) && cpu_interface().pending(number(id));
    }
    [[nodiscard]] bool active(irq::Id id) const override
    {
        return is_ppi(id) && cpu_interface().active(number(id));
    }

    [[nodiscard]] std::optional<irq::Id> acknowledge() override
    {
        return cpu_interface().acknowledge();
    }
    void end(irq::Id id) override
    {
        cpu_interface().deactivate(id);
        cpu_interface().drop_priority();
    }

    // There are no SGIs: inter-processor interrupts would be LPIs.
    [[nodiscard]] unsigned ipi_count() const override { return 0; }
    [[nodiscard]] irq::Id ipi(unsigned) const override { return {0}; }
    [[nodiscard]] std::optional<unsigned> ipi_number(irq::Id) const override { return {}; }
    void send_ipi(unsigned, unsigned) override {}

    [[nodiscard]] std::span<const Irs<Mmio>> routing_services() const
    {
        return std::span{services_}.first(service_count_);
    }

private:
    [[nodiscard]] Result<> start_irs(const fdt::Node& node)
    {
        if (service_count_ == max_routing_services) {
            return fail("more GICv5 routing services than the driver has room for", service_count_);
        }
        const auto frame = node.reg("ns-config");
        if (!frame) {
            return std::unexpected{frame.error()};
        }
        if (const auto mapped = arch::map_device(*frame); !mapped) {
            return mapped;
        }
        Irs<Mmio>& service = services_[service_count_++];
        service = Irs{Mmio{frame->base}};
        return service.enable(!node.property("dma-noncoherent"));
    }

    // Finds the routing service of the calling CPU and tells it how the CPU takes part.
    [[nodiscard]] Result<> join_irs(std::uint16_t iaffid)
    {
        if (service_count_ == 0) {
            return {};
        }
        const SpinlockGuard lock{selection_};
        for (const Irs<Mmio>& service : routing_services()) {
            const auto serves = service.serves(iaffid);
            if (!serves) {
                return std::unexpected{serves.error()};
            }
            if (*serves) {
                return service.keep_selected_pe_targeted();
            }
        }
        return fail("no GICv5 routing service knows the CPU's IAFFID", iaffid);
    }

    std::array<Irs<Mmio>, max_routing_services> services_{};
    unsigned service_count_ = 0;
    Spinlock selection_;
};

constinit Controller controller;

}  // namespace

Result<irq::Controller*> start(const fdt::Node& node)
{
    if (const auto started = controller.start(node); !started) {
        return std::unexpected{started.error()};
    }
    return &controller;
}

std::span<const Irs<Mmio>> routing_services()
{
    return controller.routing_services();
}

}  // namespace gicv5
