// SPDX-License-Identifier: MIT
//
// The two 8259A of a PC (Intel 8259A data sheet): only turned off here.
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace apic {

// One of the two, at port 0x20 or 0xa0.
struct PIC_COMMAND : Register<PIC_COMMAND, std::uint8_t, 0> {
    static constexpr Field ICW1{4};  // the first of the initialisation command words
    static constexpr Field IC4{0};   // a fourth one follows
};
struct PIC_DATA : Register<PIC_DATA, std::uint8_t, 1> {};  // the mask, or a command word

inline constexpr std::uint16_t first_pic_port = 0x20;
inline constexpr std::uint16_t second_pic_port = 0xa0;

template <typename Io>
class Pics {
public:
    constexpr Pics(Io first, Io second) : first_{first}, second_{second} {}

    // Every input masked. What they signal in spite of that is an interrupt 7 or 15 behind
    // `base_vector`, where it hurts nobody. Harmless where there are none.
    void turn_off(std::uint8_t base_vector) const
    {
        mask();
        // The second one hangs at input 2 of the first.
        initialise(first_, base_vector, 1U << 2);
        initialise(second_, static_cast<std::uint8_t>(base_vector + 8), 2);
        mask();
    }

    // Whether they are there: they keep a mask. All inputs are masked afterwards.
    [[nodiscard]] bool there() const
    {
        first_.write(PIC_DATA::from(0xfb));
        const bool keeps = first_.template read<PIC_DATA>().raw == 0xfb;
        mask();
        return keeps && first_.template read<PIC_DATA>().raw == 0xff;
    }

private:
    void mask() const
    {
        first_.write(PIC_DATA::from(0xff));
        second_.write(PIC_DATA::from(0xff));
    }
    static void initialise(const Io& pic, std::uint8_t vector, std::uint8_t cascade)
    {
        constexpr std::uint8_t mode_8086 = 1;
        pic.write(PIC_COMMAND{}.with(PIC_COMMAND::ICW1, 1).with(PIC_COMMAND::IC4, 1));
        pic.write(PIC_DATA::from(vector));
        pic.write(PIC_DATA::from(cascade));
        pic.write(PIC_DATA::from(mode_8086));
    }

    Io first_;
    Io second_;
};

}  // namespace apic
