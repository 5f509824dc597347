// SPDX-License-Identifier: MIT
//
// QEMU's PCI device for teaching (docs/specs/edu), as far as it is a source of interrupts: its INTx
// is high while its interrupt status is not 0; with MSI enabled, raising sends the message instead.
//
//     const auto device = edu::open();
//     const edu::Quiet quiet{*device};
//     device->raise();
#pragma once

#include "lib/base/mmio.h"
#include "lib/base/register.h"
#include "lib/base/result.h"
#include "lib/pci/pci.h"

#include <arch/mmu.h>

#include <cstdint>

namespace edu {

struct IDENTIFICATION : Register<IDENTIFICATION, std::uint32_t, 0x00> {
    static constexpr Field EDU{15, 0};  // 0x00ed
};
struct INTERRUPT_STATUS : Register<INTERRUPT_STATUS, std::uint32_t, 0x24> {};
struct INTERRUPT_RAISE : Register<INTERRUPT_RAISE, std::uint32_t, 0x60> {};  // sets status bits
struct INTERRUPT_ACKNOWLEDGE : Register<INTERRUPT_ACKNOWLEDGE, std::uint32_t, 0x64> {};  // clears

class Device {
public:
    Device(const pci::Function<Mmio>& function, Mmio io) : function_{function}, io_{io} {}

    [[nodiscard]] const pci::Function<Mmio>& function() const { return function_; }
    [[nodiscard]] std::uint32_t identification() const
    {
        return io_.read<IDENTIFICATION>()[IDENTIFICATION::EDU];
    }

    void raise(std::uint32_t causes = 1) const { io_.write(INTERRUPT_RAISE::from(causes)); }
    [[nodiscard]] std::uint32_t raised() const { return io_.read<INTERRUPT_STATUS>().raw; }
    // The line is low on return.
    void silence() const
    {
        io_.write(INTERRUPT_ACKNOWLEDGE::from(~0U));
        static_cast<void>(raised());
    }

    [[nodiscard]] Result<fdt::InterruptSpecifier> intx() const
    {
        return pci::host_bridge()->interrupt(function_.address(), function_.interrupt_pin());
    }

private:
    pci::Function<Mmio> function_;
    Mmio io_;
};

// Gives the device its memory and makes that accessible. With the capability `edu`.
[[nodiscard]] inline Result<Device> open()
{
    const auto function = pci::find(pci::edu);
    if (!function) {
        return fail("no PCI function 1234:11e8");
    }
    const auto registers = pci::host_bridge()->assign(*function, 0);
    if (!registers) {
        return std::unexpected{registers.error()};
    }
    if (const auto mapped = arch::map_device(*registers); !mapped) {
        return std::unexpected{mapped.error()};
    }
    const Device device{*function, Mmio{registers->base}};
    constexpr std::uint32_t expected = 0xed;
    if (device.identification() != expected) {
        return fail("edu does not identify itself", device.identification());
    }
    return device;
}

// The device asks for nothing, over INTx, at the beginning and at the end of a scope.
class Quiet {
public:
    explicit Quiet(const Device& device) : device_{device} { calm(); }
    ~Quiet() { calm(); }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

private:
    void calm() const
    {
        device_.function().disable_msi();
        device_.silence();
        device_.function().enable_intx(true);
    }

    Device device_;
};

}  // namespace edu
