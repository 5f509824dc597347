// SPDX-License-Identifier: MIT
//
// GICv5 interrupts under test. SW_PPI, which software raises on its own CPU, serves as the
// edge-triggered interrupt that every CPU interface has. SPIs and LPIs are raised by command.
#pragma once

#include "arm64/gic/gicv5.h"
#include "arm64/gic/gicv5/description.h"
#include "lib/boot/boot.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/outcome.h"
#include "lib/time/time.h"
#include "tests/support/quiet.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gicv5 {

inline constexpr auto interface = cpu_interface();

[[nodiscard]] constexpr irq::Id sw_ppi_id()
{
    return ppi(sw_ppi);
}

// What stands for no interrupt in comparisons: type 0 is reserved.
inline constexpr irq::Id nothing{0};

// What stands for an interrupt that could not be had: commands ignore its type, which is reserved,
// and there is no interrupt of any type with its ID.
inline constexpr irq::Id unavailable{Intid::ID.mask()};

[[nodiscard]] inline irq::Id candidate()
{
    return interface.candidate().value_or(nothing);
}
[[nodiscard]] inline bool is_candidate(irq::Id id)
{
    return candidate() == id;
}
[[nodiscard]] inline irq::Id acknowledged()
{
    return interface.acknowledge().value_or(nothing);
}

// What CDIA or CDNMIA returned, all of it, when its effects are complete.
template <typename Acknowledge>
[[nodiscard]] std::uint64_t result_of()
{
    const std::uint64_t result = sysreg::read<Acknowledge>().raw;
    sysreg::write(GSB_ACK{});
    sysreg::synchronize();
    return result;
}

// ICC_APR_EL1: bit n is set while an interrupt of priority n is active.
[[nodiscard]] inline std::uint64_t active_priorities()
{
    return sysreg::read<ICC_APR_EL1>().raw;
}

// Ends the interrupt that was acknowledged last.
inline void finish(irq::Id id)
{
    interface.deactivate(id);
    interface.drop_priority();
    sysreg::synchronize();
}

// A CPU that is idle runs below every priority.
inline constexpr std::uint8_t idle_priority = 32;
[[nodiscard]] inline std::uint8_t running_priority()
{
    return interface.running_priority().value_or(idle_priority);
}

// Implemented priorities are the multiples of this.
[[nodiscard]] inline std::uint8_t priority_step()
{
    return static_cast<std::uint8_t>(32 - interface.lowest_priority());
}

// SW_PPI enabled at a priority for a scope with interrupts masked; nothing of it is left.
class PpiUnderTest {
public:
    explicit PpiUnderTest(std::uint8_t priority = default_priority)
    {
        interface.set_priority(sw_ppi, priority);
        interface.enable(sw_ppi);
    }
    ~PpiUnderTest()
    {
        interface.disable(sw_ppi);
        interface.clear_pending(sw_ppi);
        interface.clear_active(sw_ppi);
        interface.set_priority(sw_ppi, default_priority);
        sysreg::write(ICC_APR_EL1{});  // what the case acknowledged and did not end
        sysreg::synchronize();
    }
    PpiUnderTest(const PpiUnderTest&) = delete;
    PpiUnderTest& operator=(const PpiUnderTest&) = delete;

private:
    irq::Masked masked_;
};

// Takes an interrupt on this CPU while it exists, and counts.
class InterruptCounter {
public:
    explicit InterruptCounter(irq::Id id) : handler_{taken_}, guard_{id, handler_} {}

    [[nodiscard]] unsigned taken() const { return taken_.load(); }
    // Waits for a number of interrupts; false when there are fewer.
    [[nodiscard]] bool wait_for(unsigned count) const
    {
        return timer::wait_until([&] { return taken() >= count; });
    }

private:
    struct Handler {
        std::atomic<unsigned>& taken;
        void operator()(irq::Id) const { taken.fetch_add(1); }
    };

    std::atomic<unsigned> taken_{0};
    Handler handler_;
    irq::Guard guard_;
};

class SwPpiCounter : public InterruptCounter {
public:
    SwPpiCounter() : InterruptCounter{sw_ppi_id()} {}
};

// Takes interrupts until `condition()`, asleep while there are none. Whoever makes it true sends
// one, or waits for this CPU: the harness wakes it then.
template <typename Condition>
void sleep_until(Condition condition)
{
    while (!condition()) {
        const irq::Masked masked;  // none slips in between the look and the sleep
        if (!condition()) {
            arch::wait_for_interrupt();
        }
        const irq::Unmasked unmasked;
    }
}

// --- SPIs and LPIs ------------------------------------------------------------------------------

// The candidate of this CPU, once it is `id`; at the latest when patience ends. What the IRS
// signals takes its time.
[[nodiscard]] inline irq::Id awaited(irq::Id id)
{
    static_cast<void>(timer::wait_until([&] { return is_candidate(id); }));
    return candidate();
}

// How an SPI or LPI stands. Pending and Active are independent of each other.
enum class State : std::uint8_t { idle, pending, active, active_and_pending, unreachable };

inline void describe(Sink& sink, State state)
{
    constexpr std::string_view names[]{"idle", "pending", "active", "active and pending",
                                       "unreachable"};
    sink.write(names[static_cast<unsigned>(state)]);
}

// After everything that this CPU commanded before.
[[nodiscard]] inline State state_of(irq::Id id)
{
    commands().synchronize();
    const auto found = commands().state(id);
    if (!found) {
        return State::unreachable;
    }
    return found->active ? (found->pending ? State::active_and_pending : State::active)
                         : (found->pending ? State::pending : State::idle);
}
[[nodiscard]] inline bool is_enabled(irq::Id id)
{
    commands().synchronize();
    return irq::controller()->enabled(id);
}

// Priorities that the CPU interface has, and the IRS for SPIs and LPIs, are multiples of this.
[[nodiscard]] inline std::uint8_t command_priority_step()
{
    const auto bits =
        routing_services().front().io().read<IRS_IDR1>()[IRS_IDR1::PRI_BITS] + std::uint32_t{1};
    return std::max(priority_step(), static_cast<std::uint8_t>(bits >= 5 ? 1 : 32 >> bits));
}

// The IAFFID of a CPU.
[[nodiscard]] inline std::uint16_t iaffid_of(unsigned cpu)
{
    std::uint16_t iaffid = 0;
    smp::on_cpu(cpu, [&] { iaffid = interface.iaffid(); });
    return iaffid;
}

// An IAFFID that no CPU has.
[[nodiscard]] inline std::uint16_t absent_iaffid()
{
    const auto id = routing_services().front().io().read<IRS_IDR1>();
    std::uint32_t iaffid = (2U << id[IRS_IDR1::IAFFID_BITS]) - 1;
    const auto is_served = [&](const Irs<Mmio>& irs) {
        return irs.serves(static_cast<std::uint16_t>(iaffid)).value_or(true);
    };
    while (iaffid != 0 && std::ranges::any_of(routing_services(), is_served)) {
        --iaffid;
    }
    return static_cast<std::uint16_t>(iaffid);
}

// Consecutive LPIs that nobody else uses: at first, and when the scope ends, idle, disabled, edge,
// at default priority, targeted at this CPU.
class Lpis {
public:
    static constexpr bool has_mode_command = true;

    explicit Lpis(unsigned count) : count_{count}
    {
        if (const auto first = allocate_lpis(count)) {
            first_ = *first;
        } else {
            test::error("no {} LPIs: {}", count, first.error().what);
            count_ = 0;
        }
        reset();
    }
    ~Lpis()
    {
        reset();
        if (count_ != 0) {
            free_lpis(first_, count_);
        }
    }
    Lpis(const Lpis&) = delete;
    Lpis& operator=(const Lpis&) = delete;

    [[nodiscard]] unsigned count() const { return count_; }  // 0: there were not enough
    [[nodiscard]] irq::Id operator[](unsigned n) const
    {
        return count_ != 0 ? lpi(first_ + n) : unavailable;
    }

private:
    void reset() const
    {
        const std::uint16_t self = interface.iaffid();
        for (unsigned n = 0; n < count_; ++n) {
            const irq::Id id = (*this)[n];
            interface.deactivate(id);
            commands().disable(id);
            commands().prepare(id, self, HandlingMode::edge);
        }
    }

    std::uint32_t first_ = 0;
    unsigned count_;
};

// The same of SPIs that no device uses, whose wires are low.
class Spis {
public:
    static constexpr bool has_mode_command = false;

    explicit Spis(unsigned count) : count_{count}
    {
        for (const Irs<Mmio>& irs : routing_services()) {
            const SpiRange all = irs.spis();
            const std::uint32_t first = std::max(all.first, first_unnamed_spi(*boot::info().tree));
            if (first + count <= std::min(all.first + all.count, end_of_spares())) {
                irs_ = irs;
                first_ = first;
                reset();
                return;
            }
        }
        test::error("devices use all SPIs: none is left to test with");
        count_ = 0;
    }
    ~Spis() { reset(); }
    Spis(const Spis&) = delete;
    Spis& operator=(const Spis&) = delete;

    [[nodiscard]] unsigned count() const { return count_; }  // 0: there were not enough
    [[nodiscard]] irq::Id operator[](unsigned n) const
    {
        return count_ != 0 ? spi(first_ + n) : unavailable;
    }
    [[nodiscard]] const Irs<Mmio>& irs() const { return irs_; }

private:
    // Inter-processor interrupts may be the last SPIs.
    [[nodiscard]] static std::uint32_t end_of_spares()
    {
        const irq::Controller* const controller = irq::controller();
        return controller->ipi_count() != 0 && is_a(IntidType::spi, controller->ipi(0))
                   ? number(controller->ipi(0))
                   : Intid::ID.mask();
    }
    // An SPI whose wire is low is idle when it becomes level-triggered. Commands that do the same
    // are what is tested.
    void reset() const
    {
        const std::uint16_t self = interface.iaffid();
        for (unsigned n = 0; n < count_; ++n) {
            const irq::Id id = (*this)[n];
            interface.deactivate(id);
            commands().disable(id);
            commands().set_priority(id, default_priority);
            commands().target(id, self);
            for (const HandlingMode mode : {HandlingMode::level, HandlingMode::edge}) {
                if (const auto set = irs_.set_trigger_mode(number(id), mode); !set) {
                    test::error("{}", set.error().what);
                }
            }
        }
    }

    Irs<Mmio> irs_ = routing_services().front();
    std::uint32_t first_ = 0;
    unsigned count_;
};

// SPIs or LPIs enabled for a scope with interrupts masked, targeted at this CPU.
template <typename Interrupts>
class UnderTest {
public:
    explicit UnderTest(unsigned count = 1) : interrupts_{count}
    {
        for (unsigned n = 0; n < interrupts_.count(); ++n) {
            commands().enable(id(n));
        }
        commands().synchronize();
    }
    ~UnderTest()
    {
        sysreg::write(ICC_APR_EL1{});  // what the case acknowledged and did not end
        sysreg::synchronize();
    }
    UnderTest(const UnderTest&) = delete;
    UnderTest& operator=(const UnderTest&) = delete;

    [[nodiscard]] irq::Id id(unsigned n = 0) const { return interrupts_[n]; }

private:
    irq::Masked masked_;
    Interrupts interrupts_;
};

using LpiUnderTest = UnderTest<Lpis>;
using SpiUnderTest = UnderTest<Spis>;

}  // namespace gicv5
