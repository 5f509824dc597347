// SPDX-License-Identifier: MIT
//
// Architecture seam, host: as a device tree has it.
#pragma once

#include "lib/base/function_ref.h"
#include "lib/base/result.h"
#include "lib/boot/boot.h"
#include "lib/fdt/fdt.h"

#include <cstdint>

namespace arch {

// Calls `visit` with the hardware ID of every CPU that may be used, in the
// machine's order, the boot CPU among them. Errors: there are none; one that cannot be read.
[[nodiscard]] inline Result<> for_each_cpu(const boot::Info& info,
                                           FunctionRef<void(std::uint64_t hardware_id)> visit)
{
    return fdt::for_each_cpu(*info.tree, visit);
}

}  // namespace arch
