// SPDX-License-Identifier: MIT
#include "models/machine/core.h"

#include "arm64/cpu/control_registers.h"
#include "arm64/gic/gicv5/intid.h"
#include "lib/irq/irq.h"
#include "lib/test/watchdog.h"
#include "models/machine/exception.h"
#include "models/machine/platform.h"

#include <arch/exception.h>
#include <arch/sysreg.h>

#include <algorithm>
#include <utility>

namespace machine {

namespace {

using model::gicv5::Encoding;

template <typename R>
constexpr unsigned key = Encoding::of<R>().key();

constexpr std::uint64_t exception_level = 1;
// The feature ID registers: all of them can be read (Arm ARM D19.1.2).
constexpr bool is_feature_id(Encoding name)
{
    return name.op0 == 3 && name.op1 == 0 && name.crn == 0 && name.crm >= 1 && name.crm <= 7;
}

// SCTLR_EL1 as lib/ finds it on the machine: MMU, caches and stack alignment checks are on.
constexpr std::uint64_t control_at_start = SCTLR_EL1{}
                                               .with(SCTLR_EL1::M, 1)
                                               .with(SCTLR_EL1::C, 1)
                                               .with(SCTLR_EL1::I, 1)
                                               .with(SCTLR_EL1::SA, 1)
                                               .raw;

// RES0 without FEAT_NMI.
constexpr std::uint64_t nmi_control = SCTLR_EL1::NMI.mask() | SCTLR_EL1::SPINTMASK.mask();

// Of a CPU without a timer that runs: the model's ring is what ends it.
constexpr std::chrono::nanoseconds longest_sleep = std::chrono::hours{1};

thread_local Core* current_core = nullptr;

// In ticks of 1 ns.
std::uint64_t count()
{
    static_assert(platform::counter_frequency == 1'000'000'000);
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count());
}

}  // namespace

Core::Core(model::gicv5::Gicv5& gic, unsigned index, std::uint64_t affinity)
    : gic_{gic}, index_{index}, affinity_{affinity}
{
    reset();
}

void Core::reset()
{
    masks_ = {};
    sctlr_ = control_at_start;
    virtual_timer_ = {.ppi = gicv5::cntv_ppi};
    physical_timer_ = {.ppi = gicv5::cntp_ppi};
    event_ = false;
    gic_.reset_cpu(index_);
    gic_.set_nmi(index_, false);
    gic_.set_ppi_line(index_, virtual_timer_.ppi, false);
    gic_.set_ppi_line(index_, physical_timer_.ppi, false);
}

Core& Core::current()
{
    return *current_core;
}

void Core::run_here()
{
    current_core = this;
}

void Core::set_masks(Masks masks)
{
    masks_ = masks;
    take_interrupts();
}

void Core::take_interrupts()
{
    drive_timers();
    while (can_take_interrupt()) {
        take_interrupt();
        drive_timers();
    }
}

// FEAT_NMI: with SCTLR_EL1.NMI set, PSTATE.I masks interrupts without superpriority only, and
// PSTATE.ALLINT or a handler's stack masks all. Arm ARM D1.3.6.
bool Core::can_take_interrupt() const
{
    if (!gic_.interrupts(index_)) {
        return false;
    }
    const auto control = SCTLR_EL1::from(sctlr_);
    if (control[SCTLR_EL1::NMI] == 0) {
        return !masks_.irq;
    }
    const bool all_masked =
        masks_.all_int || (masks_.handler && control[SCTLR_EL1::SPINTMASK] != 0);
    return !all_masked && (!masks_.irq || gic_.superpriority(index_));
}

// What the vector of an IRQ does. What the interrupted code expects is not for the handler.
void Core::take_interrupt()
{
    arch::Frame frame = frame_of(masks_);
    frame.elr = reinterpret_cast<std::uint64_t>(__builtin_return_address(0));
    frame.x[29] = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    frame.kind = 1;
    const Masks interrupted =
        std::exchange(masks_, Masks{.irq = true,
                                    .all_int = SCTLR_EL1::from(sctlr_)[SCTLR_EL1::SPINTMASK] == 0,
                                    .handler = true});
    arch::CpuData& cpu = *arch::cpu_data();
    const arch::Frame* const outer = std::exchange(cpu.interrupted, &frame);
    arch::RecoveryPoint* const recovery = std::exchange(cpu.recovery, nullptr);
    irq::dispatch();
    test::check_deadline();  // the watchdog's own interrupt may be lost in a storm of others
    cpu.recovery = recovery;
    cpu.interrupted = outer;
    masks_ = interrupted;
}

void Core::drive_timers()
{
    drive(virtual_timer_);
    drive(physical_timer_);
}

void Core::drive(Timer& timer)
{
    const bool output = timer.control[timer::Control::ENABLE] != 0 &&
                        timer.control[timer::Control::IMASK] == 0 && count() >= timer.compare_value;
    if (output != timer.output) {
        timer.output = output;
        gic_.set_ppi_line(index_, timer.ppi, output);
    }
}

std::chrono::nanoseconds Core::time_to_timer() const
{
    const std::uint64_t now = count();
    auto shortest = static_cast<std::uint64_t>(longest_sleep.count());
    for (const Timer* timer : {&virtual_timer_, &physical_timer_}) {
        if (timer->control[timer::Control::ENABLE] != 0 && timer->compare_value > now) {
            shortest = std::min(shortest, timer->compare_value - now);
        }
    }
    return std::chrono::nanoseconds{shortest};
}

void Core::wait_for_interrupt()
{
    for (drive_timers(); !gic_.wait_for_interrupt(index_, time_to_timer()); drive_timers()) {
        test::check_deadline();  // the timer is due, and its interrupt may be lost
    }
}

void Core::wait_for_event()
{
    bool interrupted = false;
    while (!event_.exchange(false) && !interrupted) {
        drive_timers();
        interrupted = gic_.wait_for_interrupt(index_, time_to_timer());
    }
    take_interrupts();
}

void Core::send_event()
{
    event_ = true;
    gic_.wake(index_);
}

void Core::require_nmi() const
{
    if (!gic_.configuration().nmi) {
        throw model::Undefined("ALLINT: there is no FEAT_NMI");
    }
}

std::uint64_t Core::interrupt_status()
{
    drive_timers();
    const bool pending = gic_.interrupts(index_);
    return ISR_EL1{}
        .with(ISR_EL1::I, pending)
        .with(ISR_EL1::IS, pending && gic_.superpriority(index_))
        .raw;
}

template <typename Registers>
std::uint64_t Core::read_timer(const Timer& timer, unsigned name) const
{
    switch (name) {
    case key<typename Registers::Ctl>:
        return timer.control
            .with(timer::Control::ISTATUS,
                  timer.control[timer::Control::ENABLE] != 0 && count() >= timer.compare_value)
            .raw;
    case key<typename Registers::CVal>:
        return timer.compare_value;
    case key<typename Registers::TVal>:
        return static_cast<std::uint32_t>(timer.compare_value - count());
    default:
        return count();
    }
}

template <typename Registers>
void Core::write_timer(Timer& timer, unsigned name, std::uint64_t value)
{
    switch (name) {
    case key<typename Registers::Ctl>:
        timer.control =
            timer::Control{}
                .with(timer::Control::ENABLE, timer::Control::from(value)[timer::Control::ENABLE])
                .with(timer::Control::IMASK, timer::Control::from(value)[timer::Control::IMASK]);
        break;
    case key<typename Registers::CVal>:
        timer.compare_value = value;
        break;
    default:
        timer.compare_value =
            count() + static_cast<std::uint64_t>(static_cast<std::int32_t>(value));
        break;
    }
    drive(timer);
}

std::uint64_t Core::read(Encoding name)
{
    using timer::PhysicalRegisters;
    using timer::VirtualRegisters;
    switch (name.key()) {
    case key<CurrentEL>:
        return CurrentEL{}.with(CurrentEL::EL, exception_level).raw;
    case key<MPIDR_EL1>:
        return affinity_;
    case key<SCTLR_EL1>:
        return sctlr_;
    case key<ALLINT>:
        require_nmi();
        return ALLINT{}.with(ALLINT::mask, masks_.all_int).raw;
    case key<ISR_EL1>:
        return interrupt_status();
    case key<ID_AA64PFR0_EL1>:
        return ID_AA64PFR0_EL1{}.with(ID_AA64PFR0_EL1::EL0, 1).with(ID_AA64PFR0_EL1::EL1, 1).raw;
    case key<ID_AA64PFR1_EL1>:
        return ID_AA64PFR1_EL1{}.with(ID_AA64PFR1_EL1::NMI, gic_.configuration().nmi).raw;
    case key<ID_AA64PFR2_EL1>:
        return ID_AA64PFR2_EL1{}.with(ID_AA64PFR2_EL1::GCIE, 1).raw;
    case key<timer::CNTFRQ_EL0>:
        return platform::counter_frequency;
    case key<VirtualRegisters::Count>:
    case key<VirtualRegisters::Ctl>:
    case key<VirtualRegisters::CVal>:
    case key<VirtualRegisters::TVal>:
        return read_timer<VirtualRegisters>(virtual_timer_, name.key());
    case key<PhysicalRegisters::Count>:
    case key<PhysicalRegisters::Ctl>:
    case key<PhysicalRegisters::CVal>:
    case key<PhysicalRegisters::TVal>:
        return read_timer<PhysicalRegisters>(physical_timer_, name.key());
    default:
        break;
    }
    if (is_feature_id(name)) {
        return 0;
    }
    drive_timers();
    return gic_.read_register(index_, name);
}

void Core::write(Encoding name, std::uint64_t value)
{
    using timer::PhysicalRegisters;
    using timer::VirtualRegisters;
    switch (name.key()) {
    case key<SCTLR_EL1>:
        sctlr_ = value & (gic_.configuration().nmi ? ~std::uint64_t{0} : ~nmi_control);
        gic_.set_nmi(index_, SCTLR_EL1::from(sctlr_)[SCTLR_EL1::NMI] != 0);
        break;
    case key<ALLINT>:
        require_nmi();
        masks_.all_int = ALLINT::from(value)[ALLINT::mask] != 0;
        break;
    case key<VirtualRegisters::Ctl>:
    case key<VirtualRegisters::CVal>:
    case key<VirtualRegisters::TVal>:
        write_timer<VirtualRegisters>(virtual_timer_, name.key(), value);
        break;
    case key<PhysicalRegisters::Ctl>:
    case key<PhysicalRegisters::CVal>:
    case key<PhysicalRegisters::TVal>:
        write_timer<PhysicalRegisters>(physical_timer_, name.key(), value);
        break;
    default:
        drive_timers();
        gic_.write_register(index_, name, value);
        break;
    }
}

}  // namespace machine
