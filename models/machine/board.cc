// SPDX-License-Identifier: MIT
#include "models/machine/board.h"

#include "arm64/gic/gicv5/description.h"
#include "lib/console/console.h"
#include "lib/test/outcome.h"
#include "lib/test/record.h"
#include "models/machine/platform.h"
#include "models/machine/stimulus.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace machine {

namespace {

using model::gicv5::Configuration;
using model::gicv5::FrameKind;

std::unique_ptr<Board> the_board;

struct Frame {
    fdt::Region registers;
    FrameKind kind;
};
constexpr Frame frames[]{
    {platform::irs, FrameKind::irs}, {platform::setlpi, FrameKind::setlpi},
    {platform::its, FrameKind::its}, {platform::translate, FrameKind::translate},
    {platform::iwb, FrameKind::iwb},
};

[[nodiscard]] bool contains(const fdt::Region& region, std::uint64_t address)
{
    return address >= region.base && address - region.base < region.size;
}

[[nodiscard]] const Frame* frame_at(std::uint64_t address)
{
    const auto* const found = std::ranges::find_if(
        frames, [=](const Frame& frame) { return contains(frame.registers, address); });
    return found != std::end(frames) ? found : nullptr;
}

[[nodiscard]] Result<> check_place(const fdt::Region& found, const fdt::Region& expected)
{
    if (found != expected) {
        return fail("a device is not where the model machine has it", found.base);
    }
    return {};
}

// The parts of the GICv5, each of which the tree may leave out.
[[nodiscard]] Result<> configure_irs(const fdt::Tree& tree, Configuration& configuration)
{
    const auto node = tree.find_compatible("arm,gic-v5-irs");
    configuration.irs = node.has_value();
    configuration.setlpi = false;
    if (!node) {
        return {};
    }
    const auto irs = gicv5::describe_irs(*node);
    if (!irs) {
        return std::unexpected{irs.error()};
    }
    configuration.setlpi = irs->setlpi.has_value();
    if (irs->setlpi) {
        if (const auto placed = check_place(*irs->setlpi, platform::setlpi); !placed) {
            return placed;
        }
    }
    return check_place(irs->config, platform::irs);
}

[[nodiscard]] Result<> configure_its(const fdt::Tree& tree, Configuration& configuration)
{
    const auto node = tree.find_compatible("arm,gic-v5-its");
    if (!node) {
        return {};
    }
    const auto its = gicv5::describe_its(*node);
    if (!its) {
        return std::unexpected{its.error()};
    }
    configuration.its.emplace();
    if (its->translate) {
        if (const auto placed = check_place(*its->translate, platform::translate); !placed) {
            return placed;
        }
    }
    return check_place(its->config, platform::its);
}

[[nodiscard]] Result<> configure_iwb(const fdt::Tree& tree, Configuration& configuration)
{
    const auto node = tree.find_compatible("arm,gic-v5-iwb");
    if (!node) {
        return {};
    }
    const auto iwb = gicv5::describe_iwb(*node);
    if (!iwb) {
        return std::unexpected{iwb.error()};
    }
    configuration.iwb.emplace().device = iwb->device;
    return check_place(iwb->config, platform::iwb);
}

[[nodiscard]] Result<> configure_cpus(const fdt::Tree& tree,
                                      std::span<const std::uint64_t> affinities,
                                      Configuration& configuration)
{
    configuration.cpus = static_cast<unsigned>(affinities.size());
    const auto gic = tree.find_compatible("arm,gic-v5");
    for (const std::uint64_t affinity : affinities) {
        if (!configuration.irs || !gic) {
            break;
        }
        const auto iaffid = gicv5::described_iaffid(*gic, affinity);
        if (!iaffid) {
            return std::unexpected{iaffid.error()};
        }
        configuration.iaffids.push_back(*iaffid);
    }
    return {};
}

[[nodiscard]] Result<std::vector<std::uint64_t>> read_affinities(const fdt::Tree& tree)
{
    std::vector<std::uint64_t> affinities;
    for (auto node = tree.find_device_type("cpu"); node;
         node = tree.find_device_type("cpu", node)) {
        const auto affinity = node->unit_address();
        if (!affinity) {
            return std::unexpected{affinity.error()};
        }
        affinities.push_back(*affinity);
    }
    if (affinities.empty()) {
        return fail("device tree has no CPU nodes");
    }
    return affinities;
}

[[nodiscard]] Result<> check_memory(const fdt::Tree& tree)
{
    const auto node = tree.find_device_type("memory");
    const auto region = node ? node->reg() : fail("device tree has no memory node");
    if (!region) {
        return std::unexpected{region.error()};
    }
    if (*region != platform::ram) {
        return fail("the memory node is not the model machine's RAM", region->base);
    }
    return {};
}

}  // namespace

Board& Board::get()
{
    return *the_board;
}

Result<> Board::start(Ram& ram, const fdt::Tree& tree, const Settings& settings,
                      const Faults& faults)
{
    if (const auto checked = check_memory(tree); !checked) {
        return checked;
    }
    const auto affinities = read_affinities(tree);
    if (!affinities) {
        return std::unexpected{affinities.error()};
    }
    Configuration configuration;
    for (const auto& done :
         {configure_irs(tree, configuration), configure_its(tree, configuration),
          configure_iwb(tree, configuration), configure_cpus(tree, *affinities, configuration)}) {
        if (!done) {
            return done;
        }
    }
    settings.apply(configuration);
    the_board.reset(new Board{ram, configuration, faults});
    for (const std::uint64_t affinity : *affinities) {
        the_board->cores_.emplace_back(the_board->gic_,
                                       static_cast<unsigned>(the_board->cores_.size()), affinity);
    }
    return {};
}

Board::Board(Ram& ram, const Configuration& configuration, const Faults& faults)
    : ram_{ram},
      gic_{configuration, ram, faults},
      uart_{[this](bool high) { gic_.set_spi_line(platform::uart_spi, high); }}
{
}

bool Board::is_device(std::uint64_t address)
{
    return contains(platform::uart, address) || contains(platform::stimulus, address) ||
           frame_at(address) != nullptr;
}

std::uint64_t Board::read(std::uint64_t address, unsigned width)
{
    if (contains(platform::uart, address)) {
        return uart_.read(address - platform::uart.base);
    }
    if (const Frame* const frame = frame_at(address)) {
        return gic_.read_frame(frame->kind, address - frame->registers.base, width);
    }
    throw model::ExternalAbort("a register that is only written");
}

void Board::write(std::uint64_t address, unsigned width, std::uint64_t value)
{
    if (contains(platform::uart, address)) {
        uart_.write(address - platform::uart.base, value);
    } else if (contains(platform::stimulus, address)) {
        write_stimulus(address - platform::stimulus.base, width, value);
    } else if (const Frame* const frame = frame_at(address)) {
        gic_.write_frame(frame->kind, address - frame->registers.base, width, value);
    }
}

void Board::write_stimulus(std::uint64_t offset, unsigned width, std::uint64_t value)
{
    using namespace stimulus;
    const auto word = static_cast<std::uint32_t>(value);
    if (offset == SPI::offset && width == sizeof(SPI)) {
        gic_.set_spi_line(SPI::from(word)[SPI::ID], SPI::from(word)[SPI::LEVEL] != 0);
    } else if (offset == WIRE::offset && width == sizeof(WIRE)) {
        gic_.set_iwb_wire(WIRE::from(word)[WIRE::ID], WIRE::from(word)[WIRE::LEVEL] != 0);
    } else if (offset == MESSAGE::offset && width == sizeof(MESSAGE)) {
        const auto message = MESSAGE::from(value);
        gic_.device_write(static_cast<std::uint32_t>(message[MESSAGE::DEVICEID]),
                          static_cast<std::uint32_t>(message[MESSAGE::EVENTID]));
    } else {
        throw model::ExternalAbort("no register of the stimulus");
    }
}

void Board::report_violations()
{
    if (gic_.violations().empty()) {
        return;
    }
    for (const model::Violation& violation : new_violations()) {
        if (test::running.test == nullptr) {
            console::print("# error: model: {}: {}\n", violation.rule, violation.text);
            violations_outside_tests_ = true;
        } else if (strict_) {
            test::error("model: {}: {}", violation.rule, violation.text);
        } else {
            test::note("model: {}: {}", violation.rule, violation.text);
        }
    }
}

// One of each rule for a test.
std::vector<model::Violation> Board::new_violations()
{
    const std::scoped_lock lock{violations_lock_};
    const test::Case* const test = test::running.test;
    if (std::exchange(violations_of_, test) != test) {
        reported_rules_.clear();
    }
    std::vector<model::Violation> fresh;
    for (model::Violation& violation : gic_.violations().take()) {
        if (reported_rules_.insert(violation.rule).second) {
            fresh.push_back(std::move(violation));
        }
    }
    return fresh;
}

}  // namespace machine
