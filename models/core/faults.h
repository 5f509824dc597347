// SPDX-License-Identifier: MIT
//
// Faults that can be switched on in a device model: each makes it wrong in one way that software
// running on it can notice. A test suite is as good as the faults it finds.
#pragma once

#include <bitset>
#include <cstddef>
#include <span>
#include <string_view>

namespace model {

struct FaultDescription {
    std::string_view name;     // kebab-case
    std::string_view summary;  // what the device does wrong, one sentence
};

// A set of the faults that `Fault` enumerates from 0. descriptions(Fault) gives their table, in the
// order of the enumeration.
template <typename Fault>
class FaultSet {
public:
    [[nodiscard]] static constexpr std::span<const FaultDescription> all()
    {
        return descriptions(Fault{});
    }

    [[nodiscard]] bool on(Fault fault) const { return on_[static_cast<std::size_t>(fault)]; }
    void switch_on(Fault fault) { on_.set(static_cast<std::size_t>(fault)); }
    // False: there is no fault of that name.
    [[nodiscard]] bool switch_on(std::string_view name)
    {
        for (std::size_t i = 0; i < all().size(); ++i) {
            if (all()[i].name == name) {
                on_.set(i);
                return true;
            }
        }
        return false;
    }
    void switch_all_off() { on_.reset(); }

private:
    std::bitset<descriptions(Fault{}).size()> on_;
};

}  // namespace model
