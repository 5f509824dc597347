// SPDX-License-Identifier: MIT
//
// Architecture seam: starting and stopping CPUs and the machine.
#pragma once

#include "lib/base/result.h"

#include <cstdint>
#include <string_view>

namespace boot {
struct Info;
}
namespace smp {
struct Cpu;
}

namespace arch {

// How a run ended, for a machine that can tell its host.
enum class ExitStatus : std::uint8_t { success = 0, failure = 1, error = 2 };

// Finds the machine's power interface (arm64: the PSCI node and its conduit).
[[nodiscard]] Result<> discover_power(const boot::Info& info);

// Starts a CPU at smp::secondary_main(cpu). Does not wait for it. Errors: what the machine
// answered.
[[nodiscard]] Result<> start_cpu(smp::Cpu& cpu);
// Takes the calling CPU out of use. Returns only when the machine refused.
[[nodiscard]] Result<> stop_this_cpu();
// Whether a CPU is off, as the machine says. Error: it cannot say.
[[nodiscard]] Result<bool> cpu_is_off(const smp::Cpu& cpu);

// `method` is the assay.exit option: "" for what the machine offers; "psci", "semihosting", "none".
[[nodiscard]] Result<> select_exit(std::string_view method);
// Ends the VM by the selected way; when it does not end, waits for ever with interrupts masked.
[[noreturn]] void exit(ExitStatus status);
// Restarts the machine.
[[nodiscard]] Result<> reset();

}  // namespace arch
