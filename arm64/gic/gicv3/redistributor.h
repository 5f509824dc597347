// SPDX-License-Identifier: MIT
//
// GICv3 redistributor, IHI 0069H.b 12.11: the SGIs and PPIs of one CPU. Two frames of 64 KiB:
// RD_base, laid out here, and SGI_base behind it (arm64/gic/interrupt_bank.h, word 0).
#pragma once

#include "arm64/gic/interrupt_bank.h"
#include "arm64/gic/wait.h"
#include "lib/fdt/fdt.h"

#include <cstdint>
#include <optional>

namespace gicv3 {

struct GICR_CTLR : Register<GICR_CTLR, std::uint32_t, 0x0000> {
    static constexpr Field UWP{31};
    static constexpr Field RWP{3};
    static constexpr Field EnableLPIs{0};
};
struct GICR_IIDR : Register<GICR_IIDR, std::uint32_t, 0x0004> {};
struct GICR_TYPER : Register<GICR_TYPER, std::uint64_t, 0x0008> {
    static constexpr Field Affinity_Value{63, 32};  // Aff3.Aff2.Aff1.Aff0
    static constexpr Field Processor_Number{23, 8};
    static constexpr Field Last{4};   // of a series of contiguous redistributors
    static constexpr Field VLPIS{1};  // GICv4: two more frames
    static constexpr Field PLPIS{0};
};
struct GICR_WAKER : Register<GICR_WAKER, std::uint32_t, 0x0014> {
    static constexpr Field ChildrenAsleep{2};
    static constexpr Field ProcessorSleep{1};
};
struct GICR_PIDR2 : Register<GICR_PIDR2, std::uint32_t, 0xffe8> {
    static constexpr Field ArchRev{7, 4};
};

// The state of interrupts in SGI_base, by the names the manual has for them here.
using GICR_IGROUPR0 = gic::IGROUPR;
using GICR_ISENABLER0 = gic::ISENABLER;
using GICR_ICENABLER0 = gic::ICENABLER;
using GICR_ISPENDR0 = gic::ISPENDR;
using GICR_ICPENDR0 = gic::ICPENDR;
using GICR_ISACTIVER0 = gic::ISACTIVER;
using GICR_ICACTIVER0 = gic::ICACTIVER;
using GICR_IPRIORITYR = gic::IPRIORITYR;
using GICR_ICFGR = gic::ICFGR;

// In bytes. A GICv4 redistributor has twice the size: see RedistributorWalk.
inline constexpr std::uint64_t redistributor_size = 0x2'0000;

// The driver of the frame SGI_base is the base class; `control` is the frame RD_base.
template <typename Io>
class Redistributor : public gic::InterruptBank<Io> {
public:
    static constexpr std::uint64_t frame_size = 0x1'0000;  // from RD_base to SGI_base

    constexpr Redistributor(Io control, Io interrupts)
        : gic::InterruptBank<Io>{interrupts}, control_{control}
    {
    }

    // Awake; all SGIs and PPIs off, in Group 1 and at default priority. Errors name what does not
    // stick or does not end.
    [[nodiscard]] Result<> initialise() const
    {
        control_.write(control_.template read<GICR_WAKER>().with(GICR_WAKER::ProcessorSleep, 0));
        const auto awake = gic::settle(
            [this] {
                return control_.template read<GICR_WAKER>()[GICR_WAKER::ChildrenAsleep] == 0;
            },
            "GICR_WAKER.ChildrenAsleep stays 1");
        if (!awake) {
            return awake;
        }
        this->assign_group1(0);
        if (const auto reset = this->reset(0); !reset) {
            return reset;
        }
        return wait_for_writes();
    }

    // Until the effects of writes to GICR_ICENABLER0 are visible everywhere.
    [[nodiscard]] Result<> wait_for_writes() const
    {
        return gic::settle(
            [this] { return control_.template read<GICR_CTLR>()[GICR_CTLR::RWP] == 0; },
            "GICR_CTLR.RWP stays 1");
    }

    // The registers of RD_base; io() are those of SGI_base.
    [[nodiscard]] const Io& control() const { return control_; }

private:
    Io control_;
};

// The redistributors of a region, one after the other: GICR_TYPER of each says where the next is
// (12.10).
//
//     RedistributorWalk walk{region, stride};
//     while (const auto address = walk.address()) {
//         const auto type = Mmio{*address}.read<GICR_TYPER>();
//         walk.advance(type);
//     }
class RedistributorWalk {
public:
    // `stride` is the distance of two in bytes; 0 where GICR_TYPER tells it.
    constexpr RedistributorWalk(fdt::Region region, std::uint64_t stride)
        : region_{region}, stride_{stride}
    {
    }

    // RD_base of the redistributor the walk stands at; nothing behind the last one.
    [[nodiscard]] constexpr std::optional<std::uint64_t> address() const
    {
        if (offset_ > region_.size || region_.size - offset_ < redistributor_size) {
            return {};
        }
        return region_.base + offset_;
    }

    constexpr void advance(GICR_TYPER type)
    {
        const std::uint64_t own_size = (type[GICR_TYPER::VLPIS] != 0 ? 2 : 1) * redistributor_size;
        const std::uint64_t distance = stride_ != 0 ? stride_ : own_size;
        const bool last = type[GICR_TYPER::Last] != 0 || distance > region_.size - offset_;
        offset_ = last ? region_.size : offset_ + distance;
    }

private:
    fdt::Region region_;
    std::uint64_t stride_;
    std::uint64_t offset_ = 0;
};

// The affinity of MPIDR_EL1 (Aff3<<32 | Aff2<<16 | Aff1<<8 | Aff0) as GICR_TYPER has it.
[[nodiscard]] constexpr std::uint32_t packed_affinity(std::uint64_t affinity)
{
    return static_cast<std::uint32_t>((affinity >> 32 & 0xff) << 24 | (affinity & 0xff'ffff));
}

}  // namespace gicv3
