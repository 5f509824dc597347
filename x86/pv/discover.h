// SPDX-License-Identifier: MIT
//
// KVM below this VM, and what it offers to a guest that knows of it.
#pragma once

#include "x86/pv/features.h"

#include <optional>

namespace pv {

// Looks for KVM's CPUID leaves and offers the capability of each feature, or says why not.
void discover();

// As the calling CPU shows them.
[[nodiscard]] std::optional<Leaves> leaves();

}  // namespace pv
