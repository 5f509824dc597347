// SPDX-License-Identifier: MIT
#include "arm64/cpu/hypervisor.h"

#include "arm64/power/psci.h"
#include "lib/test/capability.h"

#include <arch/exception.h>

#include <array>
#include <cstdint>

namespace hypervisor {

namespace {

using Uid = std::array<std::uint32_t, 4>;

// 28b46fb6-2ec5-11e9-a9ca-4b564d003a74, as w0 to w3 have it.
constexpr Uid kvm_uid{0xb66f'b428, 0xe911'c52e, 0x564b'caa9, 0x743a'004d};

// An HVC that nobody takes is UNDEFINED: where PSCI is emulated there need not be an EL2.
Uid vendor_uid()
{
    constexpr std::uint64_t call_uid = 0x8600'ff01;
    register std::uint64_t x0 asm("x0") = call_uid;
    register std::uint64_t x1 asm("x1");
    register std::uint64_t x2 asm("x2");
    register std::uint64_t x3 asm("x3");
    asm volatile("hvc #0"
                 : "+r"(x0), "=r"(x1), "=r"(x2), "=r"(x3)
                 :
                 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                   "x16", "x17", "memory");
    return Uid{static_cast<std::uint32_t>(x0), static_cast<std::uint32_t>(x1),
               static_cast<std::uint32_t>(x2), static_cast<std::uint32_t>(x3)};
}

}  // namespace

void offer_capabilities()
{
    using test::Capability;
    if (psci::conduit() != psci::Conduit::hvc) {
        return test::missing(Capability::kvm, "no PSCI by HVC, so no hypervisor below");
    }
    Uid uid{};
    if (arch::raised([&] { uid = vendor_uid(); })) {
        return test::missing(Capability::kvm, "HVC is UNDEFINED");
    }
    if (uid != kvm_uid) {
        return test::missing(Capability::kvm, "the hypervisor is not KVM");
    }
    test::offer(Capability::kvm);
}

}  // namespace hypervisor
