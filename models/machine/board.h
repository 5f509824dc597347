// SPDX-License-Identifier: MIT
//
// The model machine as a whole: what its device tree describes, made.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"
#include "lib/test/case.h"
#include "models/gicv5/model.h"
#include "models/machine/core.h"
#include "models/machine/ram.h"
#include "models/machine/settings.h"
#include "models/machine/uart.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <set>
#include <string_view>
#include <vector>

namespace machine {

using Faults = model::FaultSet<model::gicv5::Fault>;

class Board {
public:
    // The machine's one board, after start().
    [[nodiscard]] static Board& get();
    // The tree lies in the RAM. Errors: it does not say what models/machine/platform.h says.
    [[nodiscard]] static Result<> start(Ram& ram, const fdt::Tree& tree, const Settings& settings,
                                        const Faults& faults);

    [[nodiscard]] std::deque<Core>& cores() { return cores_; }
    [[nodiscard]] Ram& ram() { return ram_; }

    // Accesses to registers of devices. Throw model::ExternalAbort.
    [[nodiscard]] static bool is_device(std::uint64_t address);
    [[nodiscard]] std::uint64_t read(std::uint64_t address, unsigned width);
    void write(std::uint64_t address, unsigned width, std::uint64_t value);

    // Says what software did that the architecture forbids since this was last asked. In a test it
    // is said once, and is a note, since the test may have done it on purpose; or an error of the
    // test, when strict. Elsewhere it is an error of the run.
    void report_violations();
    void set_strict(bool strict) { strict_ = strict; }
    [[nodiscard]] bool is_run_in_error() const { return violations_outside_tests_; }

private:
    Board(Ram& ram, const model::gicv5::Configuration& configuration, const Faults& faults);

    [[nodiscard]] std::vector<model::Violation> new_violations();
    void write_stimulus(std::uint64_t offset, unsigned width, std::uint64_t value);

    Ram& ram_;
    model::gicv5::Gicv5 gic_;
    Uart uart_;
    std::deque<Core> cores_;
    bool strict_ = false;
    std::mutex violations_lock_;
    const test::Case* violations_of_ = nullptr;  // whose rules these are
    std::set<std::string_view> reported_rules_;
    std::atomic<bool> violations_outside_tests_{false};
};

}  // namespace machine
