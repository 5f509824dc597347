// SPDX-License-Identifier: MIT
//
// The CPU interface of one CPU: its PPIs, and what of all candidates is signalled to it.
#pragma once

#include "models/gicv5/context.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace model::gicv5 {

class CpuInterface {
public:
    CpuInterface(Context& context, std::uint16_t iaffid);

    void reset();

    // System registers by the key of their encoding. Nothing, false: not one of these.
    [[nodiscard]] std::optional<std::uint64_t> read(unsigned code);
    [[nodiscard]] bool write(unsigned code, std::uint64_t value);

    void set_line(unsigned ppi, bool high);
    void set_nmi(bool in_use) { nmi_ = in_use && context_.configuration.nmi; }
    void set_icsr(std::uint64_t value) { icsr_ = value; }

    // The interrupt that is signalled: the better one of the PPIs and of what the IRS offers, when
    // it is of sufficient priority.
    [[nodiscard]] std::optional<Candidate> candidate(const std::optional<Candidate>& irs) const
    {
        return select(irs, running_priority());
    }
    // As ICC_HPPIR_EL1 shows it.
    [[nodiscard]] std::optional<Candidate> shown(const std::optional<Candidate>& irs) const;

    [[nodiscard]] bool superpriority(const Candidate& candidate) const
    {
        return nmi_ && candidate.priority == 0;
    }
    [[nodiscard]] bool enabled() const { return enabled_cpu_; }
    // An interrupt of that priority would be signalled.
    [[nodiscard]] bool passes(std::uint8_t priority) const
    {
        return sufficient(priority, running_priority());
    }

    void acknowledge(const Candidate& candidate);
    void complete_acknowledge() { acknowledge_completed_ = true; }
    // Priority drop. Returns the interrupt it belongs to, in the order of acknowledges.
    std::optional<std::uint32_t> end();
    void deactivate(unsigned ppi);
    // Rule: an acknowledge is completed before the next step that depends on it.
    void check_acknowledge_completed();

private:
    static constexpr unsigned nothing_running = 32;

    [[nodiscard]] std::optional<Candidate> select(const std::optional<Candidate>& irs,
                                                  unsigned running) const;
    [[nodiscard]] std::optional<Candidate> best_ppi() const;
    [[nodiscard]] bool sufficient(std::uint8_t priority, unsigned running) const;
    [[nodiscard]] unsigned running_priority() const;
    [[nodiscard]] std::uint64_t level_sensitive(unsigned word) const;
    [[nodiscard]] std::uint64_t pending(unsigned word) const;
    [[nodiscard]] std::uint64_t read_priorities(unsigned index) const;
    void write_priorities(unsigned index, std::uint64_t value);
    void write_enables(unsigned word, std::uint64_t value);
    void write_control(std::uint64_t value);
    [[nodiscard]] std::uint64_t read_control();

    Context& context_;
    std::uint16_t iaffid_;
    std::uint8_t priority_mask_;
    std::array<std::uint64_t, 2> implemented_;

    // PPIs, one bit each.
    std::array<std::uint64_t, 2> enabled_{};
    std::array<std::uint64_t, 2> active_{};
    std::array<std::uint64_t, 2> latched_{};    // Pending of edge-triggered ones
    std::array<std::uint64_t, 2> line_{};       // Pending of level-sensitive ones, but for:
    std::array<std::uint64_t, 2> withdrawn_{};  // not pending although the line is high (faults)
    std::array<std::uint64_t, 2> forced_{};     // pending although the line is low (faults)
    std::array<std::uint8_t, 128> priority_{};
    std::array<std::uint64_t, 16> written_priorities_{};  // for the fault that keeps RES0 bits

    bool enabled_cpu_ = false;
    bool linked_;
    Handshake link_;
    std::uint8_t mask_ = 0;                // ICC_PCR_EL1
    std::uint32_t active_priorities_ = 0;  // ICC_APR_EL1
    std::uint64_t icsr_ = 0;
    bool nmi_ = false;
    bool acknowledge_completed_ = true;
    std::vector<std::uint32_t> acknowledged_;  // that were not ended yet
};

}  // namespace model::gicv5
