// SPDX-License-Identifier: MIT
//
// A GICv5 as the software of one interrupt domain (Non-secure, EL1) sees it: the CPU interface of
// each CPU, one IRS with SPIs and LPIs, one ITS and one IWB. Arm GIC Architecture Specification,
// GICv5 (AES 0070). Where the specification leaves a choice, or could not be asked, the model does
// what Linux relies on and a comment says "assumed".
//
// Safe to be used by many threads: each public function is one atomic step.
#pragma once

#include "models/core/faults.h"
#include "models/core/guest_memory.h"
#include "models/core/log.h"
#include "models/gicv5/access.h"
#include "models/gicv5/configuration.h"
#include "models/gicv5/faults.h"

#include <chrono>
#include <cstdint>
#include <memory>

namespace model::gicv5 {

class Gicv5 {
public:
    Gicv5(const Configuration& configuration, GuestMemory& memory, FaultSet<Fault> faults = {});
    ~Gicv5();
    Gicv5(const Gicv5&) = delete;
    Gicv5& operator=(const Gicv5&) = delete;

    // --- The guest's accesses. CPUs are numbered from 0. ---

    // ICC_* registers and GIC, GICR and GSB instructions of EL1. Throws Undefined.
    [[nodiscard]] std::uint64_t read_register(unsigned cpu, Encoding encoding);
    void write_register(unsigned cpu, Encoding encoding, std::uint64_t value);

    // Accesses of a CPU to a frame. Throws ExternalAbort, for frames that are not there, too.
    [[nodiscard]] std::uint64_t read_frame(FrameKind frame, std::uint64_t offset, unsigned width);
    void write_frame(FrameKind frame, std::uint64_t offset, unsigned width, std::uint64_t value);

    // --- What is connected ---

    void set_ppi_line(unsigned cpu, unsigned ppi, bool high);
    void set_spi_line(std::uint32_t spi, bool high);
    void set_iwb_wire(unsigned wire, bool high);
    // A device writes an EventID to the translate frame.
    void device_write(std::uint32_t device, std::uint32_t event);

    // --- What the CPU sees ---

    // An interrupt of sufficient priority is there: IRQ is asserted. No lock: may be polled.
    [[nodiscard]] bool interrupts(unsigned cpu) const;
    // It has superpriority: ISR_EL1.IS; PSTATE.I does not mask it, PSTATE.ALLINT does.
    [[nodiscard]] bool superpriority(unsigned cpu) const;
    // SCTLR_EL1.NMI of the CPU. Ignored without FEAT_NMI.
    void set_nmi(unsigned cpu, bool in_use);
    // Warm reset of the CPU interface (PSCI CPU_ON).
    void reset_cpu(unsigned cpu);

    // WFI: sleeps until interrupts(cpu), wake(cpu) or the timeout; returns interrupts(cpu).
    bool wait_for_interrupt(unsigned cpu, std::chrono::nanoseconds timeout);
    void wake(unsigned cpu);

    // --- What the model tells ---

    [[nodiscard]] Violations& violations();
    [[nodiscard]] Log& log();
    [[nodiscard]] const Configuration& configuration() const;

private:
    class Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace model::gicv5
