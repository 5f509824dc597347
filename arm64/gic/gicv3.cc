// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv3.h"

#include "arm64/cpu/control_registers.h"
#include "lib/smp/smp.h"

#include <arch/io.h>
#include <arch/mmu.h>

#include <array>

namespace gicv3 {

namespace {

constexpr unsigned max_cpus = 512;
constexpr unsigned max_regions = 32;

// A property of one or two cells; `otherwise` where there is none.
std::uint64_t number_or(const fdt::Node& node, const char* name, std::uint64_t otherwise)
{
    const auto property = node.property(name);
    return property ? property->number(0, property->cells()).value_or(otherwise) : otherwise;
}

class Controller final : public irq::Controller {
public:
    constexpr Controller() = default;

    [[nodiscard]] Result<> start(const fdt::Node& node)
    {
        if (sysreg::read<ID_AA64PFR0_EL1>()[ID_AA64PFR0_EL1::GIC] == 0) {
            return fail("device tree has arm,gic-v3 but ID_AA64PFR0_EL1.GIC is 0");
        }
        const auto distributor = node.reg(0);
        if (!distributor) {
            return std::unexpected{distributor.error()};
        }
        if (const auto mapped = arch::map_device(*distributor); !mapped) {
            return mapped;
        }
        if (const auto found = find_redistributors(node); !found) {
            return found;
        }
        distributor_ = Distributor{Mmio{distributor->base}};
        return distributor_.initialise();
    }

    [[nodiscard]] const char* name() const override { return "gicv3"; }

    [[nodiscard]] Result<> init_cpu() override
    {
        const smp::Cpu& cpu = smp::this_cpu();
        if (cpu.index >= max_cpus) {
            return fail("more CPUs than the GICv3 driver has room for", cpu.index);
        }
        const auto address = redistributor_of(packed_affinity(cpu.hardware_id));
        if (!address) {
            return fail("no GICv3 redistributor has the affinity of the CPU", cpu.hardware_id);
        }
        redistributors_[cpu.index] = *address;
        if (const auto initialised = redistributor().initialise(); !initialised) {
            return initialised;
        }
        return cpu_interface().enable();
    }

    void enable(irq::Id id) override
    {
        if (id.value < gic::first_spi) {
            redistributor().enable(id.value);
        } else {
            distributor_.set_route(id.value, smp::this_cpu().hardware_id);
            distributor_.enable(id.value);
        }
    }
    void disable(irq::Id id) override
    {
        // A register write pending that never ends was an error at initialisation already.
        if (id.value < gic::first_spi) {
            redistributor().disable(id.value);
            static_cast<void>(redistributor().wait_for_writes());
        } else {
            distributor_.disable(id.value);
            static_cast<void>(distributor_.wait_for_writes());
        }
        arch::io_barrier();
    }
    [[nodiscard]] bool enabled(irq::Id id) const override { return bank(id).enabled(id.value); }
    [[nodiscard]] bool pending(irq::Id id) const override { return bank(id).pending(id.value); }
    [[nodiscard]] bool active(irq::Id id) const override { return bank(id).active(id.value); }

    [[nodiscard]] std::optional<irq::Id> acknowledge() override
    {
        const auto intid = cpu_interface().acknowledge();
        arch::io_barrier();
        if (!intid) {
            return {};
        }
        return irq::Id{*intid};
    }
    void end(irq::Id id) override
    {
        arch::io_barrier();
        cpu_interface().end(id.value);
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
        cpu_interface().send_sgi(smp::cpus()[cpu].hardware_id, number);
    }

    [[nodiscard]] const Distributor<Mmio>& distributor() const { return distributor_; }

    [[nodiscard]] Redistributor<Mmio> redistributor() const
    {
        const std::uint64_t base = redistributors_[smp::this_cpu().index];
        return {Mmio{base}, Mmio{base + Redistributor<Mmio>::frame_size}};
    }

private:
    [[nodiscard]] gic::InterruptBank<Mmio> bank(irq::Id id) const
    {
        return gic::InterruptBank{id.value < gic::first_spi ? redistributor().io()
                                                            : distributor_.io()};
    }

    [[nodiscard]] Result<> find_redistributors(const fdt::Node& node)
    {
        const std::uint64_t count = number_or(node, "#redistributor-regions", 1);
        if (count > max_regions) {
            return fail("more GICv3 redistributor regions than the driver has room for", count);
        }
        stride_ = number_or(node, "redistributor-stride", 0);
        region_count_ = static_cast<unsigned>(count);
        for (unsigned i = 0; i < region_count_; ++i) {
            const auto region = node.reg(1 + i);
            if (!region) {
                return std::unexpected{region.error()};
            }
            regions_[i] = *region;
            if (const auto mapped = map_redistributors(*region); !mapped) {
                return mapped;
            }
        }
        return {};
    }

    // A region has room for as many CPUs as the machine may ever have: only the redistributors
    // that are there are mapped.
    [[nodiscard]] Result<> map_redistributors(fdt::Region region) const
    {
        RedistributorWalk walk{region, stride_};
        while (const auto address = walk.address()) {
            const fdt::Region frames{.base = *address, .size = redistributor_size};
            if (const auto mapped = arch::map_device(frames); !mapped) {
                return mapped;
            }
            walk.advance(Mmio{*address}.read<GICR_TYPER>());
        }
        return {};
    }

    [[nodiscard]] std::optional<std::uintptr_t> redistributor_of(std::uint32_t affinity) const
    {
        for (unsigned i = 0; i < region_count_; ++i) {
            RedistributorWalk walk{regions_[i], stride_};
            while (const auto address = walk.address()) {
                const auto type = Mmio{*address}.read<GICR_TYPER>();
                if (type[GICR_TYPER::Affinity_Value] == affinity) {
                    return address;
                }
                walk.advance(type);
            }
        }
        return {};
    }

    Distributor<Mmio> distributor_{Mmio{}};
    std::array<fdt::Region, max_regions> regions_{};
    unsigned region_count_ = 0;
    std::uint64_t stride_ = 0;
    std::array<std::uintptr_t, max_cpus> redistributors_{};  // by index of the CPU
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

Redistributor<Mmio> redistributor()
{
    return controller.redistributor();
}

}  // namespace gicv3
