// SPDX-License-Identifier: MIT
//
// What the loader hands over, whichever protocol it speaks: Xen PVH ABI (docs/misc/pvh.pandoc,
// xen/include/public/arch-x86/hvm/start_info.h), multiboot 1 (its specification, 3.3), Linux
// (Documentation/arch/x86/boot.rst and zero-page.rst).
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "x86/boot/entry_state.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

// A range of the system address map, as all three protocols have them (ACPI specification, 15.2).
struct MemoryRange {
    enum Type : std::uint32_t { ram = 1, reserved = 2, acpi = 3, nvs = 4, unusable = 5 };

    std::uint64_t base;
    std::uint64_t size;
    std::uint32_t type;
};

struct Handover {
    static constexpr std::size_t max_ranges = 128;

    const char* protocol = "";  // "pvh", "multiboot", "linux32", "linux64", "bzimage"
    std::string_view command_line;
    std::optional<fdt::Region> initrd;
    std::uint64_t rsdp = 0;  // where the loader says that ACPI's root pointer is; 0: it does not
    std::uint64_t extended_bios = 0;  // where the word at 0x40e says that the EBDA is
    MemoryRange map[max_ranges]{};    // as the loader has it: in its order, perhaps overlapping
    std::size_t map_size = 0;

    [[nodiscard]] std::span<const MemoryRange> ranges() const { return {map, map_size}; }
};

// Reads what `entry` points to; the loader's structures must be mapped. The command line stays
// where it is. Errors: a magic number or version that is not the protocol's, no memory map.
[[nodiscard]] Result<> read_handover(const EntryState& entry, Handover& handover);

// What was read at boot.
[[nodiscard]] const Handover& handover();

// The whole pages of RAM in a memory map, in order, without those that a range of another type
// touches and without the page at address 0, so that a null pointer faults. Returns how many ranges
// were written to `ram`. Errors: there are none, or more than fit.
[[nodiscard]] Result<std::size_t> usable_memory(std::span<const MemoryRange> map,
                                                std::span<fdt::Region> ram);
