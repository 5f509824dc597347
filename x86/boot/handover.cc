// SPDX-License-Identifier: MIT

#include "x86/boot/handover.h"

#include "lib/boot/words.h"
#include "lib/mem/memory.h"
#include "lib/mem/region_set.h"

#include <cstring>
#include <iterator>

namespace {

// Structures of loaders are packed and may lie anywhere.
template <typename T>
T read_at(std::uint64_t address)
{
    T value;
    std::memcpy(&value, reinterpret_cast<const void*>(address), sizeof(T));
    return value;
}

template <typename T>
T read_at(std::uint64_t structure, std::uint64_t offset)
{
    return read_at<T>(structure + offset);
}

std::string_view string_at(std::uint64_t address)
{
    return address == 0 ? std::string_view{}
                        : std::string_view{reinterpret_cast<const char*>(address)};
}

Result<> add_range(Handover& handover, MemoryRange range)
{
    if (handover.map_size == std::size(handover.map)) {
        return fail("memory map with too many ranges", Handover::max_ranges);
    }
    handover.map[handover.map_size++] = range;
    return {};
}

void set_initrd(Handover& handover, std::uint64_t base, std::uint64_t size)
{
    if (size != 0) {
        handover.initrd = fdt::Region{base, size};
    }
}

// --- PVH ---

namespace pvh {

// struct hvm_start_info
constexpr unsigned magic = 0;
constexpr unsigned version = 4;
constexpr unsigned nr_modules = 12;
constexpr unsigned modlist_paddr = 16;
constexpr unsigned cmdline_paddr = 24;
constexpr unsigned rsdp_paddr = 32;
constexpr unsigned memmap_paddr = 40;
constexpr unsigned memmap_entries = 48;

constexpr std::uint32_t magic_value = 0x336ec578;

// struct hvm_modlist_entry, struct hvm_memmap_table_entry
constexpr unsigned module_paddr = 0;
constexpr unsigned module_size = 8;
constexpr unsigned memmap_entry_size = 24;

Result<> read(std::uint64_t info, Handover& handover)
{
    if (read_at<std::uint32_t>(info, magic) != magic_value) {
        return fail("PVH start_info has no magic number", read_at<std::uint32_t>(info, magic));
    }
    if (read_at<std::uint32_t>(info, version) < 1) {
        return fail("PVH start_info of version 0 has no memory map");
    }
    handover.protocol = "pvh";
    handover.command_line = string_at(read_at<std::uint64_t>(info, cmdline_paddr));
    handover.rsdp = read_at<std::uint64_t>(info, rsdp_paddr);
    if (read_at<std::uint32_t>(info, nr_modules) != 0) {
        const auto modules = read_at<std::uint64_t>(info, modlist_paddr);
        set_initrd(handover, read_at<std::uint64_t>(modules, module_paddr),
                   read_at<std::uint64_t>(modules, module_size));
    }
    auto entry = read_at<std::uint64_t>(info, memmap_paddr);
    for (auto left = read_at<std::uint32_t>(info, memmap_entries); left != 0; --left) {
        const MemoryRange range{read_at<std::uint64_t>(entry, 0), read_at<std::uint64_t>(entry, 8),
                                read_at<std::uint32_t>(entry, 16)};
        if (const auto added = add_range(handover, range); !added) {
            return added;
        }
        entry += memmap_entry_size;
    }
    return {};
}

}  // namespace pvh

// --- Multiboot ---

namespace multiboot {

constexpr std::uint32_t magic_value = 0x2badb002;

constexpr unsigned flags = 0;
constexpr unsigned cmdline = 16;
constexpr unsigned mods_count = 20;
constexpr unsigned mods_addr = 24;
constexpr unsigned mmap_length = 44;
constexpr unsigned mmap_addr = 48;

constexpr std::uint32_t flag_command_line = 1U << 2;
constexpr std::uint32_t flag_modules = 1U << 3;
constexpr std::uint32_t flag_memory_map = 1U << 6;

Result<> read(const EntryState& entry, Handover& handover)
{
    if (entry.rax != magic_value) {
        return fail("multiboot entry without its magic number", entry.rax);
    }
    const std::uint64_t info = entry.rbx;
    const auto present = read_at<std::uint32_t>(info, flags);
    handover.protocol = "multiboot";
    if ((present & flag_command_line) != 0) {
        // The first word is the name of the file.
        handover.command_line = string_at(read_at<std::uint32_t>(info, cmdline));
        static_cast<void>(boot::next_word(handover.command_line));
    }
    if ((present & flag_modules) != 0 && read_at<std::uint32_t>(info, mods_count) != 0) {
        const std::uint64_t module = read_at<std::uint32_t>(info, mods_addr);
        const auto start = read_at<std::uint32_t>(module, 0);
        set_initrd(handover, start, read_at<std::uint32_t>(module, 4) - start);
    }
    if ((present & flag_memory_map) == 0) {
        return fail("multiboot information has no memory map", present);
    }
    std::uint64_t at = read_at<std::uint32_t>(info, mmap_addr);
    const std::uint64_t end = at + read_at<std::uint32_t>(info, mmap_length);
    while (at < end) {
        // The size at its front is that of the rest of an entry.
        const MemoryRange range{read_at<std::uint64_t>(at, 4), read_at<std::uint64_t>(at, 12),
                                read_at<std::uint32_t>(at, 20)};
        if (const auto added = add_range(handover, range); !added) {
            return added;
        }
        at += read_at<std::uint32_t>(at) + 4;
    }
    return {};
}

}  // namespace multiboot

// --- Linux ---

namespace boot_params {

constexpr unsigned acpi_rsdp_addr = 0x070;
constexpr unsigned ext_ramdisk_image = 0x0c0;
constexpr unsigned ext_ramdisk_size = 0x0c4;
constexpr unsigned ext_cmd_line_ptr = 0x0c8;
constexpr unsigned e820_entries = 0x1e8;
constexpr unsigned header_magic = 0x202;
constexpr unsigned ramdisk_image = 0x218;
constexpr unsigned ramdisk_size = 0x21c;
constexpr unsigned cmd_line_ptr = 0x228;
constexpr unsigned e820_table = 0x2d0;
constexpr unsigned e820_entry_size = 20;

constexpr std::uint32_t magic_value = 0x53726448;  // "HdrS"

// A number of 64 bits in two places.
std::uint64_t read_halves(std::uint64_t params, unsigned low, unsigned high)
{
    return read_at<std::uint32_t>(params, low) | std::uint64_t{read_at<std::uint32_t>(params, high)}
                                                     << 32;
}

Result<> read(const EntryState& entry, Handover& handover)
{
    const std::uint64_t params = entry.rsi;
    if (read_at<std::uint32_t>(params, header_magic) != magic_value) {
        return fail("boot_params have no magic number",
                    read_at<std::uint32_t>(params, header_magic));
    }
    handover.protocol = read_at<std::uint32_t>(params, REAL_MODE_STATE) == REAL_MODE_MAGIC
                            ? "bzimage"
                        : entry.door == Door::linux32 ? "linux32"
                                                      : "linux64";
    handover.command_line = string_at(read_halves(params, cmd_line_ptr, ext_cmd_line_ptr));
    handover.rsdp = read_at<std::uint64_t>(params, acpi_rsdp_addr);
    set_initrd(handover, read_halves(params, ramdisk_image, ext_ramdisk_image),
               read_halves(params, ramdisk_size, ext_ramdisk_size));
    std::uint64_t at = params + e820_table;
    for (unsigned left = read_at<std::uint8_t>(params, e820_entries); left != 0; --left) {
        const MemoryRange range{read_at<std::uint64_t>(at, 0), read_at<std::uint64_t>(at, 8),
                                read_at<std::uint32_t>(at, 16)};
        if (const auto added = add_range(handover, range); !added) {
            return added;
        }
        at += e820_entry_size;
    }
    return {};
}

}  // namespace boot_params

Result<> read_protocol(const EntryState& entry, Handover& handover)
{
    switch (entry.door) {
    case Door::pvh:
        return pvh::read(entry.rbx, handover);
    case Door::multiboot:
        return multiboot::read(entry, handover);
    case Door::linux32:
    case Door::linux64:
        return boot_params::read(entry, handover);
    case Door::none:
        break;
    }
    return fail("entered by no door that is known");
}

}  // namespace

Result<> read_handover(const EntryState& entry, Handover& handover)
{
    constexpr std::uint64_t ebda_segment = 0x40e;
    handover.extended_bios = std::uint64_t{read_at<std::uint16_t>(ebda_segment)} << 4;
    return read_protocol(entry, handover);
}

Result<std::size_t> usable_memory(std::span<const MemoryRange> map, std::span<fdt::Region> ram)
{
    constexpr std::uint64_t page_mask = mem::page_size - 1;
    mem::RegionSet<Handover::max_ranges> set;
    bool fits = true;
    for (const MemoryRange& range : map) {
        if (range.type == MemoryRange::ram) {
            fits = fits && set.insert({range.base, range.size});
        }
    }
    for (const MemoryRange& range : map) {
        if (range.type != MemoryRange::ram) {
            fits = fits && set.erase({range.base, range.size});
        }
    }
    fits = fits && set.erase({0, mem::page_size});
    std::size_t count = 0;
    for (const fdt::Region& region : set.regions()) {
        const std::uint64_t begin = (region.base + page_mask) & ~page_mask;
        const std::uint64_t end = (region.base + region.size) & ~page_mask;
        if (begin < end && count < ram.size()) {
            ram[count++] = {begin, end - begin};
        } else if (begin < end) {
            fits = false;
        }
    }
    if (!fits) {
        return fail("memory map with too many ranges of RAM", map.size());
    }
    if (count == 0) {
        return fail("memory map without RAM", map.size());
    }
    return count;
}
