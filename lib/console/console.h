// SPDX-License-Identifier: MIT
//
// The console: everything the image says goes through here.
//
// Until a device is attached the text is kept in a memory buffer and replayed into the first
// device, so nothing said early is lost and no device address is compiled in. Each print() is
// written as one unit, whichever CPU calls it.
#pragma once

#include "lib/base/format.h"

#include <arch/cpu.h>

#include <string_view>

namespace console {

// A character device that can be written to. Drivers: pl011.h, ns16550.h.
class Device {
public:
    [[nodiscard]] virtual const char* name() const = 0;
    // Waits for room, then writes one byte. Bounded: a dead device drops the byte.
    virtual void put(char c) = 0;
    // Waits (bounded) until everything written has left the device.
    virtual void flush() = 0;

protected:
    ~Device() = default;
};

// Makes `device` the console and replays what was said before.
void attach(Device& device);

// Writes text as one unit; LF is sent as CR LF.
void write(std::string_view text);

// Waits until the device has sent everything: before the VM ends.
void flush();

// From now on only the calling CPU's text is written, and without the lock, which it may hold
// itself: for the reports that end the boot. Begins a new line.
void break_lock();

// One unit of text in several pieces: holds the console for a scope, with interrupts masked.
//     console::Unit unit;
//     format_to(unit, "# {}", first);
class Unit final : public Sink {
public:
    Unit();
    ~Unit();
    Unit(const Unit&) = delete;
    Unit& operator=(const Unit&) = delete;

    void write(std::string_view text) override;
    // Ends a line that somebody left open.
    void begin_line();

private:
    arch::InterruptState interrupts_;
    bool locked_;
};

namespace detail {
void print(std::string_view pattern, std::span<const FormatArgument> arguments);
}

// Formats and writes as one unit. No newline is added.
template <typename... Args>
void print(FormatPattern<std::type_identity_t<Args>...> pattern, const Args&... args)
{
    detail::print(pattern.pattern, FormatArguments{args...});
}

}  // namespace console
