// SPDX-License-Identifier: MIT
//
// Misbehaviour that takes an instruction of this architecture. Run on request only.

#include "lib/test/test.h"

TEST(misbehave, undefined_instruction, .summary = "the case executes an undefined instruction",
     .on_request = true)
{
    asm volatile("udf #0");
    EXPECT_TRUE(false);
}
