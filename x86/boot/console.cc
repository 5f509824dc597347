// SPDX-License-Identifier: MIT

#include "lib/console/ns16550.h"
#include "x86/cpu/port_io.h"

#include <arch/console.h>

#include <optional>

namespace {

constexpr std::uint16_t com1 = 0x3f8;

// A register of any 8250 that nothing depends on: what is written there is read again.
struct Scratch : Register<Scratch, std::uint8_t, 7> {};

// The console outlives everything.
constinit std::optional<ns16550::Ns16550<PortIo>> device;

}  // namespace

Result<> arch::discover_console(const boot::Info&)
{
    const PortIo io{com1};
    constexpr std::uint8_t nothing_there = 0xff;
    if (io.read<ns16550::LSR>().raw == nothing_there && io.read<Scratch>().raw == nothing_there) {
        return fail("console: there is no serial port at 0x3f8", com1);
    }
    device.emplace(io);
    device->init();
    console::attach(*device);
    return {};
}
