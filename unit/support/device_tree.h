// SPDX-License-Identifier: MIT
//
// Device trees for unit tests: those of real VMMs as they wrote them (unit/data/*.dtb, without
// padding and random seeds), and written ones (unit/data/*.dts, compiled to build/unit/data).
#pragma once

#include "lib/fdt/fdt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

namespace unit {

// The bytes of a blob, exactly as many as there are and 8-byte aligned, so that AddressSanitizer
// sees every access beyond them.
class Blob {
public:
    explicit Blob(const std::vector<char>& bytes)
        : size_{bytes.size()}, data_{static_cast<std::byte*>(::operator new(size_, alignment))}
    {
        std::ranges::copy(std::as_bytes(std::span{bytes}), data_.get());
    }

    [[nodiscard]] std::byte* data() const { return data_.get(); }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] Result<fdt::Tree> open() const { return fdt::Tree::open(data(), size()); }

private:
    static constexpr std::align_val_t alignment{8};
    struct Free {
        void operator()(std::byte* data) const { ::operator delete(data, alignment); }
    };

    std::size_t size_;
    std::unique_ptr<std::byte, Free> data_;
};

// Tests run in the root of the repository.
[[nodiscard]] inline std::vector<char> read_tree(const std::string& name)
{
    for (const std::string folder : {"unit/data/", "build/unit/data/"}) {
        std::ifstream file{folder + name + ".dtb", std::ios::binary};
        if (file) {
            return {std::istreambuf_iterator{file}, {}};
        }
    }
    ADD_FAILURE() << "no device tree " << name << " in unit/data or build/unit/data";
    return {};
}

// A tree by the name of its file, opened.
class DeviceTree {
public:
    explicit DeviceTree(const std::string& name) : blob_{read_tree(name)}, tree_{blob_.open()}
    {
        if (!tree_) {
            ADD_FAILURE() << name << ": " << tree_.error().what;
        }
    }

    const fdt::Tree& operator*() const { return tree_.value(); }
    const fdt::Tree* operator->() const { return &tree_.value(); }

private:
    Blob blob_;
    Result<fdt::Tree> tree_;
};

inline constexpr const char* qemu_trees[]{
    "qemu-7.2-gicv2",  "qemu-7.2-gicv3",  "qemu-7.2-el2",  "qemu-7.2-el3",  "qemu-11.1-gicv2",
    "qemu-11.1-gicv3", "qemu-11.1-gicv5", "qemu-11.1-el2", "qemu-11.1-el3",
};
inline constexpr const char* written_trees[]{
    "kvmtool-gicv3", "kvmtool-gicv5", "firecracker", "fvp-revc", "malformed",
};

}  // namespace unit
