// SPDX-License-Identifier: MIT
#include "lib/base/format.h"

namespace {

// Writes `text` with blanks on the side the spec asks for.
void write_padded(Sink& sink, std::string_view text, const FormatSpec& spec)
{
    constexpr char fill[FormatSpec::max_width + 1] =
        "                                                                ";
    const std::string_view blanks{fill, spec.width > text.size() ? spec.width - text.size() : 0};
    if (!spec.left) {
        sink.write(blanks);
    }
    sink.write(text);
    if (spec.left) {
        sink.write(blanks);
    }
}

void write_number(Sink& sink, std::uint64_t magnitude, bool negative, const FormatSpec& spec)
{
    constexpr std::size_t longest = 20;  // decimal digits of 2^64 - 1
    char text[FormatSpec::max_width + longest];
    std::size_t at = sizeof(text);
    const unsigned base = spec.hexadecimal ? 16 : 10;
    do {
        text[--at] = "0123456789abcdef"[magnitude % base];
        magnitude /= base;
    } while (magnitude != 0);

    const std::size_t lead =
        (negative ? 1U : 0U) + (spec.prefix && spec.hexadecimal ? std::size_t{2} : 0);
    while (spec.zero && sizeof(text) - at + lead < spec.width) {
        text[--at] = '0';
    }
    if (spec.prefix && spec.hexadecimal) {
        text[--at] = 'x';
        text[--at] = '0';
    }
    if (negative) {
        text[--at] = '-';
    }
    write_padded(sink, {text + at, sizeof(text) - at}, spec);
}

void write_argument(Sink& sink, const FormatArgument& argument, FormatSpec spec)
{
    using Kind = FormatArgument::Kind;
    switch (argument.kind) {
    case Kind::boolean:
        write_padded(sink, argument.number != 0 ? "true" : "false", spec);
        break;
    case Kind::character: {
        const char c = static_cast<char>(argument.number);
        write_padded(sink, {&c, 1}, spec);
        break;
    }
    case Kind::unsigned_number:
        write_number(sink, argument.number, false, spec);
        break;
    case Kind::signed_number: {
        const bool negative = static_cast<std::int64_t>(argument.number) < 0;
        write_number(sink, negative ? 0 - argument.number : argument.number, negative, spec);
        break;
    }
    case Kind::pointer:
        spec.prefix = spec.hexadecimal = true;
        write_number(sink, argument.number, false, spec);
        break;
    case Kind::text:
        write_padded(sink, argument.text, spec);
        break;
    }
}

}  // namespace

void format_arguments(Sink& sink, std::string_view pattern,
                      std::span<const FormatArgument> arguments)
{
    std::size_t next = 0;
    while (!pattern.empty()) {
        const std::size_t brace = pattern.find_first_of("{}");
        sink.write(pattern.substr(0, brace));
        if (brace == std::string_view::npos) {
            return;
        }
        pattern.remove_prefix(brace);
        const std::size_t end = pattern.find('}');
        const bool doubled = pattern.size() > 1 && pattern[1] == pattern[0];
        if (doubled || pattern[0] == '}' || end == std::string_view::npos) {
            sink.write(pattern.substr(0, 1));
            pattern.remove_prefix(doubled ? 2 : 1);
            continue;
        }
        const auto spec = FormatSpec::parse(pattern.substr(1, end - 1));
        if (spec && next < arguments.size()) {
            write_argument(sink, arguments[next], *spec);
        } else {
            sink.write("{?}");
        }
        ++next;
        pattern.remove_prefix(end + 1);
    }
}
