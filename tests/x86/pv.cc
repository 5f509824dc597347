// SPDX-License-Identifier: MIT
//
// What KVM says of itself, and that it refuses what it does not offer. Linux
// Documentation/virt/kvm/x86/cpuid.rst, msr.rst.

#include "tests/support/x86/pv.h"
#include "lib/pv/steal_time.h"
#include "x86/pv/discover.h"

#include <arch/cpuid.h>

#include <iterator>

using namespace pv;

namespace {

constexpr auto cpuid = [](std::uint32_t leaf) { return arch::cpuid(leaf); };

struct Dependency {
    const char* name;
    Field feature;
    Field needed;
};
constexpr Dependency dependencies[]{
    {"PV_TLB_FLUSH", Features::PV_TLB_FLUSH, Features::STEAL_TIME},
    {"ASYNC_PF_INT", Features::ASYNC_PF_INT, Features::ASYNC_PF},
    {"ASYNC_PF_VMEXIT", Features::ASYNC_PF_VMEXIT, Features::ASYNC_PF},
    {"CLOCKSOURCE_STABLE", Features::CLOCKSOURCE_STABLE, Features::CLOCKSOURCE2},
};

struct Owned {
    const char* name;
    Field feature;
    std::uint32_t index;
};
constexpr Owned registers[]{
    {"MSR_KVM_WALL_CLOCK", Features::CLOCKSOURCE, MSR_KVM_WALL_CLOCK::index},
    {"MSR_KVM_SYSTEM_TIME", Features::CLOCKSOURCE, MSR_KVM_SYSTEM_TIME::index},
    {"MSR_KVM_WALL_CLOCK_NEW", Features::CLOCKSOURCE2, MSR_KVM_WALL_CLOCK_NEW::index},
    {"MSR_KVM_SYSTEM_TIME_NEW", Features::CLOCKSOURCE2, MSR_KVM_SYSTEM_TIME_NEW::index},
    {"MSR_KVM_ASYNC_PF_EN", Features::ASYNC_PF, MSR_KVM_ASYNC_PF_EN::index},
    {"MSR_KVM_STEAL_TIME", Features::STEAL_TIME, MSR_KVM_STEAL_TIME::index},
    {"MSR_KVM_PV_EOI_EN", Features::PV_EOI, MSR_KVM_PV_EOI_EN::index},
    {"MSR_KVM_POLL_CONTROL", Features::POLL_CONTROL, MSR_KVM_POLL_CONTROL::index},
    {"MSR_KVM_ASYNC_PF_INT", Features::ASYNC_PF_INT, MSR_KVM_ASYNC_PF_INT::index},
    {"MSR_KVM_ASYNC_PF_ACK", Features::ASYNC_PF_INT, MSR_KVM_ASYNC_PF_ACK::index},
    {"MSR_KVM_MIGRATION_CONTROL", Features::MIGRATION_CONTROL, MSR_KVM_MIGRATION_CONTROL::index},
};

}  // namespace

TEST(pv, leaves_once, .summary = "KVM's signature is found at most once, behind the hypervisor bit")
{
    unsigned found = 0;
    for_each_kvm_base(cpuid, [&](std::uint32_t base) {
        ++found;
        test::note("KVM's leaves are at {:#x}", base);
    });
    EXPECT_LE(found, 1);
    EXPECT_EQ(found == 1, test::has(test::Capability::kvm));
}

TEST(pv, leaves_reach_features, .summary = "KVM's leaves go as far as that of its features",
     .needs = kvm)
{
    const auto found = leaves();
    ASSERT_TRUE(found);
    EXPECT_GE(found->highest, found->base + 1);
    EXPECT_LT(found->highest, found->base + leaf_step);
    test::note("features {:#x} hints {:#x}", found->features.raw, found->hints.raw);
}

TEST(pv, leaves_same_everywhere, .summary = "every CPU shows the same features and hints",
     .needs = kvm)
{
    const auto expected = leaves();
    smp::on_all_cpus([&] {
        for (unsigned round = 0; round < 10; ++round) {
            EXPECT_TRUE(leaves() == expected);
        }
    });
}

TEST(pv, features_agree, .summary = "no feature is offered without the one it builds on",
     .needs = kvm)
{
    const Features features = leaves()->features;
    test::Items items{std::size(dependencies)};
    for (const Dependency& dependency : dependencies) {
        items.run(dependency.name, [&] {
            if (features[dependency.feature] == 0) {
                return test::skip("not offered");
            }
            EXPECT_EQ(features[dependency.needed], 1);
        });
    }
}

TEST(pv, offered_registers, .summary = "the registers of every offered feature can be read",
     .needs = kvm)
{
    const Features features = leaves()->features;
    test::Items items{std::size(registers)};
    for (const Owned& owned : registers) {
        items.run(owned.name, [&] {
            if (features[owned.feature] == 0) {
                return test::skip("not offered");
            }
            smp::on_all_cpus([&] {
                const auto value = msr::try_read(owned.index);
                EXPECT_TRUE(value);
            });
            test::item_value("{:#x}", msr::try_read(owned.index).value_or(0));
        });
    }
}

TEST(pv, unoffered_registers,
     .summary = "the registers of a feature that is not offered raise #GP, and nothing is written",
     .needs = kvm)
{
    const Features features = leaves()->features;
    HostMemory memory;
    ASSERT_TRUE(memory.ready());
    auto& area = memory.place<StealTime>();
    test::Items items{std::size(registers)};
    for (const Owned& owned : registers) {
        items.run(owned.name, [&] {
            if (features[owned.feature] != 0) {
                return test::skip("offered");
            }
            const Snapshot before{area};
            const bool refused = write_is_refused(owned.index, address_of(area) | 1);
            EXPECT_TRUE(refused);
            if (!refused) {
                static_cast<void>(msr::try_write(owned.index, 0));
            }
            EXPECT_TRUE(read_is_refused(owned.index));
            EXPECT_TRUE(before.same());
        });
    }
}

TEST(pv, undefined_registers, .summary = "registers of KVM's range that nobody defined raise #GP",
     .needs = kvm)
{
    for (const std::uint32_t index :
         {last_kvm_register - 0x40, last_kvm_register - 1, last_kvm_register}) {
        EXPECT_TRUE(read_is_refused(index));
        EXPECT_TRUE(write_is_refused(index, 0));
        EXPECT_TRUE(write_is_refused(index, 1));
    }
}
