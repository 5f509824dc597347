// SPDX-License-Identifier: MIT
//
// Segment and gate descriptors of 64-bit mode: Intel SDM volume 3, 3.4.5, 7.2.3 (8.2.3 in newer
// editions), 7.14.1 (IDT); AMD64 APM volume 2, 4.8.
#pragma once

#include <cstddef>
#include <cstdint>

namespace x86 {

// Selectors. The order is what SYSCALL and SYSRET want: code, then stack; user data, then code.
namespace selector {
inline constexpr std::uint16_t code64 = 0x08;
inline constexpr std::uint16_t data = 0x10;
inline constexpr std::uint16_t code32 = 0x18;
inline constexpr std::uint16_t user_code32 = 0x20 | 3;
inline constexpr std::uint16_t user_data = 0x28 | 3;
inline constexpr std::uint16_t user_code64 = 0x30 | 3;
inline constexpr std::uint16_t task_state = 0x38;
}  // namespace selector

// Flat segments, marked as accessed so that the CPU never writes to the table.
namespace segment {
inline constexpr std::uint64_t code64 = 0x00af'9b00'0000'ffff;
inline constexpr std::uint64_t data = 0x00cf'9300'0000'ffff;
inline constexpr std::uint64_t code32 = 0x00cf'9b00'0000'ffff;
inline constexpr std::uint64_t user_code32 = 0x00cf'fb00'0000'ffff;
inline constexpr std::uint64_t user_data = 0x00cf'f300'0000'ffff;
inline constexpr std::uint64_t user_code64 = 0x00af'fb00'0000'ffff;
}  // namespace segment

// The 64-bit task state segment.
struct [[gnu::packed]] TaskState {
    std::uint32_t reserved0 = 0;
    std::uint64_t rsp[3]{};  // the stacks of rings 0 to 2
    std::uint64_t reserved1 = 0;
    std::uint64_t ist[7]{};  // the interrupt stack table: IST1 is ist[0]
    std::uint64_t reserved2 = 0;
    std::uint16_t reserved3 = 0;
    std::uint16_t io_map = 104;  // beyond the limit: no port is open to ring 3
};
static_assert(sizeof(TaskState) == 104);

struct DescriptorTable {
    std::uint64_t entry[9]{0,
                           segment::code64,
                           segment::data,
                           segment::code32,
                           segment::user_code32,
                           segment::user_data,
                           segment::user_code64,
                           0,   // the task state, of two entries:
                           0};  // points_to() fills them in

    // Points the task state's descriptor to `task_state`, available (not busy), so that LTR takes
    // it.
    constexpr void points_to(std::uint64_t task_state)
    {
        constexpr std::uint64_t available_tss64 = 0x89;
        constexpr std::uint64_t limit = sizeof(TaskState) - 1;
        entry[7] = limit | (task_state & 0xff'ffff) << 16 | available_tss64 << 40 |
                   (task_state >> 24 & 0xff) << 56;
        entry[8] = task_state >> 32;
    }
};

// The operand of LGDT, LIDT, SGDT, SIDT.
struct [[gnu::packed]] TableRegister {
    std::uint16_t limit = 0;
    std::uint64_t base = 0;
};

struct Gate {
    enum Type : std::uint8_t { interrupt = 0xe, trap = 0xf };

    std::uint16_t offset_low = 0;
    std::uint16_t code_selector = 0;
    std::uint8_t stack = 0;    // which IST stack; 0: the current one, or that of ring 0
    std::uint8_t control = 0;  // type, privilege level in bits 6:5, present in bit 7
    std::uint16_t offset_middle = 0;
    std::uint32_t offset_high = 0;
    std::uint32_t reserved = 0;

    // `ring`: the least privileged one that may use the gate by an INT instruction.
    [[nodiscard]] static constexpr Gate to(std::uint64_t handler, Type type, unsigned ist,
                                           unsigned ring)
    {
        return {.offset_low = static_cast<std::uint16_t>(handler),
                .code_selector = selector::code64,
                .stack = static_cast<std::uint8_t>(ist),
                .control = static_cast<std::uint8_t>(0x80U | ring << 5 | type),
                .offset_middle = static_cast<std::uint16_t>(handler >> 16),
                .offset_high = static_cast<std::uint32_t>(handler >> 32)};
    }
};
static_assert(sizeof(Gate) == 16);

}  // namespace x86
