// SPDX-License-Identifier: MIT
//
// The generic timer of a CPU: layouts of its system registers and the driver of one timer.
// Arm ARM (DDI 0487), "The Generic Timer in AArch64 state".
//
// A timer's condition is met while its counter is not below CVAL, as unsigned numbers. Its output
// is ENABLE and ISTATUS and not IMASK: a level that drops by itself; nothing is acknowledged here.
//
// At EL2 with HCR_EL2.E2H set, the names of the EL1 timers reach those of EL2: the same
// code then drives CNTHP and CNTHV.
#pragma once

#include "arm64/cpu/sysreg.h"

#include <cstdint>

namespace timer {

// In Hz, set by firmware.
struct CNTFRQ_EL0 : SystemRegister<CNTFRQ_EL0, 3, 3, 14, 0, 0> {
    static constexpr Field Clock_frequency{31, 0};
};
struct CNTPCT_EL0 : SystemRegister<CNTPCT_EL0, 3, 3, 14, 0, 1> {};
struct CNTVCT_EL0 : SystemRegister<CNTVCT_EL0, 3, 3, 14, 0, 2> {};  // CNTPCT - CNTVOFF_EL2

// The fields of every timer's CTL register.
struct Control : Bits<Control, std::uint64_t> {
    static constexpr Field ISTATUS{2};  // read-only: condition met; UNKNOWN while not enabled
    static constexpr Field IMASK{1};
    static constexpr Field ENABLE{0};
};
struct CNTP_CTL_EL0 : SystemRegister<CNTP_CTL_EL0, 3, 3, 14, 2, 1> {};  // Control
struct CNTV_CTL_EL0 : SystemRegister<CNTV_CTL_EL0, 3, 3, 14, 3, 1> {};  // Control
struct CNTP_CVAL_EL0 : SystemRegister<CNTP_CVAL_EL0, 3, 3, 14, 2, 2> {};
struct CNTV_CVAL_EL0 : SystemRegister<CNTV_CVAL_EL0, 3, 3, 14, 3, 2> {};
// Write: CVAL = counter + sign-extended value. Read: the low 32 bits of CVAL - counter.
struct CNTP_TVAL_EL0 : SystemRegister<CNTP_TVAL_EL0, 3, 3, 14, 2, 0> {
    static constexpr Field TimerValue{31, 0};
};
struct CNTV_TVAL_EL0 : SystemRegister<CNTV_TVAL_EL0, 3, 3, 14, 3, 0> {
    static constexpr Field TimerValue{31, 0};
};

// What EL0 may do without a trap, and the event stream. With HCR_EL2.E2H at EL2 this name reaches
// CNTHCTL_EL2, whose bits [9:8] and [1:0] are the same.
struct CNTKCTL_EL1 : SystemRegister<CNTKCTL_EL1, 3, 0, 14, 1, 0> {
    static constexpr Field EVNTIS{17};
    static constexpr Field EL0PTEN{9};
    static constexpr Field EL0VTEN{8};
    static constexpr Field EVNTI{7, 4};
    static constexpr Field EVNTDIR{3};
    static constexpr Field EVNTEN{2};
    static constexpr Field EL0VCTEN{1};
    static constexpr Field EL0PCTEN{0};
};

struct VirtualRegisters {
    using Count = CNTVCT_EL0;
    using Ctl = CNTV_CTL_EL0;
    using CVal = CNTV_CVAL_EL0;
    using TVal = CNTV_TVAL_EL0;
};
struct PhysicalRegisters {
    using Count = CNTPCT_EL0;
    using Ctl = CNTP_CTL_EL0;
    using CVal = CNTP_CVAL_EL0;
    using TVal = CNTP_TVAL_EL0;
};

enum class Kind : std::uint8_t { virt, phys };

// One timer of the calling CPU. Writes are complete on return.
template <typename Io>
class GenericTimer {
public:
    constexpr explicit GenericTimer(Kind kind) : kind_{kind} {}
    constexpr GenericTimer(Kind kind, Io io) : kind_{kind}, io_{io} {}

    [[nodiscard]] constexpr Kind kind() const { return kind_; }
    [[nodiscard]] constexpr const char* name() const
    {
        return kind_ == Kind::virt ? "virt" : "phys";
    }

    // The counter this timer compares with, ordered after everything before the call.
    [[nodiscard]] std::uint64_t count() const
    {
        io_.synchronize();
        return with_registers(
            [this]<typename R>() { return this->template read<typename R::Count>(); });
    }

    [[nodiscard]] Control control() const
    {
        return Control::from(with_registers(
            [this]<typename R>() { return this->template read<typename R::Ctl>(); }));
    }
    void set_control(Control value) const
    {
        with_registers(
            [&]<typename R>() { return this->template write<typename R::Ctl>(value.raw); });
    }

    [[nodiscard]] std::uint64_t compare_value() const
    {
        return with_registers(
            [this]<typename R>() { return this->template read<typename R::CVal>(); });
    }
    void set_compare_value(std::uint64_t value) const
    {
        with_registers([&]<typename R>() { return this->template write<typename R::CVal>(value); });
    }

    // All 64 bits of the register; hardware uses the lower 32.
    [[nodiscard]] std::uint64_t timer_value() const
    {
        return with_registers(
            [this]<typename R>() { return this->template read<typename R::TVal>(); });
    }
    void set_timer_value(std::uint64_t value) const
    {
        with_registers([&]<typename R>() { return this->template write<typename R::TVal>(value); });
    }

    // The output follows the condition.
    void enable() const { set_control(Control{}.with(Control::ENABLE, 1)); }
    // ISTATUS follows the condition, the output is low.
    void mask() const { set_control(Control{}.with(Control::ENABLE, 1).with(Control::IMASK, 1)); }
    void disable() const { set_control(Control{}); }
    // Whether the condition is met; of an enabled timer.
    [[nodiscard]] bool condition_met() const { return control()[Control::ISTATUS] != 0; }

    // Raises the interrupt when count() reaches `value`.
    void arm(std::uint64_t value) const
    {
        set_compare_value(value);
        enable();
    }

private:
    template <typename Function>
    auto with_registers(Function function) const
    {
        return kind_ == Kind::virt ? function.template operator()<VirtualRegisters>()
                                   : function.template operator()<PhysicalRegisters>();
    }
    template <typename R>
    [[nodiscard]] std::uint64_t read() const
    {
        return io_.template read<R>().raw;
    }
    template <typename R>
    void write(std::uint64_t value) const
    {
        io_.write(R::from(value));
        io_.synchronize();
    }

    Kind kind_;
    [[no_unique_address]] Io io_{};
};

// Turns a timer off for a scope, whose code may then use it, and puts back its CVAL and CTL.
template <typename Io>
class Guard {
public:
    explicit Guard(const GenericTimer<Io>& timer)
        : timer_{timer}, control_{timer.control()}, compare_value_{timer.compare_value()}
    {
        timer_.disable();
    }
    ~Guard()
    {
        timer_.disable();
        timer_.set_compare_value(compare_value_);
        timer_.set_control(control_.with(Control::ISTATUS, 0));
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

private:
    GenericTimer<Io> timer_;
    Control control_;
    std::uint64_t compare_value_;
};

}  // namespace timer
