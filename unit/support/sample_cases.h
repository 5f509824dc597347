// SPDX-License-Identifier: MIT
//
// Cases written as a test author writes them, for the unit tests of the framework. They are in a
// file of their own because GoogleTest's macros have the same names.
#pragma once

#include "lib/test/case.h"

#include <span>

namespace unit {

// In the group "sample"; see sample_cases.cc for what each does.
extern const std::span<const test::Case> sample_cases;

}  // namespace unit
