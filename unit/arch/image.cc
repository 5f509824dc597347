// SPDX-License-Identifier: MIT
//
// What the linker script gives the image on other architectures: an array of tests without a test
// (unit tests bring their own), and a build ID.

#include <cstdint>

asm(".pushsection .rodata\n"
    ".balign 8\n"
    ".globl assay_tests_begin, assay_tests_end\n"
    "assay_tests_begin:\n"
    "assay_tests_end:\n"
    ".popsection");

// The header of the note, and the ID.
extern "C" const std::uint8_t build_id_note[24];
const std::uint8_t build_id_note[24]{8,    0,    0,    0,    8,    0,    0,    0,
                                     3,    0,    0,    0,    'G',  'N',  'U',  0,
                                     0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
