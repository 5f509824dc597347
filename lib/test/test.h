// SPDX-License-Identifier: MIT
//
// What a test author includes.
//
//     // One sentence: what must be true of the machine.
//     TEST(gicv5_ppi, active_is_not_signalled_again,
//          .summary = "an active PPI is not signalled again until it is deactivated",
//          .needs = gicv5 && cpus(2))
//     {
//         EXPECT_EQ(actual, expected);      // records and goes on
//         ASSERT_FALSE(gicv5::candidate()); // records and returns from this function
//     }
//
// The ID is "group.name", underscores of the group shown as dots. Both sides of a comparison must
// have the same type. A case that makes no check is an error. What a case changes, guards put back.
//
// Outcomes: fail, the machine is wrong; error(), the test or its surroundings are wrong; skip(),
// not applicable here, with the reason; pass. The worst one wins.
#pragma once

#include "lib/test/benchmark.h"
#include "lib/test/capability.h"
#include "lib/test/case.h"
#include "lib/test/expect.h"
#include "lib/test/items.h"
#include "lib/test/outcome.h"
#include "lib/test/random.h"

#include <array>
#include <cstddef>
#include <string_view>

namespace test {

// What a TEST says about itself.
struct Metadata {
    const char* summary;
    Needs needs{};
    bool on_request = false;  // only run when a selection names its group
};

namespace detail {

// A string literal as a template argument.
template <std::size_t Size>
struct Literal {
    char text[Size]{};
    consteval Literal(const char (&literal)[Size])
    {
        for (std::size_t i = 0; i < Size; ++i) {
            text[i] = literal[i];
        }
    }
};

// "group.name" with the group's underscores as dots, NUL-terminated.
template <Literal Group, Literal Name>
inline constexpr auto id_text = [] {
    std::array<char, sizeof(Group.text) + sizeof(Name.text)> id{};
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < sizeof(Group.text); ++i) {
        id[at++] = Group.text[i] == '_' ? '.' : Group.text[i];
    }
    id[at++] = '.';
    for (std::size_t i = 0; i + 1 < sizeof(Name.text); ++i) {
        id[at++] = Name.text[i];
    }
    return id;
}();

// The text of a .needs expression, NUL-terminated: "gicv5 && !el2 && cpus(2)".
template <Needs Expression>
inline constexpr auto needs_text = [] {
    std::array<char, std::size_t{Needs::max_terms} * 24> text{};
    std::size_t at = 0;
    const auto append = [&](std::string_view piece) {
        for (const char c : piece) {
            text.at(at++) = c;
        }
    };
    for (unsigned i = 0; i < Expression.count; ++i) {
        const Needs::Term& term = Expression.terms[i];
        append(i == 0 ? "" : " && ");
        append(term.negated ? "!" : "");
        append(capability_name(term.capability));
        if (term.capability == Capability::cpus) {
            const char digits[]{static_cast<char>('0' + term.at_least / 100 % 10),
                                static_cast<char>('0' + term.at_least / 10 % 10),
                                static_cast<char>('0' + term.at_least % 10)};
            const std::size_t skip = term.at_least >= 100 ? 0 : term.at_least >= 10 ? 1 : 2;
            append("(");
            append({digits + skip, 3 - skip});
            append(")");
        }
    }
    return text;
}();

}  // namespace detail

}  // namespace test

// Defines and registers a test. Metadata as designated initialisers: .summary (one sentence),
// .needs (capabilities), .on_request.
#define TEST(group, name, ...)                                                       \
    static void group##_##name();                                                    \
    struct group##_##name##_metadata : private ::test::CapabilityNames {             \
        static constexpr ::test::Metadata value{__VA_ARGS__};                        \
    };                                                                               \
    [[gnu::section(".assay.tests"), gnu::used, gnu::retain]]                         \
    static constexpr ::test::Case group##_##name##_case{                             \
        ::test::detail::id_text<#group, #name>.data(),                               \
        group##_##name##_metadata::value.summary,                                    \
        ::test::detail::needs_text<group##_##name##_metadata::value.needs>.data(),   \
        __FILE__,                                                                    \
        __LINE__,                                                                    \
        group##_##name##_metadata::value.on_request ? ::test::Case::on_request : 0U, \
        group##_##name};                                                             \
    static void group##_##name()
