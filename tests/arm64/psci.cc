// SPDX-License-Identifier: MIT
//
// PSCI (Arm DEN 0022): identification, and what calls answer to wrong arguments. None of these
// calls changes the state of a CPU.

#include "arm64/power/psci.h"
#include "arm64/boot/entry_state.h"
#include "lib/boot/boot.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/exception.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

using psci::Function;
using psci::Status;

namespace {

struct Version {
    std::uint32_t major, minor;
};

Version version()
{
    const auto value = static_cast<std::uint32_t>(psci::call(Function::version));
    return {value >> 16 & 0x7fff, value & 0xffff};
}

bool has_features()
{
    if (version().major >= 1) {
        return true;
    }
    test::skip("PSCI_FEATURES came with PSCI 1.0, this is 0.{}", version().minor);
    return false;
}

Status features(Function function)
{
    return psci::status(psci::call(Function::features, static_cast<std::uint32_t>(function)));
}

// An affinity that no CPU of the machine has.
std::uint64_t absent_cpu()
{
    std::uint64_t affinity = 0xff'00ff'ffff;
    while (std::ranges::any_of(smp::cpus(),
                               [&](const smp::Cpu& cpu) { return cpu.hardware_id == affinity; })) {
        --affinity;
    }
    return affinity;
}

std::uint64_t own_affinity()
{
    return smp::this_cpu().hardware_id;
}

// Never reached: every use is a CPU_ON that must be refused.
std::uint64_t some_code()
{
    return arch::image_base();
}

constexpr std::uint64_t garbage_in_upper_half = 0xdead'beef'0000'0000;

}  // namespace

TEST(psci, version, .summary = "PSCI_VERSION is at least the version that the device tree promises",
     .needs = psci)
{
    const Version found = version();
    test::note("PSCI {}.{}", found.major, found.minor);
    EXPECT_TRUE(found.major >= 1 || found.minor >= 2);
    if (boot::info().tree->find_compatible("arm,psci-1.0")) {
        EXPECT_GE(found.major, 1);
    }
}

TEST(psci, mandatory_functions,
     .summary = "PSCI_FEATURES reports every mandatory function of PSCI 1.0 as implemented",
     .needs = psci)
{
    if (!has_features()) {
        return;
    }
    struct {
        std::string_view name;
        Function function;
    } constexpr mandatory[]{
        {"PSCI_VERSION", Function::version},
        {"CPU_SUSPEND", Function::cpu_suspend},
        {"CPU_OFF", Function::cpu_off},
        {"CPU_ON", Function::cpu_on},
        {"CPU_ON (SMC32)", Function::cpu_on_32},
        {"AFFINITY_INFO", Function::affinity_info},
        {"AFFINITY_INFO (SMC32)", Function::affinity_info_32},
        {"SYSTEM_OFF", Function::system_off},
        {"SYSTEM_RESET", Function::system_reset},
        {"PSCI_FEATURES", Function::features},
    };
    test::Items items{std::size(mandatory)};
    for (const auto& entry : mandatory) {
        items.run(entry.name, [&] { EXPECT_NE(features(entry.function), Status::not_supported); });
    }
}

TEST(psci, features_agree_with_calls,
     .summary = "a function is supported exactly when PSCI_FEATURES says so", .needs = psci)
{
    if (!has_features()) {
        return;
    }
    constexpr std::uint64_t no_such_type = 0x7fff'ffff;
    // Calls with arguments that change nothing: queries, and requests that have to be refused.
    struct {
        std::string_view name;
        Function function;
        std::uint64_t argument1, argument2;
    } const harmless[]{
        {"PSCI_VERSION", Function::version, 0, 0},
        {"AFFINITY_INFO", Function::affinity_info, own_affinity(), 0},
        {"CPU_ON", Function::cpu_on, own_affinity(), some_code()},
        {"MIGRATE_INFO_TYPE", Function::migrate_info_type, 0, 0},
        {"NODE_HW_STATE", Function::node_hw_state, own_affinity(), 0},
        {"SYSTEM_RESET2", Function::system_reset2, no_such_type, 0},
        {"SYSTEM_OFF2", Function::system_off2, no_such_type, 0},
        {"MEM_PROTECT_CHECK_RANGE", Function::mem_protect_check_range, 0, 0},
    };
    test::Items items{std::size(harmless)};
    for (const auto& entry : harmless) {
        items.run(entry.name, [&] {
            const bool announced = features(entry.function) != Status::not_supported;
            const std::uint64_t answer =
                psci::call(entry.function, entry.argument1, entry.argument2);
            test::item_value("{}, answers {}", announced ? "announced" : "not announced",
                             static_cast<std::int32_t>(answer));
            EXPECT_EQ(psci::status(answer) != Status::not_supported, announced);
        });
    }
}

TEST(psci, unknown_functions, .summary = "unknown functions are not supported", .needs = psci)
{
    struct {
        std::string_view name;
        std::uint64_t function;
    } constexpr unknown[]{
        {"PSCI range, SMC32", 0x8400'001f},      {"PSCI range, SMC64", 0xc400'001f},
        {"PSCI_VERSION as SMC64", 0xc400'0000},  {"CPU_OFF as SMC64", 0xc400'0002},
        {"Arm Architecture Calls", 0x8000'3fff}, {"OEM Service Calls", 0x8300'00f0},
    };
    test::Items items{std::size(unknown)};
    for (const auto& entry : unknown) {
        items.run(entry.name, [&] {
            const std::uint64_t answer = psci::call_raw(psci::conduit(), entry.function);
            EXPECT_EQ(psci::status(answer), Status::not_supported);
        });
    }
}

TEST(psci, unknown_features, .summary = "PSCI_FEATURES of an unknown function is not supported",
     .needs = psci)
{
    if (!has_features()) {
        return;
    }
    for (const std::uint64_t function : {0x8400'001fU, 0xc400'001fU, 0U, 0xffff'ffffU}) {
        EXPECT_EQ(psci::status(psci::call(Function::features, function)), Status::not_supported);
    }
}

TEST(psci, smccc_version,
     .summary = "SMCCC_VERSION is at least 1.1 where PSCI_FEATURES announces it", .needs = psci)
{
    constexpr std::uint32_t smccc_version = 0x8000'0000;
    if (!has_features()) {
        return;
    }
    if (psci::status(psci::call(Function::features, smccc_version)) == Status::not_supported) {
        return test::skip("PSCI_FEATURES does not announce SMCCC_VERSION");
    }
    EXPECT_GE(static_cast<std::uint32_t>(psci::call_raw(psci::conduit(), smccc_version)),
              0x1'0001U);
}

TEST(psci, cpu_on_self, .summary = "CPU_ON of the calling CPU answers ALREADY_ON", .needs = psci)
{
    smp::on_all_cpus([] {
        const auto answer = psci::status(psci::call(Function::cpu_on, own_affinity(), some_code()));
        EXPECT_EQ(answer, Status::already_on);
    });
}

TEST(psci, cpu_on_running, .summary = "CPU_ON of a running CPU answers ALREADY_ON",
     .needs = psci && cpus(2))
{
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (cpu.online.load()) {
            const auto answer =
                psci::status(psci::call(Function::cpu_on, cpu.hardware_id, some_code()));
            EXPECT_EQ(answer, Status::already_on);
        }
    }
}

TEST(psci, cpu_on_absent,
     .summary = "CPU_ON of a CPU that does not exist answers INVALID_PARAMETERS", .needs = psci)
{
    EXPECT_EQ(psci::status(psci::call(Function::cpu_on, absent_cpu(), some_code())),
              Status::invalid_parameters);
}

TEST(psci, cpu_on_stray_bits,
     .summary = "CPU_ON with a bit outside the affinity fields answers INVALID_PARAMETERS",
     .needs = psci)
{
    for (const unsigned bit : {24U, 30U, 31U, 40U, 63U}) {
        const std::uint64_t target = own_affinity() | std::uint64_t{1} << bit;
        EXPECT_EQ(psci::status(psci::call(Function::cpu_on, target, some_code())),
                  Status::invalid_parameters);
    }
}

TEST(psci, affinity_info, .summary = "AFFINITY_INFO says of every running CPU that it is on",
     .needs = psci)
{
    for (const smp::Cpu& cpu : smp::cpus()) {
        if (cpu.online.load()) {
            EXPECT_EQ(psci::call(Function::affinity_info, cpu.hardware_id, 0),
                      static_cast<std::uint64_t>(psci::AffinityState::on));
        }
    }
}

TEST(psci, affinity_info_absent,
     .summary = "AFFINITY_INFO of a CPU that does not exist answers INVALID_PARAMETERS",
     .needs = psci)
{
    EXPECT_EQ(psci::status(psci::call(Function::affinity_info, absent_cpu(), 0)),
              Status::invalid_parameters);
}

TEST(psci, affinity_info_level,
     .summary = "AFFINITY_INFO of a level that does not exist answers INVALID_PARAMETERS",
     .needs = psci)
{
    for (const std::uint64_t level : {4U, 5U, 0x80U}) {
        EXPECT_EQ(psci::status(psci::call(Function::affinity_info, own_affinity(), level)),
                  Status::invalid_parameters);
    }
}

TEST(psci, negative_results, .summary = "64-bit calls return errors as negative 64-bit numbers",
     .needs = psci)
{
    EXPECT_EQ(static_cast<std::int64_t>(psci::call(Function::cpu_on, own_affinity(), some_code())),
              std::int64_t{static_cast<std::int32_t>(Status::already_on)});
    EXPECT_EQ(static_cast<std::int64_t>(psci::call(Function::affinity_info, absent_cpu(), 0)),
              std::int64_t{static_cast<std::int32_t>(Status::invalid_parameters)});
}

TEST(psci, smc32_arguments, .summary = "32-bit calls ignore the upper halves of their arguments",
     .needs = psci)
{
    if (own_affinity() >> 32 != 0) {
        return test::skip("the boot CPU has an Aff3, which 32-bit calls cannot name");
    }
    const std::uint64_t target = own_affinity() | garbage_in_upper_half;
    EXPECT_EQ(psci::status(psci::call(Function::affinity_info_32, target, garbage_in_upper_half)),
              Status::success);
    EXPECT_EQ(psci::status(psci::call(Function::cpu_on_32, target, some_code())),
              Status::already_on);
}

TEST(psci, function_identifier_width,
     .summary = "the upper half of the register with the function identifier is ignored",
     .needs = psci)
{
    const std::uint64_t plain = psci::call(Function::version);
    const auto function = static_cast<std::uint64_t>(Function::version) | garbage_in_upper_half;
    EXPECT_EQ(psci::call_raw(psci::conduit(), function), plain);
}

TEST(psci, migrate_info_type, .summary = "MIGRATE_INFO_TYPE answers one of the values it has",
     .needs = psci)
{
    constexpr std::int32_t largest = 2;  // no migration required
    const auto type = static_cast<std::int32_t>(psci::call(Function::migrate_info_type));
    EXPECT_TRUE((type >= 0 && type <= largest) ||
                type == static_cast<std::int32_t>(Status::not_supported));
}

TEST(psci, other_conduit,
     .summary = "a call by the instruction that is not the conduit is undefined or not supported, "
                "and the CPU goes on",
     .needs = psci)
{
    if (entry_state.level != boot::info().level) {
        return test::skip("the exception level above is the image's own, without a handler");
    }
    const auto other =
        psci::conduit() == psci::Conduit::hvc ? psci::Conduit::smc : psci::Conduit::hvc;
    std::uint64_t answer = 0;
    const auto taken = arch::raised(
        [&] { answer = psci::call_raw(other, static_cast<std::uint32_t>(Function::version)); });
    if (taken.has_value()) {
        // HVC at EL2 is an exception to EL2 itself.
        const bool own_call = other == psci::Conduit::hvc && boot::info().level == 2;
        EXPECT_EQ(taken->esr, own_call ? syndrome::esr(syndrome::Class::hvc) : syndrome::undefined);
    } else {
        EXPECT_TRUE(psci::status(answer) == Status::not_supported ||
                    answer == psci::call(Function::version));
    }
}
