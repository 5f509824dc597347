// SPDX-License-Identifier: MIT
//
// 8250 family UARTs: NS16450, NS16550A and what claims to be one (National Semiconductor PC16550D
// data sheet, chapter 8). Transmit only, polled. Whoever started the machine has set the baud rate.
#pragma once

#include "lib/base/register.h"
#include "lib/console/console.h"
#include "lib/console/poll.h"

#include <cstdint>

namespace ns16550 {

// Registers are numbered; the provider knows how far apart and how wide they are: SpacedMmio.

// Transmitter holding register (write; LCR.DLAB is 0).
struct THR : Register<THR, std::uint8_t, 0> {};
// Interrupt enable register; 0 masks all.
struct IER : Register<IER, std::uint8_t, 1> {};
// FIFO control register (write).
struct FCR : Register<FCR, std::uint8_t, 2> {
    static constexpr Field FIFO_ENABLE{0};
};
// Line control register.
struct LCR : Register<LCR, std::uint8_t, 3> {
    static constexpr Field WLS{1, 0};  // 3: 8 bits
    static constexpr Field DLAB{7};    // registers 0 and 1 are the baud rate divisor
};
// Modem control register: some peers send only to a terminal that is ready.
struct MCR : Register<MCR, std::uint8_t, 4> {
    static constexpr Field DTR{0};
    static constexpr Field RTS{1};
};
// Line status register.
struct LSR : Register<LSR, std::uint8_t, 5> {
    static constexpr Field THRE{5};  // room for a byte
    static constexpr Field TEMT{6};  // everything has been sent
};

template <typename Io>
class Ns16550 final : public console::Device {
public:
    constexpr explicit Ns16550(Io io) : io_{io} {}

    [[nodiscard]] const char* name() const override { return "ns16550"; }

    // 8 bits, no parity, FIFO on, interrupts off.
    void init() const
    {
        io_.write(LCR{}.with(LCR::WLS, 3));
        io_.write(IER{});
        io_.write(FCR{}.with(FCR::FIFO_ENABLE, 1));
        io_.write(MCR{}.with(MCR::DTR, 1).with(MCR::RTS, 1));
    }

    void put(char c) override
    {
        if (poll_.until([this] { return io_.template read<LSR>()[LSR::THRE] != 0; })) {
            io_.write(THR::from(static_cast<std::uint8_t>(c)));
        }
    }

    void flush() override
    {
        static_cast<void>(poll_.until([this] { return io_.template read<LSR>()[LSR::TEMT] != 0; }));
    }

private:
    Io io_;
    console::Poll poll_;
};

}  // namespace ns16550
