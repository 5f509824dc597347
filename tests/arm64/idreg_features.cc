// SPDX-License-Identifier: MIT
//
// One instruction of each feature that the ID registers announce, executed.

#include "arm64/cpu/control_registers.h"
#include "lib/test/test.h"
#include "tests/support/arm64/syndrome.h"

#include <arch/exception.h>

#include <cstdint>
#include <iterator>

namespace {

struct ID_AA64ISAR0_EL1 : SystemRegister<ID_AA64ISAR0_EL1, 3, 0, 0, 6, 0> {};

// Executes an instruction word with X0 pointing to memory. It may change X0 to X7 and V0 to V7,
// which the image does not use, and the flags.
#define EXECUTE(word)                                                                       \
    [](std::uint64_t* memory) {                                                             \
        register std::uint64_t* x0 asm("x0") = memory;                                      \
        asm volatile(".inst " #word                                                         \
                     : "+r"(x0)::"x1", "x2", "x3", "x4", "x5", "x6", "x7", "cc", "memory"); \
    }

struct Feature {
    const char* name;
    std::uint64_t (*identification)();
    Field field;
    std::uint64_t at_least;
    void (*execute)(std::uint64_t* memory);
};

template <typename R>
std::uint64_t raw()
{
    return sysreg::read<R>().raw;
}

constexpr auto isar0 = raw<ID_AA64ISAR0_EL1>;
constexpr auto isar1 = raw<ID_AA64ISAR1_EL1>;

constexpr Feature features[]{
    {"AES: AESE", isar0, Field{7, 4}, 1, EXECUTE(0x4e284820)},
    {"SHA1: SHA1H", isar0, Field{11, 8}, 1, EXECUTE(0x5e280820)},
    {"SHA2: SHA256SU0", isar0, Field{15, 12}, 1, EXECUTE(0x5e282820)},
    {"SHA2: SHA512SU0", isar0, Field{15, 12}, 2, EXECUTE(0xcec08020)},
    {"CRC32: CRC32B", isar0, Field{19, 16}, 1, EXECUTE(0x1ac04000)},
    {"ATOMIC: LDADD", isar0, Field{23, 20}, 2, EXECUTE(0xf8210002)},
    {"RDM: SQRDMLAH", isar0, Field{31, 28}, 1, EXECUTE(0x6e828420)},
    {"SHA3: EOR3", isar0, Field{35, 32}, 1, EXECUTE(0xce020c20)},
    {"SM3: SM3PARTW1", isar0, Field{39, 36}, 1, EXECUTE(0xce62c020)},
    {"SM4: SM4E", isar0, Field{43, 40}, 1, EXECUTE(0xcec08420)},
    {"DP: SDOT", isar0, Field{47, 44}, 1, EXECUTE(0x4e829420)},
    {"FHM: FMLAL", isar0, Field{51, 48}, 1, EXECUTE(0x4e22ec20)},
    {"TS: CFINV", isar0, Field{55, 52}, 1, EXECUTE(0xd500401f)},
    {"TS: AXFLAG", isar0, Field{55, 52}, 2, EXECUTE(0xd500405f)},
    {"RNDR: MRS RNDR", isar0, Field{63, 60}, 1, EXECUTE(0xd53b2401)},
    {"DPB: DC CVAP", isar1, Field{3, 0}, 1, EXECUTE(0xd50b7c20)},
    {"JSCVT: FJCVTZS", isar1, Field{15, 12}, 1, EXECUTE(0x1e7e0001)},
    {"FCMA: FCADD", isar1, Field{19, 16}, 1, EXECUTE(0x6e82e420)},
    {"LRCPC: LDAPR", isar1, Field{23, 20}, 1, EXECUTE(0xf8bfc001)},
    {"LRCPC: LDAPUR", isar1, Field{23, 20}, 2, EXECUTE(0xd9400001)},
    {"FRINTTS: FRINT32Z", isar1, Field{35, 32}, 1, EXECUTE(0x1e284020)},
    {"SB: SB", isar1, Field{39, 36}, 1, EXECUTE(0xd50330ff)},
    {"BF16: BFDOT", isar1, Field{47, 44}, 1, EXECUTE(0x6e42fc20)},
    {"I8MM: SMMLA", isar1, Field{55, 52}, 1, EXECUTE(0x4e82a420)},
};

}  // namespace

TEST(idreg, announced_instructions,
     .summary = "an instruction of every feature that the ID registers announce executes")
{
    alignas(64) std::uint64_t memory[8]{};
    test::Items items{std::size(features)};
    for (const Feature& feature : features) {
        items.run(feature.name, [&] {
            const auto value = feature.identification();
            const bool announced =
                (value & feature.field.mask()) >> feature.field.low >= feature.at_least;
            const auto taken = arch::raised([&] { feature.execute(memory); });
            test::item_value("{}, {}", announced ? "announced" : "not announced",
                             taken ? "undefined" : "executes");
            // What is hidden may execute all the same: a hypervisor cannot trap most instructions.
            EXPECT_TRUE(!announced || !taken.has_value());
            EXPECT_TRUE(!taken.has_value() || taken->esr == syndrome::undefined);
        });
    }
}
