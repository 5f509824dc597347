// SPDX-License-Identifier: MIT
//
// Whatever the blob: open() refuses it, or every view of it stays inside and ends.

#include "lib/fdt/fdt.h"
#include "lib/mem/memory.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace {

constexpr std::size_t max_elements = 8;

void read_property(const fdt::Property& property)
{
    for (std::size_t i = 0; i < max_elements; ++i) {
        static_cast<void>(property.cell(i));
        static_cast<void>(property.half(i));
        static_cast<void>(property.number(i, i % 4));
        static_cast<void>(property.string(i));
    }
    static_cast<void>(property.index_of("ns-config"));
}

void read_node(fdt::Node node)
{
    static_cast<void>(node.name());
    static_cast<void>(node.enabled());
    static_cast<void>(node.compatible("arm,pl011"));
    static_cast<void>(node.reg("ns-config"));
    static_cast<void>(node.interrupt("virt"));
    static_cast<void>(node.reg_count());
    constexpr std::uint32_t pci_function[]{0x800, 0, 0, 1};
    static_cast<void>(node.map_interrupt(pci_function));
    for (std::size_t i = 0; i < max_elements; ++i) {
        static_cast<void>(node.reg(i));
        static_cast<void>(node.unit_address(i));
        static_cast<void>(node.interrupt(i));
    }
    for (const char* name : {"reg", "ranges", "compatible", "interrupts", "bootargs", "status"}) {
        if (const auto property = node.property(name)) {
            read_property(*property);
        }
    }
}

// Every node below `parent`; each one's parent is the one it was reached from.
void walk(fdt::Node parent)
{
    for (auto node = parent.first_child(); node; node = node->next_sibling()) {
        if (node->parent() != parent) {
            std::abort();
        }
        read_node(*node);
        walk(*node);
    }
}

void search(const fdt::Tree& tree)
{
    for (const char* path : {"/chosen", "serial0", "/cpus/cpu@1", "serial0/child", "/a:b", ""}) {
        static_cast<void>(tree.find(path));
    }
    for (auto node = tree.find_compatible("arm,pl011"); node;
         node = tree.find_compatible("arm,pl011", node)) {
    }
    for (auto node = tree.find_device_type("cpu"); node;
         node = tree.find_device_type("cpu", node)) {
    }
    for (std::size_t i = 0; tree.reservation(i); ++i) {
    }
    static_cast<void>(tree.find_phandle(1));
    static_cast<void>(tree.boot_arguments());
    static_cast<void>(tree.initrd());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    // Exactly as large as the input, so that a read beyond it is seen; aligned as a blob must be.
    constexpr std::align_val_t alignment{8};
    const auto free = [](std::byte* bytes) { ::operator delete(bytes, alignment); };
    const std::unique_ptr<std::byte, decltype(free)> blob{
        static_cast<std::byte*>(::operator new(size, alignment))};
    if (size != 0) {
        std::memcpy(blob.get(), data, size);
    }

    const auto tree = fdt::Tree::open(blob.get(), size);
    if (!tree) {
        return 0;
    }
    read_node(tree->root());
    walk(tree->root());
    search(*tree);
    const fdt::Region in_use[]{{0x4020'0000, 0x8'0000}};
    if (mem::discover(*tree, in_use)) {
        static_cast<void>(mem::allocate(0x1000));
    }
    return 0;
}
