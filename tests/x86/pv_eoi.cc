// SPDX-License-Identifier: MIT
//
// The end of an interrupt by a bit in memory in place of a write to the local APIC. Linux
// Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN.

#include "tests/support/x86/apic.h"
#include "tests/support/x86/pv.h"

#include <atomic>

using namespace pv;

namespace {

using EoiGuard = RegisterGuard<MSR_KVM_PV_EOI_EN>;

constexpr unsigned rounds = 50;

MSR_KVM_PV_EOI_EN eoi_at(std::uint32_t& word)
{
    return enabled_at<MSR_KVM_PV_EOI_EN>(address_of(word));
}

// Takes the bit back in one instruction, as it has to be: whether the end need not be told.
bool take_permission(std::uint32_t& word)
{
    bool was_set;
    asm volatile("btrl $0, %0" : "+m"(word), "=@ccc"(was_set)::"memory");
    return was_set;
}

void send_to_self(std::uint8_t vector)
{
    send(apic::fixed(vector).to(apic::local().id()));
}

}  // namespace

TEST(pv, eoi_registers,
     .summary = "each CPU registers a word and reads the value back; bit 1 raises #GP",
     .needs = pv_eoi)
{
    smp::on_all_cpus([] {
        std::uint32_t word = 0;
        const EoiGuard guard{eoi_at(word)};
        EXPECT_EQ(msr::read<MSR_KVM_PV_EOI_EN>().raw, eoi_at(word).raw);
        EXPECT_TRUE(write_is_refused(MSR_KVM_PV_EOI_EN::index, eoi_at(word).raw | 2));
        EXPECT_TRUE(write_is_refused(MSR_KVM_PV_EOI_EN::index, address_of(word) | 2));
        EXPECT_EQ(msr::read<MSR_KVM_PV_EOI_EN>().raw, eoi_at(word).raw);
    });
}

TEST(pv, eoi_told,
     .summary = "a CPU that tells the end all the same takes each interrupt once, and the bit goes",
     .needs = pv_eoi && apic)
{
    smp::on_all_cpus([] {
        HostMemory memory;
        ASSERT_TRUE(memory.ready());
        auto& word = memory.place<std::uint32_t>(mem::page_size - sizeof(std::uint32_t));
        const CountedVector counted{low_vector};
        const EoiGuard guard{eoi_at(word)};
        for (unsigned round = 1; round <= rounds; ++round) {
            send_to_self(low_vector);
            ASSERT_TRUE(counted.wait(round));
            EXPECT_FALSE(apic::local().in_service(low_vector));
            EXPECT_EQ(load(word), 0);
        }
        let_pass();
        EXPECT_EQ(counted.taken(), rounds);
        EXPECT_TRUE(memory.untouched_around(word));
    });
}

// The interrupt's end follows in the framework all the same: with nothing in service it does
// nothing.
TEST(pv, eoi_skipped,
     .summary = "an end that need not be told, and is not, ends the interrupt: the next ones come",
     .needs = pv_eoi && apic)
{
    smp::on_all_cpus([] {
        std::uint32_t word = 0;
        std::atomic<unsigned> taken{0};
        std::atomic<unsigned> skipped{0};
        const auto handler = [&](irq::Id id) {
            taken.fetch_add(1);
            if (take_permission(word)) {
                skipped.fetch_add(1);
                EXPECT_FALSE(apic::local().in_service(id.value));
            }
        };
        const irq::Guard installed{irq::Id{low_vector}, handler};
        const EoiGuard guard{eoi_at(word)};
        for (unsigned round = 1; round <= rounds; ++round) {
            send_to_self(low_vector);
            ASSERT_TRUE(timer::wait_until([&] { return taken.load() == round; }));
        }
        let_pass();
        EXPECT_EQ(taken.load(), rounds);
        if (smp::this_cpu().index == 0) {
            test::note("{} of {} ends need not be told", skipped.load(), rounds);
        }
    });
}

// Two in service: the end of the inner one has to be told, or the outer one would be ended with it.
TEST(pv, eoi_nested, .summary = "a bit that the host gives for an interrupt is never for two",
     .needs = pv_eoi && apic)
{
    std::uint32_t word = 0;
    std::atomic<unsigned> inner{0};
    std::atomic<unsigned> outer{0};
    std::atomic<bool> outer_in_service{false};
    const auto on_inner = [&](irq::Id) { inner.fetch_add(1); };
    const auto on_outer = [&](irq::Id) {
        send_to_self(high_vector);
        static_cast<void>(take_until([&] { return inner.load() == outer.load() + 1; }));
        outer_in_service = apic::local().in_service(low_vector);
        outer.fetch_add(1);
    };
    const irq::Guard inner_installed{irq::Id{high_vector}, on_inner};
    const irq::Guard outer_installed{irq::Id{low_vector}, on_outer};
    const auto nest = [&] {
        const unsigned before = outer.load();
        send_to_self(low_vector);
        return timer::wait_until([&] { return outer.load() != before; });
    };
    ASSERT_TRUE(nest());
    if (!outer_in_service) {
        return test::skip("no interrupt is in service in its handler: see apic.in_service");
    }
    const EoiGuard guard{eoi_at(word)};
    for (unsigned round = 2; round <= 20; ++round) {
        ASSERT_TRUE(nest());
        EXPECT_EQ(inner.load(), round);
        EXPECT_TRUE(outer_in_service.load());
    }
    EXPECT_FALSE(apic::local().in_service(low_vector));
    EXPECT_FALSE(apic::local().in_service(high_vector));
}

TEST(pv, eoi_disabled, .summary = "a word that is not registered is not written any more",
     .needs = pv_eoi && apic)
{
    std::uint32_t word = 0;
    const CountedVector counted{low_vector};
    {
        const EoiGuard guard{eoi_at(word)};
        send_to_self(low_vector);
        ASSERT_TRUE(counted.wait(1));
    }
    store(word, 0xa5a5'a5a4);
    for (unsigned round = 2; round <= rounds; ++round) {
        send_to_self(low_vector);
        ASSERT_TRUE(counted.wait(round));
    }
    EXPECT_EQ(load(word), 0xa5a5'a5a4U);
}
