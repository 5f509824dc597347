// SPDX-License-Identifier: MIT
//
// GICv3 distributor, IHI 0069H.b 12.9: enables, priorities and routes SPIs. What it holds for each
// interrupt is in arm64/gic/interrupt_bank.h.
//
// Accesses are Non-secure, or the GIC has a single security state: what is written here means the
// same in both.
#pragma once

#include "arm64/gic/interrupt_bank.h"
#include "arm64/gic/wait.h"

#include <cstdint>

namespace gicv3 {

struct GICD_CTLR : Register<GICD_CTLR, std::uint32_t, 0x0000> {
    static constexpr Field RWP{31};
    static constexpr Field DS{6};          // one security state
    static constexpr Field ARE{4};         // affinity routing; ARE_NS with two security states
    static constexpr Field EnableGrp1{1};  // EnableGrp1A with two
    static constexpr Field EnableGrp0{0};  // with two, Group 1 without affinity routing
};
struct GICD_TYPER : Register<GICD_TYPER, std::uint32_t, 0x0004> {
    static constexpr Field RSS{26};
    static constexpr Field No1N{25};
    static constexpr Field A3V{24};
    static constexpr Field IDbits{23, 19};  // minus 1
    static constexpr Field LPIS{17};
    static constexpr Field MBIS{16};
    static constexpr Field SecurityExtn{10};
    static constexpr Field NMI{9};
    static constexpr Field ESPI{8};
    static constexpr Field CPUNumber{7, 5};
    static constexpr Field ITLinesNumber{4, 0};  // INTIDs / 32, minus 1
};
struct GICD_IIDR : Register<GICD_IIDR, std::uint32_t, 0x0008> {};
// One an INTID from 0, as the offset counts; those below 32 are reserved.
struct GICD_IROUTER : Register<GICD_IROUTER, std::uint64_t, 0x6000> {
    static constexpr Field Aff3{39, 32};
    static constexpr Field Interrupt_Routing_Mode{31};  // 1: any CPU
    static constexpr Field Aff2{23, 16};
    static constexpr Field Aff1{15, 8};
    static constexpr Field Aff0{7, 0};
};
struct GICD_PIDR2 : Register<GICD_PIDR2, std::uint32_t, 0xffe8> {
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

template <typename Io>
class Distributor : public gic::InterruptBank<Io> {
public:
    constexpr explicit Distributor(Io frame) : gic::InterruptBank<Io>{frame} {}

    using gic::InterruptBank<Io>::io;

    // INTIDs from 0 without the extended ranges; at most 1020 of them can be used.
    [[nodiscard]] unsigned interrupt_count() const
    {
        const auto type = io().template read<GICD_TYPER>();
        return (type[GICD_TYPER::ITLinesNumber] + 1) * this->ids_per_word;
    }

    // All SPIs off, in Group 1 and at default priority, then affinity routing and Group 1 on. SPIs
    // of the Secure world are left alone. Errors name what does not stick or does not end.
    [[nodiscard]] Result<> initialise() const
    {
        const auto off = io().template read<GICD_CTLR>()
                             .with(GICD_CTLR::EnableGrp0, 0)
                             .with(GICD_CTLR::EnableGrp1, 0);
        io().write(off);
        if (const auto done = wait_for_writes(); !done) {
            return done;
        }
        for (unsigned word = 1; word < interrupt_count() / this->ids_per_word; ++word) {
            this->assign_group1(word);
            static_cast<void>(this->reset(word));
        }
        io().write(off.with(GICD_CTLR::ARE, 1).with(GICD_CTLR::EnableGrp1, 1));
        if (const auto done = wait_for_writes(); !done) {
            return done;
        }
        const auto control = io().template read<GICD_CTLR>();
        if (control[GICD_CTLR::ARE] == 0) {
            return fail("GICD_CTLR.ARE does not stick", control.raw);
        }
        if (control[GICD_CTLR::EnableGrp1] == 0) {
            return fail("GICD_CTLR.EnableGrp1 does not stick", control.raw);
        }
        return {};
    }

    // Until the effects of writes to GICD_CTLR and GICD_ICENABLER are visible everywhere.
    [[nodiscard]] Result<> wait_for_writes() const
    {
        return gic::settle([this] { return io().template read<GICD_CTLR>()[GICD_CTLR::RWP] == 0; },
                           "GICD_CTLR.RWP stays 1");
    }

    // Routes an SPI to one CPU; `affinity` as in MPIDR_EL1.
    void set_route(std::uint32_t intid, std::uint64_t affinity) const
    {
        io().write(GICD_IROUTER::from(affinity), intid);
    }
};

}  // namespace gicv3
