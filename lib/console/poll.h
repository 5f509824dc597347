// SPDX-License-Identifier: MIT
//
// A wait for a console device that ends even when the device is dead.
#pragma once

namespace console {

// Counts polls, not time: the console works before there is a clock. A device that let one wait
// end in vain is polled only once from then on, until it is ready again: a dead one costs one long
// wait, not one per byte.
class Poll {
public:
    // A slow line needs some hundred polls per byte; as an exit to a VMM each, these are seconds.
    static constexpr unsigned patience = 1'000'000;

    // Whether `ready()` came true.
    template <typename Ready>
    [[nodiscard]] bool until(Ready ready)
    {
        for (unsigned left = given_up_ ? 1 : patience; left != 0; --left) {
            if (ready()) {
                given_up_ = false;
                return true;
            }
        }
        given_up_ = true;
        return false;
    }

private:
    bool given_up_ = false;
};

}  // namespace console
