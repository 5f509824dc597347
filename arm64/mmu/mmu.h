// SPDX-License-Identifier: MIT
//
// Builds the translation tables and turns the MMU on; <arch/mmu.h> changes them later.
#pragma once

#include "lib/base/result.h"

#include <cstdint>

// What a CPU writes to turn its MMU on; secondary CPUs read it with theirs off (start.S).
struct TranslationSettings {
    std::uint64_t mair, tcr, ttbr0, sctlr;
};
extern "C" TranslationSettings translation_settings;

namespace mmu {

// Maps all RAM (mem::discover() must have run) and the image with its access rights, and turns the
// MMU and caches of this CPU on. Errors: no memory for the tables.
[[nodiscard]] Result<> enable();

}  // namespace mmu
