// SPDX-License-Identifier: MIT
//
// Asynchronous page faults as far as a guest can have them without a host that swaps, and the
// control of the host's polling. Linux Documentation/virt/kvm/x86/msr.rst, MSR_KVM_ASYNC_PF_EN and
// MSR_KVM_POLL_CONTROL.

#include "tests/support/x86/apic.h"
#include "tests/support/x86/pv.h"
#include "x86/pv/discover.h"

#include <atomic>

using namespace pv;

namespace {

using FaultGuard = RegisterGuard<MSR_KVM_ASYNC_PF_EN>;
using VectorGuard = RegisterGuard<MSR_KVM_ASYNC_PF_INT>;
using PollGuard = RegisterGuard<MSR_KVM_POLL_CONTROL>;

bool has_ready_interrupt()
{
    if (leaves()->features[Features::ASYNC_PF_INT] != 0) {
        return true;
    }
    test::skip("KVM does not offer ASYNC_PF_INT");
    return false;
}

}  // namespace

TEST(pv, async_pf_registers,
     .summary = "the registers of asynchronous page faults keep what is written to them",
     .needs = async_pf)
{
    if (!has_ready_interrupt()) {
        return;
    }
    smp::on_all_cpus([] {
        AsyncPageFault area{};
        const VectorGuard vector{MSR_KVM_ASYNC_PF_INT::from(low_vector)};
        EXPECT_EQ(msr::read<MSR_KVM_ASYNC_PF_INT>().raw, std::uint64_t{low_vector});
        // Not enabled: an address alone.
        const FaultGuard fault{MSR_KVM_ASYNC_PF_EN::from(address_of(area))};
        EXPECT_EQ(msr::read<MSR_KVM_ASYNC_PF_EN>().raw, address_of(area));
        EXPECT_FALSE(msr::try_write(MSR_KVM_ASYNC_PF_ACK::index, 1));
        EXPECT_EQ(msr::try_read(MSR_KVM_ASYNC_PF_ACK::index).value_or(1), 0);
    });
}

TEST(pv, async_pf_reserved_bits,
     .summary = "reserved bits of the registers of asynchronous page faults raise #GP",
     .needs = async_pf)
{
    if (!has_ready_interrupt()) {
        return;
    }
    AsyncPageFault area{};
    const std::uint64_t address = address_of(area);
    const FaultGuard fault;
    const VectorGuard vector;
    for (const unsigned bit : {4U, 5U}) {
        EXPECT_TRUE(
            write_is_refused(MSR_KVM_ASYNC_PF_EN::index, address | std::uint64_t{1} << bit));
        EXPECT_TRUE(
            write_is_refused(MSR_KVM_ASYNC_PF_EN::index, address | std::uint64_t{1} << bit | 9));
    }
    EXPECT_EQ(msr::read<MSR_KVM_ASYNC_PF_EN>().raw, fault.previous().raw);
    for (const unsigned bit : {8U, 31U, 32U, 63U}) {
        EXPECT_TRUE(
            write_is_refused(MSR_KVM_ASYNC_PF_INT::index, low_vector | std::uint64_t{1} << bit));
    }
    EXPECT_EQ(msr::read<MSR_KVM_ASYNC_PF_INT>().raw, vector.previous().raw);
}

TEST(pv, async_pf_enabled,
     .summary = "with asynchronous page faults on, every \"ready\" interrupt has a token, and the "
                "CPU goes on",
     .needs = async_pf && apic)
{
    if (!has_ready_interrupt()) {
        return;
    }
    smp::on_all_cpus([] {
        HostMemory memory;
        ASSERT_TRUE(memory.ready());
        auto& area = memory.place<AsyncPageFault>(mem::page_size - sizeof(AsyncPageFault));
        std::atomic<unsigned> taken{0};
        std::atomic<unsigned> empty{0};
        const auto handler = [&](irq::Id) {
            taken.fetch_add(1);
            empty.fetch_add(load(area.token) == 0 ? 1 : 0);
            store(area.token, 0);
            msr::write(MSR_KVM_ASYNC_PF_ACK{}.with(MSR_KVM_ASYNC_PF_ACK::ACK, 1));
        };
        const irq::Guard installed{irq::Id{low_vector}, handler};
        const VectorGuard vector{MSR_KVM_ASYNC_PF_INT::from(low_vector)};
        const auto on = enabled_at<MSR_KVM_ASYNC_PF_EN>(address_of(area))
                            .with(MSR_KVM_ASYNC_PF_EN::DELIVERY_AS_INT, 1);
        {
            const FaultGuard fault{on};
            EXPECT_EQ(msr::read<MSR_KVM_ASYNC_PF_EN>().raw, on.raw);
            timer::delay(timer::milliseconds(20));
        }
        // What was sent before it was turned off is taken.
        timer::delay(timer::milliseconds(2));
        EXPECT_EQ(empty.load(), 0);
        EXPECT_EQ(load(area.flags), 0);
        EXPECT_TRUE(memory.untouched_around(area));
        if (smp::this_cpu().index == 0) {
            test::note("{} interrupts", taken.load());
        }
    });
}

TEST(pv, poll_control, .summary = "polling can be turned off and on again, on each CPU by itself",
     .needs = poll_control)
{
    smp::on_all_cpus([] {
        const PollGuard guard;
        for (const std::uint64_t value : {0U, 1U, 0U}) {
            guard.set(MSR_KVM_POLL_CONTROL::from(value));
            EXPECT_EQ(msr::read<MSR_KVM_POLL_CONTROL>().raw, value);
        }
    });
    const PollGuard guard{MSR_KVM_POLL_CONTROL{}};
    smp::on_all_cpus([] {
        if (smp::this_cpu().index != 0) {
            EXPECT_EQ(msr::read<MSR_KVM_POLL_CONTROL>().raw, 1);
        }
    });
}

TEST(pv, poll_control_reserved_bits, .summary = "bits 1 to 63 of POLL_CONTROL raise #GP",
     .needs = poll_control)
{
    const PollGuard guard;
    for (unsigned bit = 1; bit < 64; ++bit) {
        EXPECT_TRUE(write_is_refused(MSR_KVM_POLL_CONTROL::index, std::uint64_t{1} << bit));
    }
    EXPECT_EQ(msr::read<MSR_KVM_POLL_CONTROL>().raw, guard.previous().raw);
}

TEST(pv, poll_control_wakes, .summary = "a CPU that halts is woken whether the host polls or not",
     .needs = poll_control && cpus(2))
{
    MSR_KVM_POLL_CONTROL previous{};
    smp::on_cpu(1, [&] { previous = msr::read<MSR_KVM_POLL_CONTROL>(); });
    for (const std::uint64_t value : {0U, 1U}) {
        smp::on_cpu(1, [&] { msr::write(MSR_KVM_POLL_CONTROL::from(value)); });
        unsigned woken = 0;
        for (unsigned round = 0; round < 10; ++round) {
            timer::delay(timer::microseconds(std::uint64_t{round} * 100));
            smp::on_cpu(1, [&] { ++woken; });
        }
        EXPECT_EQ(woken, 10);
    }
    smp::on_cpu(1, [&] { msr::write(previous); });
}
