// SPDX-License-Identifier: MIT
#include "lib/console/ns16550.h"
#include "lib/console/spaced_mmio.h"
#include "unit/support/mock_io.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace {

using namespace ns16550;

class Ns16550Test : public testing::Test {
protected:
    unit::IoScript script_;
    unit::MockIo io_ = script_.frame("UART");
    Ns16550<unit::MockIo> uart_{io_};
};

TEST_F(Ns16550Test, Init)
{
    io_.expect_write(LCR::from(0x03));
    io_.expect_write(IER::from(0x00));
    io_.expect_write(FCR::from(0x01));
    io_.expect_write(MCR::from(0x03));
    uart_.init();
}

TEST_F(Ns16550Test, AByteWaitsForRoom)
{
    io_.expect_read(LSR::from(0x00));
    io_.expect_read(LSR::from(0x20));
    io_.expect_write(THR::from('A'));
    uart_.put('A');
}

TEST_F(Ns16550Test, FlushWaitsUntilItIsIdle)
{
    io_.expect_read(LSR::from(0x20));
    io_.expect_read(LSR::from(0x60));
    uart_.flush();
}

TEST_F(Ns16550Test, ADeadUartDropsBytes)
{
    io_.always_read(LSR::from(0x00));
    uart_.put('A');
    uart_.flush();
}

// Writes THR and MCR and reads LSR of a device whose registers lie `shift` and `width` apart.
template <typename Cell>
void expect_registers_at_their_places(unsigned shift)
{
    constexpr std::uint8_t untouched = 0xaa;
    alignas(8) std::array<std::uint8_t, 8 << 3> memory;
    memory.fill(untouched);
    const std::size_t distance = std::size_t{1} << shift;
    const Cell status = 0x60;
    std::memcpy(&memory[5 * distance], &status, sizeof status);

    const SpacedMmio io{reinterpret_cast<std::uintptr_t>(memory.data()), shift, sizeof(Cell)};
    EXPECT_EQ(io.read<LSR>().raw, 0x60);
    io.write(THR::from('A'));
    io.write(MCR::from(0x03));

    for (std::size_t i = 0; i < memory.size(); ++i) {
        std::uint8_t expected = untouched;
        for (const auto& [number, value] :
             {std::pair{std::size_t{THR::offset}, 'A'}, {MCR::offset, 0x03}, {LSR::offset, 0x60}}) {
            if (i / sizeof(Cell) == number * distance / sizeof(Cell)) {
                expected = i % sizeof(Cell) == 0 ? static_cast<std::uint8_t>(value) : 0;
            }
        }
        EXPECT_EQ(memory[i], expected) << "byte " << i << ", shift " << shift;
    }
}

TEST(SpacedMmio, RegistersAreWhereTheDeviceTreeSaysTheyAre)
{
    expect_registers_at_their_places<std::uint8_t>(0);
    expect_registers_at_their_places<std::uint8_t>(2);
    expect_registers_at_their_places<std::uint16_t>(1);
    expect_registers_at_their_places<std::uint32_t>(2);
    expect_registers_at_their_places<std::uint32_t>(3);
}

}  // namespace
