// SPDX-License-Identifier: MIT
//
// The performance monitors of a CPU (PMUv3): layouts of their system registers and the driver.
// Arm ARM (DDI 0487) D13, D24.5.
//
// There is a cycle counter, and PMCR_EL0.N event counters. A counter that wraps sets its overflow
// flag. The interrupt is a level: PMCR_EL0.E, and some flag whose interrupt is enabled; it
// drops when software clears the flag.
#pragma once

#include "arm64/cpu/sysreg.h"

#include <cstdint>

namespace pmu {

struct PMCR_EL0 : SystemRegister<PMCR_EL0, 3, 3, 9, 12, 0> {
    static constexpr Field N{15, 11};  // event counters; read-only
    static constexpr Field LP{7};      // event counters overflow at 64 bits, not 32 (FEAT_PMUv3p5)
    static constexpr Field LC{6};      // the cycle counter overflows at 64 bits, not 32
    static constexpr Field C{2};       // write 1: the cycle counter is 0
    static constexpr Field P{1};       // write 1: the event counters are 0
    static constexpr Field E{0};
};

// One bit a counter: n is event counter n, 31 the cycle counter. SET and CLR read the same.
struct PMCNTENSET_EL0 : SystemRegister<PMCNTENSET_EL0, 3, 3, 9, 12, 1> {};
struct PMCNTENCLR_EL0 : SystemRegister<PMCNTENCLR_EL0, 3, 3, 9, 12, 2> {};
struct PMOVSCLR_EL0 : SystemRegister<PMOVSCLR_EL0, 3, 3, 9, 12, 3> {};
struct PMOVSSET_EL0 : SystemRegister<PMOVSSET_EL0, 3, 3, 9, 14, 3> {};
struct PMINTENSET_EL1 : SystemRegister<PMINTENSET_EL1, 3, 0, 9, 14, 1> {};
struct PMINTENCLR_EL1 : SystemRegister<PMINTENCLR_EL1, 3, 0, 9, 14, 2> {};
// Write: counts the event SW_INCR once.
struct PMSWINC_EL0 : SystemRegister<PMSWINC_EL0, 3, 3, 9, 12, 4> {};

struct PMCCNTR_EL0 : SystemRegister<PMCCNTR_EL0, 3, 3, 9, 13, 0> {};
// Where a counter counts; all clear: at EL1 and EL0. PMXEVTYPER_EL0 has the same fields.
struct PMCCFILTR_EL0 : SystemRegister<PMCCFILTR_EL0, 3, 3, 14, 15, 7> {
    static constexpr Field P{31};    // not at EL1
    static constexpr Field U{30};    // not at EL0
    static constexpr Field NSH{27};  // at EL2
};
// The event counter that the next two are about.
struct PMSELR_EL0 : SystemRegister<PMSELR_EL0, 3, 3, 9, 12, 5> {
    static constexpr Field SEL{4, 0};
};
struct PMXEVTYPER_EL0 : SystemRegister<PMXEVTYPER_EL0, 3, 3, 9, 13, 1> {
    static constexpr Field evtCount{15, 0};
};
struct PMXEVCNTR_EL0 : SystemRegister<PMXEVCNTR_EL0, 3, 3, 9, 13, 2> {};

// Sets of counters.
using Counters = std::uint64_t;
inline constexpr Counters cycle_counter = Counters{1} << 31;
inline constexpr Counters all_counters = 0xffff'ffff;
[[nodiscard]] constexpr Counters event_counter(unsigned number)
{
    return Counters{1} << number;
}

enum class Event : std::uint16_t { sw_incr = 0x00 };

// The performance monitors of the calling CPU. Writes are complete on return.
template <typename Io>
class Pmu {
public:
    constexpr Pmu() = default;
    constexpr explicit Pmu(Io io) : io_{io} {}

    [[nodiscard]] unsigned event_counters() const
    {
        return static_cast<unsigned>(io_.template read<PMCR_EL0>()[PMCR_EL0::N]);
    }

    // Everything off and zero, no overflow, no interrupt. The cycle counter has 64 bits from now
    // on, the event counters overflow at 32. Both count at EL1 and EL0.
    void reset() const
    {
        io_.write(PMCNTENCLR_EL0::from(all_counters));
        io_.write(PMINTENCLR_EL1::from(all_counters));
        write(PMCR_EL0{}.with(PMCR_EL0::LC, 1).with(PMCR_EL0::C, 1).with(PMCR_EL0::P, 1));
        io_.write(PMOVSCLR_EL0::from(all_counters));
        write(PMCCFILTR_EL0{});
    }

    // Nothing counts and nothing interrupts while it is off.
    void enable() const { change_enable(1); }
    void disable() const { change_enable(0); }

    void start(Counters counters) const { write(PMCNTENSET_EL0::from(counters)); }
    void stop(Counters counters) const { write(PMCNTENCLR_EL0::from(counters)); }

    [[nodiscard]] std::uint64_t cycles() const { return io_.template read<PMCCNTR_EL0>().raw; }
    void set_cycles(std::uint64_t value) const { write(PMCCNTR_EL0::from(value)); }

    // Event counter `number`, below event_counters(): 32 bits, 64 with FEAT_PMUv3p5.
    [[nodiscard]] std::uint64_t count(unsigned number) const
    {
        select(number);
        return io_.template read<PMXEVCNTR_EL0>().raw;
    }
    void set_count(unsigned number, std::uint64_t value) const
    {
        select(number);
        write(PMXEVCNTR_EL0::from(value));
    }
    void set_event(unsigned number, Event event) const
    {
        select(number);
        write(PMXEVTYPER_EL0{}.with(PMXEVTYPER_EL0::evtCount, static_cast<std::uint64_t>(event)));
    }
    // Of those of the counters that count SW_INCR.
    void increment(Counters counters) const { write(PMSWINC_EL0::from(counters)); }

    [[nodiscard]] Counters overflowed() const { return io_.template read<PMOVSSET_EL0>().raw; }
    void set_overflow(Counters counters) const { write(PMOVSSET_EL0::from(counters)); }
    void clear_overflow(Counters counters) const { write(PMOVSCLR_EL0::from(counters)); }

    void enable_interrupt(Counters counters) const { write(PMINTENSET_EL1::from(counters)); }
    void disable_interrupt(Counters counters) const { write(PMINTENCLR_EL1::from(counters)); }

private:
    void select(unsigned number) const { write(PMSELR_EL0{}.with(PMSELR_EL0::SEL, number)); }
    void change_enable(std::uint64_t on) const
    {
        write(io_.template read<PMCR_EL0>().with(PMCR_EL0::E, on));
    }
    template <typename R>
    void write(R value) const
    {
        io_.write(value);
        io_.synchronize();
    }

    [[no_unique_address]] Io io_{};
};

// The performance monitors for a scope, reset before and after it.
template <typename Io>
class Guard {
public:
    explicit Guard(const Pmu<Io>& pmu) : pmu_{pmu} { pmu_.reset(); }
    ~Guard() { pmu_.reset(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

private:
    Pmu<Io> pmu_;
};

}  // namespace pmu
