// SPDX-License-Identifier: MIT
//
// A PL011 (Arm DDI 0183) whose line is standard output. It sends at once, is never full, and
// receives nothing. Its transmit interrupt is there: a level that a guest test can raise and drop.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

namespace machine {

class Uart {
public:
    // `line` is told the level of UARTINTR.
    explicit Uart(std::function<void(bool)> line) : line_{std::move(line)} {}

    [[nodiscard]] std::uint64_t read(std::uint64_t offset);
    void write(std::uint64_t offset, std::uint64_t value);

private:
    std::function<void(bool)> line_;
    std::mutex lock_;
    bool transmit_masked_ = true;
    bool transmitted_ = false;
};

}  // namespace machine
