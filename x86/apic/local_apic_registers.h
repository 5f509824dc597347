// SPDX-License-Identifier: MIT
//
// Registers of the local APIC: Intel SDM volume 3, "Advanced Programmable Interrupt Controller
// (APIC)"; AMD64 APM volume 2, chapter 16.
//
// Offsets are those of the memory of an xAPIC. The MSR of the same register in x2APIC mode is
// 0x800 + offset / 16. Where the modes differ, the fields say so.
#pragma once

#include "lib/base/register.h"
#include "x86/cpu/msr.h"

#include <cstdint>

namespace apic {

struct IA32_APIC_BASE : Msr<IA32_APIC_BASE, 0x1b> {
    static constexpr Field BSP{8};    // this is the boot CPU
    static constexpr Field EXTD{10};  // x2APIC mode; with EN alone
    static constexpr Field EN{11};
    static constexpr Field BASE{51, 12};  // physical address of the registers / 4096
};

// 32 bits wide at a distance of 16 bytes.
template <typename Self, std::size_t Offset>
using ApicRegister = Register<Self, std::uint32_t, Offset, 0x10>;

struct ID : ApicRegister<ID, 0x020> {
    static constexpr Field xAPIC_ID{31, 24};  // in x2APIC mode the ID is all 32 bits
};
struct VERSION : ApicRegister<VERSION, 0x030> {
    static constexpr Field VERSION_NUMBER{7, 0};  // 0x1x: integrated
    static constexpr Field MAX_LVT_ENTRY{23, 16};
    static constexpr Field EOI_BROADCAST_SUPPRESSION{24};
};
struct TPR : ApicRegister<TPR, 0x080> {
    static constexpr Field CLASS{7, 4};
    static constexpr Field SUBCLASS{3, 0};
};
struct PPR : ApicRegister<PPR, 0x0a0> {
    static constexpr Field CLASS{7, 4};
};
struct EOI : ApicRegister<EOI, 0x0b0> {};
struct LDR : ApicRegister<LDR, 0x0d0> {
    static constexpr Field xAPIC_LOGICAL_ID{31, 24};
    static constexpr Field x2APIC_CLUSTER{31, 16};  // x2APIC: read-only, from the ID
    static constexpr Field x2APIC_LOGICAL_ID{15, 0};
};
struct DFR : ApicRegister<DFR, 0x0e0> {  // xAPIC only
    static constexpr Field MODEL{31, 28};
    static constexpr std::uint32_t flat = 0xf;
    static constexpr std::uint32_t cluster = 0x0;
};
struct SVR : ApicRegister<SVR, 0x0f0> {  // spurious-interrupt vector register
    static constexpr Field SUPPRESS_EOI_BROADCAST{12};
    static constexpr Field ENABLE{8};
    static constexpr Field VECTOR{7, 0};
};
// One bit a vector, 32 vectors an element.
struct ISR : ApicRegister<ISR, 0x100> {};  // in service
struct TMR : ApicRegister<TMR, 0x180> {};  // level-triggered
struct IRR : ApicRegister<IRR, 0x200> {};  // requested
struct ESR : ApicRegister<ESR, 0x280> {    // shows what was collected when it was last written
    static constexpr Field SEND_ACCEPT_ERROR{2};
    static constexpr Field RECEIVE_ACCEPT_ERROR{3};
    static constexpr Field REDIRECTABLE_IPI{4};
    static constexpr Field SEND_ILLEGAL_VECTOR{5};
    static constexpr Field RECEIVED_ILLEGAL_VECTOR{6};
    static constexpr Field ILLEGAL_REGISTER_ADDRESS{7};
};

// The fields of an interrupt command, in both modes.
struct Command : Bits<Command, std::uint64_t> {
    static constexpr Field x2APIC_DESTINATION{63, 32};
    static constexpr Field xAPIC_DESTINATION{63, 56};
    static constexpr Field SHORTHAND{19, 18};
    static constexpr Field TRIGGER{15};           // 1: level
    static constexpr Field LEVEL{14};             // 1: assert
    static constexpr Field DELIVERY_STATUS{12};   // xAPIC: 1 until it was accepted
    static constexpr Field DESTINATION_MODE{11};  // 1: logical
    static constexpr Field DELIVERY{10, 8};
    static constexpr Field VECTOR{7, 0};
};
struct ICR_LOW : ApicRegister<ICR_LOW, 0x300> {};  // xAPIC; the write sends
struct ICR_HIGH : ApicRegister<ICR_HIGH, 0x310> {};
struct ICR : Register<ICR, std::uint64_t, 0x300> {};  // x2APIC

// The local vector table. An entry has the fields of LvtEntry.
struct LvtEntry : Bits<LvtEntry, std::uint32_t> {
    static constexpr Field TIMER_MODE{18, 17};  // of the timer
    static constexpr Field MASK{16};
    static constexpr Field TRIGGER{15};     // of LINT0 and LINT1; 1: level
    static constexpr Field REMOTE_IRR{14};  // of LINT0 and LINT1
    static constexpr Field POLARITY{13};    // of LINT0 and LINT1; 1: active low
    static constexpr Field DELIVERY_STATUS{12};
    static constexpr Field DELIVERY{10, 8};  // not of the timer and the error entry
    static constexpr Field VECTOR{7, 0};
};
struct LVT_CMCI : ApicRegister<LVT_CMCI, 0x2f0> {};
struct LVT : ApicRegister<LVT, 0x320> {};  // the six below, as an array

struct INITIAL_COUNT : ApicRegister<INITIAL_COUNT, 0x380> {};
struct CURRENT_COUNT : ApicRegister<CURRENT_COUNT, 0x390> {};
struct DIVIDE : ApicRegister<DIVIDE, 0x3e0> {};      // divide configuration
struct SELF_IPI : ApicRegister<SELF_IPI, 0x3f0> {};  // x2APIC only, write only: the vector

// The elements of LVT.
enum class Lvt : std::uint8_t { timer = 0, thermal = 1, pmc = 2, lint0 = 3, lint1 = 4, error = 5 };
inline constexpr unsigned lvt_count = 6;

enum class Delivery : std::uint8_t {
    fixed = 0,
    lowest_priority = 1,
    smi = 2,
    nmi = 4,
    init = 5,
    startup = 6,   // of commands
    external = 7,  // of LINT0, LINT1 and I/O APICs: the 8259 gives the vector
};
enum class Shorthand : std::uint8_t { none = 0, self = 1, all = 2, others = 3 };
enum class TimerMode : std::uint8_t { one_shot = 0, periodic = 1, tsc_deadline = 2 };

// What the DIVIDE register has for a divisor of 1, 2, 4 … 128: bit 2 of the number is in bit 3.
[[nodiscard]] constexpr std::uint32_t divide_encoding(unsigned log2)
{
    const unsigned number = (log2 + 7) % 8;
    return (number & 3U) | (number & 4U) << 1;
}

// Vectors below 16 cannot be sent or received.
inline constexpr unsigned first_legal_vector = 16;

inline constexpr std::uint32_t x2apic_msr_base = 0x800;

// The logical x2APIC ID follows from the ID: clusters of 16.
[[nodiscard]] constexpr std::uint32_t logical_x2apic_id(std::uint32_t id)
{
    return (id >> 4) << 16 | 1U << (id & 0xf);
}

}  // namespace apic
