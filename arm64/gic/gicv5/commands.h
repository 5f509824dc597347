// SPDX-License-Identifier: MIT
//
// The state of SPIs and LPIs, changed and read through the CPU interface: GIC CD* instructions
// carry commands to the IRS. Arm GIC Architecture Specification, GICv5 (AES 0070).
//
// A command to an interrupt that is not reachable (its type is reserved, its ID is beyond the
// range, no table holds it) does nothing. PPIs ignore commands: their state is in ICC_PPI_*
// registers. Commands complete in finite time. disable(), target(), target_one_of_n() and prepare()
// return when they are complete, and every command before them; after the others synchronize()
// waits for that.
#pragma once

#include "arm64/gic/gicv5/cpu_interface.h"
#include "arm64/gic/gicv5/instructions.h"
#include "arm64/gic/gicv5/intid.h"

#include <cstdint>
#include <optional>

namespace gicv5 {

// What CDRCFG tells of an interrupt.
struct InterruptState {
    bool enabled;
    bool pending;
    bool active;
    HandlingMode mode;
    bool one_of_n;  // may go to any CPU: iaffid means nothing
    std::uint8_t priority;
    std::uint16_t iaffid;

    friend constexpr bool operator==(const InterruptState&, const InterruptState&) = default;
};

template <typename Io>
class Commands {
public:
    constexpr Commands() = default;
    constexpr explicit Commands(Io io) : io_{io} {}

    void enable(irq::Id id) const { io_.write(CDEN::from(id.value)); }
    // On return no new one is signalled.
    void disable(irq::Id id) const
    {
        io_.write(CDDIS::from(id.value));
        synchronize();
    }
    // 0 (highest) to 31; bits that the IRS does not implement are the low-order ones.
    void set_priority(irq::Id id, std::uint8_t priority) const
    {
        io_.write(CDPRI::from(id.value).with(CDPRI::PRIORITY, priority));
    }
    // From the return on the interrupt goes to the CPU of that IAFFID alone, pending ones as well.
    void target(irq::Id id, std::uint16_t iaffid) const
    {
        io_.write(CDAFF::from(id.value).with(CDAFF::IAFFID, iaffid));
        synchronize();
    }
    // To any one of the CPUs that take part. Only where IRS_IDR0.ONE_N is 1.
    void target_one_of_n(irq::Id id) const
    {
        io_.write(CDAFF::from(id.value).with(CDAFF::IRM, 1));
        synchronize();
    }
    void set_pending(irq::Id id) const
    {
        io_.write(CDPEND::from(id.value).with(CDPEND::PENDING, 1));
    }
    void clear_pending(irq::Id id) const { io_.write(CDPEND::from(id.value)); }
    // Of an LPI; an SPI's follows its wire.
    void set_mode(irq::Id id, HandlingMode mode) const
    {
        io_.write(CDHM::from(id.value).with(CDHM::HM, static_cast<std::uint64_t>(mode)));
    }
    // What a new interrupt needs before enable(): nothing of an earlier use is left.
    void prepare(irq::Id id, std::uint16_t iaffid, HandlingMode mode) const
    {
        set_priority(id, default_priority);
        io_.write(CDAFF::from(id.value).with(CDAFF::IAFFID, iaffid));
        set_mode(id, mode);
        clear_pending(id);
        synchronize();
    }
    // The commands before are complete.
    void synchronize() const
    {
        io_.write(GSB_SYS{});
        io_.synchronize();
    }

    // Nothing: the interrupt is not reachable.
    [[nodiscard]] std::optional<InterruptState> state(irq::Id id) const
    {
        const irq::Masked masked;  // the result is in a register that a handler may use as well
        io_.write(CDRCFG::from(id.value));
        io_.synchronize();
        const auto found = io_.template read<ICC_ICSR_EL1>();
        if (found[ICC_ICSR_EL1::F] != 0) {
            return {};
        }
        return InterruptState{
            .enabled = found[ICC_ICSR_EL1::Enabled] != 0,
            .pending = found[ICC_ICSR_EL1::Pending] != 0,
            .active = found[ICC_ICSR_EL1::Active] != 0,
            .mode = static_cast<HandlingMode>(found[ICC_ICSR_EL1::HM]),
            .one_of_n = found[ICC_ICSR_EL1::IRM] != 0,
            .priority = static_cast<std::uint8_t>(found[ICC_ICSR_EL1::Priority]),
            .iaffid = static_cast<std::uint16_t>(found[ICC_ICSR_EL1::IAFFID]),
        };
    }

    [[nodiscard]] const Io& io() const { return io_; }

private:
    [[no_unique_address]] Io io_;
};

}  // namespace gicv5
