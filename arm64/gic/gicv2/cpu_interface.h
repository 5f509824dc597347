// SPDX-License-Identifier: MIT
//
// GICv2 CPU interface, IHI 0048B.b 4.4: acknowledges and ends interrupts. One frame address for all
// CPUs, each sees its own. Names and fields are those of a Non-secure access.
#pragma once

#include "arm64/gic/interrupt_bank.h"

#include <cstdint>
#include <optional>

namespace gicv2 {

struct GICC_CTLR : Register<GICC_CTLR, std::uint32_t, 0x0000> {
    static constexpr Field Enable{0};
    static constexpr Field EOImode{9};
};
struct GICC_PMR : Register<GICC_PMR, std::uint32_t, 0x0004> {
    static constexpr Field Priority{7, 0};
};
struct GICC_BPR : Register<GICC_BPR, std::uint32_t, 0x0008> {
    static constexpr Field Binary_Point{2, 0};
};
struct GICC_IAR : Register<GICC_IAR, std::uint32_t, 0x000c> {
    static constexpr Field CPUID{12, 10};  // sender of an SGI
    static constexpr Field InterruptID{9, 0};
};
struct GICC_EOIR : Register<GICC_EOIR, std::uint32_t, 0x0010> {};  // takes the value of GICC_IAR
struct GICC_RPR : Register<GICC_RPR, std::uint32_t, 0x0014> {
    static constexpr Field Priority{7, 0};  // 0xff: idle
};
struct GICC_HPPIR : Register<GICC_HPPIR, std::uint32_t, 0x0018> {
    static constexpr Field CPUID{12, 10};
    static constexpr Field PENDINTID{9, 0};
};
struct GICC_IIDR : Register<GICC_IIDR, std::uint32_t, 0x00fc> {};
struct GICC_DIR : Register<GICC_DIR, std::uint32_t, 0x1000> {};

template <typename Io>
class CpuInterface {
public:
    constexpr explicit CpuInterface(Io io) : io_{io} {}

    // Lets every priority pass, finest pre-emption, EOI with deactivation, on. Errors name what
    // does not stick.
    [[nodiscard]] Result<> enable() const
    {
        io_.write(GICC_PMR::from(gic::lowest_priority));
        io_.write(GICC_BPR{});
        io_.write(GICC_CTLR{}.with(GICC_CTLR::Enable, 1));
        if (const auto mask = io_.template read<GICC_PMR>(); mask.raw <= gic::default_priority) {
            return fail("GICC_PMR does not open", mask.raw);
        }
        const auto control = io_.template read<GICC_CTLR>();
        if (control[GICC_CTLR::Enable] == 0) {
            return fail("GICC_CTLR.Enable does not stick", control.raw);
        }
        return {};
    }

    // Nothing for the special INTIDs 1020 to 1023 (3.2.5).
    [[nodiscard]] std::optional<GICC_IAR> acknowledge() const
    {
        const auto acknowledged = io_.template read<GICC_IAR>();
        if (acknowledged[GICC_IAR::InterruptID] >= gic::first_special_intid) {
            return {};
        }
        return acknowledged;
    }
    // Takes what acknowledge() gave: for an SGI, the sender is part of it.
    void end(GICC_IAR acknowledged) const { io_.write(GICC_EOIR::from(acknowledged.raw)); }

    [[nodiscard]] const Io& io() const { return io_; }

private:
    Io io_;
};

}  // namespace gicv2
