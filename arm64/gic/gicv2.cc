// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv2.h"

#include "lib/smp/smp.h"

#include <arch/io.h>
#include <arch/mmu.h>

#include <array>

namespace gicv2 {

namespace {

class Controller final : public irq::Controller {
public:
    constexpr Controller() = default;

    [[nodiscard]] Result<> start(const fdt::Node& node)
    {
        const auto distributor = node.reg(0);
        if (!distributor) {
            return std::unexpected{distributor.error()};
        }
        const auto cpu_interface = node.reg(1);
        if (!cpu_interface) {
            return std::unexpected{cpu_interface.error()};
        }
        for (const fdt::Region& frame : {*distributor, *cpu_interface}) {
            if (const auto mapped = arch::map_device(frame); !mapped) {
                return mapped;
            }
        }
        distributor_ = Distributor{Mmio{distributor->base}};
        cpu_interface_ = CpuInterface{Mmio{cpu_interface->base}};
        return distributor_.initialise();
    }

    [[nodiscard]] const char* name() const override { return "gicv2"; }

    [[nodiscard]] Result<> init_cpu() override
    {
        const unsigned index = smp::this_cpu().index;
        if (index >= max_cpus) {
            return fail("a GICv2 has eight CPU interfaces", index);
        }
        if (const auto initialised = distributor_.initialise_cpu(); !initialised) {
            return initialised;
        }
        targets_[index] = distributor_.own_target();
        return cpu_interface_.enable();
    }

    void enable(irq::Id id) override
    {
        if (id.value >= gic::first_spi) {
            distributor_.set_targets(id.value, targets_[smp::this_cpu().index]);
        }
        distributor_.enable(id.value);
    }
    void disable(irq::Id id) override
    {
        distributor_.disable(id.value);
        // The answer comes after the write has had its effect.
        static_cast<void>(distributor_.enabled(id.value));
        arch::io_barrier();
    }
    [[nodiscard]] bool enabled(irq::Id id) const override { return distributor_.enabled(id.value); }
    [[nodiscard]] bool pending(irq::Id id) const override { return distributor_.pending(id.value); }
    [[nodiscard]] bool active(irq::Id id) const override { return distributor_.active(id.value); }

    [[nodiscard]] std::optional<irq::Id> acknowledge() override
    {
        const auto acknowledged = cpu_interface_.acknowledge();
        arch::io_barrier();
        if (!acknowledged) {
            return {};
        }
        const std::uint32_t intid = (*acknowledged)[GICC_IAR::InterruptID];
        if (intid < gic::sgi_count) {
            senders_[smp::this_cpu().index][intid] =
                static_cast<std::uint8_t>((*acknowledged)[GICC_IAR::CPUID]);
        }
        return irq::Id{intid};
    }
    void end(irq::Id id) override
    {
        auto acknowledged = GICC_IAR{}.with(GICC_IAR::InterruptID, id.value);
        if (id.value < gic::sgi_count) {
            acknowledged =
                acknowledged.with(GICC_IAR::CPUID, senders_[smp::this_cpu().index][id.value]);
        }
        arch::io_barrier();
        cpu_interface_.end(acknowledged);
    }

    [[nodiscard]] unsigned ipi_count() const override { return gic::ipi_count; }
    [[nodiscard]] irq::Id ipi(unsigned number) const override { return {number}; }
    [[nodiscard]] std::optional<unsigned> ipi_number(irq::Id id) const override
    {
        return gic::ipi_number(id);
    }
    void send_ipi(unsigned cpu, unsigned number) override
    {
        arch::io_barrier();
        distributor_.send_sgi(targets_[cpu], number);
    }

    [[nodiscard]] const Distributor<Mmio>& distributor() const { return distributor_; }
    [[nodiscard]] const CpuInterface<Mmio>& cpu_interface() const { return cpu_interface_; }

private:
    Distributor<Mmio> distributor_{Mmio{}};
    CpuInterface<Mmio> cpu_interface_{Mmio{}};
    // By index of the CPU.
    std::array<std::uint8_t, max_cpus> targets_{};
    std::array<std::array<std::uint8_t, gic::sgi_count>, max_cpus> senders_{};  // of active SGIs
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

Distributor<Mmio> distributor()
{
    return controller.distributor();
}

CpuInterface<Mmio> cpu_interface()
{
    return controller.cpu_interface();
}

}  // namespace gicv2
