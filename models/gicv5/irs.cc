// SPDX-License-Identifier: MIT
#include "models/gicv5/irs.h"

#include "arm64/gic/gicv5/cpu_interface.h"
#include "arm64/gic/gicv5/intid.h"
#include "models/gicv5/access.h"

#include <algorithm>
#include <array>

namespace model::gicv5 {

using namespace layout;

namespace {

constexpr std::uint32_t attribute_fields =
    static_cast<std::uint32_t>(IRS_CR1::IST_WA.mask() | IRS_CR1::IST_RA.mask() |
                               IRS_CR1::IC.mask() | IRS_CR1::OC.mask() | IRS_CR1::SH.mask());

constexpr std::uint32_t non_secure = 1;  // interrupt domain
constexpr std::uint32_t pa_range_48_bits = 5;
constexpr std::uint32_t arm = 0x43b;  // JEP106 code of the implementer

// CoreSight identification, at the end of the frame.
constexpr std::uint64_t devarch = 0xffbc;
constexpr std::uint64_t component_id = 0xfff0;
constexpr std::array<std::uint32_t, 4> component_ids{0x0d, 0xf0, 0x05, 0xb1};

IntidType type_of(std::uint32_t intid)
{
    return static_cast<IntidType>(Intid::from(intid)[Intid::TYPE]);
}

bool is_lpi(std::uint32_t intid)
{
    return type_of(intid) == IntidType::lpi;
}

std::uint32_t intid_of(std::uint64_t operand)
{
    return static_cast<std::uint32_t>(operand & (CDEN::TYPE.mask() | CDEN::ID.mask()));
}

}  // namespace

Irs::Irs(Context& context, std::vector<std::uint16_t> iaffids, Ask ask)
    : context_{context},
      iaffids_{std::move(iaffids)},
      ask_{std::move(ask)},
      // Of fewer than five bits, the low-order ones are missing.
      priority_mask_{static_cast<std::uint8_t>(
          0x1fU & ~((1U << (5 - context.configuration.irs_priority_bits)) - 1))},
      spis_(context.configuration.spi_count),
      takes_no_part_(iaffids_.size()),
      errors_{context},
      ist_{context, errors_},
      offered_(iaffids_.size())
{
    if (context_.configuration.unknown_at_reset) {
        for (Spi& spi : spis_) {
            spi.interrupt.priority = 0x1f & priority_mask_;
            spi.interrupt.iaffid = 0xdead;
        }
    }
    ist_.on_restore = [this](std::uint32_t lpi, Ist::Entry& entry) {
        route(intid(IntidType::lpi, lpi).value, entry.interrupt);
    };
    ist_.on_forget = [this](Ist::Entry& entry) { withdraw(entry.interrupt); };
}

// --- State and routing --------------------------------------------------------------------------

Irs::Spi* Irs::find_spi(std::uint32_t number)
{
    const std::uint32_t index = number - context_.configuration.spi_base;
    if (number < context_.configuration.spi_base || index >= spis_.size() ||
        (index + 1 == spis_.size() && context_.on(Fault::spi_last_missing))) {
        return nullptr;
    }
    return &spis_[index];
}

Interrupt* Irs::find(std::uint32_t intid)
{
    const std::uint32_t id = number({intid});
    if (!context_.configuration.irs) {
        return nullptr;
    }
    switch (type_of(intid)) {
    case IntidType::spi: {
        Spi* const spi = find_spi(id);
        return spi == nullptr ? nullptr : &spi->interrupt;
    }
    case IntidType::lpi: {
        Ist::Entry* const entry = ist_.find(id);
        return entry == nullptr ? nullptr : &entry->interrupt;
    }
    default:
        return nullptr;
    }
}

std::optional<unsigned> Irs::cpu_of(std::uint32_t iaffid) const
{
    const auto found = std::ranges::find(iaffids_, iaffid);
    if (found == iaffids_.end()) {
        return {};
    }
    return static_cast<unsigned>(found - iaffids_.begin());
}

// A CPU for an interrupt with 1-of-N targeting: one that takes it now, else one that takes it when
// its priorities allow; each in its turn. DPS = 1 keeps a CPU out (assumed: Linux writes 1 and uses
// targeted interrupts only).
std::optional<unsigned> Irs::choose(std::uint8_t priority)
{
    if (context_.on(Fault::one_of_n_never)) {
        return {};
    }
    const auto cpus = static_cast<unsigned>(iaffids_.size());
    for (const Welcome wanted : {Welcome::now, Welcome::later}) {
        for (unsigned i = 0; i < cpus; ++i) {
            const unsigned cpu = (next_choice_ + i) % cpus;
            const bool excluded = takes_no_part_[cpu] != context_.on(Fault::one_of_n_asks_nobody);
            if (!excluded && ask_(cpu, priority) == wanted) {
                next_choice_ = (cpu + 1) % cpus;
                return cpu;
            }
        }
    }
    return {};
}

std::optional<unsigned> Irs::target(std::uint32_t intid, const Interrupt& interrupt)
{
    if (interrupt.one_of_n) {
        return choose(interrupt.priority);
    }
    if (context_.on(Fault::target_ignored)) {
        return 0;
    }
    const auto cpu = cpu_of(interrupt.iaffid);
    if (cpu && is_lpi(intid) && context_.on(Fault::ipi_on_next_cpu)) {
        return (*cpu + 1) % iaffids_.size();
    }
    return cpu;
}

void Irs::withdraw(Interrupt& interrupt)
{
    if (interrupt.route) {
        offered_[interrupt.route->cpu].erase({interrupt.route->priority, interrupt.route->intid});
        interrupt.route.reset();
    }
}

void Irs::route(std::uint32_t intid, Interrupt& interrupt)
{
    withdraw(interrupt);
    one_of_n_.erase(intid);
    if (!interrupt.enabled || !interrupt.pending || interrupt.active) {
        return;
    }
    if (interrupt.one_of_n) {
        one_of_n_.insert(intid);
    }
    if (const auto cpu = target(intid, interrupt)) {
        interrupt.route = {.cpu = *cpu, .priority = interrupt.priority, .intid = intid};
        offered_[*cpu].emplace(interrupt.priority, intid);
    }
}

void Irs::choose_again()
{
    for (const std::uint32_t intid : std::set{one_of_n_}) {
        if (Interrupt* const interrupt = find(intid)) {
            route(intid, *interrupt);
        }
    }
}

std::optional<Candidate> Irs::candidate(unsigned cpu) const
{
    if ((!enabled_ && !context_.on(Fault::irs_enable_ignored)) || offered_[cpu].empty()) {
        return {};
    }
    const auto& [priority, intid] = *offered_[cpu].begin();
    return Candidate{.intid = intid, .priority = priority};
}

void Irs::acknowledge(std::uint32_t intid)
{
    Interrupt* const interrupt = find(intid);
    if (interrupt == nullptr) {
        return;
    }
    if (interrupt->one_of_n && context_.on(Fault::one_of_n_twice)) {
        // Once more, to whoever is next; then as usual.
        if (again_.insert(intid).second) {
            route(intid, *interrupt);
            return;
        }
    }
    const bool once_more = again_.erase(intid) != 0 && !interrupt->one_of_n;
    if (!context_.on(Fault::acknowledge_without_active)) {
        interrupt->active = true;
    }
    if (interrupt->level ? context_.on(Fault::acknowledge_clears_level_pending)
                         : !context_.on(Fault::acknowledge_keeps_edge_pending) && !once_more) {
        interrupt->pending = false;
    }
    route(intid, *interrupt);
}

// --- Events -------------------------------------------------------------------------------------

void Irs::set_pending(std::uint32_t intid, Interrupt& interrupt, bool pending)
{
    if (pending && is_lpi(intid) && context_.on(Fault::lpi_evicted_pending)) {
        const Ist::Entry* const entry = ist_.find(number({intid}));
        pending = entry == nullptr || entry->serial < 64;
    }
    interrupt.pending = pending;
    route(intid, interrupt);
}

void Irs::apply(std::uint32_t intid, Interrupt& interrupt, Event event)
{
    if (event != Event::clear) {
        const bool level = event == Event::set_level;
        if (interrupt.level != level) {
            interrupt.level = level;
            store(intid);
        }
    }
    set_pending(intid, interrupt, event != Event::clear);
}

void Irs::event(std::uint32_t lpi, Event event)
{
    const std::uint32_t intid = layout::intid(IntidType::lpi, lpi).value;
    if (Interrupt* const interrupt = find(intid)) {
        apply(intid, *interrupt, event);
    }
}

void Irs::deliver_twice(std::uint32_t lpi)
{
    again_.insert(intid(IntidType::lpi, lpi).value);
}

void Irs::set_line(std::uint32_t number, bool high)
{
    Spi* const spi = find_spi(number);
    if (spi == nullptr || spi->high == high) {
        return;
    }
    spi->high = high;
    const std::uint32_t intid = layout::intid(IntidType::spi, number).value;
    const bool level = spi->level_triggered && !context_.on(Fault::spi_trigger_mode_ignored);
    if (level) {
        if (high || !context_.on(Fault::spi_line_latched)) {
            apply(intid, spi->interrupt, high ? Event::set_level : Event::clear);
        }
    } else if (high && !(spi->interrupt.active && context_.on(Fault::spi_edge_lost_while_active))) {
        apply(intid, spi->interrupt, Event::set_edge);
    }
}

void Irs::set_trigger_mode(std::uint32_t number, Spi& spi, bool level)
{
    if (spi.level_triggered == level) {
        return;
    }
    spi.level_triggered = level;
    const std::uint32_t intid = layout::intid(IntidType::spi, number).value;
    if (level) {
        apply(intid, spi.interrupt,
              spi.high && !context_.on(Fault::spi_trigger_mode_ignored) ? Event::set_level
                                                                        : Event::clear);
    } else if (spi.high) {
        apply(intid, spi.interrupt, Event::clear);
    }
}

// Assumed: an edge-triggered SPI has nothing to be sampled.
void Irs::resample(std::uint32_t number)
{
    Spi* const spi = find_spi(number);
    if (spi != nullptr && spi->level_triggered && !context_.on(Fault::spi_resample_ignored)) {
        apply(layout::intid(IntidType::spi, number).value, spi->interrupt,
              spi->high ? Event::set_level : Event::clear);
    }
}

// --- Instructions -------------------------------------------------------------------------------

void Irs::store(std::uint32_t intid)
{
    if (is_lpi(intid)) {
        if (Ist::Entry* const entry = ist_.find(number({intid}))) {
            ist_.store(*entry);
        }
    }
}

void Irs::command(unsigned code, std::uint64_t operand)
{
    const std::uint32_t intid = intid_of(operand);
    Interrupt* const interrupt = find(intid);
    if (interrupt == nullptr) {
        return;
    }
    const bool lpi = is_lpi(intid);
    switch (code) {
    case key<CDEN>:
        interrupt->enabled = true;
        break;
    case key<CDDIS>:
        if (!context_.on(lpi ? Fault::lpi_disable_ignored : Fault::spi_disable_ignored)) {
            interrupt->enabled = false;
        }
        break;
    case key<CDPRI>:
        if (!context_.on(Fault::priority_not_stored)) {
            interrupt->priority =
                static_cast<std::uint8_t>(CDPRI::from(operand)[CDPRI::PRIORITY]) & priority_mask_;
        }
        break;
    case key<CDAFF>:
        // Without 1-of-N every interrupt is targeted.
        interrupt->one_of_n =
            CDAFF::from(operand)[CDAFF::IRM] != 0 && context_.configuration.one_of_n;
        interrupt->iaffid = static_cast<std::uint16_t>(CDAFF::from(operand)[CDAFF::IAFFID]);
        if (context_.on(Fault::retarget_drops_pending)) {
            interrupt->pending = false;
        }
        break;
    case key<CDHM>:
        if (!(lpi && context_.on(Fault::lpi_mode_ignored))) {
            interrupt->level = CDHM::from(operand)[CDHM::HM] != 0;
        }
        break;
    case key<CDPEND>: {
        const bool pending = CDPEND::from(operand)[CDPEND::PENDING] != 0;
        if (!pending) {
            if (lpi ? !context_.on(Fault::lpi_unpend_ignored)
                    : !context_.on(Fault::spi_unpend_sets)) {
                set_pending(intid, *interrupt, false);
            } else if (!lpi) {
                set_pending(intid, *interrupt, true);
            }
            return;
        }
        if (lpi && ++sent_ % 8 == 0) {
            if (context_.on(Fault::ipi_lost)) {
                return;
            }
            if (context_.on(Fault::ipi_doubled)) {
                again_.insert(intid);
            }
        }
        set_pending(intid, *interrupt, true);
        return;
    }
    case key<CDDI>:
        interrupt->active = false;
        if (context_.on(Fault::deactivate_drops_pending) && !interrupt->level) {
            interrupt->pending = false;
        }
        route(intid, *interrupt);
        return;
    default:
        return;
    }
    store(intid);
    route(intid, *interrupt);
}

std::uint64_t Irs::configuration_of(std::uint32_t intid, std::uint16_t asking)
{
    const Interrupt* const interrupt = find(intid);
    if (interrupt == nullptr) {
        return ICC_ICSR_EL1{}
            .with(ICC_ICSR_EL1::F, context_.on(Fault::icsr_never_fails) ? 0 : 1)
            .raw;
    }
    if (number({intid}) == 0 && context_.on(Fault::icsr_fails_for_first)) {
        return ICC_ICSR_EL1{}.with(ICC_ICSR_EL1::F, 1).raw;
    }
    return ICC_ICSR_EL1{}
        .with(ICC_ICSR_EL1::Enabled, interrupt->enabled)
        .with(ICC_ICSR_EL1::Pending, interrupt->pending)
        .with(ICC_ICSR_EL1::IRM, interrupt->one_of_n)
        .with(ICC_ICSR_EL1::Active, interrupt->active && !context_.on(Fault::icsr_hides_active))
        .with(ICC_ICSR_EL1::HM, interrupt->level)
        .with(ICC_ICSR_EL1::Priority, interrupt->priority)
        .with(ICC_ICSR_EL1::IAFFID,
              context_.on(Fault::icsr_wrong_iaffid) ? asking : interrupt->iaffid)
        .raw;
}

// --- Registers ----------------------------------------------------------------------------------

bool Irs::wide(std::uint64_t offset)
{
    return offset == IRS_IST_BASER::offset || offset == IRS_SWERR_STATUSR::offset ||
           offset == IRS_SWERR_SYNDROMER0::offset || offset == IRS_SWERR_SYNDROMER1::offset;
}

std::uint32_t Irs::read_identification(std::uint64_t offset) const
{
    const Configuration& configuration = context_.configuration;
    const auto spis = configuration.spi_count;
    switch (offset) {
    case IRS_IDR0::offset:
        return IRS_IDR0{}
            .with(IRS_IDR0::INT_DOM, non_secure)
            .with(IRS_IDR0::PA_RANGE, pa_range_48_bits)
            .with(IRS_IDR0::ONE_N, configuration.one_of_n)
            .with(IRS_IDR0::SETLPI, configuration.setlpi && configuration.lpis)
            .with(IRS_IDR0::SWE, configuration.software_errors)
            .raw;
    case IRS_IDR1::offset:
        return IRS_IDR1{}
            .with(IRS_IDR1::PE_CNT,
                  iaffids_.size() - (context_.on(Fault::irs_counts_one_pe_less) ? 1 : 0))
            .with(IRS_IDR1::IAFFID_BITS, 16 - 1)
            .with(IRS_IDR1::PRI_BITS, configuration.irs_priority_bits - 1)
            .raw;
    case IRS_IDR2::offset:
        if (const auto& lpis = configuration.lpis) {
            return IRS_IDR2{}
                .with(IRS_IDR2::ID_BITS, lpis->id_bits)
                .with(IRS_IDR2::LPI, 1)
                .with(IRS_IDR2::MIN_LPI_ID_BITS, lpis->min_id_bits)
                .with(IRS_IDR2::IST_LEVELS, lpis->two_level)
                .with(IRS_IDR2::IST_L2SZ, lpis->two_level ? lpis->level2_sizes : 0)
                .with(IRS_IDR2::ISTMD, lpis->metadata)
                .with(IRS_IDR2::ISTMD_SZ, lpis->metadata ? lpis->metadata_16_bytes : 0)
                .raw;
        }
        return 0;
    case IRS_IDR5::offset:
        return spis == 0 ? 0 : configuration.spi_base + spis;
    case IRS_IDR6::offset:
        return spis;
    case IRS_IDR7::offset:
        return spis == 0 ? 0 : configuration.spi_base;
    case IRS_IIDR::offset:
        return IRS_IIDR{}.with(IRS_IIDR::Implementer, arm).raw;
    case IRS_AIDR::offset:
        return 0;  // an IRS, of the first version
    case devarch:
        return 0x4770'5a19;
    default:
        return offset >= component_id ? component_ids[(offset - component_id) / 4] : 0;
    }
}

std::uint64_t Irs::read(std::uint64_t offset)
{
    if (Ist::has(offset)) {
        return ist_.read(offset);
    }
    switch (offset) {
    case IRS_CR0::offset: {
        const bool idle = control_.poll();
        return IRS_CR0{}.with(IRS_CR0::IDLE, idle).with(IRS_CR0::IRSEN, enabled_).raw;
    }
    case IRS_CR1::offset:
        return attributes_;
    case IRS_SYNC_STATUSR::offset:
        return IRS_SYNC_STATUSR{}.with(IRS_SYNC_STATUSR::IDLE, synchronization_.poll()).raw;
    case IRS_SPI_SELR::offset:
        return selected_spi_;
    case IRS_SPI_DOMAINR::offset:
        return selected_spi() == nullptr ? 0 : non_secure;
    case IRS_SPI_CFGR::offset: {
        const Spi* const spi = selected_spi();
        return IRS_SPI_CFGR{}.with(IRS_SPI_CFGR::TM, spi != nullptr && spi->level_triggered).raw;
    }
    case IRS_SPI_STATUSR::offset: {
        const bool beyond =
            context_.on(Fault::spi_status_valid_beyond) &&
            selected_spi_ == context_.configuration.spi_base + context_.configuration.spi_count;
        return IRS_SPI_STATUSR{}
            .with(IRS_SPI_STATUSR::IDLE, spi_group_.poll())
            .with(IRS_SPI_STATUSR::V, find_spi(selected_spi_) != nullptr || beyond)
            .raw;
    }
    case IRS_PE_SELR::offset:
        return selected_pe_;
    case IRS_PE_STATUSR::offset: {
        const bool known = cpu_of(selected_pe_).has_value();
        return IRS_PE_STATUSR{}
            .with(IRS_PE_STATUSR::IDLE, pe_group_.poll())
            .with(IRS_PE_STATUSR::V, known || context_.on(Fault::pe_status_valid_for_unknown))
            .with(IRS_PE_STATUSR::ONLINE, known)
            .raw;
    }
    case IRS_PE_CR0::offset: {
        const auto cpu = cpu_of(selected_pe_);
        return IRS_PE_CR0{}.with(IRS_PE_CR0::DPS, cpu && takes_no_part_[*cpu]).raw;
    }
    case IRS_SWERR_STATUSR::offset:
        return errors_.status();
    case IRS_SWERR_SYNDROMER0::offset:
        return errors_.syndrome0();
    case IRS_SWERR_SYNDROMER1::offset:
        return errors_.syndrome1();
    default:
        return read_identification(offset);
    }
}

void Irs::write(std::uint64_t offset, std::uint64_t value)
{
    const auto word = static_cast<std::uint32_t>(value);
    if (Ist::has(offset)) {
        ist_.write(offset, value);
        return;
    }
    switch (offset) {
    case IRS_CR0::offset:
        write_control(word);
        break;
    case IRS_CR1::offset:
        write_attributes(word);
        break;
    case IRS_SYNCR::offset:
        synchronize(word);
        break;
    case IRS_SPI_SELR::offset:
    case IRS_SPI_CFGR::offset:
    case IRS_SPI_RESAMPLER::offset:
        write_spi_group(offset, word);
        break;
    case IRS_PE_SELR::offset:
    case IRS_PE_CR0::offset:
        write_pe_group(offset, word);
        break;
    case IRS_SWERR_STATUSR::offset:
        errors_.write_status(value);
        break;
    default:
        break;
    }
}

bool Irs::check_idle(const Handshake& group, const char* rule)
{
    if (!group.idle()) {
        context_.violations.add(rule);
    }
    return group.idle();
}

void Irs::write_control(std::uint32_t value)
{
    if (!check_idle(control_, "IRS_CR0 is written while IRS_CR0.IDLE is 1")) {
        return;
    }
    enabled_ = IRS_CR0::from(value)[IRS_CR0::IRSEN] != 0;
    control_.start(context_.configuration.slowness);
    if (context_.on(Fault::irs_never_idle)) {
        control_.get_stuck();
    }
}

void Irs::write_attributes(std::uint32_t value)
{
    if (enabled_ || !control_.idle()) {
        context_.violations.add("IRS_CR1 is written while the IRS is off and idle",
                                "write of " + hex(value));
        return;
    }
    attributes_ = value & attribute_fields;
}

void Irs::synchronize(std::uint32_t value)
{
    if (IRS_SYNCR::from(value)[IRS_SYNCR::SYNC] == 0 ||
        !check_idle(synchronization_, "IRS_SYNCR is written while IRS_SYNC_STATUSR.IDLE is 1")) {
        return;
    }
    synchronization_.start(context_.configuration.slowness);
    if (context_.on(Fault::irs_sync_never_idle)) {
        synchronization_.get_stuck();
    }
}

Irs::Spi* Irs::selected_spi()
{
    return find_spi(context_.on(Fault::spi_selector_ignored) ? context_.configuration.spi_base
                                                             : selected_spi_);
}

void Irs::write_spi_group(std::uint64_t offset, std::uint32_t value)
{
    if (!check_idle(spi_group_, "IRS_SPI_SELR, IRS_SPI_CFGR and IRS_SPI_RESAMPLER are written "
                                "while IRS_SPI_STATUSR.IDLE is 1")) {
        return;
    }
    if (offset == IRS_SPI_SELR::offset) {
        selected_spi_ = IRS_SPI_SELR::from(value)[IRS_SPI_SELR::ID];
    } else if (offset == IRS_SPI_RESAMPLER::offset) {
        resample(IRS_SPI_RESAMPLER::from(value)[IRS_SPI_RESAMPLER::SPI_ID]);
    } else if (Spi* const spi = selected_spi()) {
        set_trigger_mode(selected_spi_, *spi, IRS_SPI_CFGR::from(value)[IRS_SPI_CFGR::TM] != 0);
    }
    spi_group_.start(context_.configuration.slowness);
}

void Irs::write_pe_group(std::uint64_t offset, std::uint32_t value)
{
    if (!check_idle(pe_group_,
                    "IRS_PE_SELR and IRS_PE_CR0 are written while IRS_PE_STATUSR.IDLE is 1")) {
        return;
    }
    if (offset == IRS_PE_SELR::offset) {
        selected_pe_ = IRS_PE_SELR::from(value)[IRS_PE_SELR::IAFFID];
    } else if (const auto cpu = cpu_of(selected_pe_); cpu && context_.configuration.one_of_n) {
        takes_no_part_[*cpu] = IRS_PE_CR0::from(value)[IRS_PE_CR0::DPS] != 0;
        choose_again();
    }
    pe_group_.start(context_.configuration.slowness);
}

void Irs::write_setlpi(std::uint64_t offset, std::uint64_t value)
{
    if (offset == IRS_SETLPIR::offset && !context_.on(Fault::setlpi_ignored)) {
        const std::uint32_t lpi =
            IRS_SETLPIR::from(static_cast<std::uint32_t>(value))[IRS_SETLPIR::ID];
        event(lpi + (context_.on(Fault::setlpi_off_by_one) ? 1 : 0), Event::set_edge);
    }
}

}  // namespace model::gicv5
