// SPDX-License-Identifier: MIT
//
// Who runs this VM: the CPUID leaves that hypervisors have agreed on (Linux
// Documentation/virt/kvm/x86/cpuid.rst).
#pragma once

#include <cstdint>
#include <string_view>

namespace hypervisor {

inline constexpr std::uint32_t base_leaf = 0x4000'0000;

// CPUID says that there is one.
[[nodiscard]] bool present();
// Its signature as printable text ("KVMKVMKVM", "TCGTCGTCGTCG"); "" without one.
[[nodiscard]] std::string_view name();

}  // namespace hypervisor
