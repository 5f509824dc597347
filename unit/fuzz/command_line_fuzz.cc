// SPDX-License-Identifier: MIT
//
// The command line and the initrd, as a VMM may hand them over: input is the one, a NUL, the other.

#include "lib/test/options.h"
#include "lib/test/selection.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

constexpr test::Case sample(const char* id, std::uint32_t flags)
{
    return {.id = id,
            .summary = "",
            .needs = "",
            .file = "",
            .line = 1,
            .flags = flags,
            .run = nullptr};
}

constexpr test::Case samples[]{
    sample("gicv5.ppi.sw_ppi", 0),
    sample("psci.version", 0),
    sample("misbehave.data_abort", test::Case::on_request),
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string input{reinterpret_cast<const char*>(data), size};
    const std::size_t split = input.find('\0');
    const std::string command_line = input.substr(0, split);
    const std::string initrd = split == std::string::npos ? "" : input.substr(split + 1);

    const auto options = test::parse_options(command_line, initrd);
    if (!options) {
        if (options.error().empty()) {
            std::abort();  // an error without a sentence
        }
        return 0;
    }
    const test::Selection selection{options->selection};
    bool wanted = false;
    selection.for_each_wanted([&](std::string_view glob) { wanted |= !glob.empty(); });
    for (const test::Case& one : samples) {
        if (selection.chooses(one) && !wanted) {
            std::abort();  // chosen by nothing
        }
    }
    return 0;
}
