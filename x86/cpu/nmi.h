// SPDX-License-Identifier: MIT
//
// Non-maskable interrupts. Without a handler one is a crash.
#pragma once

#include "lib/base/function_ref.h"

#include <arch/cpu.h>
#include <arch/exception.h>

#include <type_traits>

namespace nmi {

// Runs on the CPU that took the NMI; the next one waits for its end.
using Handler = FunctionRef<void(const arch::Frame&)>;

// Handles the NMIs of the calling CPU while it exists. Made and destroyed on the same CPU; a newer
// one hides an older one.
class Guard {
public:
    // The callable must outlive the guard, so it has to have a name.
    template <typename Callable>
        requires std::is_constructible_v<Handler, Callable&>
    explicit Guard(Callable& callable) : handler_{callable}
    {
        install();
    }
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

private:
    friend bool handle(const arch::Frame& frame);
    void install();

    Handler handler_;
    const Guard* older_ = nullptr;
};

// Called by the exception entry. False: nobody wants it.
[[nodiscard]] bool handle(const arch::Frame& frame);

}  // namespace nmi
