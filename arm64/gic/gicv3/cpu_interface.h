// SPDX-License-Identifier: MIT
//
// GICv3 CPU interface in system registers, IHI 0069H.b 12.2: acknowledges and ends interrupts of
// Group 1, and sends SGIs.
#pragma once

#include "arm64/cpu/sysreg.h"
#include "arm64/gic/interrupt_bank.h"

#include <cstdint>
#include <optional>

namespace gicv3 {

struct ICC_PMR_EL1 : SystemRegister<ICC_PMR_EL1, 3, 0, 4, 6, 0> {
    static constexpr Field Priority{7, 0};
};
struct ICC_RPR_EL1 : SystemRegister<ICC_RPR_EL1, 3, 0, 12, 11, 3> {
    static constexpr Field Priority{7, 0};  // 0xff: idle
};
struct ICC_SGI1R_EL1 : SystemRegister<ICC_SGI1R_EL1, 3, 0, 12, 11, 5> {
    static constexpr Field Aff3{55, 48};
    static constexpr Field RS{47, 44};  // TargetList is of Aff0 16 * RS and up
    static constexpr Field IRM{40};     // 1: all but self
    static constexpr Field Aff2{39, 32};
    static constexpr Field INTID{27, 24};
    static constexpr Field Aff1{23, 16};
    static constexpr Field TargetList{15, 0};
};
struct ICC_DIR_EL1 : SystemRegister<ICC_DIR_EL1, 3, 0, 12, 11, 1> {};
struct ICC_IAR1_EL1 : SystemRegister<ICC_IAR1_EL1, 3, 0, 12, 12, 0> {
    static constexpr Field INTID{23, 0};
};
struct ICC_EOIR1_EL1 : SystemRegister<ICC_EOIR1_EL1, 3, 0, 12, 12, 1> {};
struct ICC_HPPIR1_EL1 : SystemRegister<ICC_HPPIR1_EL1, 3, 0, 12, 12, 2> {
    static constexpr Field INTID{23, 0};
};
struct ICC_BPR1_EL1 : SystemRegister<ICC_BPR1_EL1, 3, 0, 12, 12, 3> {
    static constexpr Field BinaryPoint{2, 0};
};
struct ICC_CTLR_EL1 : SystemRegister<ICC_CTLR_EL1, 3, 0, 12, 12, 4> {
    static constexpr Field RSS{18};
    static constexpr Field A3V{15};
    static constexpr Field IDbits{13, 11};
    static constexpr Field PRIbits{10, 8};  // minus 1
    static constexpr Field EOImode{1};      // 1: EOIR drops the priority, DIR deactivates
    static constexpr Field CBPR{0};
};
struct ICC_SRE_EL1 : SystemRegister<ICC_SRE_EL1, 3, 0, 12, 12, 5> {
    static constexpr Field DIB{2};
    static constexpr Field DFB{1};
    static constexpr Field SRE{0};
};
struct ICC_IGRPEN1_EL1 : SystemRegister<ICC_IGRPEN1_EL1, 3, 0, 12, 12, 7> {
    static constexpr Field Enable{0};
};

// The value of ICC_SGI1R_EL1 that sends SGI `sgi` to the CPU of an affinity, as in MPIDR_EL1.
[[nodiscard]] constexpr ICC_SGI1R_EL1 sgi_to(std::uint64_t affinity, unsigned sgi)
{
    const auto aff0 = affinity & 0xff;
    return ICC_SGI1R_EL1{}
        .with(ICC_SGI1R_EL1::Aff3, affinity >> 32)
        .with(ICC_SGI1R_EL1::Aff2, affinity >> 16)
        .with(ICC_SGI1R_EL1::Aff1, affinity >> 8)
        .with(ICC_SGI1R_EL1::RS, aff0 / 16)
        .with(ICC_SGI1R_EL1::TargetList, std::uint64_t{1} << aff0 % 16)
        .with(ICC_SGI1R_EL1::INTID, sgi);
}

template <typename Io>
class CpuInterface {
public:
    constexpr CpuInterface() = default;
    constexpr explicit CpuInterface(Io io) : io_{io} {}

    // System registers on, every priority passes, EOI with deactivation, Group 1 on. Errors name
    // what does not stick.
    [[nodiscard]] Result<> enable() const
    {
        io_.write(io_.template read<ICC_SRE_EL1>().with(ICC_SRE_EL1::SRE, 1));
        io_.synchronize();
        if (io_.template read<ICC_SRE_EL1>()[ICC_SRE_EL1::SRE] == 0) {
            return fail("ICC_SRE_EL1.SRE does not stick");
        }
        io_.write(ICC_PMR_EL1::from(gic::lowest_priority));
        io_.write(ICC_BPR1_EL1{});
        io_.write(io_.template read<ICC_CTLR_EL1>()
                      .with(ICC_CTLR_EL1::EOImode, 0)
                      .with(ICC_CTLR_EL1::CBPR, 0));
        io_.write(ICC_IGRPEN1_EL1{}.with(ICC_IGRPEN1_EL1::Enable, 1));
        io_.synchronize();
        const auto mask = io_.template read<ICC_PMR_EL1>();
        if (mask.raw <= gic::default_priority) {
            return fail("ICC_PMR_EL1 does not open", mask.raw);
        }
        if (io_.template read<ICC_IGRPEN1_EL1>()[ICC_IGRPEN1_EL1::Enable] == 0) {
            return fail("ICC_IGRPEN1_EL1.Enable does not stick");
        }
        return {};
    }

    // Nothing for the special INTIDs (2.2.1).
    [[nodiscard]] std::optional<std::uint32_t> acknowledge() const
    {
        const auto intid =
            static_cast<std::uint32_t>(io_.template read<ICC_IAR1_EL1>()[ICC_IAR1_EL1::INTID]);
        io_.synchronize();
        if (intid >= gic::first_special_intid && intid <= gic::last_special_intid) {
            return {};
        }
        return intid;
    }
    void end(std::uint32_t intid) const
    {
        io_.write(ICC_EOIR1_EL1::from(intid));
        io_.synchronize();
    }

    // The caller orders its memory accesses before.
    void send_sgi(std::uint64_t affinity, unsigned sgi) const
    {
        io_.write(sgi_to(affinity, sgi));
        io_.synchronize();
    }

    [[nodiscard]] const Io& io() const { return io_; }

private:
    [[no_unique_address]] Io io_;
};

}  // namespace gicv3
