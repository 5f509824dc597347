// SPDX-License-Identifier: MIT
//
// Arm PrimeCell UART PL011 (DDI 0183, chapter 3), and the SBSA generic UART, which is its data path
// alone (Arm SBSA, DEN 0029, appendix B): transmit only, polled, 32-bit accesses.
#pragma once

#include "lib/base/register.h"
#include "lib/console/console.h"
#include "lib/console/poll.h"

#include <cstdint>

namespace pl011 {

// Data register.
struct DR : Register<DR, std::uint32_t, 0x00> {};
// Flag register.
struct FR : Register<FR, std::uint32_t, 0x18> {
    static constexpr Field BUSY{3};  // sending, or something left to send
    static constexpr Field TXFF{5};  // no room in the transmit FIFO
};
// Baud rate divisor: UARTCLK / (16 * baud rate), integer part and 1/64ths.
struct IBRD : Register<IBRD, std::uint32_t, 0x24> {};
struct FBRD : Register<FBRD, std::uint32_t, 0x28> {};
// Line control register. Writing it makes the divisor take effect (3.3.7).
struct LCR_H : Register<LCR_H, std::uint32_t, 0x2c> {
    static constexpr Field FEN{4};      // FIFOs
    static constexpr Field WLEN{6, 5};  // 3: 8 bits
};
// Control register.
struct CR : Register<CR, std::uint32_t, 0x30> {
    static constexpr Field UARTEN{0};
    static constexpr Field TXE{8};
    static constexpr Field RXE{9};
};
// Interrupt mask set/clear register; 0 masks all.
struct IMSC : Register<IMSC, std::uint32_t, 0x38> {};

// What the device tree says about the port. 0: it does not say.
struct Line {
    std::uint32_t clock_hz = 0;
    std::uint32_t baud = 0;
};

template <typename Io>
class Pl011 final : public console::Device {
public:
    constexpr explicit Pl011(Io io) : io_{io} {}

    [[nodiscard]] const char* name() const override { return "pl011"; }

    // Prepares a UART that nobody has enabled; one that firmware uses already stays as it is.
    // Not for the SBSA UART: it has none of these registers, its firmware has set it up.
    // The divisor is written when the line says what it must be.
    void init(Line line) const
    {
        const auto control = io_.template read<CR>();
        if (control[CR::UARTEN] != 0 && control[CR::TXE] != 0) {
            return;
        }
        // The line parameters must not change while the UART is enabled (3.3.8).
        io_.write(CR{});
        io_.write(IMSC{});
        const std::uint64_t divisor = divisor_in_64ths(line);
        if (divisor != 0) {
            io_.write(IBRD::from(static_cast<std::uint32_t>(divisor / 64)));
            io_.write(FBRD::from(static_cast<std::uint32_t>(divisor % 64)));
        }
        io_.write(LCR_H{}.with(LCR_H::WLEN, 3).with(LCR_H::FEN, 1));
        io_.write(CR{}.with(CR::UARTEN, 1).with(CR::TXE, 1).with(CR::RXE, 1));
    }

    void put(char c) override
    {
        if (poll_.until([this] { return io_.template read<FR>()[FR::TXFF] == 0; })) {
            io_.write(DR::from(static_cast<unsigned char>(c)));
        }
    }

    void flush() override
    {
        static_cast<void>(poll_.until([this] { return io_.template read<FR>()[FR::BUSY] == 0; }));
    }

private:
    // Rounded; 0 when it is not known or cannot be had (3.3.6: 1 to 65535).
    [[nodiscard]] static constexpr std::uint64_t divisor_in_64ths(Line line)
    {
        if (line.baud == 0) {
            return 0;
        }
        const std::uint64_t divisor =
            (std::uint64_t{line.clock_hz} * 4 + line.baud / 2) / line.baud;
        return divisor >= 64 && divisor / 64 <= 0xffff ? divisor : 0;
    }

    Io io_;
    console::Poll poll_;
};

}  // namespace pl011
