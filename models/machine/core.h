// SPDX-License-Identifier: MIT
//
// A CPU of the model machine: a thread with interrupt masks, timers, and system registers. Those of
// the interrupt controller are the model's.
//
// A CPU takes interrupts only where it looks for them: guest code that waits, unmasks or
// synchronizes does.
#pragma once

#include "arm64/timer/generic_timer.h"
#include "models/gicv5/model.h"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace machine {

// What keeps a CPU from taking interrupts.
struct Masks {
    bool irq = true;       // PSTATE.I
    bool all_int = false;  // PSTATE.ALLINT: those with superpriority, too (FEAT_NMI)
    bool handler = false;  // PSTATE.SP: a handler's stack, which may be a mask (FEAT_NMI)
};

class Core {
public:
    // `index` counts the device tree's CPU nodes, `affinity` is their reg.
    Core(model::gicv5::Gicv5& gic, unsigned index, std::uint64_t affinity);

    // As after power-on.
    void reset();

    // The CPU that the calling thread is, from run_here() on.
    [[nodiscard]] static Core& current();
    void run_here();

    [[nodiscard]] unsigned index() const { return index_; }
    [[nodiscard]] std::uint64_t affinity() const { return affinity_; }

    // Setting them takes what is pending and no longer masked.
    [[nodiscard]] Masks masks() const { return masks_; }
    void set_masks(Masks masks);
    void take_interrupts();

    // Sleeps until an interrupt is pending, masked or not: as the model says.
    void wait_for_interrupt();
    // Sleeps until an event, or an interrupt.
    void wait_for_event();
    void send_event();

    // Throw model::Undefined for what the CPU does not have.
    [[nodiscard]] std::uint64_t read(model::gicv5::Encoding name);
    void write(model::gicv5::Encoding name, std::uint64_t value);

private:
    struct Timer {
        unsigned ppi = 0;
        timer::Control control{};
        std::uint64_t compare_value = 0;
        bool output = false;  // as the interrupt controller was told
    };

    [[nodiscard]] bool can_take_interrupt() const;
    void take_interrupt();
    // Tells the interrupt controller what the timers' outputs are now.
    void drive_timers();
    void drive(Timer& timer);
    // How long until a timer's output may rise.
    [[nodiscard]] std::chrono::nanoseconds time_to_timer() const;

    void require_nmi() const;
    [[nodiscard]] std::uint64_t interrupt_status();
    template <typename Registers>
    [[nodiscard]] std::uint64_t read_timer(const Timer& timer, unsigned key) const;
    template <typename Registers>
    void write_timer(Timer& timer, unsigned key, std::uint64_t value);

    model::gicv5::Gicv5& gic_;
    unsigned index_;
    std::uint64_t affinity_;
    Masks masks_;
    std::uint64_t sctlr_ = 0;
    Timer virtual_timer_;
    Timer physical_timer_;
    std::atomic<bool> event_{false};
};

}  // namespace machine
