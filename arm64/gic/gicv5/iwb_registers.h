// SPDX-License-Identifier: MIT
//
// Registers of the GICv5 Interrupt Wire Bridge (IWB): one 64 KiB frame. Wires become events of one
// device of an ITS; the EventID is the wire's number.
// Arm GIC Architecture Specification, GICv5 (AES 0070), "IWB memory-mapped registers".
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace gicv5 {

struct IWB_IDR0 : Register<IWB_IDR0, std::uint32_t, 0x0000> {
    static constexpr Field INT_DOMS{14, 11};
    static constexpr Field IW_RANGE{10, 0};  // wires: 32 * (IW_RANGE + 1)
};
struct IWB_CR0 : Register<IWB_CR0, std::uint32_t, 0x0080> {
    static constexpr Field IDLE{1};
    static constexpr Field IWBEN{0};
};
struct IWB_WENABLE_STATUSR : Register<IWB_WENABLE_STATUSR, std::uint32_t, 0x00c0> {
    static constexpr Field IDLE{0};
};
struct IWB_WDOMAIN_STATUSR : Register<IWB_WDOMAIN_STATUSR, std::uint32_t, 0x00c4> {
    static constexpr Field IDLE{0};
};
// One bit a wire, 32 wires a register.
struct IWB_WENABLER : Register<IWB_WENABLER, std::uint32_t, 0x2000> {};
struct IWB_WTMR : Register<IWB_WTMR, std::uint32_t, 0x4000> {};  // trigger mode: 1 level
// Two bits a wire, 16 wires a register; domains as in IRS_IDR0.INT_DOM.
struct IWB_WDOMAINR : Register<IWB_WDOMAINR, std::uint32_t, 0x8000> {};

}  // namespace gicv5
