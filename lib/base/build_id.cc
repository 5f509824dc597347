// SPDX-License-Identifier: MIT
#include "lib/base/build_id.h"

// The note as the linker wrote it: namesz, descsz, type, "GNU\0", then the ID (ELF gABI, "Note
// Section"). The linker script gives it the name.
extern "C" const std::uint8_t build_id_note[];

void write_build_id(Sink& sink)
{
    constexpr std::size_t header = 16;
    constexpr std::size_t shown = 8;
    for (std::size_t i = 0; i < shown; ++i) {
        format_to(sink, "{:02x}", build_id_note[header + i]);
    }
}
