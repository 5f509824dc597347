// SPDX-License-Identifier: MIT
#include "lib/irq/irq.h"

#include "lib/base/spinlock.h"
#include "lib/test/fatal.h"
#include "lib/test/test.h"

#include <atomic>

namespace irq {

namespace {

constinit Controller* the_controller = nullptr;
constinit std::atomic<unsigned> spurious_interrupts{0};

// The guards of all CPUs, newest first. They live on stacks; the list costs no storage.
constinit Guard* newest_guard = nullptr;
constinit Spinlock guards_lock;

constinit std::optional<Handler> permanent[permanent_ipis];

}  // namespace

Controller* controller()
{
    return the_controller;
}

void set_controller(Controller& controller)
{
    the_controller = &controller;
}

// A copy, so that the handler runs without the lock.
std::optional<Handler> installed_handler(Id id)
{
    const SpinlockGuard lock{guards_lock};
    for (const Guard* guard = newest_guard; guard != nullptr; guard = guard->older_) {
        if (guard->id_ == id && guard->cpu_ == arch::cpu_data()) {
            return guard->handler_;
        }
    }
    const auto number = the_controller->ipi_number(id);
    return number && *number < permanent_ipis ? permanent[*number] : std::nullopt;
}

void install_permanently(unsigned ipi_number, Handler handler)
{
    const SpinlockGuard lock{guards_lock};
    permanent[ipi_number] = handler;
}

void dispatch()
{
    if (the_controller == nullptr) {
        test::bail_out("an interrupt on a machine without a known interrupt controller");
    }
    const std::optional<Id> id = the_controller->acknowledge();
    if (!id) {
        spurious_interrupts.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    if (const std::optional<Handler> handler = installed_handler(*id)) {
        (*handler)(*id);
        the_controller->end(*id);
    } else {
        the_controller->disable(*id);
        the_controller->end(*id);
        test::error("interrupt {:#x} has no handler on this CPU", id->value);
    }
}

unsigned spurious_count()
{
    return spurious_interrupts.load(std::memory_order_relaxed);
}

Guard::Guard(Id id, Handler handler, Adopt)
    : id_{id}, handler_{handler}, cpu_{arch::cpu_data()}, was_enabled_{the_controller->enabled(id)}
{
    {
        const SpinlockGuard lock{guards_lock};
        older_ = newest_guard;
        newest_guard = this;
    }
    the_controller->enable(id_);
}

Guard::~Guard()
{
    if (!was_enabled_) {
        the_controller->disable(id_);
    }
    const SpinlockGuard lock{guards_lock};
    Guard** link = &newest_guard;
    while (*link != this) {
        link = &(*link)->older_;
    }
    *link = older_;
}

}  // namespace irq
