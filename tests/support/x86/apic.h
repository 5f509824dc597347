// SPDX-License-Identifier: MIT
//
// What the tests of the APICs share: vectors that count, and a local timer that is put back.
#pragma once

#include "lib/irq/irq.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "x86/apic/controller.h"
#include "x86/timer/timers.h"

#include <array>
#include <atomic>
#include <cstdint>

// Vectors that nobody else uses, each in a priority class of its own or of the same.
inline constexpr std::uint8_t low_vector = apic::vector::first_free + 0x01;     // class 0xa
inline constexpr std::uint8_t middle_vector = apic::vector::first_free + 0x11;  // class 0xb
inline constexpr std::uint8_t high_vector = apic::vector::first_free + 0x21;    // class 0xc

// Counts the interrupts that this CPU takes by a vector while it exists.
class CountedVector {
public:
    explicit CountedVector(std::uint32_t vector) : guard_{irq::Id{vector}, handler_} {}

    [[nodiscard]] unsigned taken() const { return handler_.taken.load(); }
    // Waits for so many; false when they did not come.
    [[nodiscard]] bool wait(unsigned count = 1) const
    {
        return timer::wait_until([&] { return taken() >= count; });
    }

private:
    struct Handler {
        std::atomic<unsigned> taken{0};
        void operator()(irq::Id) { taken.fetch_add(1); }
    };
    Handler handler_;
    irq::Guard guard_;
};

// Sends to where the message says; a failure is an error of the case.
inline void send(const apic::Message& message)
{
    const irq::Masked masked;
    if (const auto sent = apic::local().send(message); !sent) {
        test::error("{}", sent.error().what);
    }
}

// Takes what is pending and nothing else: interrupts are unmasked until `condition` holds. STI
// alone is no window: some hypervisors deliver later.
template <typename Condition>
[[nodiscard]] bool take_until(Condition condition)
{
    const irq::Unmasked unmasked;
    return timer::wait_until(condition);
}

// A while in which something wrong would have happened.
inline void let_pass()
{
    timer::delay(timer::milliseconds(2));
}

// The local timer of this CPU, which is off at the start and put back at the end: on CPU 0 it is
// the watchdog's, which rests meanwhile.
class LocalTimer {
public:
    LocalTimer()
        : local_{apic::local()},
          entry_{local_.lvt(apic::Lvt::timer)},
          divide_{local_.io().read<apic::DIVIDE>()},
          count_{local_.timer_count()}
    {
        if (is_deadline(entry_)) {
            deadline_ = msr::read<timer::IA32_TSC_DEADLINE>();
            msr::write(timer::IA32_TSC_DEADLINE{});
        }
        local_.set_timer_count(0);
        local_.set_timer_mode(apic::TimerMode::one_shot, vector(), true);
    }
    ~LocalTimer()
    {
        local_.set_timer_count(0);
        local_.set_lvt(apic::Lvt::timer, entry_);
        local_.io().write(divide_);
        if (is_deadline(entry_)) {
            asm volatile("mfence" ::: "memory");
            msr::write(deadline_);
        } else {
            local_.set_timer_count(count_);
        }
    }
    LocalTimer(const LocalTimer&) = delete;
    LocalTimer& operator=(const LocalTimer&) = delete;

    [[nodiscard]] const apic::Local& operator*() const { return local_; }
    [[nodiscard]] const apic::Local* operator->() const { return &local_; }
    [[nodiscard]] static constexpr std::uint8_t vector()
    {
        return apic::vector::of(apic::Lvt::timer);
    }
    // Which mode, without a change of its mask.
    void set_mode(apic::TimerMode mode) const
    {
        const bool masked = local_.lvt(apic::Lvt::timer)[apic::LvtEntry::MASK] != 0;
        local_.set_timer_mode(mode, vector(), masked);
    }

private:
    static bool is_deadline(apic::LvtEntry entry)
    {
        return entry[apic::LvtEntry::TIMER_MODE] ==
               static_cast<std::uint32_t>(apic::TimerMode::tsc_deadline);
    }

    apic::Local local_;
    apic::LvtEntry entry_;
    apic::DIVIDE divide_;
    std::uint32_t count_;
    timer::IA32_TSC_DEADLINE deadline_{};
};
