// SPDX-License-Identifier: MIT
#include "models/gicv5/cpu_interface.h"

#include "arm64/gic/gicv5/cpu_interface.h"
#include "models/gicv5/access.h"

#include <bit>

namespace model::gicv5 {

using namespace layout;

namespace {

// Registers come in pairs of which op2 says the word.
constexpr unsigned word_of(unsigned code)
{
    return code & 1;
}

constexpr std::uint64_t bit(unsigned ppi)
{
    return std::uint64_t{1} << ppi % 64;
}

constexpr bool is_priority_register(unsigned code)
{
    return code >= key<ICC_PPI_PRIORITYR_EL1<0>> && code <= key<ICC_PPI_PRIORITYR_EL1<15>>;
}

constexpr std::uint64_t icsr_fields = ICC_ICSR_EL1::IAFFID.mask() | ICC_ICSR_EL1::Priority.mask() |
                                      ICC_ICSR_EL1::HM.mask() | ICC_ICSR_EL1::Active.mask() |
                                      ICC_ICSR_EL1::IRM.mask() | ICC_ICSR_EL1::Pending.mask() |
                                      ICC_ICSR_EL1::Enabled.mask() | ICC_ICSR_EL1::F.mask();

}  // namespace

CpuInterface::CpuInterface(Context& context, std::uint16_t iaffid)
    : context_{context},
      iaffid_{iaffid},
      // Of fewer than five bits, the low-order ones are missing.
      priority_mask_{context.configuration.priority_bits >= 5 ? std::uint8_t{0x1f}
                                                              : std::uint8_t{0x1e}},
      implemented_{context.configuration.ppis},
      linked_{context.configuration.linked_by_firmware}
{
    reset();
}

void CpuInterface::reset()
{
    const bool garbage = context_.configuration.unknown_at_reset;
    enabled_ = garbage ? implemented_ : std::array<std::uint64_t, 2>{};
    active_ = garbage ? implemented_ : std::array<std::uint64_t, 2>{};
    latched_ = garbage ? implemented_ : std::array<std::uint64_t, 2>{};
    withdrawn_ = {};
    forced_ = {};
    priority_ = {};
    written_priorities_ = {};
    enabled_cpu_ = false;
    linked_ = context_.configuration.linked_by_firmware;
    link_ = {};
    mask_ = 0;
    active_priorities_ = garbage ? 0x8001'0000 : 0;
    icsr_ = 0;
    acknowledge_completed_ = true;
    acknowledged_.clear();
}

// --- State of PPIs ------------------------------------------------------------------------------

std::uint64_t CpuInterface::level_sensitive(unsigned word) const
{
    return implemented_[word] & ~(word == 0 ? bit(sw_ppi) : 0);
}

std::uint64_t CpuInterface::pending(unsigned word) const
{
    const std::uint64_t level = (line_[word] & ~withdrawn_[word]) | forced_[word];
    const std::uint64_t is_level = level_sensitive(word);
    return (latched_[word] & implemented_[word] & ~is_level) | (level & is_level);
}

void CpuInterface::set_line(unsigned ppi, bool high)
{
    const unsigned word = ppi / 64;
    const std::uint64_t one = bit(ppi);
    const bool was_high = (line_[word] & one) != 0;
    if (high == was_high || (implemented_[word] & one) == 0) {
        return;
    }
    line_[word] ^= one;
    withdrawn_[word] &= ~one;
    if (!high) {
        return;
    }
    if ((level_sensitive(word) & one) == 0) {
        latched_[word] |= one;
    }
    if (context_.on(Fault::ppi_line_latched)) {
        forced_[word] |= one;
    }
    if (context_.on(Fault::ppi_line_lost_while_active)) {
        withdrawn_[word] |= one & active_[word];
    }
}

void CpuInterface::write_enables(unsigned word, std::uint64_t value)
{
    const std::uint64_t existing =
        context_.on(Fault::ppi_hidden_sticks) ? ~std::uint64_t{0} : implemented_[word];
    if (context_.on(Fault::ppi_disable_drops_pending)) {
        latched_[word] &= ~(enabled_[word] & ~value);
    }
    enabled_[word] = value & existing;
}

std::uint64_t CpuInterface::read_priorities(unsigned index) const
{
    if (context_.on(Fault::ppi_priority_res0_sticks)) {
        return written_priorities_[index];
    }
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) {
        value |= std::uint64_t{priority_[8 * index + i]} << 8 * i;
    }
    return value;
}

void CpuInterface::write_priorities(unsigned index, std::uint64_t value)
{
    written_priorities_[index] = value;
    for (unsigned i = 0; i < 8; ++i) {
        const unsigned ppi = 8 * index + i;
        if ((implemented_[ppi / 64] & bit(ppi)) != 0) {
            const unsigned from = context_.on(Fault::ppi_priority_spills) ? 0 : i;
            priority_[ppi] = static_cast<std::uint8_t>(value >> 8 * from) & priority_mask_;
        }
    }
}

// --- Selection ----------------------------------------------------------------------------------

unsigned CpuInterface::running_priority() const
{
    return active_priorities_ == 0 ? nothing_running
                                   : static_cast<unsigned>(std::countr_zero(active_priorities_));
}

std::optional<Candidate> CpuInterface::best_ppi() const
{
    std::optional<Candidate> best;
    for (unsigned word = 0; word < 2; ++word) {
        std::uint64_t ready = pending(word);
        if (!context_.on(Fault::ppi_enable_ignored)) {
            ready &= enabled_[word];
        }
        if (!context_.on(Fault::active_is_signalled)) {
            ready &= ~active_[word];
        }
        for (; ready != 0; ready &= ready - 1) {
            const unsigned number = 64 * word + static_cast<unsigned>(std::countr_zero(ready));
            const bool better = !best || (context_.on(Fault::worst_candidate_first)
                                              ? priority_[number] > best->priority
                                              : priority_[number] < best->priority);
            if (better) {
                best = {.intid = ppi(number).value, .priority = priority_[number]};
            }
        }
    }
    return best;
}

bool CpuInterface::sufficient(std::uint8_t priority, unsigned running) const
{
    const bool unmasked = context_.on(Fault::mask_ignored)          ? true
                          : context_.on(Fault::mask_excludes_equal) ? priority < mask_
                                                                    : priority <= mask_;
    const bool preempts = context_.on(Fault::no_preemption)             ? running == nothing_running
                          : context_.on(Fault::equal_priority_preempts) ? priority <= running
                                                                        : priority < running;
    return unmasked && preempts;
}

std::optional<Candidate> CpuInterface::select(const std::optional<Candidate>& irs,
                                              unsigned running) const
{
    if (!enabled_cpu_ && !context_.on(Fault::cpu_enable_ignored)) {
        return {};
    }
    std::optional<Candidate> best = best_ppi();
    // Between equal priorities the choice is the implementation's.
    if (linked_ && irs &&
        (!best || (irs->priority < best->priority && !context_.on(Fault::ppi_before_irs)))) {
        best = irs;
    }
    if (best && !sufficient(best->priority, running)) {
        return {};
    }
    return best;
}

std::optional<Candidate> CpuInterface::shown(const std::optional<Candidate>& irs) const
{
    return select(irs, context_.on(Fault::hppir_ignores_running_priority) ? nothing_running
                                                                          : running_priority());
}

// --- Acknowledge, end, deactivate ---------------------------------------------------------------

void CpuInterface::check_acknowledge_completed()
{
    if (!acknowledge_completed_) {
        context_.violations.add("GSB ACK completes an acknowledge before the next GIC instruction "
                                "of the interrupt",
                                "IAFFID " + hex(iaffid_));
        acknowledge_completed_ = true;
    }
}

void CpuInterface::acknowledge(const Candidate& candidate)
{
    check_acknowledge_completed();
    acknowledge_completed_ = false;
    acknowledged_.push_back(candidate.intid);
    if (!context_.on(Fault::active_priority_not_set)) {
        active_priorities_ |= 1U << candidate.priority;
    }
    if (!is_ppi({candidate.intid})) {
        return;
    }
    const unsigned ppi = number({candidate.intid});
    const unsigned word = ppi / 64;
    if (!context_.on(Fault::acknowledge_without_active)) {
        active_[word] |= bit(ppi);
    }
    if ((level_sensitive(word) & bit(ppi)) == 0) {
        if (!context_.on(Fault::acknowledge_keeps_edge_pending)) {
            latched_[word] &= ~bit(ppi);
        }
    } else if (context_.on(Fault::acknowledge_clears_level_pending)) {
        withdrawn_[word] |= bit(ppi);
    }
}

std::optional<std::uint32_t> CpuInterface::end()
{
    check_acknowledge_completed();
    if (context_.on(Fault::eoi_drops_lowest_priority)) {
        active_priorities_ &= ~std::bit_floor(active_priorities_);
    } else {
        active_priorities_ &= active_priorities_ - 1;
    }
    if (acknowledged_.empty()) {
        return {};
    }
    const std::uint32_t ended = acknowledged_.back();
    acknowledged_.pop_back();
    return ended;
}

void CpuInterface::deactivate(unsigned ppi)
{
    if (ppi >= ppi_count) {
        return;
    }
    if (context_.on(Fault::deactivate_all_ppis)) {
        active_ = {};
    }
    active_[ppi / 64] &= ~bit(ppi);
    if (context_.on(Fault::deactivate_drops_pending)) {
        latched_[ppi / 64] &= ~bit(ppi);
    }
}

// --- Registers ----------------------------------------------------------------------------------

std::uint64_t CpuInterface::read_control()
{
    const bool idle = link_.poll();
    return ICC_CR0_EL1{}
        .with(ICC_CR0_EL1::EN, enabled_cpu_)
        .with(ICC_CR0_EL1::LINK, linked_)
        .with(ICC_CR0_EL1::LINK_IDLE, idle)
        .raw;
}

void CpuInterface::write_control(std::uint64_t value)
{
    const auto control = ICC_CR0_EL1::from(value);
    const bool link = control[ICC_CR0_EL1::LINK] != 0;
    // What firmware linked stays so.
    if (!context_.configuration.linked_by_firmware && link != linked_) {
        linked_ = link;
        link_.start(context_.configuration.slowness);
    }
    enabled_cpu_ = control[ICC_CR0_EL1::EN] != 0;
    if (enabled_cpu_ && context_.configuration.irs && (!linked_ || !link_.idle())) {
        context_.violations.add(
            "ICC_CR0_EL1.EN is set after the CPU is linked to its IRS: LINK and LINK_IDLE are 1",
            "ICC_CR0_EL1 " + hex(value));
    }
}

std::optional<std::uint64_t> CpuInterface::read(unsigned code)
{
    const unsigned word = word_of(code);
    if (is_priority_register(code)) {
        return read_priorities(code - key<ICC_PPI_PRIORITYR_EL1<0>>);
    }
    switch (code) {
    case key<ICC_IDR0_EL1>:
        return ICC_IDR0_EL1{}
            .with(ICC_IDR0_EL1::ID_BITS, context_.configuration.id_bits > 16)
            .with(ICC_IDR0_EL1::PRI_BITS, priority_mask_ == 0x1f ? 4 : 3)
            .raw;
    case key<ICC_IAFFIDR_EL1>:
        return iaffid_;
    case key<ICC_ICSR_EL1>:
        return icsr_;
    case key<ICC_APR_EL1>:
        return active_priorities_;
    case key<ICC_PCR_EL1>:
        return mask_;
    case key<ICC_CR0_EL1>:
        return read_control();
    case key<ICC_PPI_HMR_EL1<0>>:
    case key<ICC_PPI_HMR_EL1<1>>:
        return context_.on(Fault::ppi_mode_wrong) ? implemented_[word] : level_sensitive(word);
    case key<ICC_PPI_ENABLER_EL1<0>>:
    case key<ICC_PPI_ENABLER_EL1<1>>:
        return enabled_[word];
    case key<ICC_PPI_CPENDR_EL1<0>>:
    case key<ICC_PPI_CPENDR_EL1<1>>:
        return context_.on(Fault::ppi_cpendr_reads_zero) ? 0 : pending(word);
    case key<ICC_PPI_SPENDR_EL1<0>>:
    case key<ICC_PPI_SPENDR_EL1<1>>:
        return pending(word);
    case key<ICC_PPI_CACTIVER_EL1<0>>:
    case key<ICC_PPI_CACTIVER_EL1<1>>:
    case key<ICC_PPI_SACTIVER_EL1<0>>:
    case key<ICC_PPI_SACTIVER_EL1<1>>:
        return active_[word];
    default:
        return {};
    }
}

bool CpuInterface::write(unsigned code, std::uint64_t value)
{
    const unsigned word = word_of(code);
    if (is_priority_register(code)) {
        write_priorities(code - key<ICC_PPI_PRIORITYR_EL1<0>>, value);
        return true;
    }
    switch (code) {
    case key<ICC_ICSR_EL1>:
        icsr_ = value & icsr_fields;
        return true;
    case key<ICC_APR_EL1>:
        active_priorities_ = static_cast<std::uint32_t>(value);
        if (active_priorities_ == 0) {
            acknowledged_.clear();
        }
        return true;
    case key<ICC_PCR_EL1>:
        mask_ = static_cast<std::uint8_t>(value) & priority_mask_;
        if (context_.on(Fault::mask_loses_low_bit)) {
            mask_ &= 0x1e;
        }
        return true;
    case key<ICC_CR0_EL1>:
        write_control(value);
        return true;
    case key<ICC_PPI_ENABLER_EL1<0>>:
    case key<ICC_PPI_ENABLER_EL1<1>>:
        write_enables(word, value);
        return true;
    case key<ICC_PPI_CPENDR_EL1<0>>:
    case key<ICC_PPI_CPENDR_EL1<1>>:
        latched_[word] &= ~value;
        if (context_.on(Fault::ppi_level_is_clearable)) {
            withdrawn_[word] |= value & line_[word];
        }
        return true;
    case key<ICC_PPI_SPENDR_EL1<0>>:
    case key<ICC_PPI_SPENDR_EL1<1>>:
        latched_[word] |= value & implemented_[word];
        if (context_.on(Fault::ppi_level_is_settable)) {
            forced_[word] |= value & level_sensitive(word);
        }
        return true;
    case key<ICC_PPI_CACTIVER_EL1<0>>:
    case key<ICC_PPI_CACTIVER_EL1<1>>:
        if (!context_.on(Fault::ppi_cactiver_ignored)) {
            active_[word] &= ~value;
        }
        return true;
    case key<ICC_PPI_SACTIVER_EL1<0>>:
    case key<ICC_PPI_SACTIVER_EL1<1>>:
        if (!context_.on(Fault::ppi_sactiver_ignored)) {
            active_[word] |= value & implemented_[word];
        }
        return true;
    default:
        return false;
    }
}

}  // namespace model::gicv5
