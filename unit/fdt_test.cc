// SPDX-License-Identifier: MIT
#include "lib/fdt/check.h"
#include "lib/fdt/fdt.h"
#include "unit/support/device_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libfdt.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <string>
#include <utility>

namespace {

using fdt::Region;
using testing::HasSubstr;
using unit::Blob;
using unit::DeviceTree;

std::vector<std::string> qemu_trees()
{
    return {std::begin(unit::qemu_trees), std::end(unit::qemu_trees)};
}

std::vector<std::string> all_trees()
{
    std::vector<std::string> names = qemu_trees();
    names.insert(names.end(), std::begin(unit::written_trees), std::end(unit::written_trees));
    return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& parameter)
{
    std::string name = parameter.param;
    std::ranges::replace_if(name, [](char c) { return c == '-' || c == '.'; }, '_');
    return name;
}

template <typename T>
std::string error_of(const Result<T>& result)
{
    return result ? "no error" : result.error().what;
}

// --- Every tree: the same answers as libfdt's ----------------------------------------------------

class EveryTree : public testing::TestWithParam<std::string> {
protected:
    DeviceTree tree_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Fdt, EveryTree, testing::ValuesIn(all_trees()), test_name);

TEST_P(EveryTree, NodesAreWhereLibfdtFindsThem)
{
    const void* blob = tree_->blob();
    for (int offset = 0; offset >= 0; offset = fdt_next_node(blob, offset, nullptr)) {
        const fdt::Node node = tree_->at(offset);
        EXPECT_EQ(node.name(), fdt_get_name(blob, offset, nullptr));

        const int parent = fdt_parent_offset(blob, offset);
        EXPECT_EQ(node.parent() ? node.parent()->offset() : -FDT_ERR_NOTFOUND, parent);
        const int child = fdt_first_subnode(blob, offset);
        EXPECT_EQ(node.first_child() ? node.first_child()->offset() : -FDT_ERR_NOTFOUND, child);
        const int sibling = offset == 0 ? -FDT_ERR_NOTFOUND : fdt_next_subnode(blob, offset);
        EXPECT_EQ(node.next_sibling() ? node.next_sibling()->offset() : -FDT_ERR_NOTFOUND, sibling);

        char path[512];
        ASSERT_EQ(fdt_get_path(blob, offset, path, sizeof path), 0);
        EXPECT_EQ(tree_->find(path), node) << path;
    }
}

TEST_P(EveryTree, PropertiesAreWhatLibfdtReads)
{
    const void* blob = tree_->blob();
    int nodes = 0;
    for (int offset = 0; offset >= 0; offset = fdt_next_node(blob, offset, nullptr), ++nodes) {
        int at = 0;
        fdt_for_each_property_offset(at, blob, offset)
        {
            const char* name = nullptr;
            int length = 0;
            const void* value = fdt_getprop_by_offset(blob, at, &name, &length);
            const auto property = tree_->at(offset).property(name);
            ASSERT_TRUE(property) << name;
            EXPECT_EQ(property->bytes().data(), value);
            EXPECT_EQ(property->size(), static_cast<std::size_t>(length));
        }
        EXPECT_FALSE(tree_->at(offset).property("no-such-property"));
        EXPECT_FALSE(tree_->at(offset).property(""));
    }
    EXPECT_GT(nodes, 5);
}

TEST_P(EveryTree, SearchesFindWhatLibfdtFinds)
{
    const void* blob = tree_->blob();
    std::set<std::string> compatibles;
    for (int offset = 0; offset >= 0; offset = fdt_next_node(blob, offset, nullptr)) {
        const std::uint32_t phandle = fdt_get_phandle(blob, offset);
        if (phandle != 0) {
            EXPECT_EQ(tree_->find_phandle(phandle), tree_->at(offset));
        }
        for (int i = 0; i < fdt_stringlist_count(blob, offset, "compatible"); ++i) {
            compatibles.insert(fdt_stringlist_get(blob, offset, "compatible", i, nullptr));
        }
    }
    for (const std::string& name : compatibles) {
        std::optional<fdt::Node> node;
        int offset = fdt_node_offset_by_compatible(blob, -1, name.c_str());
        for (; offset >= 0; offset = fdt_node_offset_by_compatible(blob, offset, name.c_str())) {
            if (tree_->at(offset).enabled()) {
                node = tree_->find_compatible(name, node);
                EXPECT_EQ(node, tree_->at(offset)) << name;
            }
        }
        EXPECT_FALSE(tree_->find_compatible(name, node)) << name;
    }
}

// --- QEMU ----------------------------------------------------------------------------------------

class QemuTree : public EveryTree {};
INSTANTIATE_TEST_SUITE_P(Fdt, QemuTree, testing::ValuesIn(qemu_trees()), test_name);

TEST_P(QemuTree, TellsWhatABootNeeds)
{
    EXPECT_TRUE(tree_->root().compatible("linux,dummy-virt"));
    EXPECT_EQ(tree_->boot_arguments(), "assay.tests=@initrd assay.seed=7");
    EXPECT_EQ(tree_->initrd(), (Region{0x4800'0000, 7}));

    const auto console = tree_->find(*tree_->find("/chosen")->property("stdout-path")->string());
    ASSERT_TRUE(console);
    EXPECT_TRUE(console->compatible("arm,pl011"));
    EXPECT_EQ(console->reg(), (Region{0x900'0000, 0x1000}));

    auto memory = tree_->find_device_type("memory");
    while (memory && !memory->enabled()) {  // a machine with a Secure world: its memory
        memory = tree_->find_device_type("memory", memory);
    }
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->reg(), (Region{0x4000'0000, 0x1000'0000}));
}

TEST_P(QemuTree, CpusHaveTheirAffinities)
{
    std::vector<std::uint64_t> affinities;
    for (auto cpu = tree_->find_device_type("cpu"); cpu;
         cpu = tree_->find_device_type("cpu", cpu)) {
        affinities.push_back(cpu->unit_address().value());
        EXPECT_THAT(error_of(cpu->reg()), HasSubstr("#size-cells"));
        EXPECT_EQ(cpu->reg_count(), 1u);
    }
    EXPECT_THAT(affinities, testing::ElementsAre(0, 1));
}

TEST_P(QemuTree, VirtualTimerInterrupt)
{
    const auto timer = tree_->find_compatible("arm,armv8-timer");
    ASSERT_TRUE(timer);
    const auto virtual_timer = timer->interrupt(2);
    ASSERT_TRUE(virtual_timer) << error_of(virtual_timer);
    ASSERT_EQ(virtual_timer->count, 3u);
    EXPECT_EQ(virtual_timer->cells[0], 1u);  // PPI
    const fdt::Node controller = tree_->at(virtual_timer->controller);
    if (controller.compatible("arm,gic-v5")) {
        EXPECT_EQ(virtual_timer->cells[1], 27u);
    } else {
        EXPECT_TRUE(controller.compatible("arm,gic-v3") ||
                    controller.compatible("arm,cortex-a15-gic"));
        EXPECT_EQ(virtual_timer->cells[1], 11u);
    }
    EXPECT_FALSE(timer->interrupt(5));
}

TEST(Fdt, QemuGicv5)
{
    const DeviceTree tree{"qemu-11.1-gicv5"};
    const auto irs = tree->find_compatible("arm,gic-v5-irs");
    ASSERT_TRUE(irs);
    EXPECT_EQ(irs->reg("ns-config"), (Region{0x801'0000, 0x1'0000}));
    EXPECT_EQ(error_of(irs->reg("ns-setlpi")), "no reg of that name");
    const auto iaffids = irs->property("arm,iaffids");
    ASSERT_TRUE(iaffids);
    EXPECT_EQ(iaffids->half(0), 0u);
    EXPECT_EQ(iaffids->half(1), 1u);
    EXPECT_FALSE(iaffids->half(2));
    const auto cpu = tree->find_phandle(irs->property("cpus")->cell(1).value());
    ASSERT_TRUE(cpu);
    EXPECT_EQ(cpu->unit_address(), 1u);
}

TEST(Fdt, QemuPciIsBehindAnInterruptMap)
{
    const DeviceTree tree{"qemu-11.1-gicv3"};
    const auto pci = tree->find_compatible("pci-host-ecam-generic");
    ASSERT_TRUE(pci);
    EXPECT_EQ(pci->reg(), (Region{0x40'1000'0000, 0x1000'0000}));
}

TEST(Fdt, QemuDisabledDevicesAreNotFound)
{
    const DeviceTree tree{"qemu-11.1-el3"};
    const auto uart = tree->find_compatible("arm,pl011");
    ASSERT_TRUE(uart);
    EXPECT_EQ(uart->reg()->base, 0x900'0000u);
    EXPECT_FALSE(tree->find_compatible("arm,pl011", uart));
    EXPECT_FALSE(tree->find("/pl011@9040000")->enabled());
}

// --- kvmtool, Firecracker, FVP -------------------------------------------------------------------

TEST(Fdt, Kvmtool)
{
    const DeviceTree tree{"kvmtool-gicv3"};
    const auto uart = tree->find(*tree->find("/chosen")->property("stdout-path")->string());
    ASSERT_TRUE(uart);
    EXPECT_TRUE(uart->compatible("ns16550a"));
    EXPECT_EQ(uart->reg(), (Region{0x100'0000, 8}));
    EXPECT_EQ(tree->find_device_type("memory")->reg(), (Region{0x8000'0000, 0x1000'0000}));

    const auto gic = tree->find_compatible("arm,gic-v3");
    EXPECT_EQ(gic->reg_count(), 2u);
    EXPECT_EQ(gic->reg(1), (Region{0x3ffb'0000, 0x4'0000}));
    EXPECT_EQ(error_of(gic->reg(2)), "no such entry in reg");
    EXPECT_FALSE(tree->initrd());
}

TEST(Fdt, KvmtoolGicv5HasMoreRegEntriesThanNames)
{
    const DeviceTree tree{"kvmtool-gicv5"};
    const auto irs = tree->find_compatible("arm,gic-v5-irs");
    EXPECT_EQ(irs->reg("ns-config"), (Region{0x3ffe'0000, 0x1'0000}));
    EXPECT_EQ(irs->reg(1), (Region{0x3fff'0000, 0x1'0000}));

    const auto its = irs->child("gicv5-its");
    ASSERT_TRUE(its);
    const auto frame = its->child("msi-controller@3ffd0000");
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->reg("ns-translate"), (Region{0x3ffd'0000, 0x1'0000}));
    EXPECT_FALSE(its->child("msi-controller@3ffd000"));
    EXPECT_FALSE(its->child("msi"));
}

TEST(Fdt, FirecrackerHasNoStdoutPath)
{
    const DeviceTree tree{"firecracker"};
    EXPECT_FALSE(tree->find("/chosen")->property("stdout-path"));
    EXPECT_EQ(tree->find_compatible("ns16550a")->reg(), (Region{0x4000'2000, 0x1000}));
    EXPECT_EQ(tree->find("/cpus/cpu@1")->unit_address(), 1u);
    EXPECT_EQ(tree->initrd(), (Region{0x8fc0'0000, 0x10'0000}));
}

TEST(Fdt, FvpAddressesAreTranslatedThroughTheBuses)
{
    const DeviceTree tree{"fvp-revc"};
    const auto uart = tree->find("serial0:38400n8");
    ASSERT_TRUE(uart);
    EXPECT_EQ(uart->name(), "serial@90000");
    EXPECT_EQ(uart->reg(), (Region{0x1c09'0000, 0x1000}));
    EXPECT_EQ(uart->unit_address(), 0x9'0000u);

    const auto outside = uart->parent()->child("outside");
    EXPECT_EQ(error_of(outside->reg()), "reg is outside the ranges of its bus");
    EXPECT_EQ(tree->find_compatible("arm,gic-v3-its")->reg(), (Region{0x2f02'0000, 0x2'0000}));
}

TEST(Fdt, FvpInterruptsByName)
{
    const DeviceTree tree{"fvp-revc"};
    const auto timer = tree->find("/timer");
    EXPECT_EQ(timer->interrupt("virt")->cells[1], 11u);
    EXPECT_EQ(timer->interrupt("hyp-phys")->cells[1], 10u);
    EXPECT_EQ(error_of(timer->interrupt("sec-phys")), "no interrupt of that name");

    const auto frame = tree->find("/timer@2a810000/frame");
    EXPECT_EQ(frame->interrupt(1)->cells[1], 27u);
    EXPECT_EQ(frame->interrupt(1)->count, 3u);
    EXPECT_EQ(frame->interrupt(1)->controller, tree->find_compatible("arm,gic-v3")->offset());
    EXPECT_EQ(error_of(frame->interrupt(2)), "no such interrupt");

    EXPECT_THAT(error_of(tree->find("serial0")->interrupt()), HasSubstr("interrupt-map"));
}

TEST(Fdt, InterruptMapsOfPci)
{
    for (const auto& [name, type] :
         {std::pair{"qemu-11.1-gicv2", 0u}, {"qemu-11.1-gicv3", 0u}, {"qemu-11.1-gicv5", 3u}}) {
        const DeviceTree tree{name};
        const auto bridge = tree->find_compatible("pci-host-ecam-generic");
        ASSERT_TRUE(bridge) << name;
        // Four lines, shared by the slots in turn: bits [12:11] of the address count, and the pin.
        for (std::uint32_t slot = 0; slot < 32; ++slot) {
            for (std::uint32_t pin = 1; pin <= 4; ++pin) {
                const std::uint32_t source[]{slot << 11 | 7 << 8, 0, 0, pin};
                const auto interrupt = bridge->map_interrupt(source);
                ASSERT_TRUE(interrupt) << interrupt.error().what;
                EXPECT_EQ(tree->at(interrupt->controller), tree->root().child("intc"));
                EXPECT_THAT(std::span(interrupt->cells).first(interrupt->count),
                            testing::ElementsAre(type, 3 + (slot + pin - 1) % 4, 4u));
            }
        }
        const std::uint32_t no_pin[]{0, 0, 0, 0};
        EXPECT_EQ(error_of(bridge->map_interrupt(no_pin)), "interrupt-map has no such interrupt");
        EXPECT_EQ(error_of(bridge->map_interrupt(std::span{no_pin}.first(3))),
                  "interrupt-map counts other cells");
        EXPECT_EQ(error_of(tree->root().map_interrupt(no_pin)), "no interrupt-map");
    }
}

TEST(Fdt, InterruptMapsWithoutAddressesAbove)
{
    const DeviceTree tree{"fvp-revc"};
    const auto bus = tree->find("/bus@8000000");
    const std::uint32_t serial[]{3, 0x9'0000, 5};  // the mask leaves the interrupt alone
    const auto interrupt = bus->map_interrupt(serial);
    ASSERT_TRUE(interrupt) << interrupt.error().what;
    EXPECT_EQ(interrupt->controller, tree->find_compatible("arm,gic-v3")->offset());
    EXPECT_THAT(std::span(interrupt->cells).first(interrupt->count),
                testing::ElementsAre(0u, 5u, 4u));
    const std::uint32_t other[]{3, 0x9'0000, 6};
    EXPECT_EQ(error_of(bus->map_interrupt(other)), "interrupt-map has no such interrupt");
}

TEST(Fdt, FvpAffinitiesAreNotIndices)
{
    const DeviceTree tree{"fvp-revc"};
    EXPECT_EQ(tree->find("/cpus/cpu@10000")->unit_address(), 0x1'0000u);
    EXPECT_EQ(tree->find("/cpus/cpu@100000000")->unit_address(), 0x1'0000'0000u);
}

TEST(Fdt, ReservationBlock)
{
    const DeviceTree tree{"fvp-revc"};
    EXPECT_EQ(tree->reservation(0), (Region{0x8000'0000, 0x1'0000}));
    EXPECT_FALSE(tree->reservation(1));
    EXPECT_FALSE(tree->reservation(~std::size_t{0}));
}

// --- What can be wrong inside a tree -------------------------------------------------------------

TEST(Fdt, UnusableCellCountsAreErrors)
{
    const DeviceTree tree{"malformed"};
    const auto reg = [&](const char* path) { return tree->find(path)->reg(); };
    EXPECT_THAT(error_of(reg("/three-cells/device")), HasSubstr("#address-cells"));
    EXPECT_EQ(reg("/three-cells/device").error().value, 3u);
    EXPECT_THAT(error_of(reg("/no-size/device")), HasSubstr("#size-cells"));
    EXPECT_EQ(tree->find("/no-size/device")->unit_address(), 5u);
    EXPECT_THAT(error_of(reg("/no-address/device")), HasSubstr("#address-cells"));
    EXPECT_EQ(tree->find("/no-address/device")->reg_count(), 0u);
    EXPECT_THAT(error_of(reg("/short-cells/device")), HasSubstr("#address-cells"));
    EXPECT_THAT(error_of(reg("/huge-cells/device")), HasSubstr("#size-cells"));
    EXPECT_EQ(error_of(reg("/no-ranges/device")), "reg is on a bus without ranges");
    EXPECT_EQ(error_of(reg("/end-of-memory")), "reg goes beyond the last address");
    EXPECT_EQ(error_of(reg("/short-reg")), "no such entry in reg");
    EXPECT_EQ(error_of(reg("/aliases")), "no reg");
    EXPECT_EQ(error_of(reg("/")), "no reg");
}

TEST(Fdt, UnusableInterruptsAreErrors)
{
    const DeviceTree tree{"malformed"};
    const auto interrupt = [&](const char* path, std::size_t index = 0) {
        return tree->find(path)->interrupt(index);
    };
    EXPECT_EQ(error_of(interrupt("/aliases")), "no interrupts");
    EXPECT_EQ(error_of(interrupt("/orphan")), "no interrupt-parent");
    EXPECT_EQ(error_of(interrupt("/lost")), "interrupt controller not found");
    EXPECT_EQ(interrupt("/lost").error().value, 0xdeadu);
    EXPECT_EQ(error_of(interrupt("/wide")), "#interrupt-cells is not 1 to 4");
    EXPECT_EQ(error_of(interrupt("/narrow")), "#interrupt-cells is not 1 to 4");
    EXPECT_EQ(error_of(interrupt("/wrong")), "interrupt controller without #interrupt-cells");
    EXPECT_EQ(interrupt("/cut-short")->cells[1], 2u);
    EXPECT_EQ(error_of(interrupt("/cut-short", 1)), "interrupt specifier is cut short");

    const auto child = tree->find("/in-controller/child");
    EXPECT_EQ(child->interrupt("second")->cells[0], 3u);
    EXPECT_EQ(error_of(child->interrupt("third")), "no such interrupt");
}

TEST(Fdt, UnusableInterruptMapsAreErrors)
{
    const DeviceTree tree{"malformed"};
    const auto map = [&](const char* path, std::uint32_t interrupt) {
        return tree->find(path)->map_interrupt({&interrupt, 1});
    };
    EXPECT_EQ(map("/nexus", 1)->cells[1], 6u);
    EXPECT_EQ(error_of(map("/nexus", 2)), "interrupt specifier is cut short");
    EXPECT_EQ(error_of(map("/nexus", 3)), "interrupt-map has no such interrupt");
    EXPECT_EQ(error_of(map("/nexus-to-lost", 1)), "interrupt controller not found");
    EXPECT_THAT(error_of(map("/nexus-to-nexus", 1)), HasSubstr("not followed"));
    EXPECT_EQ(error_of(map("/nexus-without-cells", 1)), "no interrupt-map");
}

TEST(Fdt, PathsThatLeadNowhere)
{
    const DeviceTree tree{"malformed"};
    for (const char* path : {"loop", "nowhere", "unterminated", "unknown", "", ":", "/no",
                             "/aliases/x", "nowhere/child", "/in-controller/child/child"}) {
        EXPECT_FALSE(tree->find(path)) << path;
    }
    EXPECT_EQ(tree->find("/"), tree->root());
    EXPECT_EQ(tree->find("//aliases/"), tree->find("/aliases"));
    EXPECT_EQ(tree->boot_arguments(), "");
    EXPECT_FALSE(tree->initrd());
    EXPECT_FALSE(tree->root().parent());
    EXPECT_FALSE(tree->root().next_sibling());
}

TEST(Property, ElementsAndStrings)
{
    constexpr std::array bytes{std::byte{'a'}, std::byte{0},   std::byte{0},
                               std::byte{'b'}, std::byte{'c'}, std::byte{0}};
    const fdt::Property property{bytes};
    EXPECT_EQ(property.string(), "a");
    EXPECT_EQ(property.string(1), "");
    EXPECT_EQ(property.string(2), "bc");
    EXPECT_FALSE(property.string(3));
    EXPECT_EQ(property.index_of("bc"), 2u);
    EXPECT_FALSE(property.index_of("b"));

    const fdt::Property open{std::span{bytes}.first(5)};
    EXPECT_FALSE(open.string(2));
    EXPECT_FALSE(open.index_of("bc"));

    EXPECT_EQ(property.cell(), 0x6100'0062u);
    EXPECT_FALSE(property.cell(1));
    EXPECT_EQ(property.half(2), 0x6300u);
    EXPECT_FALSE(property.number(0, 2));
    EXPECT_FALSE(property.number(0, 3));
    EXPECT_FALSE(property.number(~std::size_t{0}, 1));
    EXPECT_FALSE(fdt::Property{{}}.string());
}

// --- What open() refuses -------------------------------------------------------------------------

// A blob with one big-endian cell of its header or structure block replaced.
Result<fdt::Tree> open_with(std::size_t offset, std::uint32_t value)
{
    static const std::vector<char> original = unit::read_tree("firecracker");
    Blob blob{original};
    const fdt32_t cell = cpu_to_fdt32(value);
    std::memcpy(blob.data() + offset, &cell, sizeof cell);
    return blob.open();
}

TEST(Open, RefusesWrongHeaders)
{
    EXPECT_THAT(error_of(open_with(offsetof(fdt_header, magic), 0)), HasSubstr("magic"));
    EXPECT_THAT(error_of(open_with(offsetof(fdt_header, version), 16)), HasSubstr("version"));
    EXPECT_THAT(error_of(open_with(offsetof(fdt_header, last_comp_version), 18)),
                HasSubstr("version"));
    EXPECT_THAT(error_of(open_with(offsetof(fdt_header, totalsize), 0x1000)), HasSubstr("room"));
    EXPECT_THAT(error_of(open_with(offsetof(fdt_header, totalsize), 0x100)), HasSubstr("blocks"));
    EXPECT_THAT(error_of(open_with(offsetof(fdt_header, off_dt_struct), 0x3a)),
                HasSubstr("misaligned"));
    EXPECT_THAT(error_of(open_with(offsetof(fdt_header, off_mem_rsvmap), 0x2c)),
                HasSubstr("misaligned"));
    EXPECT_THAT(error_of(open_with(offsetof(fdt_header, size_dt_struct), 8)),
                HasSubstr("truncated"));
    EXPECT_THAT(error_of(open_with(offsetof(fdt_header, size_dt_strings), 3)), HasSubstr("NUL"));

    EXPECT_THAT(error_of(fdt::Tree::open(nullptr, 100)), HasSubstr("none"));
    const Blob blob{unit::read_tree("firecracker")};
    EXPECT_THAT(error_of(fdt::Tree::open(blob.data(), 39)), HasSubstr("none"));
    EXPECT_THAT(error_of(fdt::Tree::open(blob.data() + 4, blob.size() - 4)), HasSubstr("aligned"));
}

// A structure block of these cells, with the string "name" at offset 0 of the strings block.
Result<> check(std::initializer_list<std::uint32_t> cells)
{
    std::vector<std::uint32_t> block;
    for (const std::uint32_t cell : cells) {
        block.push_back(cpu_to_fdt32(cell));
    }
    constexpr std::array strings{'n', 'a', 'm', 'e', '\0'};
    return fdt::check_structure(std::as_bytes(std::span{block}), strings);
}

TEST(Open, RefusesWrongStructures)
{
    constexpr std::uint32_t begin = FDT_BEGIN_NODE, end_node = FDT_END_NODE, prop = FDT_PROP,
                            nop = FDT_NOP, end = FDT_END, name = 0;
    EXPECT_TRUE(check({begin, name, end_node, end}));
    EXPECT_TRUE(check({begin, name, nop, prop, 3, 0, 0, nop, begin, name, nop, end_node, nop,
                       end_node, nop, end}));

    EXPECT_THAT(error_of(check({})), HasSubstr("truncated"));
    EXPECT_THAT(error_of(check({end})), HasSubstr("one root"));
    EXPECT_THAT(error_of(check({nop, begin, name, end_node, end})), HasSubstr("one root"));
    EXPECT_THAT(error_of(check({begin, name, end_node, begin, name, end_node, end})),
                HasSubstr("one root"));
    EXPECT_THAT(error_of(check({begin, name, end_node, end_node, end})), HasSubstr("one root"));
    EXPECT_THAT(error_of(check({begin, name, end_node})), HasSubstr("truncated"));
    EXPECT_THAT(error_of(check({begin, name, end})), HasSubstr("inside a node"));
    EXPECT_THAT(error_of(check({begin, 0x61616161})), HasSubstr("does not end"));
    EXPECT_THAT(error_of(check({begin})), HasSubstr("does not end"));
    EXPECT_THAT(error_of(check({begin, name, 5, end_node, end})), HasSubstr("unknown token"));
    EXPECT_THAT(error_of(check({begin, name, prop, 0})), HasSubstr("truncated"));
    EXPECT_THAT(error_of(check({begin, name, prop, 5, 0, 0})), HasSubstr("outside"));
    EXPECT_THAT(error_of(check({begin, name, prop, 0xffff'fffd, 0, 0})), HasSubstr("outside"));
    EXPECT_THAT(error_of(check({begin, name, prop, 0, 5, end_node, end})), HasSubstr("outside"));
}

TEST(Open, RefusesDeepNesting)
{
    std::vector<std::uint32_t> block;
    for (int i = 0; i < 33; ++i) {
        block.insert(block.end(), {cpu_to_fdt32(FDT_BEGIN_NODE), 0});
    }
    EXPECT_THAT(error_of(fdt::check_structure(std::as_bytes(std::span{block}), {})),
                HasSubstr("too deeply"));
}

TEST(Open, EveryTruncationIsNoticed)
{
    const std::vector<char> whole = unit::read_tree("kvmtool-gicv5");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Blob blob{{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}};
        EXPECT_FALSE(blob.open()) << size;
    }
}

}  // namespace
