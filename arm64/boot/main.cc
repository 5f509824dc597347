// SPDX-License-Identifier: MIT
//
// The boot CPU's way from start.S to boot::main(): first at the entry level with the MMU off, then
// at the level the tests run at.

#include "arm64/boot/entry_state.h"
#include "arm64/boot/offsets.h"
#include "arm64/boot/privilege.h"
#include "arm64/cpu/control_registers.h"
#include "arm64/image.h"
#include "arm64/mmu/mmu.h"
#include "lib/boot/boot.h"
#include "lib/boot/words.h"
#include "lib/console/console.h"
#include "lib/console/discover.h"
#include "lib/irq/irq.h"
#include "lib/mem/memory.h"
#include "lib/smp/smp.h"
#include "lib/test/capability.h"

#include <arch/exception.h>
#include <arch/power.h>

#include <cstddef>
#include <optional>

EntryState entry_state;
static_assert(offsetof(EntryState, x0) == ENTRY_STATE_X0);
static_assert(offsetof(EntryState, x2) == ENTRY_STATE_X2);
static_assert(offsetof(EntryState, level) == ENTRY_STATE_LEVEL);
static_assert(offsetof(EntryState, sctlr) == ENTRY_STATE_SCTLR);

namespace {

// The boot protocol's limit (Documentation/arch/arm64/booting.rst).
constexpr std::size_t tree_limit = std::size_t{2} << 20;

// A loader that does not follow the boot protocol (an ELF file, a raw load into a model) leaves no
// pointer to the tree. Such loaders put it at the start of RAM, a few times this far below the
// image.
constexpr std::uint64_t search_step = std::uint64_t{2} << 20;
constexpr unsigned search_steps = 4;

constinit std::optional<fdt::Tree> tree;
constinit Error tree_error{};
constinit smp::Cpu boot_cpu{};
constinit boot::Info information{};

bool open_tree(std::uint64_t address)
{
    const auto opened = fdt::Tree::open(reinterpret_cast<const void*>(address), tree_limit);
    if (opened) {
        tree = *opened;
    } else {
        tree_error = opened.error();
    }
    return opened.has_value();
}

void find_tree()
{
    if (entry_state.x0 != 0) {
        open_tree(entry_state.x0);
        return;
    }
    const std::uint64_t image = image::address_of(image::image_begin) & ~(search_step - 1);
    for (unsigned i = 1; i <= search_steps && image >= i * search_step; ++i) {
        if (open_tree(image - i * search_step)) {
            return;
        }
    }
    tree_error = {"x0 is 0 at the entry and there is no device tree below the image"};
}

// Says what is wrong while the MMU is still off, where a lock must not be taken: exclusive accesses
// to device memory are UNPREDICTABLE (Arm ARM B2.12.2).
[[noreturn]] void die(Error error)
{
    console::break_lock();
    if (tree) {
        static_cast<void>(console::discover(*tree));
        static_cast<void>(arch::discover_power(boot::info_from(*tree, 0, 0)));
        const auto method = boot::option(tree->boot_arguments(), "assay.exit");
        static_cast<void>(arch::select_exit(method.value_or("")));
    }
    TextBuffer<160> text;
    format_to(text, "{} ({:#x})", error.what, error.value);
    console::print("KTAP version 1\n# error: {}\nBail out! {}\n", text.text(), text.text());
    console::flush();
    arch::exit(arch::ExitStatus::error);
}

Result<> set_up_memory()
{
    const fdt::Region in_use[]{
        {arch::image_base(), arch::image_end() - arch::image_base()},
        {reinterpret_cast<std::uintptr_t>(tree->blob()), tree->size()},
        tree->initrd().value_or(fdt::Region{0, 0}),
    };
    if (const auto found = mem::discover(*tree, in_use); !found) {
        return found;
    }
    return mmu::enable();
}

void offer_cpu_capabilities()
{
    using test::Capability;
    if (sysreg::read<CurrentEL>()[CurrentEL::EL] == 2) {
        test::offer(Capability::el2);
    } else if (entry_state.level == 1) {
        test::missing(Capability::el2, "the image was entered at EL1");
    } else if (sysreg::read<ID_AA64MMFR1_EL1>()[ID_AA64MMFR1_EL1::VH] == 0) {
        test::missing(Capability::el2, "the CPU has no FEAT_VHE");
    } else {
        test::missing(Capability::el2, "dropped to EL1: assay.el2=stay was not given");
    }
    if (sysreg::read<ID_AA64PFR0_EL1>()[ID_AA64PFR0_EL1::EL0] == 2) {
        test::offer(Capability::aarch32_el0);
    } else {
        test::missing(Capability::aarch32_el0, "ID_AA64PFR0_EL1.EL0 is 1, AArch64 only");
    }
    const auto pmu_version = sysreg::read<ID_AA64DFR0_EL1>()[ID_AA64DFR0_EL1::PMUVer];
    if (pmu_version == 0 || pmu_version == 0xf) {
        test::missing(Capability::pmu, "ID_AA64DFR0_EL1.PMUVer says there is none");
    } else {
        test::offer(Capability::pmu);
    }
    if (sysreg::read<ID_AA64PFR1_EL1>()[ID_AA64PFR1_EL1::NMI] != 0) {
        test::offer(Capability::nmi);
    } else {
        test::missing(Capability::nmi, "ID_AA64PFR1_EL1.NMI is 0");
    }
}

}  // namespace

// At the entry level, MMU off.
extern "C" void early_main()
{
    find_tree();
    if (entry_state.level == 3) {
        act_as_firmware(tree ? &*tree : nullptr);
    }
    const std::string_view arguments = tree ? tree->boot_arguments() : std::string_view{};
    const bool stay = boot::option(arguments, "assay.el2") == "stay";
    choose_privilege(static_cast<unsigned>(entry_state.level),
                     stay ? RunLevel::el2 : RunLevel::el1);
}

// At the level the tests run at, on the boot stack, MMU off.
extern "C" [[noreturn]] void primary_main()
{
    using namespace image;
    boot_cpu.stack_high = address_of(boot_stack_high);
    boot_cpu.stack_low = address_of(boot_stack_low);
    boot_cpu.exception_stack_high = address_of(boot_exception_stack_high);
    boot_cpu.exception_stack_low = address_of(boot_exception_stack_low);
    boot_cpu.hardware_id = sysreg::read<MPIDR_EL1>().affinity();
    smp::adopt_boot_cpu(boot_cpu);
    if (!tree) {
        die(tree_error);
    }
    if (const auto ready = set_up_memory(); !ready) {
        die(ready.error());
    }
    arch::unmask_system_errors();
    test::offer(test::Capability::device_tree);
    offer_cpu_capabilities();
    information = boot::info_from(*tree, static_cast<unsigned>(entry_state.level),
                                  static_cast<unsigned>(sysreg::read<CurrentEL>()[CurrentEL::EL]));
    boot::main(information);
}

// A secondary CPU, on its own stack with its MMU on.
extern "C" [[noreturn]] void secondary_start(arch::CpuData& data)
{
    arch::unmask_system_errors();
    smp::secondary_main(static_cast<smp::Cpu&>(data));
}
