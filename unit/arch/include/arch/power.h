// SPDX-License-Identifier: MIT
//
// Architecture seam, host: a machine with one CPU; the VM's end is the process's.
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

enum class ExitStatus : std::uint8_t { success = 0, failure = 1, error = 2 };

[[nodiscard]] Result<> discover_power(const boot::Info& info);

[[nodiscard]] Result<> start_cpu(smp::Cpu& cpu);
[[nodiscard]] Result<> stop_this_cpu();
[[nodiscard]] Result<bool> cpu_is_off(const smp::Cpu& cpu);

[[nodiscard]] Result<> select_exit(std::string_view method);
[[noreturn]] void exit(ExitStatus status);  // the process's exit status
[[nodiscard]] Result<> reset();

}  // namespace arch
