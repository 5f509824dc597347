// SPDX-License-Identifier: MIT
//
// Who uses which inter-processor interrupt (irq::Controller::ipi numbers).
#pragma once

namespace smp::ipi {

inline constexpr unsigned wake = 0;        // ends the sleep of an idle CPU
inline constexpr unsigned report = 1;      // asks for the CPU's part of a crash or hang report
inline constexpr unsigned first_free = 2;  // from here on: for tests

}  // namespace smp::ipi
