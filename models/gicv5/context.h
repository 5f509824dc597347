// SPDX-License-Identifier: MIT
//
// What all parts of the model share.
#pragma once

#include "models/core/faults.h"
#include "models/core/guest_memory.h"
#include "models/core/log.h"
#include "models/gicv5/configuration.h"
#include "models/gicv5/faults.h"

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

// The layouts of registers and tables, under a name that is not the model's.
namespace gicv5 {
}
namespace model::gicv5 {
namespace layout = ::gicv5;

struct Context {
    Configuration configuration;
    GuestMemory& memory;
    FaultSet<Fault> faults;
    Violations violations;
    Log log;

    [[nodiscard]] bool on(Fault fault) const { return faults.on(fault); }
};

// What an interrupt is signalled as.
struct Candidate {
    std::uint32_t intid;
    std::uint8_t priority;
};

// What a source tells about an interrupt.
enum class Event : std::uint8_t { set_edge, set_level, clear };

// The IDLE bit of a group of registers. It reads as 0 `slowness` times after a write to the group;
// what the write does is done when it reads as 1.
class Handshake {
public:
    void start(unsigned slowness, std::function<void()> effect = {})
    {
        reads_left_ = slowness;
        effect_ = std::move(effect);
        if (reads_left_ == 0) {
            finish();
        }
    }
    void get_stuck() { stuck_ = true; }

    [[nodiscard]] bool idle() const { return reads_left_ == 0; }
    // The bit as software reads it.
    [[nodiscard]] bool poll()
    {
        if (stuck_) {
            return false;
        }
        if (reads_left_ == 0) {
            return true;
        }
        if (--reads_left_ == 0) {
            finish();
        }
        return false;
    }

private:
    void finish()
    {
        if (const auto effect = std::exchange(effect_, {})) {
            effect();
        }
    }

    unsigned reads_left_ = 0;
    bool stuck_ = false;
    std::function<void()> effect_;
};

}  // namespace model::gicv5
