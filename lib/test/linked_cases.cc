// SPDX-License-Identifier: MIT
#include "lib/test/case.h"

// The bounds of .assay.tests, from the linker script.
extern "C" const test::Case assay_tests_begin[];
extern "C" const test::Case assay_tests_end[];

std::span<const test::Case> test::linked_cases()
{
    return {assay_tests_begin, assay_tests_end};
}
