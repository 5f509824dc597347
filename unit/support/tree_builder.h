// SPDX-License-Identifier: MIT
//
// Device trees made by a test, for shapes and addresses that only the test knows.
//
//     unit::TreeBuilder builder;                  // root with two cells each
//     builder.node("memory").property("device_type", "memory").reg({{0x1000, 0x1000}}).end();
//     const auto tree = builder.open();
#pragma once

#include "lib/fdt/fdt.h"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace unit {

class TreeBuilder {
public:
    explicit TreeBuilder(const std::vector<fdt::Region>& reservations = {})
    {
        check(fdt_create(data(), size));
        for (const fdt::Region& region : reservations) {
            check(fdt_add_reservemap_entry(data(), region.base, region.size));
        }
        check(fdt_finish_reservemap(data()));
        node("");
        property("#address-cells", 2u).property("#size-cells", 2u);
    }

    TreeBuilder& node(const std::string& name)
    {
        return check(fdt_begin_node(data(), name.c_str()));
    }
    TreeBuilder& end() { return check(fdt_end_node(data())); }
    TreeBuilder& property(const char* name, const char* text)
    {
        return check(fdt_property_string(data(), name, text));
    }
    TreeBuilder& property(const char* name, std::uint32_t cell)
    {
        return check(fdt_property_u32(data(), name, cell));
    }
    TreeBuilder& bytes(const char* name, std::span<const std::byte> value)
    {
        void* place = nullptr;
        check(fdt_property_placeholder(data(), name, static_cast<int>(value.size()), &place));
        std::ranges::copy(value, static_cast<std::byte*>(place));
        return *this;
    }
    // Two cells each for address and size.
    TreeBuilder& reg(const std::vector<fdt::Region>& regions)
    {
        std::vector<fdt64_t> cells;
        for (const fdt::Region& region : regions) {
            cells.push_back(cpu_to_fdt64(region.base));
            cells.push_back(cpu_to_fdt64(region.size));
        }
        return check(fdt_property(data(), "reg", cells.data(),
                                  static_cast<int>(cells.size() * sizeof(fdt64_t))));
    }
    TreeBuilder& memory(const std::vector<fdt::Region>& regions)
    {
        return node("memory").property("device_type", "memory").reg(regions).end();
    }

    // Ends the root. The tree refers to the builder.
    [[nodiscard]] fdt::Tree open()
    {
        end();
        check(fdt_finish(data()));
        return fdt::Tree::open(data(), size).value();
    }

private:
    static constexpr int size = 64 * 1024;

    [[nodiscard]] void* data() { return blob_.data(); }
    TreeBuilder& check(int status)
    {
        EXPECT_EQ(status, 0) << fdt_strerror(status);
        return *this;
    }

    std::vector<std::uint64_t> blob_ = std::vector<std::uint64_t>(size / 8);
};

}  // namespace unit
