// SPDX-License-Identifier: MIT

#include "arm64/power/psci.h"

namespace psci {

namespace {

struct Interface {
    Conduit conduit = Conduit::none;
    bool standard = false;
    std::uint32_t cpu_on = 0;  // identifiers of a 0.1 node
    std::uint32_t cpu_off = 0;
};
constinit Interface interface;

Result<std::uint32_t> legacy_identifier(fdt::Node node, const char* name)
{
    const auto property = node.property(name);
    if (!property) {
        return fail("psci node of version 0.1 lacks cpu_on or cpu_off");
    }
    return property->cell();
}

}  // namespace

Result<> discover(const fdt::Tree& tree)
{
    auto node = tree.find_compatible("arm,psci-1.0");
    if (!node) {
        node = tree.find_compatible("arm,psci-0.2");
    }
    const bool standard = node.has_value();
    if (!node) {
        node = tree.find_compatible("arm,psci");
    }
    if (!node) {
        return fail("no arm,psci node");
    }
    Interface found{.standard = standard};
    const auto property = node->property("method");
    const auto method = property ? property->string() : std::string_view{};
    if (method == "hvc") {
        found.conduit = Conduit::hvc;
    } else if (method == "smc") {
        found.conduit = Conduit::smc;
    } else {
        return fail("psci node's method is neither hvc nor smc");
    }
    if (!standard) {
        const auto on = legacy_identifier(*node, "cpu_on");
        const auto off = legacy_identifier(*node, "cpu_off");
        if (!on || !off) {
            return std::unexpected{on ? off.error() : on.error()};
        }
        found.cpu_on = *on;
        found.cpu_off = *off;
    }
    interface = found;
    return {};
}

Conduit conduit()
{
    return interface.conduit;
}

bool has_standard_functions()
{
    return interface.standard;
}

std::uint64_t call(Function function, std::uint64_t argument1, std::uint64_t argument2,
                   std::uint64_t argument3)
{
    auto identifier = static_cast<std::uint64_t>(function);
    if (!interface.standard) {
        if (function == Function::cpu_on) {
            identifier = interface.cpu_on;
        } else if (function == Function::cpu_off) {
            identifier = interface.cpu_off;
        } else {
            return static_cast<std::uint64_t>(Status::not_supported);
        }
    }
    return call_raw(interface.conduit, identifier, argument1, argument2, argument3);
}

std::uint64_t call_raw(Conduit through, std::uint64_t function, std::uint64_t argument1,
                       std::uint64_t argument2, std::uint64_t argument3)
{
    // SMC Calling Convention (DEN 0028) 1.0: x4 ... x17 may be clobbered.
    register std::uint64_t x0 asm("x0") = function;
    register std::uint64_t x1 asm("x1") = argument1;
    register std::uint64_t x2 asm("x2") = argument2;
    register std::uint64_t x3 asm("x3") = argument3;
#define ASSAY_SMCCC_CLOBBERS                                                                    \
    "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", \
        "memory"
    switch (through) {
    case Conduit::none:
        return static_cast<std::uint64_t>(Status::not_supported);
    case Conduit::hvc:
        asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::ASSAY_SMCCC_CLOBBERS);
        break;
    case Conduit::smc:
        asm volatile(".inst 0xd4000003"  // smc #0, which some assemblers want an extension for
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::ASSAY_SMCCC_CLOBBERS);
        break;
    }
#undef ASSAY_SMCCC_CLOBBERS
    return x0;
}

}  // namespace psci
