// SPDX-License-Identifier: MIT
//
// A GICv5 CPU interface as software finds it. The registers' reset values are UNKNOWN (AES 0070),
// but whatever they are, an acknowledge has a result, and nobody's machine ends. The CPU under test
// starts at a few instructions of this file, and not in the image's runtime, which would set the
// interface up.

#include "arm64/power/psci.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"

#include <cstddef>
#include <cstdint>

using namespace gicv5;

// What the started CPU notes, with its MMU and caches off.
struct alignas(256) InterfaceAtReset {
    std::uint64_t candidate;     // ICC_HPPIR_EL1
    std::uint64_t acknowledged;  // of GICR CDIA
    std::uint64_t arrived;       // 1 when these are written
    std::uint64_t by_smc;        // conduit of CPU_OFF: 0 HVC, 1 SMC
};
static_assert(offsetof(InterfaceAtReset, arrived) == 16 &&
              offsetof(InterfaceAtReset, by_smc) == 24);

extern "C" {
[[gnu::visibility("hidden")]] InterfaceAtReset gicv5_at_reset;
[[gnu::visibility("hidden")]] void gicv5_reset_probe();
}

// Sets ICC_CR0_EL1.EN and acknowledges, without a write to any other register of the interface.
asm(R"(
        .pushsection .text.gicv5_reset_probe, "ax"
        .balign 4
gicv5_reset_probe:
        adrp    x9, gicv5_at_reset
        add     x9, x9, :lo12:gicv5_at_reset
        mrs     x1, s3_1_c12_c0_1
        orr     x1, x1, #1
        msr     s3_1_c12_c0_1, x1
        isb
        mrs     x2, s3_0_c12_c10_3
        mrs     x3, s1_0_c12_c3_0
        bic     x1, x1, #1
        msr     s3_1_c12_c0_1, x1
        isb
        stp     x2, x3, [x9]
        dsb     sy
        mov     x4, #1
        ldr     x5, [x9, #24]
        str     x4, [x9, #16]
        dsb     sy
        mov     w0, #0x0002
        movk    w0, #0x8400, lsl #16
        cbnz    x5, 1f
        hvc     #0
1:      .inst   0xd4000003
2:      wfi
        b       2b
        .popsection
)");

namespace {

// The record's line goes to memory and out of this CPU's caches.
void clean_and_invalidate_record()
{
    asm volatile("dc civac, %0\n\tdsb sy" ::"r"(&gicv5_at_reset) : "memory");
}

bool is_off(const smp::Cpu& cpu)
{
    const auto answer = psci::call(psci::Function::affinity_info, cpu.hardware_id, 0);
    return static_cast<psci::AffinityState>(answer) == psci::AffinityState::off;
}

}  // namespace

TEST(gicv5_reset, enabled_at_reset,
     .summary =
         "an acknowledge on a CPU interface that was enabled and not initialised has a result",
     .needs = gicv5 && psci && cpus(2))
{
    constexpr unsigned index = 1;
    const smp::Cpu& cpu = smp::cpus()[index];
    const auto stopped = smp::stop(index);
    ASSERT_TRUE(stopped.has_value());
    gicv5_at_reset = {};
    gicv5_at_reset.by_smc = psci::conduit() == psci::Conduit::smc ? 1 : 0;
    clean_and_invalidate_record();

    const auto entry = reinterpret_cast<std::uintptr_t>(&gicv5_reset_probe);
    const auto answer = psci::call(psci::Function::cpu_on, cpu.hardware_id, entry);
    EXPECT_EQ(psci::status(answer), psci::Status::success);
    EXPECT_TRUE(timer::wait_until([] {
        clean_and_invalidate_record();
        return gicv5_at_reset.arrived == 1;
    }));
    const auto found = CDIA::from(gicv5_at_reset.acknowledged);
    test::note("HPPIR {:#x}, CDIA {:#x}", gicv5_at_reset.candidate, found.raw);
    if (found[CDIA::VALID] != 0) {
        EXPECT_TRUE(is_ppi(irq::Id{static_cast<std::uint32_t>(found.raw)}));
    } else {
        EXPECT_EQ(found.raw, 0);
    }

    EXPECT_TRUE(timer::wait_until([&] { return is_off(cpu); }));
    const auto started = smp::start(index);
    EXPECT_TRUE(started.has_value());
}
