// SPDX-License-Identifier: MIT
//
// How a device model refuses an access: what a CPU makes of it is an exception there, too.
#pragma once

#include <stdexcept>

namespace model {

// A system register or instruction that does not exist, or not for reading or for writing.
struct Undefined : std::runtime_error {
    using runtime_error::runtime_error;
};
// An access that no register answers: its size or alignment is wrong, or it is outside the frame.
struct ExternalAbort : std::runtime_error {
    using runtime_error::runtime_error;
};

}  // namespace model
