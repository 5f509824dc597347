// SPDX-License-Identifier: MIT
#include "models/machine/uart.h"

#include "lib/console/pl011.h"

#include <cstdio>

namespace machine {

namespace {

using namespace pl011;

struct UARTRIS : Register<UARTRIS, std::uint32_t, 0x3c> {};
struct UARTMIS : Register<UARTMIS, std::uint32_t, 0x40> {};
struct UARTICR : Register<UARTICR, std::uint32_t, 0x44> {};
constexpr Field transmit{5};  // in IMSC, UARTRIS, UARTMIS and UARTICR

constexpr std::uint64_t fifos_empty = 1U << 7 | 1U << 4;  // UARTFR.TXFE, RXFE

void send(char c)
{
    std::putchar(c);
    if (c == '\n') {
        std::fflush(stdout);
    }
}

}  // namespace

std::uint64_t Uart::read(std::uint64_t offset)
{
    const std::scoped_lock lock{lock_};
    switch (offset) {
    case FR::offset:
        return fifos_empty;
    case CR::offset:  // as firmware leaves it
        return CR{}.with(CR::UARTEN, 1).with(CR::TXE, 1).with(CR::RXE, 1).raw;
    case IMSC::offset:
        return IMSC{}.with(transmit, !transmit_masked_).raw;
    case UARTRIS::offset:
        return UARTRIS{}.with(transmit, transmitted_).raw;
    case UARTMIS::offset:
        return UARTMIS{}.with(transmit, transmitted_ && !transmit_masked_).raw;
    default:
        return 0;
    }
}

void Uart::write(std::uint64_t offset, std::uint64_t value)
{
    const std::scoped_lock lock{lock_};
    const auto bits = IMSC::from(static_cast<std::uint32_t>(value));
    const bool before = transmitted_ && !transmit_masked_;
    switch (offset) {
    case DR::offset:
        send(static_cast<char>(value));
        transmitted_ = true;
        break;
    case IMSC::offset:
        transmit_masked_ = bits[transmit] == 0;
        break;
    case UARTICR::offset:
        transmitted_ = transmitted_ && bits[transmit] == 0;
        break;
    default:
        break;
    }
    const bool after = transmitted_ && !transmit_masked_;
    if (after != before) {
        line_(after);
    }
}

}  // namespace machine
