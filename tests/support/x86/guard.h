// SPDX-License-Identifier: MIT
//
// Put control registers and table entries of this CPU back at the end of a scope, which must stay
// on the CPU.
#pragma once

#include "x86/cpu/control_registers.h"

#include <cstdint>

// CR0 or CR4.
template <typename R>
class ControlGuard {
public:
    // Gives one field a value.
    ControlGuard(Field field, std::uint64_t value) : saved_{read()} { set(field, value); }
    ~ControlGuard() { control::write(saved_); }
    ControlGuard(const ControlGuard&) = delete;
    ControlGuard& operator=(const ControlGuard&) = delete;

    void set(Field field, std::uint64_t value) { control::write(read().with(field, value)); }

private:
    static R read();

    R saved_;
};

template <>
inline CR0 ControlGuard<CR0>::read()
{
    return control::cr0();
}
template <>
inline CR4 ControlGuard<CR4>::read()
{
    return control::cr4();
}

// An MSR.
template <typename R>
class MsrGuard {
public:
    MsrGuard() : saved_{msr::read<R>()} {}
    ~MsrGuard() { msr::write(saved_); }
    MsrGuard(const MsrGuard&) = delete;
    MsrGuard& operator=(const MsrGuard&) = delete;

private:
    R saved_;
};

// Anything in memory: a descriptor, a gate.
template <typename T>
class ValueGuard {
public:
    ValueGuard(T& object, const T& value) : object_{object}, saved_{object} { object = value; }
    ~ValueGuard() { object_ = saved_; }
    ValueGuard(const ValueGuard&) = delete;
    ValueGuard& operator=(const ValueGuard&) = delete;

private:
    T& object_;
    T saved_;
};
