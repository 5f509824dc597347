// SPDX-License-Identifier: MIT
//
// The configuration space of a PCI function: PCI Local Bus Specification 3.0, chapter 6; a frame of
// 4 KiB a function in the memory of an ECAM (PCI Express Base Specification 5.0, 7.2.2).
//
// Accesses are of exactly the register's width.
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace pci {

struct VENDOR_ID : Register<VENDOR_ID, std::uint16_t, 0x00> {};  // all ones: no function
struct DEVICE_ID : Register<DEVICE_ID, std::uint16_t, 0x02> {};
struct COMMAND : Register<COMMAND, std::uint16_t, 0x04> {
    static constexpr Field INTX_DISABLE{10};
    static constexpr Field BUS_MASTER{2};
    static constexpr Field MEMORY{1};
    static constexpr Field IO{0};
};
struct STATUS : Register<STATUS, std::uint16_t, 0x06> {
    static constexpr Field CAPABILITIES{4};  // there is a list
    static constexpr Field INTERRUPT{3};     // asks for its INTx, disabled or not
};
struct HEADER_TYPE : Register<HEADER_TYPE, std::uint8_t, 0x0e> {
    static constexpr Field MULTI_FUNCTION{7};
    static constexpr Field LAYOUT{6, 0};  // 0: of a device, as below
};
// Base address registers. Of two for a 64-bit address the second holds the upper half.
struct BAR : Register<BAR, std::uint32_t, 0x10> {
    static constexpr Field ADDRESS{31, 4};  // of memory
    static constexpr Field TYPE{2, 1};      // of memory: 0 32 bits, 2 64 bits
    static constexpr Field IO{0};
};
struct CAPABILITIES_POINTER : Register<CAPABILITIES_POINTER, std::uint8_t, 0x34> {};
struct INTERRUPT_PIN : Register<INTERRUPT_PIN, std::uint8_t, 0x3d> {};  // 1: INTA; 0: none

inline constexpr unsigned bar_count = 6;

// A capability is somewhere: its registers' index is the offset of its first byte.
template <typename Self, typename Raw, std::size_t Offset>
using CapabilityRegister = Register<Self, Raw, Offset, 1>;

struct CAPABILITY_ID : CapabilityRegister<CAPABILITY_ID, std::uint8_t, 0> {};
struct NEXT_CAPABILITY : CapabilityRegister<NEXT_CAPABILITY, std::uint8_t, 1> {};  // 0: the last

// Message signalled interrupts (6.8.1): a write of the data to the address.
inline constexpr std::uint8_t msi_capability = 0x05;

struct MSI_CONTROL : CapabilityRegister<MSI_CONTROL, std::uint16_t, 2> {
    static constexpr Field ADDRESS_64{7};
    static constexpr Field MULTIPLE_ENABLE{6, 4};   // log2 of the messages in use
    static constexpr Field MULTIPLE_CAPABLE{3, 1};  // log2 of the messages there are
    static constexpr Field ENABLE{0};               // and INTx is silent
};
struct MSI_ADDRESS : CapabilityRegister<MSI_ADDRESS, std::uint32_t, 4> {};
struct MSI_DATA_32 : CapabilityRegister<MSI_DATA_32, std::uint16_t, 8> {};
struct MSI_ADDRESS_UPPER : CapabilityRegister<MSI_ADDRESS_UPPER, std::uint32_t, 8> {};
struct MSI_DATA_64 : CapabilityRegister<MSI_DATA_64, std::uint16_t, 12> {};

}  // namespace pci
