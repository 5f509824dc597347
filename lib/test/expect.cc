// SPDX-License-Identifier: MIT
#include "lib/test/expect.h"

#include "lib/console/console.h"
#include "lib/test/context.h"
#include "lib/test/record.h"

namespace test::detail {

namespace {

// A check in a loop must not bury the console.
constexpr std::uint32_t shown_failures = 20;

// A value in a column: what could break the line is escaped, and the width is counted.
class ValueColumn final : public Sink {
public:
    explicit ValueColumn(Sink& sink) : sink_{sink} {}

    void write(std::string_view text) override
    {
        for (const char c : text) {
            const bool printable = c >= ' ' && c <= '~';
            if (printable) {
                sink_.write({&c, 1});
            } else {
                format_to(sink_, "\\x{:02x}", static_cast<unsigned char>(c));
            }
            used_ += printable ? 1 : 4;
        }
    }
    void pad_to(std::size_t width)
    {
        do {
            sink_.write(" ");
        } while (++used_ < width);
    }

private:
    Sink& sink_;
    std::size_t used_ = 0;
};

std::string_view relation_text(Relation relation)
{
    switch (relation) {
    case Relation::not_equal:
        return "not ";
    case Relation::less:
        return "< ";
    case Relation::less_equal:
        return "<= ";
    case Relation::greater:
        return "> ";
    case Relation::greater_equal:
        return ">= ";
    case Relation::equal:
        break;
    }
    return "";
}

}  // namespace

void print_boolean(Sink& sink, const void* value)
{
    sink.write(*static_cast<const bool*>(value) ? "true" : "false");
}

void print_unsigned(Sink& sink, std::uint64_t value)
{
    if (value < 10) {
        format_to(sink, "{}", value);
    } else if (value < 0x10000) {
        format_to(sink, "{:#x} ({})", value, value);
    } else {
        format_to(sink, "{:#x}", value);
    }
}

void print_signed(Sink& sink, std::int64_t value)
{
    if (value < 0) {
        format_to(sink, "{}", value);
    } else {
        print_unsigned(sink, static_cast<std::uint64_t>(value));
    }
}

void count_check()
{
    running.record().add_checks(1);
}

void fail_check(const Place& place, Value actual, Value expected, Relation relation)
{
    const std::uint32_t failures = running.record().add_failure();
    console::Unit unit;
    const std::string_view indent = running.indent();
    if (failures > shown_failures) {
        if (failures == shown_failures + 1) {
            format_to(unit, "{}# note: further failed checks are not shown\n", indent);
        }
        return;
    }
    format_to(unit, "{}# {}:{}: {}\n{}#   expected: {}", indent, place.file, place.line,
              place.expression, indent, relation_text(relation));
    ValueColumn expected_column{unit};
    expected.print(expected_column, expected.object);
    format_to(unit, "\n{}#   actual:   ", indent);
    ValueColumn actual_column{unit};
    actual.print(actual_column, actual.object);
    actual_column.pad_to(24);
    write_context(unit);
    unit.write("\n");
}

}  // namespace test::detail
