// SPDX-License-Identifier: MIT
//
// PSCI: CPUs that are turned off and on (Arm DEN 0022 5.4 to 5.7 and 6.4). The CPU under test
// starts at a few instructions of this file, which note its state and wait, and not in the image's
// runtime.

#include "arm64/boot/entry_state.h"
#include "arm64/cpu/control_registers.h"
#include "arm64/power/psci.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"

#include <cstddef>
#include <cstdint>

using psci::AffinityState;
using psci::Function;
using psci::Status;

// What the started CPU notes, with its MMU off: CPUs with caches on have to go around them.
struct alignas(256) StartRecord {
    std::uint64_t context;
    std::uint64_t level;  // CurrentEL
    std::uint64_t daif;
    std::uint64_t stack_selection;  // SPSel
    std::uint64_t sctlr;            // of that level
    std::uint64_t affinity;         // MPIDR_EL1
    std::uint64_t arrived;          // 1 when all of these are written
    std::uint64_t released;         // 1: turn off
    std::uint64_t by_smc;           // conduit of CPU_OFF: 0 HVC, 1 SMC
};
static_assert(offsetof(StartRecord, released) == 56 && offsetof(StartRecord, by_smc) == 64);

extern "C" {
[[gnu::visibility("hidden")]] StartRecord psci_start_record;
[[gnu::visibility("hidden")]] void psci_start_probe();
}

asm(R"(
        .pushsection .text.psci_start_probe, "ax"
        .balign 4
psci_start_probe:
        adrp    x9, psci_start_record
        add     x9, x9, :lo12:psci_start_record
        mrs     x1, CurrentEL
        mrs     x2, daif
        mrs     x3, spsel
        cmp     x1, #(2 << 2)
        b.eq    1f
        mrs     x4, sctlr_el1
        b       2f
1:      mrs     x4, sctlr_el2
2:      mrs     x5, mpidr_el1
        stp     x0, x1, [x9]
        stp     x2, x3, [x9, #16]
        stp     x4, x5, [x9, #32]
        dsb     sy
        mov     x0, #1
        str     x0, [x9, #48]
        dsb     sy
3:      yield
        ldr     x0, [x9, #56]
        cbz     x0, 3b
        ldr     x1, [x9, #64]
        mov     w0, #0x0002
        movk    w0, #0x8400, lsl #16
        cbnz    x1, 4f
        hvc     #0
4:      .inst   0xd4000003
5:      wfi
        b       5b
        .popsection
)");

namespace {

// The record's lines go to memory and out of this CPU's caches.
void clean_and_invalidate_record()
{
    constexpr std::uintptr_t smallest_line = 16;
    const auto begin = reinterpret_cast<std::uintptr_t>(&psci_start_record);
    for (std::uintptr_t at = begin; at < begin + sizeof(StartRecord); at += smallest_line) {
        asm volatile("dc civac, %0" ::"r"(at) : "memory");
    }
    asm volatile("dsb sy" ::: "memory");
}

const StartRecord& fresh_record()
{
    clean_and_invalidate_record();
    return psci_start_record;
}

AffinityState state_of(const smp::Cpu& cpu)
{
    return static_cast<AffinityState>(psci::call(Function::affinity_info, cpu.hardware_id, 0));
}

bool wait_for_state(const smp::Cpu& cpu, AffinityState state)
{
    return timer::wait_until([&] { return state_of(cpu) == state; });
}

// A CPU that the runtime has given up for a scope.
class BorrowedCpu {
public:
    explicit BorrowedCpu(unsigned index) : cpu_{smp::cpus()[index]}
    {
        if (const auto stopped = smp::stop(index); !stopped) {
            test::error("{}", stopped.error().what);
        }
        EXPECT_TRUE(wait_for_state(cpu_, AffinityState::off));
    }
    ~BorrowedCpu()
    {
        release();
        EXPECT_TRUE(wait_for_state(cpu_, AffinityState::off));
        if (const auto started = smp::start(cpu_.index); !started) {
            test::error("{}", started.error().what);
        }
        EXPECT_TRUE(cpu_.online.load());
    }
    BorrowedCpu(const BorrowedCpu&) = delete;
    BorrowedCpu& operator=(const BorrowedCpu&) = delete;

    [[nodiscard]] const smp::Cpu& cpu() const { return cpu_; }

    static void prepare()
    {
        psci_start_record = {};
        psci_start_record.by_smc = psci::conduit() == psci::Conduit::smc ? 1 : 0;
        clean_and_invalidate_record();
    }

    // Starts the CPU at the probe.
    [[nodiscard]] Status turn_on(Function function, std::uint64_t context) const
    {
        const auto entry = reinterpret_cast<std::uintptr_t>(&psci_start_probe);
        return psci::status(psci::call(function, cpu_.hardware_id, entry, context));
    }

    [[nodiscard]] static bool wait_for_arrival()
    {
        return timer::wait_until([] { return fresh_record().arrived == 1; });
    }

    // The CPU turns itself off.
    static void release()
    {
        psci_start_record.released = 1;
        clean_and_invalidate_record();
    }

private:
    smp::Cpu& cpu_;
};

}  // namespace

TEST(psci, restart,
     .summary = "a CPU can be turned off and on again, many times, and works as before",
     .needs = psci && cpus(2))
{
    for (unsigned round = 0; round < 10; ++round) {
        const unsigned index = 1 + round % (smp::online_count() - 1);
        const auto stopped = smp::stop(index);
        ASSERT_TRUE(stopped.has_value());
        EXPECT_TRUE(wait_for_state(smp::cpus()[index], AffinityState::off));
        const auto started = smp::start(index);
        ASSERT_TRUE(started.has_value());
        EXPECT_TRUE(wait_for_state(smp::cpus()[index], AffinityState::on));
        unsigned ran_on = smp::Cpu::none;
        smp::on_cpu(index, [&] { ran_on = smp::this_cpu().index; });
        EXPECT_EQ(ran_on, index);
    }
}

TEST(psci, start_state,
     .summary = "a CPU starts with its context in x0, exceptions masked, MMU and caches off, at "
                "the right level",
     .needs = psci && cpus(2))
{
    constexpr std::uint64_t all_masked = 0xf << 6;
    test::Random random;
    const BorrowedCpu borrowed{1};
    for (unsigned round = 0; round < 10; ++round) {
        const std::uint64_t context = random.next();
        BorrowedCpu::prepare();
        ASSERT_EQ(borrowed.turn_on(Function::cpu_on, context), Status::success);
        ASSERT_TRUE(BorrowedCpu::wait_for_arrival());

        const StartRecord& record = fresh_record();
        EXPECT_EQ(record.context, context);
        EXPECT_EQ(record.level >> 2, entry_state.level);
        EXPECT_EQ(record.daif, all_masked);
        EXPECT_EQ(record.stack_selection, 1);
        EXPECT_EQ(SCTLR_EL1::from(record.sctlr)[SCTLR_EL1::M], 0);
        EXPECT_EQ(SCTLR_EL1::from(record.sctlr)[SCTLR_EL1::C], 0);
        EXPECT_EQ(MPIDR_EL1::from(record.affinity).affinity(), borrowed.cpu().hardware_id);

        BorrowedCpu::release();
        ASSERT_TRUE(wait_for_state(borrowed.cpu(), AffinityState::off));
    }
}

TEST(psci, state_while_on,
     .summary = "a started CPU is on for AFFINITY_INFO and CPU_ON until it turns off",
     .needs = psci && cpus(2))
{
    const BorrowedCpu borrowed{1};
    EXPECT_TRUE(state_of(borrowed.cpu()) == AffinityState::off);
    BorrowedCpu::prepare();
    ASSERT_EQ(borrowed.turn_on(Function::cpu_on, 0), Status::success);
    ASSERT_TRUE(BorrowedCpu::wait_for_arrival());
    EXPECT_TRUE(state_of(borrowed.cpu()) == AffinityState::on);
    EXPECT_EQ(borrowed.turn_on(Function::cpu_on, 0), Status::already_on);
}

TEST(psci, state_transitions,
     .summary = "AFFINITY_INFO of a CPU that starts and stops ends at on and at off",
     .needs = psci && cpus(2))
{
    constexpr unsigned rounds = 20;
    const BorrowedCpu borrowed{1};
    unsigned off_after_start = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        BorrowedCpu::prepare();
        ASSERT_EQ(borrowed.turn_on(Function::cpu_on, 0), Status::success);
        AffinityState state = state_of(borrowed.cpu());
        off_after_start += state == AffinityState::off ? 1 : 0;
        EXPECT_TRUE(timer::wait_until([&] {
            state = state_of(borrowed.cpu());
            return state != AffinityState::off && state != AffinityState::on_pending;
        }));
        EXPECT_TRUE(state == AffinityState::on);
        ASSERT_TRUE(BorrowedCpu::wait_for_arrival());
        BorrowedCpu::release();
        EXPECT_TRUE(timer::wait_until([&] {
            state = state_of(borrowed.cpu());
            return state != AffinityState::on;
        }));
        EXPECT_TRUE(state == AffinityState::off);
    }
    if (off_after_start != 0) {
        test::note("{} of {} times the CPU was still called off after CPU_ON had succeeded",
                   off_after_start, rounds);
    }
}

TEST(psci, cpu_on_32, .summary = "the 32-bit CPU_ON starts a CPU and passes 32 bits of context",
     .needs = psci && cpus(2))
{
    const auto entry = reinterpret_cast<std::uintptr_t>(&psci_start_probe);
    if (entry >> 32 != 0 || smp::cpus()[1].hardware_id >> 32 != 0) {
        return test::skip("the image or the CPU's affinity is out of reach of 32-bit calls");
    }
    const BorrowedCpu borrowed{1};
    BorrowedCpu::prepare();
    ASSERT_EQ(borrowed.turn_on(Function::cpu_on_32, 0x1234'5678), Status::success);
    ASSERT_TRUE(BorrowedCpu::wait_for_arrival());
    EXPECT_EQ(fresh_record().context, 0x1234'5678);
}

TEST(psci, cpu_on_race,
     .summary = "of two CPUs that turn on a third, one succeeds and the other hears that it is on",
     .needs = psci && cpus(3))
{
    const BorrowedCpu borrowed{1};
    for (unsigned round = 0; round < 15; ++round) {
        BorrowedCpu::prepare();
        smp::Barrier barrier{2};
        Status answers[2]{};
        const auto race = [&](Status& answer) {
            barrier.wait();
            answer = borrowed.turn_on(Function::cpu_on, 0);
        };
        {
            const auto other = [&] { race(answers[1]); };
            const smp::Task task{2, other};
            race(answers[0]);
        }
        const bool first = answers[0] == Status::success;
        const bool second = answers[1] == Status::success;
        ASSERT_TRUE(first != second);
        const Status loser = first ? answers[1] : answers[0];
        EXPECT_TRUE(loser == Status::already_on || loser == Status::on_pending);
        ASSERT_TRUE(BorrowedCpu::wait_for_arrival());
        BorrowedCpu::release();
        ASSERT_TRUE(wait_for_state(borrowed.cpu(), AffinityState::off));
    }
}
