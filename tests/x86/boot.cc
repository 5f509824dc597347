// SPDX-License-Identifier: MIT
//
// What each boot protocol promises at the image's first instruction: Xen PVH ABI
// (docs/misc/pvh.pandoc), multiboot 1 (its specification, 3.2), Linux
// (Documentation/arch/x86/boot.rst: "32-bit boot protocol", "64-bit boot protocol", "Running the
// kernel"); and that the memory map describes a machine.

#include "lib/boot/boot.h"
#include "lib/boot/words.h"
#include "lib/mem/memory.h"
#include "lib/test/test.h"
#include "x86/boot/entry_state.h"
#include "x86/boot/handover.h"
#include "x86/cpu/control_registers.h"
#include "x86/image.h"

#include <arch/exception.h>
#include <arch/mmu.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace {

bool entered_by(Door door)
{
    return entry_state.door == door;
}

bool entered_with_32_bits()
{
    return !entered_by(Door::linux64);
}

// The setup code of the bzImage, which is the image's own, has entered the payload.
bool entered_in_real_mode()
{
    return std::string_view{handover().protocol} == "bzimage";
}

const RealModeState& real_mode_state()
{
    return *reinterpret_cast<const RealModeState*>(entry_state.rsi + REAL_MODE_STATE);
}

bool overlap(std::uint64_t a, std::uint64_t a_size, std::uint64_t b, std::uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

// An item that shows a value of the entry state and checks it.
struct StateItem {
    std::string_view name;
    std::uint64_t value;
    std::uint64_t mask;
    std::uint64_t expected;
};

void run_items(std::span<const StateItem> state)
{
    test::Items items{state.size()};
    for (const StateItem& item : state) {
        items.run(item.name, [&] {
            test::item_value("{:#x}", item.value);
            EXPECT_EQ(item.value & item.mask, item.expected);
        });
    }
}

}  // namespace

TEST(boot, interrupts_masked,
     .summary = "interrupts and single steps are off at entry, and it is not virtual 8086 mode")
{
    const auto flags = Rflags::from(entry_state.rflags);
    EXPECT_EQ(flags[Rflags::IF], 0);
    EXPECT_EQ(flags[Rflags::TF], 0);
    EXPECT_EQ(flags[Rflags::VM], 0);
    EXPECT_EQ(flags[Rflags::fixed], 1);
}

TEST(boot, control_registers,
     .summary = "CR0, CR4 and EFER have the mode that the boot protocol enters with")
{
    const auto cr0 = CR0::from(entry_state.cr0);
    const auto cr4 = CR4::from(entry_state.cr4);
    const auto efer = IA32_EFER::from(entry_state.efer);
    test::note("CR0 {:#x}, CR3 {:#x}, CR4 {:#x}, EFER {:#x}, TR {:#x}", cr0.raw, entry_state.cr3,
               cr4.raw, efer.raw, entry_state.tr);
    EXPECT_EQ(cr0[CR0::PE], 1);
    if (entered_with_32_bits()) {
        EXPECT_EQ(cr0[CR0::PG], 0);
        EXPECT_EQ(efer[IA32_EFER::LMA], 0);
        EXPECT_EQ(cr4[CR4::PCIDE], 0);
    } else {
        EXPECT_EQ(cr0[CR0::PG], 1);
        EXPECT_EQ(efer[IA32_EFER::LME], 1);
        EXPECT_EQ(efer[IA32_EFER::LMA], 1);
        EXPECT_EQ(cr4[CR4::PAE], 1);
    }
}

TEST(boot, pvh_state, .summary = "the PVH entry has paging off and every bit of CR4 clear")
{
    if (!entered_by(Door::pvh)) {
        return test::skip("entered by {}", handover().protocol);
    }
    constexpr std::uint64_t fixed_in_cr0 = CR0::ET.mask();  // reads as 1 whatever is written
    const StateItem state[]{
        {"CR0", entry_state.cr0, ~fixed_in_cr0, CR0::PE.mask()},
        {"CR4", entry_state.cr4, ~std::uint64_t{0}, 0},
        {"EFER", entry_state.efer, ~std::uint64_t{0}, 0},
        {"EFLAGS.VM", Rflags::from(entry_state.rflags)[Rflags::VM], 1, 0},
        {"EFLAGS.TF", Rflags::from(entry_state.rflags)[Rflags::TF], 1, 0},
        {"EFLAGS.IF", Rflags::from(entry_state.rflags)[Rflags::IF], 1, 0},
    };
    run_items(state);
}

TEST(boot, pvh_start_info,
     .summary = "the PVH start_info has its magic number, a version with a memory map, and modules "
                "and map at addresses")
{
    if (!entered_by(Door::pvh)) {
        return test::skip("entered by {}", handover().protocol);
    }
    struct StartInfo {
        std::uint32_t magic, version, flags, nr_modules;
        std::uint64_t modlist, cmdline, rsdp, memmap;
        std::uint32_t memmap_entries, reserved;
    } info;
    std::memcpy(&info, reinterpret_cast<const void*>(entry_state.rbx), sizeof(info));
    EXPECT_EQ(info.magic, 0x336ec578);
    EXPECT_GE(info.version, 1);
    EXPECT_EQ(info.flags & ~3U, 0);  // SIF_PRIVILEGED, SIF_INITDOMAIN
    EXPECT_EQ(info.nr_modules != 0, info.modlist != 0 && info.nr_modules != 0);
    EXPECT_NE(info.memmap, 0);
    EXPECT_GT(info.memmap_entries, 0);
    EXPECT_EQ(info.reserved, 0);
    EXPECT_EQ(entry_state.rbx >> 32, 0);
}

TEST(boot, multiboot_state,
     .summary = "the multiboot entry has its magic number in EAX, and information that covers the "
                "memory map")
{
    if (!entered_by(Door::multiboot)) {
        return test::skip("entered by {}", handover().protocol);
    }
    struct Information {
        std::uint32_t flags, mem_lower, mem_upper;
    } info;
    std::memcpy(&info, reinterpret_cast<const void*>(entry_state.rbx), sizeof(info));
    EXPECT_EQ(entry_state.rax, std::uint64_t{0x2badb002});
    // The header asks for mem_* (bit 0); the map (bit 6) goes with it.
    EXPECT_EQ(info.flags & 1U, 1);
    EXPECT_EQ(info.flags >> 6 & 1U, 1);
    EXPECT_LE(info.mem_lower, 640);
    // mem_upper is the memory from 1 MiB to the first hole, in KiB.
    constexpr std::uint64_t one_mib = 1U << 20;
    for (const MemoryRange& range : handover().ranges()) {
        if (range.type == MemoryRange::ram && range.base <= one_mib &&
            one_mib < range.base + range.size) {
            const std::uint64_t above = (range.base + range.size - one_mib) / 1024;
            EXPECT_LE(std::uint64_t{info.mem_upper}, above);
            EXPECT_GE(std::uint64_t{info.mem_upper} + 1024, above);
        }
    }
}

TEST(boot, linux_parameters,
     .summary = "boot_params repeat the image's setup header and say which loader wrote them")
{
    if (!entered_by(Door::linux32) && !entered_by(Door::linux64)) {
        return test::skip("entered by {}", handover().protocol);
    }
    const auto read = [](std::uint64_t offset, auto type) {
        decltype(type) value;
        std::memcpy(&value, reinterpret_cast<const void*>(entry_state.rsi + offset), sizeof(value));
        return value;
    };
    EXPECT_EQ(read(0x1fe, std::uint16_t{}), 0xaa55);
    EXPECT_EQ(read(0x202, std::uint32_t{}), 0x53726448);
    EXPECT_EQ(read(0x206, std::uint16_t{}), 0x20f);
    EXPECT_NE(read(0x210, std::uint8_t{}), 0);       // type_of_loader: assigned, or 0xff
    EXPECT_EQ(read(0x211, std::uint8_t{}) & 1, 1);   // LOADED_HIGH
    EXPECT_EQ(read(0x238, std::uint32_t{}), 0x7ff);  // cmdline_size
    EXPECT_GT(read(0x1e8, std::uint8_t{}), 0);       // e820_entries
    EXPECT_LE(handover().command_line.size(), 0x7ff);
    EXPECT_EQ(entry_state.rsi % 4, 0);
}

TEST(boot, linux_state,
     .summary = "the 32-bit and 64-bit entries of the Linux protocol have its selectors")
{
    if ((!entered_by(Door::linux32) && !entered_by(Door::linux64)) || entered_in_real_mode()) {
        return test::skip("entered by {}", handover().protocol);
    }
    const StateItem state[]{
        {"CS", entry_state.cs, 0xffff, 0x10},
        {"DS", entry_state.ds, 0xffff, 0x18},
        {"ES", entry_state.es, 0xffff, 0x18},
        {"SS", entry_state.ss, 0xffff, 0x18},
    };
    run_items(state);
}

TEST(boot, flat_segments,
     .summary = "a 32-bit entry has segments that can be used: none of them is a null selector")
{
    if (!entered_with_32_bits() || entered_in_real_mode()) {
        return test::skip("entered by {}", handover().protocol);
    }
    constexpr std::uint64_t index_mask = 0xfffc;
    const StateItem segments[]{
        {"CS", entry_state.cs, index_mask, entry_state.cs & index_mask},
        {"DS", entry_state.ds, index_mask, entry_state.ds & index_mask},
        {"ES", entry_state.es, index_mask, entry_state.es & index_mask},
        {"SS", entry_state.ss, index_mask, entry_state.ss & index_mask},
    };
    test::Items items{std::size(segments)};
    for (const StateItem& segment : segments) {
        items.run(segment.name, [&] {
            test::item_value("{:#x}", segment.value);
            EXPECT_NE(segment.value & segment.mask, 0);
            EXPECT_EQ(segment.value & 3, 0);  // ring 0
        });
    }
}

TEST(boot, real_mode_state,
     .summary = "the bzImage's setup code is entered in real mode with interrupts off and its data "
                "segments at its beginning")
{
    if (!entered_in_real_mode()) {
        return test::skip("entered by {}", handover().protocol);
    }
    const RealModeState& state = real_mode_state();
    test::note("CR0 {:#x}, flags {:#x}, CS {:#x}, DS {:#x}, ES {:#x}, SS:SP {:#x}:{:#x}", state.cr0,
               state.flags, state.cs, state.ds, state.es, state.ss, state.sp);
    EXPECT_EQ(CR0::from(state.cr0)[CR0::PE], 0);
    EXPECT_EQ(state.flags >> 9 & 1, 0);
    EXPECT_EQ(state.es, state.ds);
    EXPECT_EQ(state.ss, state.ds);
    // Its second sector; loaders that keep CS go there by the offset.
    EXPECT_TRUE(state.cs == state.ds + 0x20 || state.cs == state.ds);
    // Heap and stack: what is below 64 KiB and above the setup code.
    EXPECT_GE(state.sp, SETUP_SIZE);
}

TEST(boot, image_place,
     .summary = "the image lies in RAM, at the address of its file or where its header allows it")
{
    const std::uint64_t payload = image::address_of(image::payload_begin);
    EXPECT_TRUE(mem::is_ram(payload, arch::image_end() - payload));
    if (entered_by(Door::pvh) || entered_by(Door::multiboot)) {
        EXPECT_EQ(arch::image_base(), LOAD_ADDRESS);
    } else {
        EXPECT_EQ(payload % mem::page_size, 0);
        EXPECT_GE(payload, 0x100000);
    }
}

TEST(boot, memory_map,
     .summary =
         "ranges of the memory map are not empty, end below the last address, and RAM is not "
         "listed twice or as something else")
{
    const auto ranges = handover().ranges();
    ASSERT_FALSE(ranges.empty());
    test::Items items{ranges.size()};
    for (const MemoryRange& range : ranges) {
        TextBuffer<24> name;
        format_to(name, "{:#x}", range.base);
        items.run(name.text(), [&] {
            test::item_value("type {}, {:#x} bytes", range.type, range.size);
            EXPECT_NE(range.size, 0);
            EXPECT_GE(range.base + (range.size - 1), range.base);
            EXPECT_NE(range.type, 0);
            if (range.type != MemoryRange::ram) {
                return;
            }
            for (const MemoryRange& other : ranges) {
                EXPECT_TRUE(&other == &range ||
                            !overlap(range.base, range.size, other.base, other.size));
            }
        });
    }
}

TEST(boot, memory_map_order, .summary = "the memory map is sorted by address")
{
    std::uint64_t last = 0;
    for (const MemoryRange& range : handover().ranges()) {
        EXPECT_GE(range.base, last);
        last = range.base;
    }
}

TEST(boot, ram_is_apart_from_devices,
     .summary = "no RAM lies where the video memory, the I/O APIC, the HPET or the local APICs are")
{
    struct {
        std::uint64_t base, size;
    } const devices[]{
        {0xa0000, 0x20000},
        {0xfec00000, 0x1000},
        {0xfed00000, 0x400},
        {0xfee00000, 0x1000},
    };
    for (const auto& device : devices) {
        for (const fdt::Region& ram : mem::ram()) {
            EXPECT_FALSE(overlap(ram.base, ram.size, device.base, device.size));
        }
    }
}

TEST(boot, loaded_apart,
     .summary =
         "image, command line, initial RAM disk and the loader's structure lie apart from each "
         "other, below 4 GiB")
{
    const std::uint64_t payload = image::address_of(image::payload_begin);
    const bool linux_protocol = entered_by(Door::linux32) || entered_by(Door::linux64);
    const std::string_view line = handover().command_line;
    const auto initrd = handover().initrd.value_or(fdt::Region{0, 0});
    const fdt::Region loaded[]{
        {payload, arch::image_end() - payload},
        {reinterpret_cast<std::uintptr_t>(line.data()), line.size()},
        initrd,
        {linux_protocol ? entry_state.rsi : entry_state.rbx, 48},
    };
    for (const fdt::Region& one : loaded) {
        EXPECT_LE(one.base + one.size, std::uint64_t{1} << 32);
        for (const fdt::Region& other : loaded) {
            EXPECT_TRUE(&one == &other || !overlap(one.base, one.size, other.base, other.size));
        }
    }
    if (initrd.size != 0) {
        EXPECT_TRUE(mem::is_ram(initrd.base, initrd.size));
    }
}

TEST(boot, command_line,
     .summary = "the command line is printable text that ends with a NUL, without the image's file "
                "name at its front")
{
    const std::string_view line = boot::info().command_line;
    EXPECT_TRUE(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; }));
    std::string_view rest = line;
    const auto first = boot::next_word(rest);
    EXPECT_FALSE(first && first->find("assay-x86") != std::string_view::npos);
}

TEST(boot, root_pointer,
     .summary = "where the loader says that ACPI's root pointer is, there is one")
{
    if (handover().rsdp == 0) {
        return test::skip("the loader names none");
    }
    const auto access = arch::access_of(handover().rsdp);
    ASSERT_TRUE(access.has_value());
    char signature[8];
    std::memcpy(signature, reinterpret_cast<const void*>(handover().rsdp), sizeof(signature));
    EXPECT_EQ((std::string_view{signature, sizeof(signature)}), std::string_view{"RSD PTR "});
    EXPECT_EQ(handover().rsdp % 16, 0);
}
