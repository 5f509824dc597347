// SPDX-License-Identifier: MIT
//
// The 8254 programmable interval timer of a PC (Intel 8254 data sheet): three channels that count
// down at 1.193182 MHz. Channel 0 raises ISA interrupt 0; channel 2 counts while bit 0 of port 0x61
// is set, and its output is bit 5 there.
//
// Clocks are read from channel 0: some machines have a port 0x61 that is a constant.
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace timer {

inline constexpr std::uint64_t pit_frequency = 1'193'182;
inline constexpr std::uint16_t pit_port = 0x40;

// The count of a channel: two accesses, low byte and high byte.
struct PIT_COUNTER : Register<PIT_COUNTER, std::uint8_t, 0> {};
struct PIT_CONTROL : Register<PIT_CONTROL, std::uint8_t, 3> {
    static constexpr Field SELECT{7, 6};  // the channel; 3: a read-back command
    static constexpr Field ACCESS{5, 4};  // 0 latches the count, 3 low byte then high byte
    static constexpr Field MODE{3, 1};
    static constexpr Field BCD{0};
};
// Port 0x61, the system control port.
struct PIT_GATE : Register<PIT_GATE, std::uint8_t, 0x21> {
    static constexpr Field OUTPUT2{5};
    static constexpr Field SPEAKER{1};
    static constexpr Field GATE2{0};
};
// What a read-back command shows of a channel.
struct PitStatus : Bits<PitStatus, std::uint8_t> {
    static constexpr Field OUTPUT{7};
    static constexpr Field NULL_COUNT{6};  // the new count is not loaded yet
    static constexpr Field ACCESS{5, 4};
    static constexpr Field MODE{3, 1};
};

enum class PitMode : std::uint8_t {
    interrupt_on_terminal_count = 0,
    one_shot = 1,
    rate_generator = 2,
    square_wave = 3,
};

template <typename Io>
class Pit {
public:
    constexpr explicit Pit(Io io) : io_{io} {}

    // Counts down from `reload`, where 0 means 65536.
    void start(unsigned channel, PitMode mode, std::uint16_t reload) const
    {
        io_.write(PIT_CONTROL{}
                      .with(PIT_CONTROL::SELECT, channel)
                      .with(PIT_CONTROL::ACCESS, 3)
                      .with(PIT_CONTROL::MODE, static_cast<std::uint64_t>(mode)));
        io_.write(PIT_COUNTER::from(static_cast<std::uint8_t>(reload)), channel);
        io_.write(PIT_COUNTER::from(static_cast<std::uint8_t>(reload >> 8)), channel);
    }

    [[nodiscard]] std::uint16_t count(unsigned channel) const
    {
        io_.write(PIT_CONTROL{}.with(PIT_CONTROL::SELECT, channel));
        const unsigned low = io_.template read<PIT_COUNTER>(channel).raw;
        const unsigned high = io_.template read<PIT_COUNTER>(channel).raw;
        return static_cast<std::uint16_t>(high << 8 | low);
    }

    [[nodiscard]] PitStatus status(unsigned channel) const
    {
        // Bit 4 off: latch the status; bit 5 on: not the count.
        io_.write(PIT_CONTROL::from(static_cast<std::uint8_t>(0xe0U | 2U << channel)));
        return PitStatus::from(io_.template read<PIT_COUNTER>(channel).raw);
    }

    // Whether there is one: channel 0 keeps a mode. It runs as a clock afterwards.
    [[nodiscard]] bool there() const
    {
        start(0, PitMode::interrupt_on_terminal_count, 0);
        const bool first = mode(0) == PitMode::interrupt_on_terminal_count;
        start_clock();
        return first && mode(0) == PitMode::rate_generator;
    }

    // Channel 0 as a clock that counts up and wraps after 65536, about 55 ms.
    void start_clock() const { start(0, PitMode::rate_generator, 0); }
    [[nodiscard]] std::uint64_t clock() const { return 0x1'0000U - count(0); }
    static constexpr std::uint64_t clock_mask = 0xffff;

    void set_gate2(bool on) const
    {
        io_.write(io_.template read<PIT_GATE>()
                      .with(PIT_GATE::GATE2, on ? 1 : 0)
                      .with(PIT_GATE::SPEAKER, 0));
    }
    [[nodiscard]] bool output2() const
    {
        return io_.template read<PIT_GATE>()[PIT_GATE::OUTPUT2] != 0;
    }

private:
    [[nodiscard]] PitMode mode(unsigned channel) const
    {
        return static_cast<PitMode>(status(channel)[PitStatus::MODE]);
    }

    Io io_;
};

}  // namespace timer
