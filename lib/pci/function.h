// SPDX-License-Identifier: MIT
//
// A PCI function: what it is, its memory, its interrupts. PCI Local Bus Specification 3.0, 6.
#pragma once

#include "lib/base/result.h"
#include "lib/pci/config_space.h"

#include <cstdint>
#include <optional>

namespace pci {

// Where a function is.
struct Address {
    std::uint8_t bus = 0;
    std::uint8_t device = 0;    // below 32
    std::uint8_t function = 0;  // below 8

    // Bus, device and function in one number: how a function names itself when it accesses memory.
    [[nodiscard]] constexpr std::uint32_t requester_id() const
    {
        return std::uint32_t{bus} << 8 | std::uint32_t{device} << 3 | function;
    }
    friend constexpr bool operator==(Address, Address) = default;
};

// What a function is.
struct Id {
    std::uint16_t vendor;
    std::uint16_t device;
    friend constexpr bool operator==(Id, Id) = default;
};

// QEMU's device for teaching, whose interrupt software raises (docs/specs/edu).
inline constexpr Id edu{.vendor = 0x1234, .device = 0x11e8};

// The memory that a BAR asks for: `size` is a power of two and its alignment.
struct MemoryBar {
    unsigned index;
    std::uint64_t size;
    bool wide;              // 64-bit addresses
    std::uint64_t address;  // on the bus; 0: nobody has given it one
};

// `Io` reads and writes the function's configuration space.
template <typename Io>
class Function {
public:
    Function(Address address, Io io) : address_{address}, io_{io} {}

    [[nodiscard]] Address address() const { return address_; }
    [[nodiscard]] Id id() const
    {
        return {io_.template read<VENDOR_ID>().raw, io_.template read<DEVICE_ID>().raw};
    }

    // Asks a BAR how large it is; the function answers to no address meanwhile. Errors: no such
    // BAR, one for I/O ports, one that is not implemented.
    [[nodiscard]] Result<MemoryBar> memory_bar(unsigned index) const
    {
        if (index >= bar_count) {
            return fail("PCI function has no such BAR", index);
        }
        const auto low = io_.template read<BAR>(index);
        const bool wide = low[BAR::TYPE] == 2;
        if (low[BAR::IO] != 0) {
            return fail("PCI BAR is for I/O ports", index);
        }
        if (wide && index + 1 == bar_count) {
            return fail("PCI BAR of 64 bits has no upper half", index);
        }
        const auto command = io_.template read<COMMAND>();
        io_.write(command.with(COMMAND::MEMORY, 0));
        const std::uint64_t address = read_bar(index, wide);
        write_bar(index, wide, ~std::uint64_t{0});
        const std::uint64_t answer = read_bar(index, wide) | (wide ? 0 : ~std::uint64_t{0} << 32);
        write_bar(index, wide, address);
        io_.write(command);
        if ((answer & BAR::ADDRESS.mask()) == 0 && (!wide || answer >> 32 == 0)) {
            return fail("PCI BAR is not implemented", index);
        }
        return MemoryBar{.index = index, .size = ~answer + 1, .wide = wide, .address = address};
    }
    void set_address(const MemoryBar& bar, std::uint64_t address) const
    {
        write_bar(bar.index, bar.wide, address);
    }

    // Answers to its memory addresses, and may access memory itself (and send MSIs).
    void enable() const
    {
        io_.write(
            io_.template read<COMMAND>().with(COMMAND::MEMORY, 1).with(COMMAND::BUS_MASTER, 1));
    }

    // INTx: the pin (1 to 4; 0: none), and whether the function may drive it.
    [[nodiscard]] unsigned interrupt_pin() const { return io_.template read<INTERRUPT_PIN>().raw; }
    void enable_intx(bool on) const
    {
        io_.write(io_.template read<COMMAND>().with(COMMAND::INTX_DISABLE, on ? 0 : 1));
    }

    // Where a capability is; nothing when the function has none of that ID.
    [[nodiscard]] std::optional<unsigned> capability(std::uint8_t id) const
    {
        if (io_.template read<STATUS>()[STATUS::CAPABILITIES] == 0) {
            return {};
        }
        // Behind the header, a word each: a list that is longer goes in circles.
        constexpr unsigned most = (256 - 64) / 4;
        unsigned at = io_.template read<CAPABILITIES_POINTER>().raw & ~3U;
        for (unsigned i = 0; i < most && at >= 64; ++i) {
            if (io_.template read<CAPABILITY_ID>(at).raw == id) {
                return at;
            }
            at = io_.template read<NEXT_CAPABILITY>(at).raw & ~3U;
        }
        return {};
    }

    // One message from now on, in place of INTx. Errors: no MSI; an address that does not fit.
    [[nodiscard]] Result<> enable_msi(std::uint64_t address, std::uint16_t data) const
    {
        const auto at = capability(msi_capability);
        if (!at) {
            return fail("PCI function has no MSI capability");
        }
        const auto control = io_.template read<MSI_CONTROL>(*at)
                                 .with(MSI_CONTROL::MULTIPLE_ENABLE, 0)
                                 .with(MSI_CONTROL::ENABLE, 0);
        io_.write(control, *at);
        io_.write(MSI_ADDRESS::from(static_cast<std::uint32_t>(address)), *at);
        if (control[MSI_CONTROL::ADDRESS_64] != 0) {
            io_.write(MSI_ADDRESS_UPPER::from(static_cast<std::uint32_t>(address >> 32)), *at);
            io_.write(MSI_DATA_64::from(data), *at);
        } else if (address >> 32 == 0) {
            io_.write(MSI_DATA_32::from(data), *at);
        } else {
            return fail("PCI function's MSI address has 32 bits", address);
        }
        io_.write(control.with(MSI_CONTROL::ENABLE, 1), *at);
        return {};
    }
    void disable_msi() const
    {
        if (const auto at = capability(msi_capability)) {
            io_.write(io_.template read<MSI_CONTROL>(*at).with(MSI_CONTROL::ENABLE, 0), *at);
        }
    }

private:
    // Without the bits that say what kind of BAR it is.
    [[nodiscard]] std::uint64_t read_bar(unsigned index, bool wide) const
    {
        const std::uint64_t low =
            io_.template read<BAR>(index).raw & static_cast<std::uint32_t>(BAR::ADDRESS.mask());
        return wide ? std::uint64_t{io_.template read<BAR>(index + 1).raw} << 32 | low : low;
    }
    void write_bar(unsigned index, bool wide, std::uint64_t value) const
    {
        io_.write(BAR::from(static_cast<std::uint32_t>(value)), index);
        if (wide) {
            io_.write(BAR::from(static_cast<std::uint32_t>(value >> 32)), index + 1);
        }
    }

    Address address_;
    Io io_;
};

// The first function on a bus that is `id`. `config(address)` gives the provider for a function's
// configuration space.
template <typename Config>
[[nodiscard]] auto find(std::uint8_t bus, Id id, Config config)
    -> std::optional<Function<decltype(config(Address{}))>>
{
    constexpr std::uint16_t nobody = 0xffff;
    constexpr std::uint8_t devices = 32;
    constexpr std::uint8_t functions = 8;
    for (std::uint8_t device = 0; device < devices; ++device) {
        std::uint8_t count = 1;
        for (std::uint8_t function = 0; function < count; ++function) {
            const Address address{.bus = bus, .device = device, .function = function};
            const auto io = config(address);
            const std::uint16_t vendor = io.template read<VENDOR_ID>().raw;
            if (vendor == nobody) {
                continue;
            }
            if (vendor == id.vendor && io.template read<DEVICE_ID>().raw == id.device) {
                return Function{address, io};
            }
            // Only function 0 tells whether there are others.
            if (function == 0 &&
                io.template read<HEADER_TYPE>()[HEADER_TYPE::MULTI_FUNCTION] != 0) {
                count = functions;
            }
        }
    }
    return {};
}

}  // namespace pci
