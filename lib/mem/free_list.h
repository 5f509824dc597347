// SPDX-License-Identifier: MIT
//
// The pages nobody uses. Kept outside them: free memory is not written to.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"

#include <span>

namespace mem::free_list {

// Begins anew with the whole pages of `ram`. The page at address 0 is left out: it would look like
// a null pointer. Errors: too many ranges.
[[nodiscard]] Result<> start(std::span<const fdt::Region> ram);

// Takes every page that `region` touches off the list; where it reaches beyond the last address, up
// to that one. Errors: too many ranges.
[[nodiscard]] Result<> set_aside(fdt::Region region);

}  // namespace mem::free_list
