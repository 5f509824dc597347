// SPDX-License-Identifier: MIT
//
// GICv2 distributor, IHI 0048B.b 4.3: enables, priorities and routes interrupts for all CPUs.
// What it holds for each interrupt is in arm64/gic/interrupt_bank.h.
#pragma once

#include "arm64/gic/interrupt_bank.h"

#include <cstdint>

namespace gicv2 {

// Non-secure accesses on a GIC with two security states see the enable of Group 1 in bit 0.
struct GICD_CTLR : Register<GICD_CTLR, std::uint32_t, 0x000> {
    static constexpr Field EnableGrp0{0};
    static constexpr Field EnableGrp1{1};
};
struct GICD_TYPER : Register<GICD_TYPER, std::uint32_t, 0x004> {
    static constexpr Field LSPI{15, 11};
    static constexpr Field SecurityExtn{10};
    static constexpr Field CPUNumber{7, 5};      // CPU interfaces, minus 1
    static constexpr Field ITLinesNumber{4, 0};  // INTIDs / 32, minus 1
};
struct GICD_IIDR : Register<GICD_IIDR, std::uint32_t, 0x008> {};
// One byte an interrupt: bit n targets CPU interface n. INTIDs 0 to 31 show the reader's own.
struct GICD_ITARGETSR : Register<GICD_ITARGETSR, std::uint8_t, 0x800> {};
struct GICD_SGIR : Register<GICD_SGIR, std::uint32_t, 0xf00> {
    static constexpr Field TargetListFilter{25, 24};  // 0 the list, 1 all but self, 2 self
    static constexpr Field CPUTargetList{23, 16};
    static constexpr Field NSATT{15};
    static constexpr Field SGIINTID{3, 0};
};
// One byte an SGI: bit n is pending from CPU n.
struct GICD_CPENDSGIR : Register<GICD_CPENDSGIR, std::uint8_t, 0xf10> {};
struct GICD_SPENDSGIR : Register<GICD_SPENDSGIR, std::uint8_t, 0xf20> {};
struct ICPIDR2 : Register<ICPIDR2, std::uint32_t, 0xfe8> {
    static constexpr Field ArchRev{7, 4};
};

// The state of interrupts, by the names the manual has for them here.
using GICD_IGROUPR = gic::IGROUPR;
using GICD_ISENABLER = gic::ISENABLER;
using GICD_ICENABLER = gic::ICENABLER;
using GICD_ISPENDR = gic::ISPENDR;
using GICD_ICPENDR = gic::ICPENDR;
using GICD_ISACTIVER = gic::ISACTIVER;
using GICD_ICACTIVER = gic::ICACTIVER;
using GICD_IPRIORITYR = gic::IPRIORITYR;
using GICD_ICFGR = gic::ICFGR;

inline constexpr unsigned max_cpus = 8;

template <typename Io>
class Distributor : public gic::InterruptBank<Io> {
public:
    constexpr explicit Distributor(Io frame) : gic::InterruptBank<Io>{frame} {}

    using gic::InterruptBank<Io>::io;

    // INTIDs from 0; at most 1020 of them can be used.
    [[nodiscard]] unsigned interrupt_count() const
    {
        const auto type = io().template read<GICD_TYPER>();
        return (type[GICD_TYPER::ITLinesNumber] + 1) * this->ids_per_word;
    }

    // All SPIs off and at default priority, then the distributor on. SPIs of the Secure world are
    // left alone. Error: the distributor does not go on.
    [[nodiscard]] Result<> initialise() const
    {
        io().write(GICD_CTLR{});
        for (unsigned word = 1; word < interrupt_count() / this->ids_per_word; ++word) {
            static_cast<void>(this->reset(word));
        }
        io().write(GICD_CTLR{}.with(GICD_CTLR::EnableGrp0, 1));
        const auto control = io().template read<GICD_CTLR>();
        if (control[GICD_CTLR::EnableGrp0] == 0) {
            return fail("GICD_CTLR.EnableGrp0 does not stick", control.raw);
        }
        return {};
    }

    // The calling CPU's SGIs and PPIs off and at default priority.
    [[nodiscard]] Result<> initialise_cpu() const
    {
        for (unsigned sgi = 0; sgi < gic::sgi_count; ++sgi) {
            io().write(GICD_CPENDSGIR::from(0xff), sgi);
        }
        return this->reset(0);
    }

    // The bit of the calling CPU's interface in target lists (4.3.12). A GIC for one CPU alone has
    // no targets: they read as zero.
    [[nodiscard]] std::uint8_t own_target() const
    {
        for (std::uint32_t intid = 0; intid < this->ids_per_word; ++intid) {
            if (const auto target = io().template read<GICD_ITARGETSR>(intid); target.raw != 0) {
                return target.raw;
            }
        }
        return 1;
    }

    // Routes an SPI to the CPU interfaces whose bits are set.
    void set_targets(std::uint32_t intid, std::uint8_t targets) const
    {
        io().write(GICD_ITARGETSR::from(targets), intid);
    }

    // The caller orders its memory accesses before.
    void send_sgi(std::uint8_t targets, unsigned sgi) const
    {
        io().write(
            GICD_SGIR{}.with(GICD_SGIR::CPUTargetList, targets).with(GICD_SGIR::SGIINTID, sgi));
    }
};

}  // namespace gicv2
