// SPDX-License-Identifier: MIT
//
// Puts a system register of this CPU back at the end of a scope. The scope must stay on the CPU.
#pragma once

#include "arm64/cpu/sysreg.h"

template <typename R>
class RegisterGuard {
public:
    RegisterGuard() : saved_{sysreg::read<R>()} {}
    // Saves the register, then gives one field a value.
    RegisterGuard(Field field, std::uint64_t value) : RegisterGuard{} { set(field, value); }
    ~RegisterGuard() { set(saved_); }
    RegisterGuard(const RegisterGuard&) = delete;
    RegisterGuard& operator=(const RegisterGuard&) = delete;

    void set(R value)
    {
        sysreg::write(value);
        sysreg::synchronize();
    }
    void set(Field field, std::uint64_t value) { set(sysreg::read<R>().with(field, value)); }

private:
    R saved_;
};
