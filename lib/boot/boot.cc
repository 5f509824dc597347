// SPDX-License-Identifier: MIT

#include "lib/boot/boot.h"

#include "lib/base/build_id.h"
#include "lib/boot/words.h"
#include "lib/console/console.h"
#include "lib/irq/irq.h"
#include "lib/pci/pci.h"
#include "lib/smp/smp.h"
#include "lib/test/capability.h"
#include "lib/test/fatal.h"
#include "lib/test/runner.h"
#include "lib/test/watchdog.h"
#include "lib/time/time.h"

#include <arch/console.h>
#include <arch/irq.h>
#include <arch/power.h>
#include <arch/timer.h>

#include <assay/version.h>

namespace boot {

namespace {

constinit const Info* information = nullptr;
constinit TextBuffer<80> description;

[[noreturn]] void die(Error error)
{
    TextBuffer<160> text;
    format_to(text, "{} ({:#x})", error.what, error.value);
    test::bail_out(text.text());
}

void require(Result<> done)
{
    if (!done) {
        die(done.error());
    }
}

// Says what is missing, and goes on: the tests that need it are skipped with that reason.
void note(Result<> done)
{
    if (!done) {
        console::print("# {}\n", done.error().what);
    }
}

void print_header(const test::Options& options)
{
    TextBuffer<16> build;
    write_build_id(build);
    console::print("# assay {} {} build={} seed={} cpus={} {} el={} entry={}\n", ASSAY_VERSION,
                   arch::name, build.text(), options.seed, smp::online_count(),
                   information->description, information->level, information->entry_level);
    TextBuffer<512> capabilities;
    test::list_capabilities(capabilities);
    console::print("# capabilities: {}\n", capabilities.text());
}

std::string_view initrd_text(const Info& info)
{
    if (!info.initrd || info.initrd->size == 0) {
        test::missing(test::Capability::initrd, "the loader says of none");
        return {};
    }
    test::offer(test::Capability::initrd);
    return {reinterpret_cast<const char*>(info.initrd->base), info.initrd->size};
}

}  // namespace

Info info_from(const fdt::Tree& tree, unsigned entry_level, unsigned level)
{
    const auto compatible = tree.root().property("compatible");
    format_to(description, "dt={}", compatible ? compatible->string().value_or("") : "");
    return {.tree = &tree,
            .command_line = tree.boot_arguments(),
            .initrd = tree.initrd(),
            .description = description.text(),
            .entry_level = entry_level,
            .level = level};
}

const Info& info()
{
    return *information;
}

void main(const Info& info)
{
    information = &info;
    timer::start_clock();
    const auto console_found = arch::discover_console(info);
    console::print("KTAP version 1\n");
    note(console_found);

    // First the way to end the VM: its status is to tell that the command line was refused.
    note(arch::discover_power(info));
    require(arch::select_exit(option(info.command_line, "assay.exit").value_or("")));
    const auto options = test::parse_options(info.command_line, initrd_text(info));
    if (!options) {
        test::bail_out(options.error());
    }
    note(arch::discover_interrupts(info));
    note(arch::discover_timers(info));
    note(pci::discover(*info.tree));
    smp::set_hooks({.waiting = test::check_deadline,
                    .deadlock = [](std::string_view why) { test::hang(why, nullptr); },
                    .online = test::answer_report_requests});
    require(smp::start_all(info));
    static_cast<void>(arch::unmask_interrupts());
    print_header(*options);

    const test::Totals totals = test::run(*options);
    console::flush();
    arch::exit(totals.error != 0  ? arch::ExitStatus::error
               : totals.fail != 0 ? arch::ExitStatus::failure
                                  : arch::ExitStatus::success);
}

}  // namespace boot
