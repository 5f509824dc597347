// SPDX-License-Identifier: MIT
//
// A GIC with two security states keeps every interrupt in the Secure world until firmware gives it
// away (IHI 0069H.b 4.6, 12.9.38).

#include "arm64/boot/privilege.h"
#include "arm64/gic/gicv3/distributor.h"
#include "arm64/gic/gicv3/redistributor.h"
#include "lib/base/mmio.h"

namespace {

// The Secure view of GICD_CTLR: IHI 0069H.b 12.9.4.
struct SecureGicdCtlr : Register<SecureGicdCtlr, std::uint32_t, 0x0000> {
    static constexpr Field EnableGrp0{0};
    static constexpr Field EnableGrp1NS{1};
    static constexpr Field ARE_S{4};
    static constexpr Field ARE_NS{5};
};

constexpr std::uint64_t sgi_frame_offset = gicv3::Redistributor<Mmio>::frame_size;

// Affinity routing first: the group registers of an SPI count only once it is on. A wait that does
// not end shows later, when the driver initialises the Non-secure side.
void give_distributor_away(Mmio frame)
{
    const gicv3::Distributor<Mmio> distributor{frame};
    frame.write(SecureGicdCtlr{});
    static_cast<void>(distributor.wait_for_writes());
    const auto routing =
        SecureGicdCtlr{}.with(SecureGicdCtlr::ARE_S, 1).with(SecureGicdCtlr::ARE_NS, 1);
    frame.write(routing);
    static_cast<void>(distributor.wait_for_writes());
    for (unsigned word = 1; word < distributor.interrupt_count() / distributor.ids_per_word;
         ++word) {
        distributor.assign_group1(word);
    }
    frame.write(routing.with(SecureGicdCtlr::EnableGrp0, 1).with(SecureGicdCtlr::EnableGrp1NS, 1));
    static_cast<void>(distributor.wait_for_writes());
}

void give_redistributors_away(fdt::Region region, std::uint64_t stride)
{
    gicv3::RedistributorWalk walk{region, stride};
    while (const auto address = walk.address()) {
        const Mmio control{*address};
        const gicv3::Redistributor<Mmio> redistributor{control, Mmio{*address + sgi_frame_offset}};
        redistributor.assign_group1(0);
        walk.advance(control.read<gicv3::GICR_TYPER>());
    }
}

}  // namespace

void act_as_firmware(const fdt::Tree* tree)
{
    const auto gic = tree != nullptr ? tree->find_compatible("arm,gic-v3") : std::nullopt;
    const auto distributor = gic ? gic->reg(0) : fail("no GICv3");
    if (!distributor) {
        return;
    }
    give_distributor_away(Mmio{distributor->base});
    const auto property = gic->property("redistributor-stride");
    const std::uint64_t stride = property ? property->number(0, 2).value_or(0) : 0;
    for (std::size_t i = 1; i < gic->reg_count(); ++i) {
        if (const auto region = gic->reg(i)) {
            give_redistributors_away(*region, stride);
        }
    }
}
