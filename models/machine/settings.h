// SPDX-License-Identifier: MIT
//
// What an implementation may choose and the device tree does not say: settings of the model by
// name, for machines that differ.
#pragma once

#include "models/gicv5/configuration.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace machine {

struct Setting {
    std::string_view name;     // kebab-case
    std::string_view summary;  // the values it takes
    // False: the machine has no such part.
    bool (*apply)(model::gicv5::Configuration& configuration, unsigned value);
};

class Settings {
public:
    [[nodiscard]] static std::span<const Setting> all();

    // "name=value". Throws std::invalid_argument, whose text names what is wrong with it.
    void add(std::string_view assignment);
    void apply(model::gicv5::Configuration& configuration) const;

private:
    struct Chosen {
        const Setting* setting;
        unsigned value;
    };
    std::vector<Chosen> chosen_;
};

}  // namespace machine
