// SPDX-License-Identifier: MIT
//
// The interrupt routing service: SPIs, LPIs, and which of them is offered to which CPU.
#pragma once

#include "models/gicv5/context.h"
#include "models/gicv5/interrupt.h"
#include "models/gicv5/ist.h"
#include "models/gicv5/software_errors.h"

#include "arm64/gic/gicv5/irs_registers.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace model::gicv5 {

class Irs {
public:
    // How much a CPU would like an interrupt of a priority, for 1-of-N.
    enum class Welcome : std::uint8_t { no, later, now };
    using Ask = std::function<Welcome(unsigned cpu, std::uint8_t priority)>;

    Irs(Context& context, std::vector<std::uint16_t> iaffids, Ask ask);

    // The configuration frame and the SETLPI frame.
    [[nodiscard]] static bool wide(std::uint64_t offset);
    [[nodiscard]] std::uint64_t read(std::uint64_t offset);
    void write(std::uint64_t offset, std::uint64_t value);
    void write_setlpi(std::uint64_t offset, std::uint64_t value);

    // A GIC CD* instruction, by its key, but for CDEOI and CDRCFG. Unreachable interrupts and PPIs
    // are ignored.
    void command(unsigned code, std::uint64_t operand);
    // What GIC CDRCFG leaves in ICC_ICSR_EL1.
    [[nodiscard]] std::uint64_t configuration_of(std::uint32_t intid, std::uint16_t asking);

    // What is offered to a CPU, and that it took it.
    [[nodiscard]] std::optional<Candidate> candidate(unsigned cpu) const;
    void acknowledge(std::uint32_t intid);

    void set_line(std::uint32_t spi, bool high);
    void event(std::uint32_t lpi, Event event);
    void deliver_twice(std::uint32_t lpi);  // the next event (fault)
    // A CPU began or ceased to take interrupts.
    void choose_again();
    // LPIs are IDs below it.
    [[nodiscard]] std::uint64_t lpi_limit() const { return ist_.limit(); }

private:
    struct Spi {
        Interrupt interrupt;
        bool level_triggered = false;  // IRS_SPI_CFGR.TM
        bool high = false;
    };

    [[nodiscard]] Spi* find_spi(std::uint32_t number);
    [[nodiscard]] Interrupt* find(std::uint32_t intid);
    [[nodiscard]] std::optional<unsigned> cpu_of(std::uint32_t iaffid) const;
    [[nodiscard]] Spi* selected_spi();

    // The state of the interrupt has changed: into and out of the candidates.
    void route(std::uint32_t intid, Interrupt& interrupt);
    void withdraw(Interrupt& interrupt);
    [[nodiscard]] std::optional<unsigned> target(std::uint32_t intid, const Interrupt& interrupt);
    [[nodiscard]] std::optional<unsigned> choose(std::uint8_t priority);
    void apply(std::uint32_t intid, Interrupt& interrupt, Event event);
    void set_pending(std::uint32_t intid, Interrupt& interrupt, bool pending);
    void store(std::uint32_t intid);

    [[nodiscard]] std::uint32_t read_identification(std::uint64_t offset) const;
    [[nodiscard]] bool check_idle(const Handshake& group, const char* rule);
    void write_control(std::uint32_t value);
    void write_attributes(std::uint32_t value);
    void synchronize(std::uint32_t value);
    void write_spi_group(std::uint64_t offset, std::uint32_t value);
    void set_trigger_mode(std::uint32_t number, Spi& spi, bool level);
    void resample(std::uint32_t number);
    void write_pe_group(std::uint64_t offset, std::uint32_t value);

    Context& context_;
    std::vector<std::uint16_t> iaffids_;
    Ask ask_;
    std::uint8_t priority_mask_;

    bool enabled_ = false;
    std::uint32_t attributes_ = 0;
    Handshake control_;
    Handshake synchronization_;

    std::vector<Spi> spis_;
    std::uint32_t selected_spi_ = 0;
    Handshake spi_group_;

    std::uint32_t selected_pe_ = 0;
    std::vector<bool> takes_no_part_;  // IRS_PE_CR0.DPS of each CPU
    Handshake pe_group_;

    SoftwareErrors errors_;
    Ist ist_;

    // For each CPU the interrupts offered to it, best first.
    std::vector<std::set<std::pair<std::uint8_t, std::uint32_t>>> offered_;
    std::set<std::uint32_t> one_of_n_;  // pending ones
    unsigned next_choice_ = 0;

    // For faults.
    std::uint32_t sent_ = 0;
    std::set<std::uint32_t> again_;  // stay pending at the next acknowledge
};

}  // namespace model::gicv5
