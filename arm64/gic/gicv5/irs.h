// SPDX-License-Identifier: MIT
//
// GICv5 Interrupt Routing Service: routes SPIs and LPIs to the CPUs it serves.
// Arm GIC Architecture Specification, GICv5 (AES 0070).
#pragma once

#include "arm64/gic/gicv5/irs_registers.h"
#include "arm64/gic/wait.h"

#include <cstdint>

namespace gicv5 {

template <typename Io>
class Irs {
public:
    constexpr Irs() = default;
    constexpr explicit Irs(Io io) : io_{io} {}

    // On, with accesses to memory as the machine needs them: cached and inner shareable, or not
    // cached when its device tree says dma-noncoherent. Errors name what does not stick or end.
    [[nodiscard]] Result<> enable(bool coherent) const
    {
        constexpr auto cached = IRS_CR1{}
                                    .with(IRS_CR1::SH, 3)
                                    .with(IRS_CR1::OC, 1)
                                    .with(IRS_CR1::IC, 1)
                                    .with(IRS_CR1::IST_RA, 1)
                                    .with(IRS_CR1::IST_WA, 1);
        io_.write(coherent ? cached : IRS_CR1{});
        io_.write(IRS_CR0{}.with(IRS_CR0::IRSEN, 1));
        // QEMU 11.1 acts on IRSEN when the register is read.
        const auto idle =
            gic::settle([this] { return io_.template read<IRS_CR0>()[IRS_CR0::IDLE] != 0; },
                        "IRS_CR0.IDLE stays 0");
        if (!idle) {
            return idle;
        }
        if (io_.template read<IRS_CR0>()[IRS_CR0::IRSEN] == 0) {
            return fail("IRS_CR0.IRSEN does not stick");
        }
        return {};
    }

    // Whether the CPU of that IAFFID is one of this IRS. Selects it: one caller at a time.
    [[nodiscard]] Result<bool> serves(std::uint16_t iaffid) const
    {
        io_.write(IRS_PE_SELR::from(iaffid));
        if (const auto idle = wait_for_pe(); !idle) {
            return std::unexpected{idle.error()};
        }
        return io_.template read<IRS_PE_STATUSR>()[IRS_PE_STATUSR::V] != 0;
    }

    // Interrupts that may go to one of several CPUs do not go to the selected one.
    [[nodiscard]] Result<> keep_selected_pe_targeted() const
    {
        io_.write(IRS_PE_CR0{}.with(IRS_PE_CR0::DPS, 1));
        return wait_for_pe();
    }

    [[nodiscard]] const Io& io() const { return io_; }

private:
    [[nodiscard]] Result<> wait_for_pe() const
    {
        return gic::settle(
            [this] { return io_.template read<IRS_PE_STATUSR>()[IRS_PE_STATUSR::IDLE] != 0; },
            "IRS_PE_STATUSR.IDLE stays 0");
    }

    Io io_;
};

}  // namespace gicv5
