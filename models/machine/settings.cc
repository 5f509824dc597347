// SPDX-License-Identifier: MIT
#include "models/machine/settings.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace machine {

namespace {

using model::gicv5::Configuration;

// A member of the configuration, or of a part of it that is there.
template <auto Member>
bool set(Configuration& configuration, unsigned value)
{
    using Type = std::remove_cvref_t<decltype(configuration.*Member)>;
    configuration.*Member = static_cast<Type>(value);
    return true;
}
template <auto Part, auto Member>
bool set_in(Configuration& configuration, unsigned value)
{
    auto& part = configuration.*Part;
    if (part) {
        using Type = std::remove_cvref_t<decltype((*part).*Member)>;
        (*part).*Member = static_cast<Type>(value);
    }
    return part.has_value();
}

using Lpis = Configuration::Lpis;
using Its = Configuration::Its;
using Iwb = Configuration::Iwb;
constexpr auto lpis = &Configuration::lpis;
constexpr auto its = &Configuration::its;
constexpr auto iwb = &Configuration::iwb;

constexpr Setting settings[]{
    {"id-bits", "16 or 24", set<&Configuration::id_bits>},
    {"priority-bits", "of the CPU interface: 4 or 5", set<&Configuration::priority_bits>},
    {"irs-priority-bits", "1 to 5", set<&Configuration::irs_priority_bits>},
    {"linked-by-firmware", "0 or 1", set<&Configuration::linked_by_firmware>},
    {"nmi", "0 or 1", set<&Configuration::nmi>},
    {"slowness", "how often a status is not idle yet", set<&Configuration::slowness>},
    {"spi-base", "the IRS's first SPI", set<&Configuration::spi_base>},
    {"spi-count", "how many SPIs the IRS has", set<&Configuration::spi_count>},
    {"one-of-n", "0 or 1", set<&Configuration::one_of_n>},
    {"software-errors", "0 or 1", set<&Configuration::software_errors>},
    {"lpis", "0: there are none",
     [](Configuration& configuration, unsigned value) {
         if (value == 0) {
             configuration.lpis.reset();
         }
         return true;
     }},
    {"lpi-id-bits", "14 to 24", set_in<lpis, &Lpis::id_bits>},
    {"lpi-min-id-bits", "up to 14", set_in<lpis, &Lpis::min_id_bits>},
    {"lpi-two-level", "0 or 1", set_in<lpis, &Lpis::two_level>},
    {"lpi-level2-sizes", "a mask: 1 is 4 KiB, 2 is 16 KiB, 4 is 64 KiB",
     set_in<lpis, &Lpis::level2_sizes>},
    {"lpi-metadata", "0 or 1", set_in<lpis, &Lpis::metadata>},
    {"lpi-metadata-16-bytes", "LPI ID bits from which it has this size",
     set_in<lpis, &Lpis::metadata_16_bytes>},
    {"its-device-bits", "up to 32", set_in<its, &Its::device_bits>},
    {"its-event-bits", "up to 16", set_in<its, &Its::event_bits>},
    {"its-two-level-devices", "0 or 1", set_in<its, &Its::two_level_devices>},
    {"its-two-level-events", "0 or 1", set_in<its, &Its::two_level_events>},
    {"its-level2-sizes", "as lpi-level2-sizes", set_in<its, &Its::level2_sizes>},
    {"iwb-wires", "a multiple of 32", set_in<iwb, &Iwb::wires>},
};

}  // namespace

std::span<const Setting> Settings::all()
{
    return settings;
}

void Settings::add(std::string_view assignment)
{
    const std::size_t equals = assignment.find('=');
    const std::string name{assignment.substr(0, equals)};
    const auto* const setting = std::ranges::find(settings, name, &Setting::name);
    if (setting == std::end(settings)) {
        throw std::invalid_argument("no setting is called '" + name + "'");
    }
    unsigned value = 0;
    const char* const end = assignment.data() + assignment.size();
    const char* const begin =
        equals == std::string_view::npos ? end : assignment.data() + equals + 1;
    const auto [rest, error] = std::from_chars(begin, end, value);
    if (error != std::errc{} || rest != end) {
        throw std::invalid_argument(name + " needs a number: " + name + "=NUMBER");
    }
    chosen_.push_back({.setting = setting, .value = value});
}

void Settings::apply(Configuration& configuration) const
{
    for (const auto& [setting, value] : chosen_) {
        if (!setting->apply(configuration, value)) {
            throw std::invalid_argument(std::string{setting->name} +
                                        ": the machine has no such part");
        }
    }
}

}  // namespace machine
