// SPDX-License-Identifier: MIT

#include "lib/console/discover.h"

#include "lib/base/mmio.h"
#include "lib/console/ns16550.h"
#include "lib/console/pl011.h"
#include "lib/console/spaced_mmio.h"

#include <arch/mmu.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace console {

namespace {

using Pl011 = pl011::Pl011<Mmio>;
using Ns16550 = ns16550::Ns16550<SpacedMmio>;

// The console outlives everything; there is one of each kind at the most.
constinit std::optional<Pl011> pl011_device;
constinit std::optional<Ns16550> ns16550_device;

// A device to be the console, and what stdout-path says behind the ':'.
struct Port {
    fdt::Node node;
    fdt::Region registers;
    std::string_view options;
};

[[nodiscard]] std::optional<std::uint32_t> cell_of(fdt::Node node, std::string_view name)
{
    const auto property = node.property(name);
    const auto cell = property ? property->cell() : fail("no such property");
    return cell ? std::optional{*cell} : std::nullopt;
}

// "115200n8": the number at the front.
[[nodiscard]] std::uint32_t baud_rate(const Port& port)
{
    std::uint32_t baud = 0;
    const char* begin = port.options.data();
    if (std::from_chars(begin, begin + port.options.size(), baud).ec != std::errc{}) {
        return cell_of(port.node, "current-speed").value_or(115200);
    }
    return baud;
}

// The first clock, when it is a fixed one. 0: not known.
[[nodiscard]] std::uint32_t clock_frequency(fdt::Node node)
{
    const auto phandle = cell_of(node, "clocks");
    const auto clock = phandle ? node.tree().find_phandle(*phandle) : std::nullopt;
    return clock ? cell_of(*clock, "clock-frequency").value_or(0) : 0;
}

[[nodiscard]] Result<Device*> open_pl011(const Port& port)
{
    auto& device = pl011_device.emplace(Mmio{port.registers.base});
    device.init({clock_frequency(port.node), baud_rate(port)});
    return &device;
}

[[nodiscard]] Result<Device*> open_sbsa_uart(const Port& port)
{
    return &pl011_device.emplace(Mmio{port.registers.base});
}

[[nodiscard]] Result<Device*> open_ns16550(const Port& port)
{
    const std::uint32_t shift = cell_of(port.node, "reg-shift").value_or(0);
    const std::uint32_t width = cell_of(port.node, "reg-io-width").value_or(1);
    if (shift > 4) {
        return fail("console: reg-shift is not 0 to 4", shift);
    }
    if (width != 1 && width != 2 && width != 4) {
        return fail("console: reg-io-width is not 1, 2 or 4", width);
    }
    auto& device = ns16550_device.emplace(SpacedMmio{port.registers.base, shift, width});
    device.init();
    return &device;
}

struct Driver {
    std::string_view compatible;
    Result<Device*> (*open)(const Port&);
};

constexpr std::array drivers{
    Driver{"arm,pl011", open_pl011},  Driver{"arm,sbsa-uart", open_sbsa_uart},
    Driver{"ns16550a", open_ns16550}, Driver{"ns16550", open_ns16550},
    Driver{"ns16450", open_ns16550},  Driver{"ns8250", open_ns16550},
};

[[nodiscard]] Result<> attach_port(const Driver& driver, fdt::Node node, std::string_view options)
{
    const auto registers = node.reg();
    if (!registers) {
        return std::unexpected{registers.error()};
    }
    if (const auto mapped = arch::map_device(*registers); !mapped) {
        return mapped;
    }
    const auto device = driver.open({node, *registers, options});
    if (!device) {
        return std::unexpected{device.error()};
    }
    attach(**device);
    return {};
}

[[nodiscard]] std::string_view stdout_path(const fdt::Tree& tree)
{
    const auto chosen = tree.chosen();
    const auto property = chosen ? chosen->property("stdout-path") : std::nullopt;
    return property ? property->string().value_or("") : "";
}

}  // namespace

Result<> discover(const fdt::Tree& tree)
{
    const std::string_view path = stdout_path(tree);
    const auto named = path.empty() ? std::nullopt : tree.find(path);
    if (named && named->enabled()) {
        const std::size_t colon = path.find(':');
        const std::string_view options =
            colon == std::string_view::npos ? std::string_view{} : path.substr(colon + 1);
        for (const Driver& driver : drivers) {
            if (named->compatible(driver.compatible)) {
                return attach_port(driver, *named, options);
            }
        }
    }
    for (const Driver& driver : drivers) {
        if (const auto node = tree.find_compatible(driver.compatible)) {
            return attach_port(driver, *node, {});
        }
    }
    return fail(named ? "console: no driver for the device that stdout-path names"
                      : "console: no arm,pl011, arm,sbsa-uart or ns16550a in the device tree");
}

}  // namespace console
