// SPDX-License-Identifier: MIT
#include "lib/test/outcome.h"

#include "lib/console/console.h"
#include "lib/test/context.h"
#include "lib/test/record.h"

namespace test::detail {

void skip_case(std::string_view pattern, std::span<const FormatArgument> arguments)
{
    running.record().worsen(Outcome::skip, pattern, arguments);
}

void error_case(std::string_view pattern, std::span<const FormatArgument> arguments)
{
    running.record().worsen(Outcome::error, pattern, arguments);
    console::Unit unit;
    format_to(unit, "{}# test error: ", running.indent());
    format_arguments(unit, pattern, arguments);
    unit.write(" ");
    write_context(unit);
    unit.write("\n");
}

void note_line(std::string_view pattern, std::span<const FormatArgument> arguments)
{
    console::Unit unit;
    format_to(unit, "{}# note: ", running.indent());
    format_arguments(unit, pattern, arguments);
    unit.write("\n");
}

void set_item_value(std::string_view pattern, std::span<const FormatArgument> arguments)
{
    running.record().set_value(pattern, arguments);
}

}  // namespace test::detail
