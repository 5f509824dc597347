// SPDX-License-Identifier: MIT
//
// The local APIC of a CPU, in both of its modes: the same registers in memory (xAPIC) or as MSRs
// (x2APIC). Intel SDM volume 3, "Advanced Programmable Interrupt Controller (APIC)".
//
//     apic::LocalApic local{apic::AnyMode{Mode::x2apic, base}, Mode::x2apic};
//     local.enable(spurious_vector);
//     local.send(apic::fixed(vector).to(id));
#pragma once

#include "lib/base/mmio.h"
#include "lib/base/result.h"
#include "lib/time/time.h"
#include "x86/apic/local_apic_registers.h"

#include <cstdint>
#include <optional>
#include <type_traits>

namespace apic {

enum class Mode : std::uint8_t { disabled, xapic, x2apic };

// What IA32_APIC_BASE says; nothing for the one combination that is not allowed.
[[nodiscard]] constexpr std::optional<Mode> mode_of(IA32_APIC_BASE base)
{
    const bool enabled = base[IA32_APIC_BASE::EN] != 0;
    const bool extended = base[IA32_APIC_BASE::EXTD] != 0;
    if (extended && !enabled) {
        return {};
    }
    return extended ? Mode::x2apic : enabled ? Mode::xapic : Mode::disabled;
}

[[nodiscard]] constexpr IA32_APIC_BASE with_mode(IA32_APIC_BASE base, Mode mode)
{
    return base.with(IA32_APIC_BASE::EN, mode != Mode::disabled ? 1 : 0)
        .with(IA32_APIC_BASE::EXTD, mode == Mode::x2apic ? 1 : 0);
}

// Brings the CPU's APIC into a mode, by the transitions that are allowed: disabled to xAPIC, xAPIC
// to x2APIC, any to disabled. Turning it off loses what its registers held. Error: the CPU is not
// in the mode afterwards.
template <typename Msrs>
[[nodiscard]] Result<> set_mode(const Msrs& msrs, Mode mode)
{
    auto base = msrs.template read<IA32_APIC_BASE>();
    const auto go_to = [&](Mode next) {
        base = with_mode(base, next);
        msrs.write(base);
    };
    const auto now = mode_of(base).value_or(Mode::disabled);
    if (now != mode) {
        if (now == Mode::x2apic && mode == Mode::xapic) {
            go_to(Mode::disabled);
        }
        if (now != Mode::xapic && mode == Mode::x2apic) {
            go_to(Mode::xapic);
        }
        go_to(mode);
    }
    if (const auto reached = msrs.template read<IA32_APIC_BASE>(); mode_of(reached) != mode) {
        return fail("the local APIC does not change its mode", reached.raw);
    }
    return {};
}

// An interrupt to be sent: fixed(0x40).to(3), init().to_others().
class Message {
public:
    constexpr explicit Message(Delivery delivery, std::uint8_t vector = 0)
        : command_{Command{}
                       .with(Command::DELIVERY, static_cast<std::uint64_t>(delivery))
                       .with(Command::VECTOR, vector)
                       .with(Command::LEVEL, 1)}
    {
    }

    // A physical destination: an APIC ID; all ones in as many bits as the mode has: every CPU.
    [[nodiscard]] constexpr Message to(std::uint32_t id) const
    {
        Message message = *this;
        message.destination_ = id;
        return message;
    }
    // A logical destination, as the LDRs have it.
    [[nodiscard]] constexpr Message to_logical(std::uint32_t id) const
    {
        Message message = to(id);
        message.command_ = command_.with(Command::DESTINATION_MODE, 1);
        return message;
    }
    [[nodiscard]] constexpr Message to(Shorthand shorthand) const
    {
        Message message = *this;
        message.command_ = command_.with(Command::SHORTHAND, static_cast<std::uint64_t>(shorthand));
        return message;
    }
    // The end of an INIT, for APICs older than those of the Pentium 4.
    [[nodiscard]] constexpr Message deasserted() const
    {
        Message message = *this;
        message.command_ = command_.with(Command::LEVEL, 0).with(Command::TRIGGER, 1);
        return message;
    }

    // The value of the command register in a mode.
    [[nodiscard]] constexpr Command command(Mode mode) const
    {
        return mode == Mode::x2apic ? command_.with(Command::x2APIC_DESTINATION, destination_)
                                    : command_.with(Command::xAPIC_DESTINATION, destination_);
    }

private:
    Command command_;
    std::uint32_t destination_ = 0;
};

[[nodiscard]] constexpr Message fixed(std::uint8_t vector)
{
    return Message{Delivery::fixed, vector};
}
[[nodiscard]] constexpr Message nmi()
{
    return Message{Delivery::nmi};
}
[[nodiscard]] constexpr Message init()
{
    return Message{Delivery::init};
}
// Starts a CPU in real mode at the physical address `page` * 4096.
[[nodiscard]] constexpr Message startup(std::uint8_t page)
{
    return Message{Delivery::startup, page};
}

// The driver; `Io` reads and writes the registers of the mode.
template <typename Io>
class LocalApic {
public:
    constexpr LocalApic(Io io, Mode mode) : io_{io}, mode_{mode} {}

    [[nodiscard]] constexpr Mode mode() const { return mode_; }
    [[nodiscard]] const Io& io() const { return io_; }

    [[nodiscard]] std::uint32_t id() const
    {
        const auto id = io_.template read<ID>();
        return mode_ == Mode::x2apic ? id.raw : id[ID::xAPIC_ID];
    }
    [[nodiscard]] VERSION version() const { return io_.template read<VERSION>(); }
    [[nodiscard]] bool has(Lvt entry) const
    {
        // The highest entry counts as those of the P6 do: timer, LINT0, LINT1, error, PMC, thermal.
        const auto highest = version()[VERSION::MAX_LVT_ENTRY];
        return entry == Lvt::thermal ? highest >= 5 : entry == Lvt::pmc ? highest >= 4 : true;
    }

    // Accepts interrupts of every priority and none of the local sources, none of the sources
    // masked before being still in service. Errors name what does not stick.
    [[nodiscard]] Result<> enable(std::uint8_t spurious_vector) const
    {
        io_.write(SVR{}.with(SVR::ENABLE, 1).with(SVR::VECTOR, spurious_vector));
        const auto control = io_.template read<SVR>();
        if (control[SVR::ENABLE] == 0 || control[SVR::VECTOR] != spurious_vector) {
            return fail("SVR does not keep what was written", control.raw);
        }
        for (unsigned entry = 0; entry < lvt_count; ++entry) {
            if (has(static_cast<Lvt>(entry))) {
                // The vector is legal: an illegal one is an error even while it is masked.
                set_lvt(static_cast<Lvt>(entry),
                        LvtEntry{}.with(LvtEntry::MASK, 1).with(LvtEntry::VECTOR, spurious_vector));
            }
        }
        io_.write(INITIAL_COUNT{});
        io_.write(TPR{});
        static_cast<void>(take_errors());
        for (unsigned left = vector_count; left != 0 && highest_in_service(); --left) {
            end();
        }
        if (const auto vector = highest_in_service()) {
            return fail("an interrupt stays in service", *vector);
        }
        return {};
    }
    // Local entries are masked, commands still work.
    void disable() const { io_.write(io_.template read<SVR>().with(SVR::ENABLE, 0)); }
    [[nodiscard]] SVR spurious() const { return io_.template read<SVR>(); }
    void set_spurious(SVR value) const { io_.write(value); }

    // Takes part in logical destinations by `logical_id`, one bit of eight. xAPIC only: an x2APIC
    // has its logical ID from its ID.
    void join_flat(std::uint8_t logical_id) const
    {
        io_.write(DFR::from(0xffff'ffff));
        io_.write(LDR{}.with(LDR::xAPIC_LOGICAL_ID, logical_id));
    }
    [[nodiscard]] LDR logical_destination() const { return io_.template read<LDR>(); }

    void end() const { io_.write(EOI{}); }

    [[nodiscard]] bool in_service(unsigned vector) const { return bit<ISR>(vector); }
    [[nodiscard]] bool requested(unsigned vector) const { return bit<IRR>(vector); }
    [[nodiscard]] bool level_triggered(unsigned vector) const { return bit<TMR>(vector); }
    [[nodiscard]] std::optional<unsigned> highest_in_service() const { return highest<ISR>(); }
    [[nodiscard]] std::optional<unsigned> highest_requested() const { return highest<IRR>(); }

    [[nodiscard]] std::uint8_t task_priority() const
    {
        return static_cast<std::uint8_t>(io_.template read<TPR>().raw);
    }
    void set_task_priority(std::uint8_t priority) const { io_.write(TPR::from(priority)); }
    [[nodiscard]] std::uint8_t processor_priority() const
    {
        return static_cast<std::uint8_t>(io_.template read<PPR>().raw);
    }

    // The errors since the last call.
    [[nodiscard]] ESR take_errors() const
    {
        io_.write(ESR{});
        return io_.template read<ESR>();
    }

    [[nodiscard]] LvtEntry lvt(Lvt entry) const
    {
        return LvtEntry::from(io_.template read<LVT>(lvt_index(entry)).raw);
    }
    void set_lvt(Lvt entry, LvtEntry value) const
    {
        io_.write(LVT::from(value.raw), lvt_index(entry));
    }

    // Sends. What this CPU wrote before is visible to the receiver. Error: an xAPIC that is still
    // busy with the command before.
    [[nodiscard]] Result<> send(const Message& message) const
    {
        const Command command = message.command(mode_);
        if (mode_ == Mode::x2apic) {
            io_.write(ICR::from(command.raw));
            return {};
        }
        if (!timer::wait_until([this] { return !busy(); }, timer::seconds(1))) {
            return fail("the local APIC does not get rid of a command",
                        io_.template read<ICR_LOW>().raw);
        }
        io_.write(ICR_HIGH::from(static_cast<std::uint32_t>(command.raw >> 32)));
        io_.write(ICR_LOW::from(static_cast<std::uint32_t>(command.raw)));
        return {};
    }
    // A command is under way; never in x2APIC mode.
    [[nodiscard]] bool busy() const
    {
        return mode_ == Mode::xapic &&
               Command::from(io_.template read<ICR_LOW>().raw)[Command::DELIVERY_STATUS] != 0;
    }
    // By the register that only an x2APIC has.
    void send_to_self(std::uint8_t vector) const { io_.write(SELF_IPI::from(vector)); }

    // The timer counts at the rate of the bus divided by 2 to the power of `log2`, 0 to 7.
    void set_timer_divisor(unsigned log2) const { io_.write(DIVIDE::from(divide_encoding(log2))); }
    // Starts the count; 0 stops it.
    void set_timer_count(std::uint32_t count) const { io_.write(INITIAL_COUNT::from(count)); }
    [[nodiscard]] std::uint32_t initial_timer_count() const
    {
        return io_.template read<INITIAL_COUNT>().raw;
    }
    [[nodiscard]] std::uint32_t timer_count() const
    {
        return io_.template read<CURRENT_COUNT>().raw;
    }
    void set_timer_mode(TimerMode mode, std::uint8_t vector, bool masked) const
    {
        set_lvt(Lvt::timer, LvtEntry{}
                                .with(LvtEntry::TIMER_MODE, static_cast<std::uint64_t>(mode))
                                .with(LvtEntry::MASK, masked ? 1 : 0)
                                .with(LvtEntry::VECTOR, vector));
    }

private:
    static constexpr unsigned vector_count = 256;
    static constexpr unsigned bits = 32;

    [[nodiscard]] static constexpr std::size_t lvt_index(Lvt entry)
    {
        return static_cast<std::size_t>(entry);
    }
    template <typename R>
    [[nodiscard]] bool bit(unsigned vector) const
    {
        return (io_.template read<R>(vector / bits).raw >> vector % bits & 1U) != 0;
    }
    template <typename R>
    [[nodiscard]] std::optional<unsigned> highest() const
    {
        for (unsigned word = vector_count / bits; word-- > 0;) {
            const std::uint32_t set = io_.template read<R>(word).raw;
            for (unsigned number = bits; set != 0 && number-- > 0;) {
                if ((set >> number & 1U) != 0) {
                    return word * bits + number;
                }
            }
        }
        return {};
    }

    Io io_;
    Mode mode_;
};

// The registers as MSRs: RDMSR and WRMSR of 64 bits, whose upper half belongs to the command alone.
class X2apicMsrs {
public:
    template <typename R>
    [[nodiscard]] R read(std::size_t index = 0) const
    {
        return R::from(static_cast<typename R::raw_type>(arch::read_msr(number<R>(index))));
    }
    // WRMSR to an APIC does not wait for writes to memory before it: what sends, has to.
    template <typename R>
    void write(R value, std::size_t index = 0) const
    {
        if constexpr (std::is_same_v<R, ICR> || std::is_same_v<R, SELF_IPI>) {
            arch::io_barrier();
        }
        arch::write_msr(number<R>(index), value.raw);
    }

    template <typename R>
    [[nodiscard]] static constexpr std::uint32_t number(std::size_t index = 0)
    {
        return x2apic_msr_base + static_cast<std::uint32_t>(R::offset / 16 + index);
    }
};

// The registers of whatever mode the machine runs in.
class AnyMode {
public:
    constexpr AnyMode() = default;
    constexpr AnyMode(Mode mode, std::uintptr_t base) : memory_{base}, mode_{mode} {}

    template <typename R>
    [[nodiscard]] R read(std::size_t index = 0) const
    {
        return mode_ == Mode::x2apic ? msrs_.template read<R>(index)
                                     : memory_.template read<R>(index);
    }
    template <typename R>
    void write(R value, std::size_t index = 0) const
    {
        if (mode_ == Mode::x2apic) {
            msrs_.write(value, index);
        } else {
            memory_.write(value, index);
        }
    }

private:
    Mmio memory_;
    [[no_unique_address]] X2apicMsrs msrs_;
    Mode mode_ = Mode::xapic;
};

}  // namespace apic
