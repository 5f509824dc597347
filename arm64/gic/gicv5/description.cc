// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv5/description.h"

#include "arm64/gic/gicv5/intid.h"

#include <algorithm>

namespace gicv5 {

namespace {

[[nodiscard]] bool overlap(const fdt::Region& a, const fdt::Region& b)
{
    return a.base < b.base + b.size && b.base < a.base + a.size;
}

// The 64 KiB frame that `reg-names` calls `name`.
[[nodiscard]] Result<fdt::Region> frame(const fdt::Node& node, std::string_view name)
{
    const auto found = node.reg(name);
    if (found && found->size < frame_size) {
        return fail("a frame of a GICv5 node is smaller than 64 KiB", found->size);
    }
    return found;
}

[[nodiscard]] bool names_frame(const fdt::Node& node, std::string_view name)
{
    const auto names = node.property("reg-names");
    return names && names->index_of(name);
}

[[nodiscard]] Result<fdt::Region> config_frame(const fdt::Node& node)
{
    if (!node.property("reg-names")) {
        return fail("a GICv5 node has no reg-names to tell which frame is ns-config");
    }
    if (!names_frame(node, "ns-config")) {
        return fail("reg-names of a GICv5 node do not have ns-config");
    }
    return frame(node, "ns-config");
}

// CPU nodes of the tree; what `cpus` lists are phandles of them.
[[nodiscard]] std::size_t count_cpu_nodes(const fdt::Tree& tree)
{
    std::size_t count = 0;
    const auto cpus = tree.find("/cpus");
    for (auto node = cpus ? cpus->first_child() : std::nullopt; node; node = node->next_sibling()) {
        count += node->property("device_type") ? 1 : 0;
    }
    return count;
}

[[nodiscard]] Result<unsigned> count_served(const fdt::Node& node)
{
    const auto cpus = node.property("cpus");
    const auto iaffids = node.property("arm,iaffids");
    if (!cpus || cpus->cells() == 0) {
        return fail("the IRS node serves no CPU: no cpus");
    }
    if (const std::size_t known = count_cpu_nodes(node.tree()); cpus->cells() > known) {
        return fail("cpus of the IRS node has more entries than there are CPU nodes",
                    cpus->cells());
    }
    if (!iaffids || iaffids->size() != cpus->cells() * sizeof(std::uint16_t)) {
        return fail("arm,iaffids of the IRS node does not have one 16-bit number for each CPU",
                    iaffids ? iaffids->size() : 0);
    }
    return static_cast<unsigned>(cpus->cells());
}

// Every node of the tree below `node`, in its order.
template <typename Visitor>
void for_each_node(const fdt::Node& node, Visitor visit)
{
    visit(node);
    for (auto child = node.first_child(); child; child = child->next_sibling()) {
        for_each_node(*child, visit);
    }
}

}  // namespace

Result<IrsDescription> describe_irs(const fdt::Node& node)
{
    const auto config = config_frame(node);
    if (!config) {
        return std::unexpected{config.error()};
    }
    const auto cpus = count_served(node);
    if (!cpus) {
        return std::unexpected{cpus.error()};
    }
    IrsDescription irs{.config = *config,
                       .setlpi = {},
                       .cpu_count = *cpus,
                       .coherent = !node.property("dma-noncoherent")};
    if (names_frame(node, "ns-setlpi")) {
        const auto setlpi = frame(node, "ns-setlpi");
        if (!setlpi) {
            return std::unexpected{setlpi.error()};
        }
        irs.setlpi = *setlpi;
    }
    for (std::size_t i = 0; i < node.reg_count(); ++i) {
        const auto other = node.reg(i);
        if (other && *other != irs.config && overlap(*other, irs.config)) {
            return fail("frames of the IRS node overlap", other->base);
        }
    }
    return irs;
}

Result<ItsDescription> describe_its(const fdt::Node& node)
{
    const auto config = config_frame(node);
    if (!config) {
        return std::unexpected{config.error()};
    }
    ItsDescription its{
        .config = *config, .translate = {}, .coherent = !node.property("dma-noncoherent")};
    for (auto child = node.first_child(); child; child = child->next_sibling()) {
        if (!child->enabled() || !names_frame(*child, "ns-translate")) {
            continue;
        }
        const auto translate = frame(*child, "ns-translate");
        if (!translate) {
            return std::unexpected{translate.error()};
        }
        if (overlap(*translate, its.config)) {
            return fail("frames of the ITS node overlap", translate->base);
        }
        its.translate = *translate;
        break;
    }
    return its;
}

Result<IwbDescription> describe_iwb(const fdt::Node& node)
{
    const auto config = node.reg();
    if (!config) {
        return std::unexpected{config.error()};
    }
    if (config->size < frame_size) {
        return fail("a frame of a GICv5 node is smaller than 64 KiB", config->size);
    }
    const auto parent = node.property("msi-parent");
    if (!parent || parent->cells() < 2) {
        return fail("msi-parent of the IWB node does not name an ITS and a DeviceID");
    }
    return IwbDescription{.config = *config, .device = *parent->cell(1)};
}

Result<std::uint16_t> described_iaffid(const fdt::Node& gic, std::uint64_t hardware_id)
{
    for (auto irs = gic.first_child(); irs; irs = irs->next_sibling()) {
        const auto cpus = irs->property("cpus");
        const auto iaffids = irs->property("arm,iaffids");
        if (!irs->compatible("arm,gic-v5-irs") || !cpus || !iaffids) {
            continue;
        }
        for (std::size_t i = 0; i < cpus->cells(); ++i) {
            const auto cpu = gic.tree().find_phandle(*cpus->cell(i));
            if (cpu && cpu->unit_address() == hardware_id) {
                return iaffids->half(i);
            }
        }
    }
    return fail("no IRS node has the CPU in cpus", hardware_id);
}

std::uint32_t first_unnamed_spi(const fdt::Tree& tree)
{
    std::uint32_t first = 0;
    for_each_node(tree.root(), [&](const fdt::Node& node) {
        for (std::size_t i = 0; const auto interrupt = node.interrupt(i); ++i) {
            if (!tree.at(interrupt->controller).compatible("arm,gic-v5")) {
                continue;
            }
            const auto id = interrupt_id(std::span{interrupt->cells}.first(interrupt->count));
            if (id && is_a(IntidType::spi, *id)) {
                first = std::max(first, number(*id) + 1);
            }
        }
        // The cells of a map have many meanings; taking each for an SPI wastes a few.
        if (const auto map = node.property("interrupt-map")) {
            constexpr std::uint32_t no_spi = 1024;
            for (std::size_t i = 0; i < map->cells(); ++i) {
                const std::uint32_t cell = *map->cell(i);
                first = cell < no_spi ? std::max(first, cell + 1) : first;
            }
        }
    });
    return first;
}

}  // namespace gicv5
