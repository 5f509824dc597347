// SPDX-License-Identifier: MIT
//
// Assay's guest code as a program of the host, on a machine whose interrupt controller is a model:
//
//     assay-arm64-model --device-tree FILE [--strict] [--set NAME=NUMBER]... [--fault NAME]...
//     assay-arm64-model --list-faults
//
// The tree describes the machine and holds the guest's command line. The console is standard
// output, the exit status that of the run: 0 passed, 1 failed, 2 in error.

#include "arm64/cpu/control_registers.h"
#include "lib/base/format.h"
#include "lib/boot/boot.h"
#include "lib/mem/memory.h"
#include "lib/smp/smp.h"
#include "lib/test/capability.h"
#include "models/machine/board.h"
#include "models/machine/platform.h"
#include "models/machine/power.h"
#include "models/machine/ram.h"

#include <arch/cpu.h>
#include <arch/power.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unistd.h>

// A run that a sanitizer ends is in error. Locals are where guest code expects them, on the stack;
// guest memory is not the host's heap; models/machine/exception.cc has the signal stacks.
extern "C" const char* __asan_default_options()
{
    return "exitcode=2:detect_stack_use_after_return=0:detect_leaks=0:use_sigaltstack=0";
}

namespace {

using machine::Faults;
namespace platform = machine::platform;

constexpr std::string_view usage =
    "usage: assay-arm64-model --device-tree FILE [--strict] [--set NAME=NUMBER]...\n"
    "                         [--fault NAME]...\n"
    "       assay-arm64-model --list-faults\n"
    "\n"
    "Runs the guest tests that need no Arm instruction, on a model of the interrupt controller.\n"
    "\n"
    "  --device-tree FILE  the machine, and in /chosen/bootargs the guest's command line\n"
    "  --fault NAME        makes the model wrong in one way\n"
    "  --list-faults       the names, each with a tabulator and a sentence\n"
    "  --strict            what the architecture forbids software is an error in a test, too\n"
    "  --set NAME=NUMBER   what the implementation chooses and the tree does not say:\n";

using UsageError = std::invalid_argument;

struct Options {
    std::string device_tree;
    machine::Settings settings;
    Faults faults;
    bool strict = false;
};

std::optional<fdt::Tree> tree;
smp::Cpu boot_cpu{};
boot::Info information{};

void print_help()
{
    std::cout << usage;
    for (const machine::Setting& setting : machine::Settings::all()) {
        std::cout << "      " << std::left << std::setw(24) << setting.name << setting.summary
                  << '\n';
    }
}

void list_faults()
{
    for (const model::FaultDescription& fault : Faults::all()) {
        std::cout << fault.name << '\t' << fault.summary << '\n';
    }
}

// Nothing: there is no more to do.
std::optional<Options> parse(std::span<char* const> arguments)
{
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        const auto value = [&] {
            if (++i == arguments.size()) {
                throw UsageError(std::string{argument} + " needs a value");
            }
            return std::string_view{arguments[i]};
        };
        if (argument == "--help") {
            print_help();
            return {};
        }
        if (argument == "--list-faults") {
            list_faults();
            return {};
        }
        if (argument == "--device-tree") {
            options.device_tree = value();
        } else if (argument == "--strict") {
            options.strict = true;
        } else if (argument == "--set") {
            options.settings.add(value());
        } else if (argument == "--fault") {
            const std::string_view name = value();
            if (!options.faults.switch_on(name)) {
                throw UsageError("no fault is called '" + std::string{name} + "' (--list-faults)");
            }
        } else {
            throw UsageError("'" + std::string{argument} + "' is not an option");
        }
    }
    if (options.device_tree.empty()) {
        throw UsageError("--device-tree is missing");
    }
    return options;
}

std::string text_of(const Error& error)
{
    TextBuffer<160> text;
    format_to(text, "{} ({:#x})", error.what, error.value);
    return std::string{text.text()};
}

void load_tree(const std::string& path)
{
    std::ifstream file{path, std::ios::binary};
    auto* const memory = reinterpret_cast<char*>(platform::device_tree);
    file.read(memory, platform::device_tree_limit);
    if (!file.eof()) {
        throw std::runtime_error(path + ": cannot be read, or is larger than 2 MiB");
    }
    const auto opened = fdt::Tree::open(memory, static_cast<std::size_t>(file.gcount()));
    if (!opened) {
        throw std::runtime_error(path + ": " + text_of(opened.error()));
    }
    tree = *opened;
}

void require(const Result<>& done)
{
    if (!done) {
        throw std::runtime_error(text_of(done.error()));
    }
}

// On the boot CPU's thread, as arm64/boot/main.cc leaves the machine to lib/boot.
void boot_main(smp::Cpu& cpu)
{
    using test::Capability;
    smp::adopt_boot_cpu(cpu);
    test::offer(Capability::device_tree);
    test::missing(Capability::el2, "the model machine has EL1 alone");
    test::missing(Capability::aarch32_el0, "the model machine has no EL0");
    test::missing(Capability::pmu, "the model machine has none");
    test::missing(Capability::kvm, "the model machine is no VM");
    if (sysreg::read<ID_AA64PFR1_EL1>()[ID_AA64PFR1_EL1::NMI] != 0) {
        test::offer(Capability::nmi);
    } else {
        test::missing(Capability::nmi, "ID_AA64PFR1_EL1.NMI is 0");
    }
    information = boot::info_from(*tree, 1, 1);
    boot::main(information);
}

void run(const Options& options)
{
    static machine::Ram ram;
    load_tree(options.device_tree);
    require(machine::Board::start(ram, *tree, options.settings, options.faults));
    machine::Board::get().set_strict(options.strict);
    const fdt::Region in_use[]{{.base = platform::device_tree, .size = tree->size()}};
    require(mem::discover(*tree, in_use));
    boot_cpu.hardware_id = machine::Board::get().cores().front().affinity();
    require(machine::start_thread(boot_cpu, boot_main));
    for (;;) {
        ::pause();  // arch::exit() ends the process
    }
}

}  // namespace

int main(int count, char** arguments)
{
    try {
        if (const auto options =
                parse(std::span{arguments, static_cast<std::size_t>(count)}.subspan(1))) {
            run(*options);
        }
        return static_cast<int>(arch::ExitStatus::success);
    } catch (const UsageError& error) {
        std::cerr << "assay-arm64-model: " << error.what() << "; see --help\n";
    } catch (const std::exception& error) {
        std::cerr << "assay-arm64-model: " << error.what() << '\n';
    }
    return static_cast<int>(arch::ExitStatus::error);
}
