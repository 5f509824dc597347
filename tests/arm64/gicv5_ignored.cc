// SPDX-License-Identifier: MIT
//
// What a GICv5 CPU interface has to ignore: bits without a meaning, interrupts that an instruction
// is not for, and interrupts that do not exist (AES 0070).

#include "lib/test/test.h"
#include "tests/support/arm64/gicv5.h"
#include "tests/support/arm64/register_guard.h"

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string_view>

using namespace gicv5;

namespace {

// The bits that a register keeps of ones written to all of them.
template <typename R>
std::uint64_t kept_of_ones()
{
    const irq::Masked masked;
    RegisterGuard<R> saved;
    saved.set(R::from(~std::uint64_t{0}));
    return sysreg::read<R>().raw;
}

constexpr std::uint64_t mask_of(std::initializer_list<Field> fields)
{
    std::uint64_t mask = 0;
    for (const Field field : fields) {
        mask |= field.mask();
    }
    return mask;
}

struct Instruction {
    std::string_view name;
    void (*run)(std::uint64_t operand);
};

template <typename R>
void execute(std::uint64_t operand)
{
    sysreg::write(R::from(operand));
}

// With every field of the operand set beside the interrupt: whatever it did would show.
constexpr Instruction instructions[]{
    {"GIC CDDIS", execute<CDDIS>},
    {"GIC CDEN", execute<CDEN>},
    {"GIC CDPRI", [](std::uint64_t id) { execute<CDPRI>(id | CDPRI::PRIORITY.mask()); }},
    {"GIC CDAFF", [](std::uint64_t id) { execute<CDAFF>(id | CDAFF::IAFFID.mask()); }},
    {"GIC CDPEND 0", execute<CDPEND>},
    {"GIC CDPEND 1", [](std::uint64_t id) { execute<CDPEND>(id | CDPEND::PENDING.mask()); }},
    {"GIC CDHM 0", execute<CDHM>},
    {"GIC CDHM 1", [](std::uint64_t id) { execute<CDHM>(id | CDHM::HM.mask()); }},
};

void complete()
{
    sysreg::write(GSB_SYS{});
    sysreg::synchronize();
}

ICC_ICSR_EL1 configuration(irq::Id id)
{
    sysreg::write(CDRCFG::from(id.value));
    sysreg::synchronize();
    return sysreg::read<ICC_ICSR_EL1>();
}

// The state of SW_PPI as it was made: enabled, pending and so the candidate; or neither.
void expect_ppi_as_it_was(bool raised)
{
    EXPECT_EQ(interface.enabled(sw_ppi), raised);
    EXPECT_EQ(interface.pending(sw_ppi), raised);
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_FALSE(interface.level_sensitive(sw_ppi));
    EXPECT_EQ(interface.priority(sw_ppi), default_priority);
    EXPECT_EQ(active_priorities(), 0);
    EXPECT_EQ(candidate(), raised ? sw_ppi_id() : nothing);
}

// Every instruction on these interrupts leaves SW_PPI alone, and makes no other candidate.
void expect_ignored(std::span<const irq::Id> ids)
{
    test::Items items{std::size(instructions)};
    for (const Instruction& instruction : instructions) {
        items.run(instruction.name, [&] {
            for (const bool raised : {true, false}) {
                const PpiUnderTest under_test;
                if (raised) {
                    interface.set_pending(sw_ppi);
                } else {
                    interface.disable(sw_ppi);
                }
                for (const irq::Id id : ids) {
                    instruction.run(id.value);
                    complete();
                    expect_ppi_as_it_was(raised);
                }
            }
        });
    }
}

}  // namespace

TEST(gicv5_ignored, res0,
     .summary = "bits of registers without a meaning read as zero when ones were written",
     .needs = gicv5)
{
    struct {
        std::string_view name;
        std::uint64_t (*kept)();
        std::uint64_t meaning;
    } constexpr registers[]{
        {"ICC_PCR_EL1", kept_of_ones<ICC_PCR_EL1>, mask_of({ICC_PCR_EL1::PRIORITY})},
        {"ICC_APR_EL1", kept_of_ones<ICC_APR_EL1>, 0xffff'ffff},
        {"ICC_CR0_EL1", kept_of_ones<ICC_CR0_EL1>,
         mask_of({ICC_CR0_EL1::PID, ICC_CR0_EL1::IPPT, ICC_CR0_EL1::LINK_IDLE, ICC_CR0_EL1::LINK,
                  ICC_CR0_EL1::EN})},
        {"ICC_ICSR_EL1", kept_of_ones<ICC_ICSR_EL1>,
         mask_of({ICC_ICSR_EL1::IAFFID, ICC_ICSR_EL1::Priority, ICC_ICSR_EL1::HM,
                  ICC_ICSR_EL1::Active, ICC_ICSR_EL1::IRM, ICC_ICSR_EL1::Pending,
                  ICC_ICSR_EL1::Enabled, ICC_ICSR_EL1::F})},
        {"ICC_PPI_PRIORITYR0_EL1", kept_of_ones<ICC_PPI_PRIORITYR_EL1<0>>, 0x1f1f'1f1f'1f1f'1f1f},
        {"ICC_PPI_PRIORITYR3_EL1", kept_of_ones<ICC_PPI_PRIORITYR_EL1<3>>, 0x1f1f'1f1f'1f1f'1f1f},
    };
    test::Items items{std::size(registers)};
    for (const auto& entry : registers) {
        items.run(entry.name, [&] { EXPECT_EQ(entry.kept() & ~entry.meaning, 0); });
    }
}

TEST(gicv5_ignored, ppi_operands,
     .summary = "the instructions that configure SPIs and LPIs leave PPIs alone", .needs = gicv5)
{
    const irq::Id ids[]{sw_ppi_id()};
    expect_ignored(ids);
    EXPECT_EQ(configuration(sw_ppi_id())[ICC_ICSR_EL1::F], 1);
}

TEST(gicv5_ignored, reserved_types,
     .summary = "instructions on interrupts of a reserved type do nothing", .needs = gicv5)
{
    const irq::Id ids[]{
        intid(static_cast<IntidType>(0), sw_ppi), intid(static_cast<IntidType>(4), sw_ppi),
        intid(static_cast<IntidType>(5), sw_ppi), intid(static_cast<IntidType>(6), sw_ppi),
        intid(static_cast<IntidType>(7), sw_ppi),
    };
    expect_ignored(ids);
    for (const irq::Id id : ids) {
        EXPECT_EQ(configuration(id)[ICC_ICSR_EL1::F], 1);
    }
}

TEST(gicv5_ignored, unreachable,
     .summary = "instructions on SPIs and LPIs that do not exist do nothing, and CDRCFG says so",
     .needs = gicv5)
{
    constexpr std::uint32_t highest = 0xff'ffff;
    const irq::Id ids[]{intid(IntidType::spi, highest), intid(IntidType::lpi, highest)};
    expect_ignored(ids);
    for (const irq::Id id : ids) {
        EXPECT_EQ(configuration(id)[ICC_ICSR_EL1::F], 1);
        interface.deactivate(id);
        complete();
        EXPECT_EQ(configuration(id)[ICC_ICSR_EL1::F], 1);
    }
    EXPECT_EQ(active_priorities(), 0);
}

TEST(gicv5_ignored, operand_res0,
     .summary = "bits of an operand without a meaning do not change what CDDI and CDEOI do",
     .needs = gicv5)
{
    constexpr std::uint64_t meaning = CDDI::TYPE.mask() | CDDI::ID.mask();
    const PpiUnderTest under_test;
    interface.set_pending(sw_ppi);
    ASSERT_EQ(acknowledged(), sw_ppi_id());
    sysreg::write(CDDI::from(sw_ppi_id().value | ~meaning));
    sysreg::write(CDEOI::from(~std::uint64_t{0}));
    sysreg::synchronize();
    EXPECT_FALSE(interface.active(sw_ppi));
    EXPECT_EQ(active_priorities(), 0);
}
