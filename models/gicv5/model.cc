// SPDX-License-Identifier: MIT
#include "models/gicv5/model.h"

#include "arm64/gic/gicv5/cpu_interface.h"
#include "arm64/gic/gicv5/instructions.h"
#include "models/gicv5/cpu_interface.h"
#include "models/gicv5/irs.h"
#include "models/gicv5/its.h"
#include "models/gicv5/iwb.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace model::gicv5 {

using namespace layout;

namespace {

std::vector<std::uint16_t> iaffids_of(const Configuration& configuration)
{
    std::vector<std::uint16_t> iaffids = configuration.iaffids;
    if (iaffids.empty()) {
        iaffids.resize(configuration.cpus);
        std::iota(iaffids.begin(), iaffids.end(), std::uint16_t{0});
    }
    if (iaffids.size() != configuration.cpus) {
        throw std::invalid_argument{"as many IAFFIDs as CPUs"};
    }
    return iaffids;
}

// "S3_0_C12_C10_2", as assemblers have it.
std::string name_of(Encoding encoding)
{
    return "S" + std::to_string(encoding.op0) + "_" + std::to_string(encoding.op1) + "_C" +
           std::to_string(encoding.crn) + "_C" + std::to_string(encoding.crm) + "_" +
           std::to_string(encoding.op2);
}

constexpr const char* frame_names[]{"irs", "setlpi", "its", "translate", "iwb"};

}  // namespace

class Gicv5::Parts {
public:
    struct Cpu {
        Cpu(Context& context, std::uint16_t iaffid) : interface{context, iaffid} {}

        CpuInterface interface;
        std::atomic<bool> interrupts{false};
        std::atomic<bool> superpriority{false};
        bool wakes = false;  // what is signalled ends a wait
        bool woken = false;  // by wake()
        std::condition_variable changed;
    };

    Parts(const Configuration& configuration, GuestMemory& memory, FaultSet<Fault> faults)
        : context{.configuration = configuration, .memory = memory, .faults = faults},
          iaffids{iaffids_of(configuration)},
          irs{context, iaffids, [this](unsigned cpu, std::uint8_t priority) {
                  const CpuInterface& interface = cpus[cpu]->interface;
                  return !interface.enabled()         ? Irs::Welcome::no
                         : interface.passes(priority) ? Irs::Welcome::now
                                                      : Irs::Welcome::later;
              }}
    {
        for (const std::uint16_t iaffid : iaffids) {
            cpus.push_back(std::make_unique<Cpu>(context, iaffid));
        }
        if (configuration.its) {
            its = std::make_unique<Its>(context, irs);
        }
        if (configuration.iwb) {
            if (!its) {
                throw std::invalid_argument{"an IWB needs an ITS"};
            }
            iwb = std::make_unique<Iwb>(context, *its);
        }
    }

    [[nodiscard]] std::uint64_t read(unsigned cpu, Encoding encoding);
    void write(unsigned cpu, Encoding encoding, std::uint64_t value);
    [[nodiscard]] std::uint64_t read(FrameKind frame, std::uint64_t offset, unsigned width);
    void write(FrameKind frame, std::uint64_t offset, unsigned width, std::uint64_t value);

    // The interrupt lines of all CPUs follow the state.
    void update();
    [[nodiscard]] std::optional<Candidate> candidate(unsigned cpu) const
    {
        return cpus[cpu]->interface.candidate(irs.candidate(cpu));
    }

    mutable std::mutex mutex;
    Context context;
    std::vector<std::uint16_t> iaffids;
    std::vector<std::unique_ptr<Cpu>> cpus;
    Irs irs;
    std::unique_ptr<Its> its;
    std::unique_ptr<Iwb> iwb;

private:
    [[nodiscard]] std::uint64_t acknowledge(unsigned cpu, bool as_nmi);
    void end(unsigned cpu);
    void deactivate(unsigned cpu, std::uint64_t operand);
    bool write_ppi_register(unsigned cpu, unsigned code, std::uint64_t value);
};

// --- System registers and instructions ----------------------------------------------------------

std::uint64_t Gicv5::Parts::acknowledge(unsigned cpu, bool as_nmi)
{
    CpuInterface& interface = cpus[cpu]->interface;
    const auto best = candidate(cpu);
    if (!best) {
        return 0;
    }
    const bool superpriority = interface.superpriority(*best);
    if (as_nmi) {
        const bool accepted = superpriority || (best->priority == 0 &&
                                                context.on(Fault::nmi_acknowledge_without_nmi));
        if (!accepted) {
            return 0;
        }
    } else if (superpriority && !context.on(Fault::nmi_by_plain_acknowledge)) {
        return 0;
    }
    interface.acknowledge(*best);
    irs.acknowledge(best->intid);
    return CDIA::from(best->intid).with(CDIA::VALID, 1).raw;
}

void Gicv5::Parts::end(unsigned cpu)
{
    const auto ended = cpus[cpu]->interface.end();
    if (ended && context.on(Fault::eoi_deactivates)) {
        deactivate(cpu, *ended);
    }
}

void Gicv5::Parts::deactivate(unsigned cpu, std::uint64_t operand)
{
    CpuInterface& interface = cpus[cpu]->interface;
    interface.check_acknowledge_completed();
    if (context.on(Fault::deactivate_ignored)) {
        return;
    }
    const auto type = static_cast<IntidType>(CDDI::from(operand)[CDDI::TYPE]);
    if (type == IntidType::spi || type == IntidType::lpi) {
        irs.command(key<CDDI>, operand);
    } else if (type == IntidType::ppi || context.on(Fault::operand_type_ignored)) {
        interface.deactivate(static_cast<unsigned>(CDDI::from(operand)[CDDI::ID]));
    }
}

std::uint64_t Gicv5::Parts::read(unsigned cpu, Encoding encoding)
{
    const unsigned code = encoding.key();
    CpuInterface& interface = cpus.at(cpu)->interface;
    switch (code) {
    case key<CDIA>:
        return acknowledge(cpu, false);
    case key<CDNMIA>:
        return acknowledge(cpu, true);
    case key<ICC_HPPIR_EL1>: {
        const auto shown = interface.shown(irs.candidate(cpu));
        return shown ? ICC_HPPIR_EL1::from(shown->intid).with(ICC_HPPIR_EL1::HPPIV, 1).raw : 0;
    }
    case key<ICC_IAFFIDR_EL1>:
        return iaffids[context.on(Fault::iaffid_duplicated) ? 0 : cpu];
    default:
        break;
    }
    if (const auto value = interface.read(code)) {
        return *value;
    }
    throw Undefined{"read of " + name_of(encoding)};
}

// Where a fault lets a PPI register reach another CPU.
bool Gicv5::Parts::write_ppi_register(unsigned cpu, unsigned code, std::uint64_t value)
{
    const bool sets_pending =
        code == key<ICC_PPI_SPENDR_EL1<0>> || code == key<ICC_PPI_SPENDR_EL1<1>>;
    const bool enables = code == key<ICC_PPI_ENABLER_EL1<0>> || code == key<ICC_PPI_ENABLER_EL1<1>>;
    if (sets_pending && context.on(Fault::ppi_on_next_cpu)) {
        return cpus[(cpu + 1) % cpus.size()]->interface.write(code, value);
    }
    if (enables && context.on(Fault::ppi_enable_shared)) {
        for (const auto& other : cpus) {
            (void)other->interface.write(code, value);
        }
    }
    return cpus[cpu]->interface.write(code, value);
}

void Gicv5::Parts::write(unsigned cpu, Encoding encoding, std::uint64_t value)
{
    const unsigned code = encoding.key();
    CpuInterface& interface = cpus.at(cpu)->interface;
    const auto intid = static_cast<std::uint32_t>(value & (CDEN::TYPE.mask() | CDEN::ID.mask()));
    switch (code) {
    case key<GSB_SYS>:
        return;  // every instruction is complete when it returns
    case key<GSB_ACK>:
        interface.complete_acknowledge();
        return;
    case key<CDEOI>:
        end(cpu);
        return;
    case key<CDDI>:
        deactivate(cpu, value);
        return;
    case key<CDRCFG>:
        interface.set_icsr(irs.configuration_of(intid, iaffids[cpu]));
        return;
    case key<CDEN>:
        if (context.on(Fault::ppi_configured_by_command) && is_ppi({intid}) &&
            number({intid}) < 64) {
            const auto enabled = interface.read(key<ICC_PPI_ENABLER_EL1<0>>).value_or(0);
            (void)interface.write(key<ICC_PPI_ENABLER_EL1<0>>,
                                  enabled | std::uint64_t{1} << number({intid}));
        }
        irs.command(code, value);
        return;
    case key<CDDIS>:
    case key<CDPRI>:
    case key<CDAFF>:
    case key<CDPEND>:
    case key<CDHM>:
        irs.command(code, value);
        return;
    default:
        break;
    }
    const bool was_enabled = interface.enabled();
    if (!write_ppi_register(cpu, code, value)) {
        throw Undefined{"write of " + name_of(encoding)};
    }
    if (interface.enabled() != was_enabled) {
        irs.choose_again();
    }
}

// --- Frames -------------------------------------------------------------------------------------

std::uint64_t Gicv5::Parts::read(FrameKind frame, std::uint64_t offset, unsigned width)
{
    const Configuration& configuration = context.configuration;
    if (frame == FrameKind::irs && configuration.irs) {
        return read_registers(irs, offset, width);
    }
    if (frame == FrameKind::its && its) {
        return read_registers(*its, offset, width);
    }
    if (frame == FrameKind::iwb && iwb) {
        return read_registers(*iwb, offset, width);
    }
    if ((frame == FrameKind::setlpi && configuration.setlpi && configuration.lpis) ||
        (frame == FrameKind::translate && its)) {
        check_access(offset, width);
        return 0;  // registers to write to
    }
    throw ExternalAbort{"there is no such frame"};
}

void Gicv5::Parts::write(FrameKind frame, std::uint64_t offset, unsigned width, std::uint64_t value)
{
    const Configuration& configuration = context.configuration;
    if (frame == FrameKind::irs && configuration.irs) {
        if (context.on(Fault::upper_half_lost) && width == 4 && offset % 8 == 4 &&
            Irs::wide(offset - 4)) {
            return;
        }
        write_registers(irs, offset, width, value);
    } else if (frame == FrameKind::its && its) {
        write_registers(*its, offset, width, value);
    } else if (frame == FrameKind::iwb && iwb) {
        write_registers(*iwb, offset, width, value);
    } else if (frame == FrameKind::setlpi && configuration.setlpi && configuration.lpis) {
        check_access(offset, width);
        if (width == 4) {
            irs.write_setlpi(offset, value);
        }
    } else if (frame == FrameKind::translate && its) {
        check_access(offset, width);  // a CPU has no DeviceID: nothing happens
    } else {
        throw ExternalAbort{"there is no such frame"};
    }
}

// --- Signals ------------------------------------------------------------------------------------

void Gicv5::Parts::update()
{
    for (unsigned i = 0; i < cpus.size(); ++i) {
        Cpu& cpu = *cpus[i];
        const auto best = candidate(i);
        cpu.superpriority = best && cpu.interface.superpriority(*best);
        cpu.wakes = best && (is_ppi({best->intid}) || !context.on(Fault::ipi_does_not_wake));
        if (cpu.interrupts.exchange(best.has_value()) != best.has_value()) {
            cpu.changed.notify_all();
        }
    }
}

// --- Gicv5 --------------------------------------------------------------------------------------

Gicv5::Gicv5(const Configuration& configuration, GuestMemory& memory, FaultSet<Fault> faults)
    : parts_{std::make_unique<Parts>(configuration, memory, faults)}
{
    parts_->update();
}

Gicv5::~Gicv5() = default;

std::uint64_t Gicv5::read_register(unsigned cpu, Encoding encoding)
{
    const std::scoped_lock lock{parts_->mutex};
    const std::uint64_t value = parts_->read(cpu, encoding);
    if (parts_->context.log) {
        parts_->context.log.line("cpu" + std::to_string(cpu) + " " + name_of(encoding) + " -> " +
                                 hex(value));
    }
    parts_->update();
    return value;
}

void Gicv5::write_register(unsigned cpu, Encoding encoding, std::uint64_t value)
{
    const std::scoped_lock lock{parts_->mutex};
    if (parts_->context.log) {
        parts_->context.log.line("cpu" + std::to_string(cpu) + " " + name_of(encoding) + " <- " +
                                 hex(value));
    }
    parts_->write(cpu, encoding, value);
    parts_->update();
}

std::uint64_t Gicv5::read_frame(FrameKind frame, std::uint64_t offset, unsigned width)
{
    const std::scoped_lock lock{parts_->mutex};
    const std::uint64_t value = parts_->read(frame, offset, width);
    if (parts_->context.log) {
        parts_->context.log.line(std::string{frame_names[std::to_underlying(frame)]} + "+" +
                                 hex(offset) + " -> " + hex(value));
    }
    parts_->update();
    return value;
}

void Gicv5::write_frame(FrameKind frame, std::uint64_t offset, unsigned width, std::uint64_t value)
{
    const std::scoped_lock lock{parts_->mutex};
    if (parts_->context.log) {
        parts_->context.log.line(std::string{frame_names[std::to_underlying(frame)]} + "+" +
                                 hex(offset) + " <- " + hex(value));
    }
    parts_->write(frame, offset, width, value);
    parts_->update();
}

void Gicv5::set_ppi_line(unsigned cpu, unsigned ppi, bool high)
{
    const std::scoped_lock lock{parts_->mutex};
    parts_->cpus.at(cpu)->interface.set_line(ppi, high);
    parts_->update();
}

void Gicv5::set_spi_line(std::uint32_t spi, bool high)
{
    const std::scoped_lock lock{parts_->mutex};
    parts_->irs.set_line(spi, high);
    parts_->update();
}

void Gicv5::set_iwb_wire(unsigned wire, bool high)
{
    const std::scoped_lock lock{parts_->mutex};
    if (parts_->iwb) {
        parts_->iwb->set_wire(wire, high);
    }
    parts_->update();
}

void Gicv5::device_write(std::uint32_t device, std::uint32_t event)
{
    const std::scoped_lock lock{parts_->mutex};
    if (parts_->its) {
        parts_->its->device_write(device, event);
    }
    parts_->update();
}

bool Gicv5::interrupts(unsigned cpu) const
{
    return parts_->cpus[cpu]->interrupts;
}

bool Gicv5::superpriority(unsigned cpu) const
{
    return parts_->cpus[cpu]->superpriority;
}

void Gicv5::set_nmi(unsigned cpu, bool in_use)
{
    const std::scoped_lock lock{parts_->mutex};
    parts_->cpus.at(cpu)->interface.set_nmi(in_use);
    parts_->update();
}

void Gicv5::reset_cpu(unsigned cpu)
{
    const std::scoped_lock lock{parts_->mutex};
    parts_->cpus.at(cpu)->interface.reset();
    parts_->irs.choose_again();
    parts_->update();
}

bool Gicv5::wait_for_interrupt(unsigned cpu, std::chrono::nanoseconds timeout)
{
    std::unique_lock lock{parts_->mutex};
    Parts::Cpu& sleeper = *parts_->cpus.at(cpu);
    sleeper.changed.wait_for(lock, timeout, [&] { return sleeper.wakes || sleeper.woken; });
    sleeper.woken = false;
    return sleeper.interrupts;
}

void Gicv5::wake(unsigned cpu)
{
    const std::scoped_lock lock{parts_->mutex};
    parts_->cpus.at(cpu)->woken = true;
    parts_->cpus[cpu]->changed.notify_all();
}

Violations& Gicv5::violations()
{
    return parts_->context.violations;
}

Log& Gicv5::log()
{
    return parts_->context.log;
}

const Configuration& Gicv5::configuration() const
{
    return parts_->context.configuration;
}

}  // namespace model::gicv5
