// SPDX-License-Identifier: MIT
#include "lib/pv/clock.h"
#include "lib/pv/multicast.h"
#include "lib/pv/steal_time.h"
#include "unit/support/mock_io.h"
#include "x86/pv/features.h"
#include "x86/pv/hypercall.h"
#include "x86/pv/registers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace pv;
using testing::ElementsAre;
using testing::IsEmpty;

// --- The version protocol -----------------------------------------------------------------------

TEST(PvVersion, EvenAndUnchangedIsRead)
{
    const std::uint32_t version = 6;
    const auto reading = read_versioned(version, [] { return 17; });
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->value, 17);
    EXPECT_EQ(reading->version, 6U);
}

TEST(PvVersion, ChangeWhileReadingIsReadAgain)
{
    std::uint32_t version = 2;
    int reads = 0;
    const auto reading = read_versioned(version, [&] {
        if (++reads < 3) {
            version += 2;
        }
        return reads;
    });
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->value, 3);
    EXPECT_EQ(reading->version, 6U);
}

TEST(PvVersion, OddIsNotRead)
{
    const std::uint32_t version = 3;
    int reads = 0;
    EXPECT_FALSE(read_versioned(version, [&] { return ++reads; }, 100));
    EXPECT_EQ(reads, 0);
}

TEST(PvVersion, OddWhileReadingIsNotTaken)
{
    std::uint32_t version = 2;
    const auto reading = read_versioned(version, [&] { return version = 3; }, 10);
    EXPECT_FALSE(reading);
}

TEST(PvVersion, ThatNeverStandsStillEnds)
{
    std::uint32_t version = 0;
    EXPECT_FALSE(read_versioned(version, [&] { return version += 2; }, 100));
    EXPECT_EQ(version, 200U);
}

// The version wraps like any count.
TEST(PvVersion, Wraps)
{
    std::uint32_t version = 0xffff'fffe;
    int reads = 0;
    const auto reading = read_versioned(version, [&] {
        if (++reads == 1) {
            version += 2;
        }
        return reads;
    });
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->version, 0U);
}

// A host on another CPU: what is read belongs together.
TEST(PvVersion, HoldsAgainstAWriter)
{
    ClockInfo area{};
    std::atomic<bool> done{false};
    std::thread host{[&] {
        for (std::uint64_t n = 1; !done; ++n) {
            std::atomic_ref{area.version}.fetch_add(1);
            store(area.tsc_timestamp, n);
            store(area.system_time, 2 * n);
            store(area.tsc_to_system_mul, static_cast<std::uint32_t>(n));
            std::atomic_ref{area.version}.fetch_add(1);
        }
    }};
    for (int i = 0; i < 20'000; ++i) {
        const auto reading = read(area);
        if (reading) {
            EXPECT_EQ(reading->value.system_time, 2 * reading->value.tsc_timestamp);
            EXPECT_EQ(reading->value.scale.mul,
                      static_cast<std::uint32_t>(reading->value.tsc_timestamp));
            EXPECT_EQ(reading->version % 2, 0U);
        }
    }
    done = true;
    host.join();
}

// --- The clock ----------------------------------------------------------------------------------

struct ScaleCase {
    std::uint64_t count;
    Scale scale;
    std::uint64_t nanoseconds;
};

class PvScale : public testing::TestWithParam<ScaleCase> {};

TEST_P(PvScale, HasKnownAnswers)
{
    const ScaleCase& known = GetParam();
    EXPECT_EQ(known.scale.nanoseconds(known.count), known.nanoseconds);
}

INSTANTIATE_TEST_SUITE_P(
    All, PvScale,
    testing::Values(
        // A CPU of 2.3 GHz, as KVM described it: one second.
        ScaleCase{2'300'000'000, {0xde9b'd37a, -1}, 999'999'999},
        ScaleCase{0, {0xde9b'd37a, -1}, 0},
        // Rounded down, and what is shifted out is lost before.
        ScaleCase{1, {0xffff'ffff, 0}, 0}, ScaleCase{3, {0x8000'0000, 0}, 1},
        ScaleCase{3, {0x8000'0000, -1}, 0},
        ScaleCase{1'000'000'000, {0x8000'0000, 1}, 1'000'000'000},
        // More than 64 bits in between.
        ScaleCase{0xffff'ffff'ffff'ffff, {0xffff'ffff, 0}, 0xffff'fffe'ffff'ffff},
        ScaleCase{0x1234'5678'9abc'def0, {0xde9b'd37a, -1}, 0x07ea'3bdb'60b6'0b59},
        ScaleCase{0xffff'ffff, {0xffff'ffff, 31}, 0x7fff'ffff'0000'0000},
        ScaleCase{std::uint64_t{1} << 63, {0xffff'ffff, -31}, 0xffff'ffff},
        // More than fits is lost.
        ScaleCase{0xffff'ffff'ffff'ffff, {0xffff'ffff, 31}, 0xffff'fffe'8000'0000}));

// Against arithmetic of 128 bits.
TEST(PvScale, IsTheProductOf96Bits)
{
    std::mt19937_64 random{1};
    for (int shift = -31; shift <= 31; ++shift) {
        for (int i = 0; i < 1000; ++i) {
            const std::uint64_t count = random() >> random() % 64;
            const auto mul = static_cast<std::uint32_t>(random());
            const std::uint64_t shifted = shift < 0 ? count >> -shift : count << shift;
            const auto expected =
                static_cast<std::uint64_t>(static_cast<unsigned __int128>(shifted) * mul >> 32);
            ASSERT_EQ((Scale{mul, static_cast<std::int8_t>(shift)}.nanoseconds(count)), expected)
                << count << " * " << mul << " shifted by " << shift;
        }
    }
}

TEST(PvScale, ShiftsBeyondTheWordLeaveNothing)
{
    EXPECT_EQ((Scale{0xffff'ffff, 64}.nanoseconds(~std::uint64_t{0})), 0U);
    EXPECT_EQ((Scale{0xffff'ffff, -64}.nanoseconds(~std::uint64_t{0})), 0U);
    EXPECT_EQ((Scale{0xffff'ffff, -128}.nanoseconds(~std::uint64_t{0})), 0U);
    EXPECT_EQ((Scale{0xffff'ffff, 127}.nanoseconds(~std::uint64_t{0})), 0U);
}

TEST(PvScale, TellsTheFrequency)
{
    EXPECT_EQ((Scale{0xde9b'd37a, -1}.frequency()), 2'300'000'000U);
    EXPECT_EQ((Scale{0x8000'0000, 0}.frequency()), 2'000'000'000U);
    EXPECT_EQ((Scale{0x8000'0000, 1}.frequency()), 1'000'000'000U);
    EXPECT_EQ((Scale{0x8000'0000, -1}.frequency()), 4'000'000'000U);
    EXPECT_EQ((Scale{0x8000'0000, 10}.frequency()), 1'953'125U);
    EXPECT_EQ((Scale{0, 0}.frequency()), 0U);
    EXPECT_EQ((Scale{1, 32}.frequency()), 0U);
    EXPECT_EQ((Scale{1, -128}.frequency()), 0U);
}

TEST(PvClock, AddsWhatWasCountedSince)
{
    const ClockReading reading{
        .tsc_timestamp = 1000, .system_time = 5'000'000, .scale = {0x8000'0000, 0}, .flags = {}};
    EXPECT_EQ(reading.at(1000), 5'000'000U);
    EXPECT_EQ(reading.at(1002), 5'000'001U);
    EXPECT_EQ(reading.at(2'001'000), 6'000'000U);
}

TEST(PvClock, CountAndTimeWrap)
{
    const ClockReading reading{.tsc_timestamp = 0xffff'ffff'ffff'fff0,
                               .system_time = 0xffff'ffff'ffff'ffff,
                               .scale = {0x8000'0000, 1},
                               .flags = {}};
    EXPECT_EQ(reading.at(0xffff'ffff'ffff'fff1), 0U);
    EXPECT_EQ(reading.at(0x10), 31U);
}

TEST(PvClock, StableIsOneFlagOfMany)
{
    ClockInfo area{};
    for (const auto [flags, stable] : {std::pair{0, false}, {1, true}, {2, false}, {3, true}}) {
        area.flags = static_cast<std::uint8_t>(flags);
        const auto reading = read(area);
        ASSERT_TRUE(reading);
        EXPECT_EQ(reading->value.is_stable(), stable) << flags;
        EXPECT_EQ(reading->value.flags[ClockFlags::GUEST_STOPPED], flags >> 1);
    }
}

TEST(PvClock, IsReadAsTheHostWroteIt)
{
    // Offsets of struct pvclock_vcpu_time_info.
    const std::uint8_t bytes[32]{8,    0,    0,    0,    0xaa, 0xaa, 0xaa, 0xaa,  //
                                 0x21, 0,    0,    0,    0,    0,    0,    1,     //
                                 0x43, 0,    0,    0,    0,    0,    0,    2,     //
                                 0x7a, 0xd3, 0x9b, 0xde, 0xff, 1,    0xaa, 0xaa};
    ClockInfo area{};
    std::memcpy(&area, bytes, sizeof(area));
    const auto reading = read(area);
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->version, 8U);
    EXPECT_EQ(reading->value.tsc_timestamp, 0x0100'0000'0000'0021U);
    EXPECT_EQ(reading->value.system_time, 0x0200'0000'0000'0043U);
    EXPECT_EQ(reading->value.scale, (Scale{0xde9b'd37a, -1}));
    EXPECT_TRUE(reading->value.is_stable());
}

TEST(PvClock, CounterIsReadAgainWhenTheHostHasChangedTheClock)
{
    ClockInfo area{.version = 2,
                   .padding = 0,
                   .tsc_timestamp = 100,
                   .system_time = 1000,
                   .tsc_to_system_mul = 0x8000'0000,
                   .tsc_shift = 1,
                   .flags = 0,
                   .padding2 = {}};
    int asked = 0;
    const auto now = time(area, [&] {
        if (++asked == 1) {
            area.version += 2;
            area.tsc_timestamp = 200;
            area.system_time = 1100;
        }
        return std::uint64_t{210};
    });
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(now, 1110U);

    area.version = 5;
    EXPECT_EQ(time(area, [] { return std::uint64_t{0}; }), std::nullopt);
}

TEST(PvClock, CommonClockNeverGoesBack)
{
    CommonClock clock;
    EXPECT_EQ(clock.not_before(10), 10U);
    EXPECT_EQ(clock.not_before(9), 10U);
    EXPECT_EQ(clock.not_before(10), 10U);
    EXPECT_EQ(clock.not_before(11), 11U);
}

TEST(PvWallClock, IsSecondsAndNanoseconds)
{
    const WallClock area{.version = 4, .sec = 1'700'000'000, .nsec = 999'999'999};
    const auto reading = read(area);
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->value.nanoseconds(), 1'700'000'000'999'999'999U);
    const WallClock changing{.version = 5, .sec = 0, .nsec = 0};
    EXPECT_FALSE(read(changing));
    // Seconds beyond 2038 and up to 2106.
    EXPECT_EQ((TimeOfDay{.sec = 0xffff'ffff, .nsec = 0}.nanoseconds()), 4'294'967'295'000'000'000U);
}

// --- Steal time ---------------------------------------------------------------------------------

TEST(PvStealTime, IsReadAsTheHostWroteIt)
{
    StealTime area{};
    const std::uint8_t bytes[17]{0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x06,
                                 0,    0,    0,    0,    0,    0,    0,    1};
    std::memcpy(&area, bytes, sizeof(bytes));
    const auto reading = read(area);
    ASSERT_TRUE(reading);
    EXPECT_EQ(reading->value, 0x1122'3344'5566'7788U);
    EXPECT_EQ(reading->version, 6U);
    EXPECT_TRUE(vcpu_is_preempted(area));
}

// Linux: preempted & KVM_VCPU_PREEMPTED, whatever else is set.
TEST(PvStealTime, PreemptedIsBitZero)
{
    StealTime area{};
    for (unsigned value = 0; value < 256; ++value) {
        area.preempted = static_cast<std::uint8_t>(value);
        EXPECT_EQ(vcpu_is_preempted(area), value % 2 == 1) << value;
    }
}

TEST(PvStealTime, FlushIsLeftToTheHostOnlyWhilePreempted)
{
    StealTime area{};
    EXPECT_FALSE(request_flush(area));
    EXPECT_EQ(area.preempted, 0);
    area.preempted = 1;
    EXPECT_TRUE(request_flush(area));
    EXPECT_EQ(area.preempted, 3);
    EXPECT_TRUE(request_flush(area));
    EXPECT_EQ(area.preempted, 3);
    area.preempted = 2;
    EXPECT_FALSE(request_flush(area));
}

// --- Receivers of an IPI ------------------------------------------------------------------------

std::vector<Multicast> groups_of(const std::vector<std::uint32_t>& ids)
{
    std::vector<Multicast> groups;
    for_each_multicast(ids, [&](const Multicast& group) { groups.push_back(group); });
    return groups;
}

constexpr std::uint64_t bit(unsigned n)
{
    return std::uint64_t{1} << n;
}

TEST(PvMulticast, OfNobodyIsNone)
{
    EXPECT_THAT(groups_of({}), IsEmpty());
}

TEST(PvMulticast, BeginsAtItsLowest)
{
    EXPECT_THAT(groups_of({7}), ElementsAre(Multicast{1, 0, 7}));
    EXPECT_THAT(groups_of({3, 5}), ElementsAre(Multicast{bit(0) | bit(2), 0, 3}));
    EXPECT_THAT(groups_of({5, 3}), ElementsAre(Multicast{bit(0) | bit(2), 0, 3}));
    EXPECT_THAT(groups_of({4, 4}), ElementsAre(Multicast{1, 0, 4}));
}

TEST(PvMulticast, HasTwoWords)
{
    EXPECT_THAT(groups_of({0, 63}), ElementsAre(Multicast{bit(0) | bit(63), 0, 0}));
    EXPECT_THAT(groups_of({0, 64}), ElementsAre(Multicast{1, 1, 0}));
    EXPECT_THAT(groups_of({0, 127}), ElementsAre(Multicast{1, bit(63), 0}));
    EXPECT_THAT(groups_of({127, 0}), ElementsAre(Multicast{1, bit(63), 0}));
    EXPECT_THAT(groups_of({64, 0}), ElementsAre(Multicast{1, 1, 0}));
    EXPECT_THAT(groups_of({100, 70, 10}), ElementsAre(Multicast{bit(0) | bit(60), bit(26), 10}));
}

TEST(PvMulticast, OfMoreThan128IdsIsSeveral)
{
    EXPECT_THAT(groups_of({0, 128}), ElementsAre(Multicast{1, 0, 0}, Multicast{1, 0, 128}));
    EXPECT_THAT(groups_of({128, 0}), ElementsAre(Multicast{1, 0, 128}, Multicast{1, 0, 0}));
    // Going down must not push the highest one out.
    EXPECT_THAT(groups_of({100, 200, 73, 72}),
                ElementsAre(Multicast{bit(0) | bit(27), bit(127 - 64), 73}, Multicast{1, 0, 72}));
    EXPECT_THAT(groups_of({0xffff'ffff, 0}),
                ElementsAre(Multicast{1, 0, 0xffff'ffff}, Multicast{1, 0, 0}));
}

TEST(PvMulticast, ContainsWhatWasAddedAndNothingElse)
{
    std::mt19937 random{2};
    for (int round = 0; round < 300; ++round) {
        std::vector<std::uint32_t> ids(1 + random() % 40);
        const std::uint32_t base = round % 3 == 0 ? 0 : round % 3 == 1 ? 0xffff'fe00 : 1000;
        for (std::uint32_t& id : ids) {
            id = base + static_cast<std::uint32_t>(random() % 400);
        }
        std::map<std::uint32_t, unsigned> expected;
        std::map<std::uint32_t, unsigned> actual;
        for (const std::uint32_t id : ids) {
            expected[id] = 1;
        }
        for (const Multicast& group : groups_of(ids)) {
            for (std::uint32_t id = base; id != base + 500; ++id) {
                if (group.contains(id)) {
                    actual[id] = 1;
                }
            }
        }
        EXPECT_EQ(actual, expected);
    }
}

// --- CPUID --------------------------------------------------------------------------------------

class Cpuid {
public:
    explicit Cpuid(bool hypervisor = true)
    {
        if (hypervisor) {
            leaves_[1].ecx = 0x8000'0000;
        }
    }
    Cpuid& with(std::uint32_t leaf, arch::CpuidResult result)
    {
        leaves_[leaf] = result;
        return *this;
    }
    Cpuid& with_kvm(std::uint32_t base, std::uint32_t highest, std::uint32_t features = 0,
                    std::uint32_t hints = 0)
    {
        with(base, {highest, 0x4b4d'564b, 0x564b'4d56, 0x4d});
        return with(base + 1, {features, 0, 0, hints});
    }
    arch::CpuidResult operator()(std::uint32_t leaf) const
    {
        asked_.push_back(leaf);
        const auto found = leaves_.find(leaf);
        return found == leaves_.end() ? arch::CpuidResult{} : found->second;
    }
    [[nodiscard]] const std::vector<std::uint32_t>& asked() const { return asked_; }

private:
    std::map<std::uint32_t, arch::CpuidResult> leaves_;
    mutable std::vector<std::uint32_t> asked_;
};

TEST(PvLeaves, AreNotLookedForWithoutAHypervisor)
{
    const Cpuid cpuid = Cpuid{false}.with_kvm(0x4000'0000, 0x4000'0001);
    EXPECT_FALSE(find_leaves(std::cref(cpuid)));
    EXPECT_THAT(cpuid.asked(), ElementsAre(1));
}

TEST(PvLeaves, OfTcgAreNotKvms)
{
    const Cpuid cpuid =
        Cpuid{}.with(0x4000'0000, {0x4000'0001, 0x5447'4354, 0x4354'4743, 0x4743'5447});
    EXPECT_FALSE(find_leaves(std::cref(cpuid)));
    EXPECT_EQ(cpuid.asked().size(), 1U + 0x100);
    EXPECT_EQ(cpuid.asked().back(), 0x4000'ff00U);
}

TEST(PvLeaves, TellFeaturesAndHints)
{
    const auto found = find_leaves(Cpuid{}.with_kvm(0x4000'0000, 0x4000'0001, 0x0100'7efb, 1));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->base, 0x4000'0000U);
    EXPECT_EQ(found->highest, 0x4000'0001U);
    EXPECT_EQ(found->hints[Hints::REALTIME], 1U);
    for (const Field offered :
         {Features::CLOCKSOURCE, Features::NOP_IO_DELAY, Features::CLOCKSOURCE2, Features::ASYNC_PF,
          Features::STEAL_TIME, Features::PV_EOI, Features::PV_UNHALT, Features::PV_TLB_FLUSH,
          Features::ASYNC_PF_VMEXIT, Features::PV_SEND_IPI, Features::POLL_CONTROL,
          Features::PV_SCHED_YIELD, Features::ASYNC_PF_INT, Features::CLOCKSOURCE_STABLE}) {
        EXPECT_EQ(found->features[offered], 1U) << offered.low;
    }
    for (const Field absent :
         {Features::MSI_EXT_DEST_ID, Features::HC_MAP_GPA_RANGE, Features::MIGRATION_CONTROL}) {
        EXPECT_EQ(found->features[absent], 0U) << absent.low;
    }
}

TEST(PvLeaves, StandBehindThoseOfHyperV)
{
    const auto found =
        find_leaves(Cpuid{}
                        .with(0x4000'0000, {0x4000'0005, 0x7263'694d, 0x666f'736f, 0x7648'2074})
                        .with_kvm(0x4000'0100, 0x4000'0101, 0x20));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->base, 0x4000'0100U);
    EXPECT_EQ(found->features[Features::STEAL_TIME], 1U);
}

TEST(PvLeaves, OfEarlyKvmSayZero)
{
    const auto found = find_leaves(Cpuid{}.with_kvm(0x4000'0000, 0, 1));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->highest, 0x4000'0001U);
}

TEST(PvLeaves, ThatComeTwiceAreFoundTwice)
{
    const Cpuid cpuid =
        Cpuid{}.with_kvm(0x4000'0000, 0x4000'0001, 1).with_kvm(0x4000'0200, 0x4000'0201, 2);
    std::vector<std::uint32_t> bases;
    for_each_kvm_base(std::cref(cpuid), [&](std::uint32_t base) { bases.push_back(base); });
    EXPECT_THAT(bases, ElementsAre(0x4000'0000, 0x4000'0200));
    EXPECT_EQ(find_leaves(std::cref(cpuid))->features.raw, 1U);
}

// --- Registers ----------------------------------------------------------------------------------

static_assert(MSR_KVM_WALL_CLOCK::index == 0x11 && MSR_KVM_SYSTEM_TIME::index == 0x12);
static_assert(MSR_KVM_WALL_CLOCK_NEW::index == 0x4b56'4d00);
static_assert(MSR_KVM_SYSTEM_TIME_NEW::index == 0x4b56'4d01);
static_assert(MSR_KVM_ASYNC_PF_EN::index == 0x4b56'4d02);
static_assert(MSR_KVM_STEAL_TIME::index == 0x4b56'4d03);
static_assert(MSR_KVM_PV_EOI_EN::index == 0x4b56'4d04);
static_assert(MSR_KVM_POLL_CONTROL::index == 0x4b56'4d05);
static_assert(MSR_KVM_ASYNC_PF_INT::index == 0x4b56'4d06);
static_assert(MSR_KVM_ASYNC_PF_ACK::index == 0x4b56'4d07);
static_assert(MSR_KVM_MIGRATION_CONTROL::index == 0x4b56'4d08);
static_assert(MSR_KVM_STEAL_TIME::RESERVED.mask() == 0x3e);
static_assert(MSR_KVM_ASYNC_PF_EN::RESERVED.mask() == 0x30);

static_assert(enabled_at<MSR_KVM_STEAL_TIME>(0x12'3440).raw == 0x12'3441);

TEST(PvRegisterGuard, PutsBackWhatWasThere)
{
    unit::IoScript script;
    unit::MockIo msrs = script.frame("MSR");
    msrs.expect_read(MSR_KVM_STEAL_TIME::from(0x5001));
    msrs.expect_write(MSR_KVM_STEAL_TIME::from(0x6001));
    {
        const RegisterGuard guard{enabled_at<MSR_KVM_STEAL_TIME>(0x6000), msrs};
        EXPECT_EQ(guard.previous().raw, 0x5001U);
        script.verify();
        msrs.expect_write(MSR_KVM_STEAL_TIME::from(0x7000));
        guard.set(MSR_KVM_STEAL_TIME::from(0x7000));
        msrs.expect_write(MSR_KVM_STEAL_TIME::from(0x5001));
    }
}

// --- Hypercalls ---------------------------------------------------------------------------------

static_assert(instruction_of({0xd, 0x756e'6547, 0x6c65'746e, 0x4965'6e69}) == Instruction::vmcall);
static_assert(instruction_of({0xd, 0x6874'7541, 0x444d'4163, 0x6974'6e65}) == Instruction::vmmcall);
static_assert(instruction_of({0xd, 0x6f67'7948, 0x656e'6975, 0x6e65'476e}) == Instruction::vmmcall);

using Call = std::vector<std::uint64_t>;

// Answers one call after the other, and keeps what was asked.
struct Host {
    std::vector<std::int64_t> answers;
    std::vector<Call> calls;

    auto hypercalls()
    {
        return Hypercalls{[this](std::uint64_t number, std::uint64_t a0, std::uint64_t a1,
                                 std::uint64_t a2, std::uint64_t a3) {
            calls.push_back({number, a0, a1, a2, a3});
            return answers.at(calls.size() - 1);
        }};
    }
};

TEST(PvHypercall, ArgumentsAreInTheirPlaces)
{
    Host host{.answers = {0, 0, 3, -95}, .calls = {}};
    const auto calls = host.hypercalls();
    EXPECT_EQ(calls.kick_cpu(7), 0);
    EXPECT_EQ(calls.sched_yield(8), 0);
    EXPECT_EQ(calls.send_ipi(Multicast{0x11, 0x22, 5}, IpiCommand::from(0x441)), 3);
    EXPECT_EQ(calls.clock_pairing(0x1000, 1), -95);
    EXPECT_THAT(host.calls, ElementsAre(Call{5, 0, 7, 0, 0}, Call{11, 8, 0, 0, 0},
                                        Call{10, 0x11, 0x22, 5, 0x441}, Call{9, 0x1000, 1, 0, 0}));
}

TEST(PvHypercall, IpisToManyAreAddedUp)
{
    Host host{.answers = {2, 1}, .calls = {}};
    const std::uint32_t ids[]{0, 1, 200};
    EXPECT_EQ(host.hypercalls().send_ipi(ids, IpiCommand::from(0x40)), 3);
    EXPECT_THAT(host.calls, ElementsAre(Call{10, 3, 0, 0, 0x40}, Call{10, 1, 0, 200, 0x40}));
}

TEST(PvHypercall, IpisEndWithTheFirstError)
{
    Host host{.answers = {1, -22, 1}, .calls = {}};
    const std::uint32_t ids[]{0, 200, 400};
    EXPECT_EQ(host.hypercalls().send_ipi(ids, {}), -22);
    EXPECT_EQ(host.calls.size(), 2U);
}

}  // namespace
