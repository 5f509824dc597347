// SPDX-License-Identifier: MIT
//
// Architecture seam: which CPUs there are.
#pragma once

#include "lib/base/function_ref.h"
#include "lib/base/result.h"

#include <cstdint>

namespace boot {
struct Info;
}

namespace arch {

// Calls `visit` with the APIC ID of every CPU that may be used, in the machine's order, the boot
// CPU among them. Errors: there are none; a table that cannot be read.
[[nodiscard]] Result<> for_each_cpu(const boot::Info& info,
                                    FunctionRef<void(std::uint64_t hardware_id)> visit);

}  // namespace arch
