// SPDX-License-Identifier: MIT
//
// The parts of the feature ID space that cannot be read: unallocated encodings, and EL0. Without
// FEAT_IDST such a read is an exception of unknown reason, with it a trapped MRS (Arm ARM D24.2.97,
// ID_AA64MMFR2_EL1.IDS).

#include "arm64/cpu/control_registers.h"
#include "lib/test/test.h"
#include "tests/support/arm64/probe.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/exception.h>
#include <arch/mmu.h>

#include <cstdint>
#include <iterator>

using syndrome::Direction;

USER_PROBE(user_read_pfr0, "mrs x7, s3_0_c0_c4_0");
USER_PROBE(user_read_midr, "mrs x7, s3_0_c0_c0_0");

namespace {

struct ID_AA64MMFR2_EL1 : SystemRegister<ID_AA64MMFR2_EL1, 3, 0, 0, 7, 2> {
    static constexpr Field IDS{39, 36};
};
struct MIDR_EL1 : SystemRegister<MIDR_EL1, 3, 0, 0, 0, 0> {};

template <unsigned Op1, unsigned Op2>
struct Unallocated : SystemRegister<Unallocated<Op1, Op2>, 3, Op1, 0, 0, Op2> {};

// Reads into X0, so that the syndrome is known.
template <typename R>
void read_into_x0()
{
    asm volatile("mrs x0, S%c0_%c1_C%c2_C%c3_%c4" ::"i"(R::op0), "i"(R::op1), "i"(R::crn),
                 "i"(R::crm), "i"(R::op2)
                 : "x0");
}

template <typename R>
std::uint64_t read_syndrome(std::uint32_t rt)
{
    return sysreg::read<ID_AA64MMFR2_EL1>()[ID_AA64MMFR2_EL1::IDS] != 0
               ? syndrome::trapped<R>(Direction::read, rt)
               : syndrome::undefined;
}

template <unsigned Op1, unsigned Op2>
void expect_trap()
{
    using R = Unallocated<Op1, Op2>;
    const auto taken = arch::raised([] { read_into_x0<R>(); });
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->esr, read_syndrome<R>(0));
}

}  // namespace

TEST(idreg, unallocated_traps,
     .summary = "reads of unallocated encodings beside MIDR_EL1, CCSIDR_EL1 and CTR_EL0 trap")
{
    struct {
        const char* name;
        void (*check)();
    } constexpr encodings[]{
        {"S3_0_C0_C0_1", expect_trap<0, 1>}, {"S3_0_C0_C0_2", expect_trap<0, 2>},
        {"S3_0_C0_C0_3", expect_trap<0, 3>}, {"S3_0_C0_C0_4", expect_trap<0, 4>},
        {"S3_0_C0_C0_7", expect_trap<0, 7>}, {"S3_1_C0_C0_3", expect_trap<1, 3>},
        {"S3_1_C0_C0_5", expect_trap<1, 5>}, {"S3_3_C0_C0_0", expect_trap<3, 0>},
        {"S3_3_C0_C0_2", expect_trap<3, 2>}, {"S3_3_C0_C0_3", expect_trap<3, 3>},
        {"S3_3_C0_C0_6", expect_trap<3, 6>},
    };
    test::Items items{std::size(encodings)};
    for (const auto& encoding : encodings) {
        items.run(encoding.name, [&] { encoding.check(); });
    }
}

TEST(idreg, user_reads_trap, .summary = "EL0 cannot read ID registers")
{
    const arch::UserAccess access;
    const arch::Exception pfr0 = arch::run_in_user(user_read_pfr0, 0);
    EXPECT_EQ(pfr0.esr, read_syndrome<ID_AA64PFR0_EL1>(7));
    EXPECT_EQ(pfr0.elr, probe_address(user_read_pfr0));
    const arch::Exception midr = arch::run_in_user(user_read_midr, 0);
    EXPECT_EQ(midr.esr, read_syndrome<MIDR_EL1>(7));
}
