// SPDX-License-Identifier: MIT
//
// Text from typed values: a freestanding subset of std::format.
//
//     format_to(sink, "cpu{}: ESR {:#018x} {}", cpu, esr, decoded);
//
// Replacement fields: {}, {:x} hexadecimal, {:#x} with 0x, {:08x} / {:#018x} zero-filled to a width
// (the width counts the 0x), {:5} right-aligned, {:<20} left-aligned, {{ and }} for braces.
// A width is at most 64. Arguments: bool, integers, enums (as their number), pointers (as {:#x}),
// const char*, std::string_view, char. Fields and their number are checked at compile time.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

// Where text goes.
class Sink {
public:
    virtual void write(std::string_view text) = 0;

protected:
    ~Sink() = default;
};

// Text in a fixed buffer; what does not fit is dropped and `truncated()` says so.
template <std::size_t Capacity>
class TextBuffer final : public Sink {
public:
    void write(std::string_view text) override
    {
        for (const char c : text) {
            if (size_ == Capacity) {
                truncated_ = true;
                return;
            }
            data_[size_++] = c;
        }
    }
    [[nodiscard]] std::string_view text() const { return {data_, size_}; }
    [[nodiscard]] bool truncated() const { return truncated_; }
    void clear() { size_ = 0, truncated_ = false; }

private:
    char data_[Capacity]{};
    std::size_t size_ = 0;
    bool truncated_ = false;
};

// One argument, its type erased so that there is one formatter and not one per call.
class FormatArgument {
public:
    enum class Kind : std::uint8_t {
        boolean,
        character,
        unsigned_number,
        signed_number,
        text,
        pointer
    };

    constexpr FormatArgument() : FormatArgument{false} {}
    constexpr FormatArgument(bool value) : kind{Kind::boolean}, number{value} {}
    constexpr FormatArgument(char value)
        : kind{Kind::character}, number{static_cast<unsigned char>(value)}
    {
    }
    template <std::unsigned_integral T>
    constexpr FormatArgument(T value) : kind{Kind::unsigned_number}, number{value}
    {
    }
    template <std::signed_integral T>
    constexpr FormatArgument(T value)
        : kind{Kind::signed_number}, number{static_cast<std::uint64_t>(std::int64_t{value})}
    {
    }
    template <typename T>
        requires std::is_enum_v<T>
    constexpr FormatArgument(T value)
        : FormatArgument{static_cast<std::underlying_type_t<T>>(value)}
    {
    }
    constexpr FormatArgument(std::string_view value) : kind{Kind::text}, text{value} {}
    constexpr FormatArgument(const char* value)
        : FormatArgument{value != nullptr ? std::string_view{value} : std::string_view{"(null)"}}
    {
    }
    FormatArgument(const void* value)
        : kind{Kind::pointer}, number{reinterpret_cast<std::uintptr_t>(value)}
    {
    }

    Kind kind;
    std::uint64_t number = 0;
    std::string_view text;
};

// How one field is written: the text between its braces.
struct FormatSpec {
    bool left = false;         // '<'
    bool prefix = false;       // '#'
    bool zero = false;         // '0'
    bool hexadecimal = false;  // 'x'
    unsigned width = 0;

    static constexpr unsigned max_width = 64;

    // Takes "" or ":#018x"; nothing when it is malformed.
    [[nodiscard]] static constexpr std::optional<FormatSpec> parse(std::string_view text)
    {
        FormatSpec spec;
        if (text.empty()) {
            return spec;
        }
        const auto accept = [&text](char c) {
            const bool found = !text.empty() && text.front() == c;
            text.remove_prefix(found ? 1 : 0);
            return found;
        };
        if (!accept(':')) {
            return std::nullopt;
        }
        spec.left = accept('<');
        spec.prefix = accept('#');
        spec.zero = accept('0');
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
            spec.width = spec.width * 10 + static_cast<unsigned>(text.front() - '0');
            if (spec.width > max_width) {
                return std::nullopt;
            }
            text.remove_prefix(1);
        }
        spec.hexadecimal = accept('x');
        if (!text.empty()) {
            return std::nullopt;
        }
        return spec;
    }
};

// Formats with the arguments' types erased. A malformed field, or one without an argument, prints
// as "{?}"; a brace without its partner as itself.
void format_arguments(Sink& sink, std::string_view pattern,
                      std::span<const FormatArgument> arguments);

// How many arguments a pattern takes; -1 when it is malformed.
[[nodiscard]] constexpr int count_fields(std::string_view pattern)
{
    int fields = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const bool doubled = i + 1 < pattern.size() && pattern[i + 1] == pattern[i];
        if (pattern[i] == '{' && !doubled) {
            const std::size_t end = pattern.find('}', i);
            if (end == std::string_view::npos ||
                !FormatSpec::parse(pattern.substr(i + 1, end - i - 1))) {
                return -1;
            }
            ++fields;
            i = end;
        } else if (pattern[i] == '{' || pattern[i] == '}') {
            if (!doubled) {
                return -1;
            }
            ++i;
        }
    }
    return fields;
}

// Not constant, so that a call of it in a consteval function is the compiler's error message.
void malformed_field_or_not_as_many_fields_as_arguments();

// A pattern whose fields are checked against the number of arguments at compile time.
template <typename... Args>
struct FormatPattern {
    std::string_view pattern;

    template <typename Text>
        requires std::convertible_to<const Text&, std::string_view>
    consteval FormatPattern(const Text& text) : pattern{text}
    {
        if (count_fields(pattern) != static_cast<int>(sizeof...(Args))) {
            malformed_field_or_not_as_many_fields_as_arguments();
        }
    }
};

// The arguments of one call; lives as long as the full expression.
template <std::size_t Count>
class FormatArguments {
public:
    template <typename... Args>
    explicit FormatArguments(const Args&... args) : arguments_{FormatArgument{args}...}
    {
    }
    operator std::span<const FormatArgument>() const { return {arguments_, Count}; }

private:
    FormatArgument arguments_[Count == 0 ? 1 : Count];
};
template <typename... Args>
FormatArguments(const Args&...) -> FormatArguments<sizeof...(Args)>;

template <typename... Args>
void format_to(Sink& sink, FormatPattern<std::type_identity_t<Args>...> pattern,
               const Args&... args)
{
    format_arguments(sink, pattern.pattern, FormatArguments{args...});
}
