// SPDX-License-Identifier: MIT
//
// What start.S found at the entry, before anything was changed.
#pragma once

#include "x86/boot/offsets.h"
#include "x86/cpu/descriptors.h"

#include <cstdint>

// The way the image was entered.
enum class Door : std::uint64_t {
    none = 0,
    pvh = DOOR_PVH,              // Xen PVH ABI: 32 bits, EBX: start_info
    multiboot = DOOR_MULTIBOOT,  // multiboot 1: 32 bits, EBX: information
    linux32 = DOOR_LINUX32,      // Linux boot protocol, 32 bits, ESI: boot_params
    linux64 = DOOR_LINUX64,      // Linux boot protocol, 64 bits, RSI: boot_params
};

// Registers at the first instruction of the boot CPU; upper halves are 0 where it was entered with
// 32 bits.
struct EntryState {
    Door door;
    std::uint64_t rax, rbx, rsi, rsp, rflags;
    std::uint64_t cr0, cr3, cr4, efer;
    std::uint16_t cs, ds, es, fs, gs, ss, tr, unused;
    x86::TableRegister gdtr;
    std::uint8_t unused2[6];
    x86::TableRegister idtr;
    std::uint8_t unused3[6];
};

extern "C" EntryState entry_state;

// What the bzImage's setup code found in real mode and left in boot_params; `magic` tells whether
// it has run at all.
struct RealModeState {
    std::uint32_t magic;
    std::uint32_t cr0;
    std::uint16_t flags;
    std::uint16_t cs, ds, es, ss, sp;
};
