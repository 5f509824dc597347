// SPDX-License-Identifier: MIT
#include "lib/test/items.h"

#include "lib/console/console.h"
#include "lib/test/outcome.h"
#include "lib/test/record.h"

namespace test {

Items::Items(std::size_t count) : count_{count}
{
    console::print("  KTAP version 1\n  1..{}\n", count);
}

Items::~Items()
{
    if (number_ != count_ && running.own.outcome() == Outcome::pass) {
        error("{} of {} items ran", number_, count_);
    }
    if (number_ != 0 && skipped_ == number_ && running.own.checks() == 0) {
        skip("all {} items skipped", number_);
    }
}

void Items::run(std::string_view name, FunctionRef<void()> body)
{
    if (running.in_item) {
        return error("item {} inside an item", name);
    }
    Record& item = running.item;
    item.reset();
    running.in_item = true;
    console::print("  # start {}\n", name);
    body();
    item.close();
    {
        console::Unit unit;
        unit.write("  ");
        write_result(unit, static_cast<std::uint32_t>(++number_), name, item, item.value());
    }
    running.in_item = false;

    running.own.add_checks(item.checks());
    if (item.outcome() == Outcome::fail) {
        running.own.add_failure();
    } else if (item.outcome() == Outcome::error) {
        running.own.worsen(Outcome::error, "{}: {}", FormatArguments{name, item.reason()});
    } else if (item.outcome() == Outcome::skip) {
        ++skipped_;
    }
}

}  // namespace test
