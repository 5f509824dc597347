// SPDX-License-Identifier: MIT
//
// Where an expected exception continues: the callee-saved registers of the procedure call standard
// (System V ABI, AMD64 supplement, 3.2.1) at the call, as vectors.S stores them.
#pragma once

#include <arch/exception.h>

#include <cstdint>

namespace arch {

struct RecoveryPoint {
    std::uint64_t rbx, rbp, r12, r13, r14, r15, rsp;
    std::uint64_t rflags;
    RecoveryPoint* previous;
    Exception exception;
};

}  // namespace arch
