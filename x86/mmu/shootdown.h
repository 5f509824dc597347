// SPDX-License-Identifier: MIT
//
// Other CPUs forget their cached translations. They are asked by NMI, which reaches a CPU that has
// its interrupts masked, too: it may be waiting for the one that asks.
#pragma once

namespace mmu {

// All other CPUs that are online have forgotten theirs on return.
void flush_other_cpus();

// Called with every NMI: does what another CPU has asked for. False: none has.
[[nodiscard]] bool answer_flush();

}  // namespace mmu
