// SPDX-License-Identifier: MIT

#include "x86/cpu/hypervisor.h"

#include "lib/base/format.h"

#include <arch/cpuid.h>

bool hypervisor::present()
{
    constexpr std::uint32_t hypervisor_bit = 1U << 31;
    return (arch::cpuid(1).ecx & hypervisor_bit) != 0;
}

std::string_view hypervisor::name()
{
    static constinit TextBuffer<12> signature;
    if (!present()) {
        return {};
    }
    signature.clear();
    const auto leaf = arch::cpuid(base_leaf);
    for (const std::uint32_t word : {leaf.ebx, leaf.ecx, leaf.edx}) {
        for (unsigned shift = 0; shift < 32; shift += 8) {
            const char c = static_cast<char>(word >> shift & 0xff);
            if (c != '\0') {
                signature.write({c > ' ' && c <= '~' ? &c : "_", 1});
            }
        }
    }
    return signature.text();
}
