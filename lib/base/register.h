// SPDX-License-Identifier: MIT
//
// Register layouts: typed values with named bit fields, and nothing that accesses a device.
//
// A layout names the register and its fields as the manual does:
//
//     struct FR : Register<FR, std::uint32_t, 0x18> {        // flag register, PL011 TRM 3.3.3
//         static constexpr Field BUSY{3};
//         static constexpr Field TXFF{5};
//     };
//
// An I/O provider (Mmio, sysreg::Provider, a mock in the unit tests) moves values:
//
//     while (io.template read<FR>()[FR::TXFF] != 0) {}
//     io.write(CR{}.with(CR::UARTEN, 1).with(CR::TXE, 1));
//
// A driver is a template over the provider, so the same code runs on the machine and on the host.
#pragma once

#include <cstddef>
#include <cstdint>

// Bits [high:low] of a register, both inclusive.
struct Field {
    unsigned high;
    unsigned low;

    constexpr explicit Field(unsigned bit) : high{bit}, low{bit} {}
    constexpr Field(unsigned high_bit, unsigned low_bit) : high{high_bit}, low{low_bit} {}

    // The field's mask, in place.
    [[nodiscard]] constexpr std::uint64_t mask() const
    {
        return (~std::uint64_t{0} >> (63 - (high - low))) << low;
    }
};

// A value with fields. `Self` is the derived layout; `Raw` its width.
template <typename Self, typename Raw>
struct Bits {
    using raw_type = Raw;
    Raw raw{};

    // The value of a field, shifted down to bit 0.
    [[nodiscard]] constexpr Raw operator[](Field field) const
    {
        return static_cast<Raw>((std::uint64_t{raw} & field.mask()) >> field.low);
    }

    // The same value with one field replaced. Bits of `value` that do not fit are dropped.
    [[nodiscard]] constexpr Self with(Field field, std::uint64_t value) const
    {
        const std::uint64_t cleared = std::uint64_t{raw} & ~field.mask();
        return from(static_cast<Raw>(cleared | ((value << field.low) & field.mask())));
    }

    [[nodiscard]] static constexpr Self from(Raw value)
    {
        Self self{};
        self.raw = value;
        return self;
    }

    friend constexpr bool operator==(const Bits& a, const Bits& b) { return a.raw == b.raw; }
};

// A register at a byte offset of a device's frame. Arrays of registers have a stride in bytes:
// provider.read<GICD_ISENABLER>(n) is at Offset + n * Stride.
template <typename Self, typename Raw, std::size_t Offset, std::size_t Stride = sizeof(Raw)>
struct Register : Bits<Self, Raw> {
    static constexpr std::size_t offset = Offset;
    static constexpr std::size_t stride = Stride;
};
