// SPDX-License-Identifier: MIT
#include "lib/console/pl011.h"
#include "unit/support/mock_io.h"

#include <gtest/gtest.h>

namespace {

using namespace pl011;

// Arm DDI 0183, table 3-1.
static_assert(DR::offset == 0x00 && FR::offset == 0x18 && IBRD::offset == 0x24);
static_assert(FBRD::offset == 0x28 && LCR_H::offset == 0x2c && CR::offset == 0x30);
static_assert(IMSC::offset == 0x38);

class Pl011Test : public testing::Test {
protected:
    unit::IoScript script_;
    unit::MockIo io_ = script_.frame("UART");
    Pl011<unit::MockIo> uart_{io_};
};

TEST_F(Pl011Test, AnEnabledUartStaysAsItIs)
{
    io_.expect_read(CR::from(0x101));
    uart_.init({24'000'000, 115'200});
}

TEST_F(Pl011Test, ADisabledUartIsSetUp)
{
    io_.expect_read(CR::from(0x300));
    io_.expect_write(CR::from(0));
    io_.expect_write(IMSC::from(0));
    io_.expect_write(IBRD::from(13));  // 24 MHz / (16 * 115200) = 13.02
    io_.expect_write(FBRD::from(1));
    io_.expect_write(LCR_H::from(0x70));
    io_.expect_write(CR::from(0x301));
    uart_.init({24'000'000, 115'200});
}

TEST_F(Pl011Test, TheDivisorStaysWhenItIsNotKnownOrOutOfRange)
{
    for (const Line line : {Line{0, 115'200}, Line{24'000'000, 0}, Line{24'000'000, 3'000'000},
                            Line{4'000'000'000, 300}}) {
        io_.expect_read(CR::from(0));
        io_.expect_write(CR::from(0));
        io_.expect_write(IMSC::from(0));
        io_.expect_write(LCR_H::from(0x70));
        io_.expect_write(CR::from(0x301));
        uart_.init(line);
    }
}

TEST_F(Pl011Test, AByteWaitsForRoom)
{
    io_.expect_read(FR{}.with(FR::TXFF, 1));
    io_.expect_read(FR{}.with(FR::TXFF, 1).with(FR::BUSY, 1));
    io_.expect_read(FR{}.with(FR::BUSY, 1));
    io_.expect_write(DR::from('A'));
    uart_.put('A');
}

TEST_F(Pl011Test, BytesAreNotSignExtended)
{
    io_.expect_read(FR{});
    io_.expect_write(DR::from(0xff));
    uart_.put('\xff');
}

TEST_F(Pl011Test, FlushWaitsUntilItIsIdle)
{
    io_.expect_read(FR{}.with(FR::BUSY, 1));
    io_.expect_read(FR{});
    uart_.flush();
}

TEST_F(Pl011Test, ADeadUartDropsBytesAndIsAskedOnceFromThenOn)
{
    io_.always_read(FR{}.with(FR::TXFF, 1).with(FR::BUSY, 1));
    uart_.put('A');
    uart_.flush();
    script_.verify();

    io_.expect_read(FR{}.with(FR::TXFF, 1));
    uart_.put('B');
    io_.expect_read(FR{});
    io_.expect_write(DR::from('C'));
    uart_.put('C');
    io_.expect_read(FR{}.with(FR::TXFF, 1));  // it lives: waited for again
    io_.expect_read(FR{});
    io_.expect_write(DR::from('D'));
    uart_.put('D');
}

}  // namespace
