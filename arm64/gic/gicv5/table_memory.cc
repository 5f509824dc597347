// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv5/table_memory.h"

#include "lib/mem/memory.h"

#include <arch/cache.h>
#include <arch/io.h>

#include <algorithm>

namespace gicv5 {

Result<std::uint64_t> TableMemory::allocate(std::uint64_t size) const
{
    auto pages = mem::allocate(size, std::max<std::uint64_t>(size, mem::page_size));
    if (!pages) {
        return std::unexpected{pages.error()};
    }
    pages->zero();
    publish(pages->address(), pages->size());
    return reinterpret_cast<std::uintptr_t>(pages->release());
}

void TableMemory::free(std::uint64_t address, std::uint64_t size) const
{
    static_cast<void>(mem::Pages::adopt(reinterpret_cast<std::byte*>(address), size));
}

// Accesses are single ones of their width, as those to registers: the device may look at any time.
std::uint32_t TableMemory::read32(std::uint64_t address) const
{
    return arch::io_read32(address);
}

std::uint64_t TableMemory::read64(std::uint64_t address) const
{
    return arch::io_read64(address);
}

void TableMemory::write64(std::uint64_t address, std::uint64_t value) const
{
    arch::io_write64(address, value);
}

void TableMemory::publish(std::uint64_t address, std::uint64_t size) const
{
    if (coherent_) {
        arch::write_barrier();
    } else {
        arch::clean_to_coherency(address, size);
    }
}

void TableMemory::refresh(std::uint64_t address, std::uint64_t size) const
{
    if (coherent_) {
        arch::io_barrier();
    } else {
        arch::invalidate_to_coherency(address, size);
    }
}

}  // namespace gicv5
