// SPDX-License-Identifier: MIT
//
// Interrupts as every architecture has them: numbered sources that can be enabled, made pending,
// acknowledged and ended; and handlers that live as long as a scope.
//
//     const auto on_timer = [&](irq::Id) { timer.disable(); fired = true; };
//     irq::Guard guard{timer_irq, on_timer};
#pragma once

#include "lib/base/function_ref.h"
#include "lib/base/result.h"

#include <arch/cpu.h>

#include <cstdint>
#include <optional>
#include <type_traits>

namespace irq {

// An interrupt's number as the controller's manual counts it: GICv2/v3 INTID (PPI n is 16 + n),
// GICv5 INTID with its type in bits [31:29], x86 vector, LoongArch EIOINTC vector.
struct Id {
    std::uint32_t value;
    friend constexpr bool operator==(Id, Id) = default;
};

// Runs on the CPU that took the interrupt, after the acknowledge and before the end of interrupt,
// with interrupts masked. A level-sensitive source must be silenced here.
using Handler = FunctionRef<void(Id)>;

// The operations that all interrupt controllers share. State of per-CPU interrupts (PPIs, SGIs,
// local vectors) is that of the calling CPU.
class Controller {
public:
    [[nodiscard]] virtual const char* name() const = 0;  // "gicv3"
    // Prepares the calling CPU's interface; everything disabled.
    [[nodiscard]] virtual Result<> init_cpu() = 0;

    virtual void enable(Id id) = 0;   // a shared interrupt is routed to the calling CPU
    virtual void disable(Id id) = 0;  // on return no new one is signalled
    [[nodiscard]] virtual bool enabled(Id id) const = 0;
    [[nodiscard]] virtual bool pending(Id id) const = 0;
    [[nodiscard]] virtual bool active(Id id) const = 0;

    // Acknowledges the best candidate. Nothing: a spurious interrupt.
    [[nodiscard]] virtual std::optional<Id> acknowledge() = 0;
    virtual void end(Id id) = 0;  // priority drop and deactivation

    // Inter-processor interrupts: `ipi_count()` numbers from 0; 0 when the machine has none.
    [[nodiscard]] virtual unsigned ipi_count() const = 0;
    // As the calling CPU receives it; the other way round, where `id` is an IPI of this CPU.
    [[nodiscard]] virtual Id ipi(unsigned number) const = 0;
    [[nodiscard]] virtual std::optional<unsigned> ipi_number(Id id) const = 0;
    // What this CPU wrote to memory before is visible to the receiver's handler.
    virtual void send_ipi(unsigned cpu, unsigned number) = 0;

protected:
    ~Controller() = default;
};

// The machine's controller; nothing on a machine without one that is known.
[[nodiscard]] Controller* controller();
void set_controller(Controller& controller);

// Called by the architecture's vector: acknowledges, runs the handler, ends.
// An interrupt without a handler is disabled and reported as an error of the case.
void dispatch();

// Interrupts taken by any CPU that had no candidate at the acknowledge.
[[nodiscard]] unsigned spurious_count();

// Installs a handler of IPI `number` on every CPU for good, for the harness itself; a CPU that
// wants the interrupt enables it. Numbers below permanent_ipis; guards go before it.
inline constexpr unsigned permanent_ipis = 2;
void install_permanently(unsigned ipi_number, Handler handler);

// Installs a handler and enables the interrupt on the calling CPU; puts both back. Handlers belong
// to a CPU: the same interrupt may have another one elsewhere. A newer guard of the same interrupt
// hides an older one. Needs a controller; made and destroyed on the same CPU.
class Guard {
public:
    // The callable must outlive the guard, so it has to have a name.
    template <typename Callable>
        requires std::is_constructible_v<Handler, Callable&>
    Guard(Id id, Callable& callable) : Guard{id, Handler{callable}, Adopt{}}
    {
    }
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

private:
    friend std::optional<Handler> installed_handler(Id id);

    struct Adopt {};
    Guard(Id id, Handler handler, Adopt);

    Id id_;
    Handler handler_;
    const arch::CpuData* cpu_;
    Guard* older_ = nullptr;
    bool was_enabled_;
};

// Masks interrupts at the CPU for a scope.
class Masked {
public:
    Masked() : state_{arch::mask_interrupts()} {}
    ~Masked() { arch::restore_interrupts(state_); }
    Masked(const Masked&) = delete;
    Masked& operator=(const Masked&) = delete;

private:
    arch::InterruptState state_;
};

// Unmasks interrupts at the CPU for a scope.
class Unmasked {
public:
    Unmasked() : state_{arch::unmask_interrupts()} {}
    ~Unmasked() { arch::restore_interrupts(state_); }
    Unmasked(const Unmasked&) = delete;
    Unmasked& operator=(const Unmasked&) = delete;

private:
    arch::InterruptState state_;
};

}  // namespace irq
