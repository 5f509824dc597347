// SPDX-License-Identifier: MIT
//
// Where an expected exception continues: the callee-saved registers of the procedure call standard
// (AAPCS64 6.1.1) at the call, as vectors.S stores them.
#pragma once

#include <arch/exception.h>

#include <cstdint>

namespace arch {

struct RecoveryPoint {
    std::uint64_t x19[10];  // x19 ... x28
    std::uint64_t frame_pointer;
    std::uint64_t sp;
    std::uint64_t state;  // SPSR_ELx of the return
    RecoveryPoint* previous;
    Exception exception;
};

}  // namespace arch
