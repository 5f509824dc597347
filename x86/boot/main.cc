// SPDX-License-Identifier: MIT
//
// The boot CPU's way from start.S to boot::main().

#include "lib/boot/boot.h"
#include "lib/boot/words.h"
#include "lib/console/console.h"
#include "lib/mem/memory.h"
#include "lib/smp/smp.h"
#include "lib/test/capability.h"
#include "x86/boot/empty_tree.h"
#include "x86/boot/entry_state.h"
#include "x86/boot/handover.h"
#include "x86/boot/offsets.h"
#include "x86/boot/secondary.h"
#include "x86/cpu/apic_id.h"
#include "x86/cpu/hypervisor.h"
#include "x86/cpu/idt.h"
#include "x86/image.h"
#include "x86/mmu/mmu.h"
#include "x86/pv/discover.h"

#include <arch/console.h>
#include <arch/power.h>

#include <algorithm>
#include <cstddef>
#include <optional>

// In .data: it is written before .bss is cleared.
[[gnu::section(".data.entry_state")]] EntryState entry_state{};

static_assert(offsetof(EntryState, door) == ENTRY_DOOR);
static_assert(offsetof(EntryState, rax) == ENTRY_RAX);
static_assert(offsetof(EntryState, rbx) == ENTRY_RBX);
static_assert(offsetof(EntryState, rsi) == ENTRY_RSI);
static_assert(offsetof(EntryState, rsp) == ENTRY_RSP);
static_assert(offsetof(EntryState, rflags) == ENTRY_RFLAGS);
static_assert(offsetof(EntryState, cr0) == ENTRY_CR0);
static_assert(offsetof(EntryState, cr3) == ENTRY_CR3);
static_assert(offsetof(EntryState, cr4) == ENTRY_CR4);
static_assert(offsetof(EntryState, efer) == ENTRY_EFER);
static_assert(offsetof(EntryState, cs) == ENTRY_CS);
static_assert(offsetof(EntryState, ds) == ENTRY_DS);
static_assert(offsetof(EntryState, es) == ENTRY_ES);
static_assert(offsetof(EntryState, fs) == ENTRY_FS);
static_assert(offsetof(EntryState, gs) == ENTRY_GS);
static_assert(offsetof(EntryState, ss) == ENTRY_SS);
static_assert(offsetof(EntryState, tr) == ENTRY_TR);
static_assert(offsetof(EntryState, gdtr) == ENTRY_GDTR);
static_assert(offsetof(EntryState, idtr) == ENTRY_IDTR);

namespace {

constinit Handover found{};
constinit std::optional<fdt::Tree> no_tree;
constinit TextBuffer<80> description;
constinit smp::Cpu boot_cpu{};
constinit boot::Info information{};

[[noreturn]] void die(Error error)
{
    console::break_lock();
    information.command_line = found.command_line;
    static_cast<void>(arch::discover_console(information));
    static_cast<void>(
        arch::select_exit(boot::option(found.command_line, "assay.exit").value_or("")));
    TextBuffer<160> text;
    format_to(text, "{} ({:#x})", error.what, error.value);
    console::print("KTAP version 1\n# error: {}\nBail out! {}\n", text.text(), text.text());
    console::flush();
    arch::exit(arch::ExitStatus::error);
}

void require(Result<> done)
{
    if (!done) {
        die(done.error());
    }
}

// The page with what the loader's register points to.
fdt::Region loader_structure()
{
    const bool linux_protocol =
        entry_state.door == Door::linux32 || entry_state.door == Door::linux64;
    return {linux_protocol ? entry_state.rsi : entry_state.rbx, mem::page_size};
}

Result<> set_up_memory()
{
    fdt::Region ram[mem::max_ram_regions];
    const auto count = usable_memory(found.ranges(), ram);
    if (!count) {
        return std::unexpected{count.error()};
    }
    const std::uint64_t image = image::address_of(image::payload_begin);
    const fdt::Region in_use[]{
        {image, image::address_of(image::image_end) - image},
        {reinterpret_cast<std::uintptr_t>(found.command_line.data()),
         found.command_line.size() + 1},
        found.initrd.value_or(fdt::Region{0, 0}),
        loader_structure(),
    };
    if (const auto used = mem::use({ram, *count}, in_use); !used) {
        return used;
    }
    secondary::reserve_page();
    if (const auto enabled = mmu::enable(); !enabled) {
        return enabled;
    }
    secondary::prepare();
    return {};
}

}  // namespace

const Handover& handover()
{
    return found;
}

// On the boot stack and the tables of start.S, which map the lower 4 GiB.
extern "C" [[noreturn]] void primary_main()
{
    using namespace image;
    boot_cpu.stack_high = address_of(boot_stack_high);
    boot_cpu.stack_low = address_of(boot_stack_low);
    boot_cpu.exception_stack_high = address_of(boot_exception_stack_high);
    boot_cpu.exception_stack_low = address_of(boot_exception_stack_low);
    boot_cpu.hardware_id = apic_id();
    smp::adopt_boot_cpu(boot_cpu);
    x86::make_idt();
    pv::discover();
    require(read_handover(entry_state, found));
    require(set_up_memory());

    no_tree = empty_tree::open();
    format_to(description, "boot={}", found.protocol);
    if (const auto name = hypervisor::name(); !name.empty()) {
        format_to(description, " hypervisor={}", name);
    }
    test::missing(test::Capability::device_tree, "the machine is a PC");
    information = {
        .tree = &*no_tree,
        .command_line = found.command_line,
        .initrd = found.initrd,
        .description = description.text(),
        .entry_level = 0,
        .level = 0,
    };
    boot::main(information);
}
