// SPDX-License-Identifier: MIT
#include "x86/platform/tables.h"

#include "lib/mem/memory.h"
#include "x86/boot/handover.h"

#include <arch/mmu.h>

#include <array>
#include <optional>

namespace platform {

namespace {

class MappedMemory final : public acpi::Memory {
public:
    constexpr MappedMemory() = default;

    [[nodiscard]] Result<acpi::View> at(std::uint64_t address, std::size_t size) const override
    {
        if (address == acpi::ebda_segment_address && size == bios_data_.size()) {
            return bios_data();
        }
        const std::uint64_t end = address + size;
        if (end < address) {
            return fail("a table goes beyond the end of the address space", address);
        }
        for (std::uint64_t page = address & ~(mem::page_size - 1); page < end;
             page += mem::page_size) {
            if (const auto readable = make_readable(page); !readable) {
                return std::unexpected{readable.error()};
            }
        }
        return acpi::View{{reinterpret_cast<const std::byte*>(address), size}};
    }

private:
    // The word lies in the page at address 0, which stays closed: the start code has kept it.
    [[nodiscard]] acpi::View bios_data() const
    {
        const std::uint64_t segment = handover().extended_bios / 16;
        bios_data_ = {static_cast<std::byte>(segment), static_cast<std::byte>(segment >> 8)};
        return acpi::View{bios_data_};
    }

    static Result<> make_readable(std::uint64_t page)
    {
        if (page == 0) {
            return fail("the page at address 0 is closed");
        }
        const auto access = arch::access_of(page);
        if (access == arch::Access::none) {
            return fail("a table lies in a page that is closed", page);
        }
        if (access) {
            return {};
        }
        return arch::map_device({.base = page, .size = mem::page_size});
    }

    mutable std::array<std::byte, 2> bios_data_{};
};

constinit MappedMemory memory;
constinit std::optional<Result<acpi::Tables>> tables;
constinit std::optional<Result<acpi::MpTable>> table_of_processors;

}  // namespace

const acpi::Memory& physical_memory()
{
    return memory;
}

const Result<acpi::Tables>& acpi_tables()
{
    if (!tables) {
        tables = acpi::Tables::open(memory, handover().rsdp);
    }
    return *tables;
}

Result<acpi::Table> acpi_table(std::string_view signature)
{
    const auto& all = acpi_tables();
    if (!all) {
        return std::unexpected{all.error()};
    }
    return all->find(signature);
}

const Result<acpi::MpTable>& mp_table()
{
    if (!table_of_processors) {
        table_of_processors = acpi::MpTable::find(memory);
    }
    return *table_of_processors;
}

}  // namespace platform
