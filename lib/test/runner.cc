// SPDX-License-Identifier: MIT
#include "lib/test/runner.h"

#include "lib/console/console.h"
#include "lib/test/capability.h"
#include "lib/test/fatal.h"
#include "lib/test/plan.h"
#include "lib/test/record.h"
#include "lib/test/watchdog.h"
#include "lib/time/time.h"

namespace test {

namespace {

constinit const Case* table[max_cases];

// bail_out() with a name in its text.
[[noreturn]] void bail_out_over(std::string_view before, std::string_view name,
                                std::string_view after)
{
    TextBuffer<160> text;
    format_to(text, "{}{}{}", before, name, after);
    bail_out(text.text());
}

void list(std::span<const Case* const> cases)
{
    console::print("1..0 # SKIP list only\n");
    for (const Case* test : cases) {
        console::print("# test {} | {} | {}\n", test->id, test->summary, test->needs);
    }
}

// A misspelt glob must not look like a run in which all is well.
void check_selection(const Selection& selection, std::span<const Case* const> cases)
{
    selection.for_each_wanted([&](std::string_view glob) {
        for (const Case* test : cases) {
            if (glob_chooses(glob, *test)) {
                return;
            }
        }
        bail_out_over("no test is chosen by '", glob, "'");
    });
}

Outcome run_case(const Case& test, std::uint32_t number, std::uint32_t timeout_seconds)
{
    Record& record = running.own;
    record.reset();
    running.number = number;
    running.test = &test;

    TextBuffer<120> reason;
    TextBuffer<48> measured;
    if (satisfied(test.needs, reason)) {
        console::print("# start {}\n", test.id);
        const timer::Ticks start = timer::now();
        {
            const Watchdog watchdog{timeout_seconds};
            test.run();
        }
        const timer::Ticks end = timer::now();
        record.close();
        format_to(measured, "{} check{}, {} us", record.checks(), record.checks() == 1 ? "" : "s",
                  timer::to_microseconds(end - start));
    } else {
        record.worsen(Outcome::skip, "{}", FormatArguments{reason.text()});
    }
    {
        console::Unit unit;
        unit.begin_line();
        write_result(unit, number, test.id, record, measured.text());
    }
    running.test = nullptr;
    return record.outcome();
}

void count(Totals& totals, Outcome outcome)
{
    switch (outcome) {
    case Outcome::pass:
        ++totals.pass;
        break;
    case Outcome::skip:
        ++totals.skip;
        break;
    case Outcome::fail:
        ++totals.fail;
        break;
    case Outcome::error:
        ++totals.error;
        break;
    }
}

}  // namespace

Totals run(const Options& options, std::span<const Case> cases)
{
    Totals totals{};
    if (cases.size() > max_cases) {
        bail_out("more tests than the framework's table has room for");
    }
    const std::span<const Case*> all = sort_cases(cases, table);
    if (const Case* twice = find_duplicate(all); twice != nullptr) {
        bail_out_over("two tests are called ", twice->id, "");
    }
    if (options.list) {
        list(all);
        return totals;
    }
    const Selection selection{options.selection};
    check_selection(selection, all);
    const std::span<const Case*> chosen = keep_chosen(all, selection);
    const std::uint64_t planned = std::uint64_t{chosen.size()} * options.repeat;
    if (options.first > planned) {
        bail_out("assay.first is behind the last test of the plan");
    }
    console::print("1..{}\n", planned - options.first + 1);

    answer_report_requests();
    set_seed(options.seed);
    Random order{options.seed};
    std::uint64_t position = 0;
    std::uint32_t number = 0;
    for (std::uint32_t pass = 0; pass < options.repeat; ++pass) {
        if (options.shuffle) {
            shuffle(chosen, order);
        }
        for (const Case* test : chosen) {
            if (++position >= options.first) {
                count(totals, run_case(*test, ++number, options.timeout_seconds));
            }
        }
    }
    console::print("# Totals: pass:{} fail:{} skip:{} error:{}\n", totals.pass, totals.fail,
                   totals.skip, totals.error);
    return totals;
}

}  // namespace test
