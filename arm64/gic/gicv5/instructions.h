// SPDX-License-Identifier: MIT
//
// GICv5 system instructions of the current domain, as layouts: an instruction is a system register
// of op0 = 1 that is written (GIC ..., GSB ...) or read (GICR ...). UNDEFINED at EL0.
//
// CDEN to CDHM act on SPIs and LPIs and ignore PPIs, whose state is in ICC_PPI_* registers.
#pragma once

#include "arm64/cpu/sysreg.h"

#include <cstdint>

namespace gicv5 {

template <typename Self, unsigned CRm, unsigned Op2>
struct Instruction : SystemRegister<Self, 1, 0, 12, CRm, Op2> {};

// The operand's interrupt, at the place of arm64/gic/gicv5/intid.h.
template <typename Self, unsigned CRm, unsigned Op2>
struct InterruptInstruction : Instruction<Self, CRm, Op2> {
    static constexpr Field TYPE{31, 29};
    static constexpr Field ID{23, 0};
};

// Completes the GIC instructions before it; GSB_ACK the acknowledges before it. Operand zero.
struct GSB_SYS : Instruction<GSB_SYS, 0, 0> {};
struct GSB_ACK : Instruction<GSB_ACK, 0, 1> {};

struct CDDIS : InterruptInstruction<CDDIS, 1, 0> {};  // disable; GSB_SYS before it is relied on
struct CDEN : InterruptInstruction<CDEN, 1, 1> {};    // enable
struct CDPRI : InterruptInstruction<CDPRI, 1, 2> {
    static constexpr Field PRIORITY{39, 35};
};
struct CDAFF : InterruptInstruction<CDAFF, 1, 3> {
    static constexpr Field IAFFID{47, 32};
    static constexpr Field IRM{28};  // 1: one of N, IAFFID ignored
};
struct CDPEND : InterruptInstruction<CDPEND, 1, 4> {
    static constexpr Field PENDING{32};
};
struct CDRCFG : InterruptInstruction<CDRCFG, 1, 5> {};  // read configuration into ICC_ICSR_EL1
struct CDEOI : Instruction<CDEOI, 1, 7> {};             // priority drop; operand zero
struct CDDI : InterruptInstruction<CDDI, 2, 0> {};      // deactivate, PPIs as well
struct CDHM : InterruptInstruction<CDHM, 2, 1> {
    static constexpr Field HM{32};  // 0 edge, 1 level
};

// Acknowledge the best candidate; a superpriority interrupt as an NMI. All zero: nothing.
struct CDIA : InterruptInstruction<CDIA, 3, 0> {
    static constexpr Field VALID{32};
};
struct CDNMIA : InterruptInstruction<CDNMIA, 3, 1> {
    static constexpr Field VALID{32};
};

}  // namespace gicv5
