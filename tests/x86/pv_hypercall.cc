// SPDX-License-Identifier: MIT
//
// KVM's hypercalls: how they are made, and what answers what is none. Linux
// Documentation/virt/kvm/x86/hypercalls.rst.

#include "tests/support/x86/pv.h"
#include "x86/cpu/hypervisor.h"
#include "x86/pv/discover.h"

#include <arch/mmu.h>

#include <iterator>

using namespace pv;

// For ring 3: number 1, which has no effect and which anybody could make.
#define USER_HYPERCALL(name, instruction)                                              \
    asm(".pushsection .user_text, \"ax\"\n" #name ":\n\tmovl $1, %eax\n\t" instruction \
        "\n\tretq\n\t.popsection");                                                    \
    extern "C" [[gnu::visibility("hidden")]] void name(std::uint64_t argument)

USER_HYPERCALL(assay_user_vmcall, "vmcall");
USER_HYPERCALL(assay_user_vmmcall, "vmmcall");

namespace {

constexpr CallRegisters sample{
    .rax = unknown_hypercall,
    .rbx = 0x1111'1111'1111'1111,
    .rcx = 0x2222'2222'2222'2222,
    .rdx = 0x3333'3333'3333'3333,
    .rsi = 0x4444'4444'4444'4444,
    .rdi = 0x5555'5555'5555'5555,
    .r8 = 0x0808'0808'0808'0808,
    .r9 = 0x0909'0909'0909'0909,
    .r10 = 0x1010'1010'1010'1010,
    .r11 = 0x1111'0000'1111'0000,
    .r12 = 0x1212'1212'1212'1212,
    .r13 = 0x1313'1313'1313'1313,
    .r14 = 0x1414'1414'1414'1414,
    .r15 = 0x1515'1515'1515'1515,
};

struct Named {
    const char* name;
    std::uint64_t number;
};
constexpr Named unknown[]{
    {"0", 0},
    {"MMU_OP", 2},
    {"FEATURES", 3},
    {"PPC_MAP_MAGIC_PAGE", 4},
    {"MIPS_GET_CLOCK_FREQ", 6},
    {"MIPS_EXIT_VM", 7},
    {"MIPS_CONSOLE_OUTPUT", 8},
    {"9999", unknown_hypercall},
    {"2^31", std::uint64_t{1} << 31},
    {"2^32 + VAPIC_POLL_IRQ", (std::uint64_t{1} << 32) + 1},
    {"2^64 - 1", ~std::uint64_t{0}},
};

struct Offered {
    const char* name;
    Hypercall number;
    Field feature;
};
constexpr Offered offered[]{
    {"KICK_CPU", Hypercall::kick_cpu, Features::PV_UNHALT},
    {"SEND_IPI", Hypercall::send_ipi, Features::PV_SEND_IPI},
    {"SCHED_YIELD", Hypercall::sched_yield, Features::PV_SCHED_YIELD},
    {"MAP_GPA_RANGE", Hypercall::map_gpa_range, Features::HC_MAP_GPA_RANGE},
};

}  // namespace

TEST(pv, hypercall_instruction,
     .summary = "the CPU vendor's hypercall instruction is answered and raises no exception",
     .needs = kvm)
{
    test::note("{}", hypercall_instruction() == Instruction::vmmcall ? "VMMCALL" : "VMCALL");
    const auto exception = arch::raised([] { static_cast<void>(hypercall(unknown_hypercall)); });
    if (exception) {
        test::note("vector {}, error code {:#x}, RIP {:#x}, CR2 {:#x}", exception->vector,
                   exception->error_code, exception->rip, exception->cr2);
    }
    EXPECT_FALSE(exception);
}

TEST(pv, hypercall_offered, .summary = "every hypercall whose feature is offered is known",
     .needs = kvm)
{
    const Features features = leaves()->features;
    test::Items items{std::size(offered)};
    for (const Offered& call : offered) {
        items.run(call.name, [&] {
            if (features[call.feature] == 0) {
                return test::skip("not offered");
            }
            // To an APIC ID that no CPU has, IPIs to nobody, and no pages.
            const bool sends = call.number == Hypercall::send_ipi;
            const std::uint64_t nobody = sends ? 0 : 0xffff'fffe;
            const std::int64_t answer =
                answer_of(static_cast<std::uint64_t>(call.number), nobody, 0);
            EXPECT_NE(answer, no_answer);
            EXPECT_NE(answer, answer::enosys);
        });
    }
}

TEST(pv, hypercall_unoffered,
     .summary = "a hypercall whose feature is not offered is answered like an unknown one",
     .needs = kvm)
{
    if (!hypercalls_work()) {
        return;
    }
    const Features features = leaves()->features;
    test::Items items{std::size(offered)};
    for (const Offered& call : offered) {
        items.run(call.name, [&] {
            if (features[call.feature] != 0) {
                return test::skip("offered");
            }
            EXPECT_EQ(answer_of(static_cast<std::uint64_t>(call.number)), answer::enosys);
        });
    }
}

TEST(pv, hypercall_unknown, .summary = "unknown numbers are answered with -1000; all 64 bits count",
     .needs = kvm)
{
    if (!hypercalls_work()) {
        return;
    }
    test::Items items{std::size(unknown)};
    for (const Named& call : unknown) {
        items.run(call.name, [&] { EXPECT_EQ(answer_of(call.number), answer::enosys); });
    }
}

TEST(pv, hypercall_keeps_registers, .summary = "a hypercall changes no register but RAX",
     .needs = kvm)
{
    if (!hypercalls_work()) {
        return;
    }
    smp::on_all_cpus([] {
        CallRegisters registers = sample;
        hypercall_with(hypercall_instruction(), registers);
        EXPECT_EQ(static_cast<std::int64_t>(registers.rax), answer::enosys);
        registers.rax = sample.rax;
        EXPECT_TRUE(registers == sample);
    });
}

TEST(pv, hypercall_vapic_poll_irq, .summary = "VAPIC_POLL_IRQ is answered with 0", .needs = kvm)
{
    if (!hypercalls_work()) {
        return;
    }
    EXPECT_EQ(answer_of(static_cast<std::uint64_t>(Hypercall::vapic_poll_irq)), 0);
}

TEST(pv, hypercall_user, .summary = "a hypercall from ring 3 is answered with -1", .needs = kvm)
{
    if (!hypercalls_work()) {
        return;
    }
    const arch::UserAccess access;
    const arch::Exception left = arch::run_in_user(
        hypercall_instruction() == Instruction::vmmcall ? assay_user_vmmcall : assay_user_vmcall,
        0);
    ASSERT_EQ(left.vector, std::uint64_t{x86::system_call});
    EXPECT_EQ(static_cast<std::int64_t>(left.rax), answer::eperm);
}

TEST(pv, hypercall_undefined,
     .summary = "without virtualisation VMCALL and VMMCALL raise #UD and change nothing",
     .needs = !kvm)
{
    if (hypervisor::present() && hypervisor::name() != "TCGTCGTCGTCG") {
        return test::skip("the hypervisor {} may have hypercalls of its own", hypervisor::name());
    }
    test::Items items{2};
    for (const Instruction instruction : {Instruction::vmcall, Instruction::vmmcall}) {
        items.run(instruction == Instruction::vmcall ? "VMCALL" : "VMMCALL", [&] {
            CallRegisters registers = sample;
            const auto exception = arch::raised([&] { hypercall_with(instruction, registers); });
            ASSERT_TRUE(exception);
            EXPECT_EQ(exception->vector, std::uint64_t{x86::invalid_opcode});
            EXPECT_EQ(exception->rax, sample.rax);
        });
    }
}
