// SPDX-License-Identifier: MIT
//
// The timers of a CPU, each as an item of a case, and their interrupts counted.
#pragma once

#include "arm64/timer/timers.h"
#include "lib/base/function_ref.h"
#include "lib/irq/irq.h"
#include "lib/test/test.h"
#include "lib/time/time.h"

#include <atomic>
#include <cstdint>

inline constexpr timer::Timer timers_under_test[]{timer::virtual_timer, timer::physical_timer};

// Runs `check` for the virtual and the physical timer, which is off at the start and put back at
// the end. The physical timer is the watchdog's: it rests meanwhile.
inline void for_each_timer(FunctionRef<void(const timer::Timer&)> check)
{
    test::Items items{std::size(timers_under_test)};
    for (const timer::Timer& timer : timers_under_test) {
        items.run(timer.name(), [&] {
            const timer::Guard saved{timer};
            check(timer);
        });
    }
}

// The same for the timers that have an interrupt.
inline void for_each_timer_irq(FunctionRef<void(const timer::Timer&, irq::Id)> check)
{
    for_each_timer([&](const timer::Timer& timer) {
        const auto id = timer::interrupt(timer.kind());
        if (!id) {
            return test::skip("{}", id.error().what);
        }
        check(timer, *id);
    });
}

// Takes the interrupt of a timer on this CPU while it exists: notes it and turns the timer off.
class TimerIrq {
public:
    TimerIrq(const timer::Timer& timer, irq::Id id) : handler_{*this, timer}, guard_{id, handler_}
    {
    }

    [[nodiscard]] unsigned taken() const { return taken_.load(); }
    // Waits for the first interrupt; false when none came.
    [[nodiscard]] bool wait() const
    {
        return timer::wait_until([this] { return taken() != 0; });
    }
    // What the handler saw, the last time.
    [[nodiscard]] irq::Id id() const { return id_; }
    [[nodiscard]] timer::Control control() const { return control_; }
    [[nodiscard]] std::uint64_t count() const { return count_; }

private:
    struct Handler {
        TimerIrq& self;
        timer::Timer timer;
        void operator()(irq::Id id) const
        {
            self.count_ = timer.count();
            self.control_ = timer.control();
            self.id_ = id;
            timer.disable();
            self.taken_.fetch_add(1);
        }
    };

    std::atomic<unsigned> taken_{0};
    irq::Id id_{};
    timer::Control control_{};
    std::uint64_t count_ = 0;
    Handler handler_;
    irq::Guard guard_;
};
