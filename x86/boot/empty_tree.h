// SPDX-License-Identifier: MIT
//
// A device tree with nothing in it, for code that asks one: a PC is described by tables of its own.
#pragma once

#include "lib/fdt/fdt.h"

#include <cstddef>

namespace empty_tree {

[[nodiscard]] inline fdt::Tree open()
{
    // Devicetree Specification 0.4, 5: big-endian words.
    struct Blob {
        unsigned char header[40];
        unsigned char reservations[16];
        unsigned char structure[16];
    };
    alignas(8) static constexpr Blob blob{
        .header = {0xd0, 0x0d, 0xfe, 0xed,  // magic
                   0,    0,    0,    72,    // total size
                   0,    0,    0,    56,    // structure block
                   0,    0,    0,    72,    // strings block
                   0,    0,    0,    40,    // memory reservation block
                   0,    0,    0,    17,    // version
                   0,    0,    0,    16,    // last compatible version
                   0,    0,    0,    0,     // boot CPU
                   0,    0,    0,    0,     // size of the strings block
                   0,    0,    0,    16},   // size of the structure block
        .reservations = {},
        .structure = {0, 0, 0, 1, 0, 0, 0, 0,    // begin node, ""
                      0, 0, 0, 2, 0, 0, 0, 9}};  // end node, end
    static_assert(sizeof(blob) == 72);
    return *fdt::Tree::open(&blob, sizeof(blob));
}

}  // namespace empty_tree
