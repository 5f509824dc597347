// SPDX-License-Identifier: MIT

#include "x86/mmu/mmu.h"

#include "lib/base/spinlock.h"
#include "lib/mem/memory.h"
#include "lib/test/test.h"
#include "x86/cpu/control_registers.h"
#include "x86/image.h"
#include "x86/mmu/page_table.h"
#include "x86/mmu/shootdown.h"

#include <arch/cpuid.h>
#include <arch/mmu.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <utility>

namespace {

using mmu::Entry;
using mmu::Table;

enum class MemoryType : std::uint8_t { normal, device };

// Tables come from one block reserved at the start, so that no allocation happens while a table
// changes. Each table splits 2 MiB (or 1 GiB): enough for the pages of hundreds of CPUs.
constexpr std::size_t table_pool_size = 128;
constinit std::byte* pool = nullptr;
constinit std::size_t pool_used = 0;
constinit Table* root_table = nullptr;
constinit bool enabled = false;
constinit bool has_large_tables = false;  // pages of 1 GiB
constinit Spinlock lock;

// The tables' own pages are read-only: a stray write is a fault, not a strange machine. For a scope
// this CPU may write to them all the same.
class TablesWritable {
public:
    TablesWritable() : cr0_{control::cr0()} { control::write(cr0_.with(CR0::WP, 0)); }
    ~TablesWritable() { control::write(cr0_); }
    TablesWritable(const TablesWritable&) = delete;
    TablesWritable& operator=(const TablesWritable&) = delete;

private:
    CR0 cr0_;
};

Result<Table*> new_table()
{
    if (pool_used == table_pool_size) {
        return fail("out of page tables", table_pool_size);
    }
    auto* const table = reinterpret_cast<Table*>(pool + pool_used++ * sizeof(Table));
    std::fill(std::begin(table->entry), std::end(table->entry), Entry{});
    return table;
}

Table* table_at(Entry entry)
{
    return reinterpret_cast<Table*>(entry.address());
}

// What the leaf says is what counts: the tables above allow everything.
Entry table_entry(const Table* table)
{
    return Entry::from(reinterpret_cast<std::uintptr_t>(table))
        .with(Entry::P, 1)
        .with(Entry::RW, 1)
        .with(Entry::US, 1)
        .with(Entry::A, 1);
}

struct Permission {
    arch::Access access;
    bool writable, user, executable;
};
constexpr Permission permissions[]{
    {arch::Access::read, false, false, false},
    {arch::Access::read_write, true, false, false},
    {arch::Access::read_execute, false, false, true},
    {arch::Access::user_read, false, true, false},
    {arch::Access::user_read_write, true, true, false},
    {arch::Access::user_execute, false, true, true},
};

Entry with_access(Entry entry, arch::Access access)
{
    for (const Permission& permission : permissions) {
        if (permission.access == access) {
            return entry.with(Entry::P, 1)
                .with(Entry::software_guard, 0)
                .with(Entry::RW, permission.writable)
                .with(Entry::US, permission.user)
                .with(Entry::NX, !permission.executable);
        }
    }
    return entry.with(Entry::P, 0).with(Entry::software_guard, 1);
}

std::optional<arch::Access> access_in(Entry leaf)
{
    if (!leaf.is_present()) {
        return leaf[Entry::software_guard] != 0 ? std::optional{arch::Access::none} : std::nullopt;
    }
    for (const Permission& permission : permissions) {
        if ((leaf[Entry::RW] != 0) == permission.writable &&
            (leaf[Entry::US] != 0) == permission.user &&
            (leaf[Entry::NX] == 0) == permission.executable) {
            return permission.access;
        }
    }
    return {};
}

// Accessed and dirty from the start: the CPU has nothing to write to the tables.
Entry leaf(std::uint64_t address, unsigned level, MemoryType type, arch::Access access)
{
    const bool device = type == MemoryType::device;
    const auto entry = Entry::from(address & Entry::address_mask)
                           .with(Entry::PS, level < mmu::levels - 1)
                           .with(Entry::PCD, device)
                           .with(Entry::PWT, device)
                           .with(Entry::A, 1)
                           .with(Entry::D, 1);
    return with_access(entry, access);
}

// An entry takes effect at once, in one store: another CPU may be walking the tables.
void replace(Entry& entry, Entry value, std::uint64_t address)
{
    const bool was_present = entry.is_present();
    std::atomic_ref{entry.raw}.store(value.raw, std::memory_order_release);
    if (enabled && was_present) {
        asm volatile("invlpg (%0)" ::"r"(address) : "memory");
    }
}

// The table below `entry`; made, or split out of a large page, when there is none.
Result<Table*> descend(Entry& entry, unsigned level, std::uint64_t address)
{
    if (entry.is_table(level)) {
        return table_at(entry);
    }
    auto table = new_table();
    if (!table) {
        return table;
    }
    if (entry.is_present()) {
        for (std::size_t i = 0; i < mmu::entries; ++i) {
            (*table)->entry[i] = Entry::from(entry.raw + i * mmu::span(level + 1))
                                     .with(Entry::PS, level + 1 < mmu::levels - 1);
        }
    }
    replace(entry, table_entry(*table), address);
    return table;
}

bool maps_as(Entry entry, MemoryType type, arch::Access access)
{
    return entry.is_present() && (entry[Entry::PCD] != 0) == (type == MemoryType::device) &&
           access_in(entry) == access;
}

bool can_be_leaf(unsigned level)
{
    return level >= 2 || (level == 1 && has_large_tables);
}

// Maps [begin, end) with the largest pages that fit.
Result<> map(Table& table, unsigned level, std::uint64_t begin, std::uint64_t end, MemoryType type,
             arch::Access access)
{
    const std::uint64_t span = mmu::span(level);
    for (std::uint64_t at = begin; at < end;) {
        const std::uint64_t next = std::min(end, (at & ~(span - 1)) + span);
        Entry& entry = table.entry[mmu::index(at, level)];
        if (!entry.is_table(level) && maps_as(entry, type, access)) {
            at = next;
            continue;
        }
        const bool whole = at % span == 0 && next - at == span;
        if (whole && can_be_leaf(level) && !entry.is_table(level)) {
            replace(entry, leaf(at, level, type, access), at);
        } else {
            const auto below = descend(entry, level, at);
            if (!below) {
                return std::unexpected{below.error()};
            }
            if (const auto mapped = map(**below, level + 1, at, next, type, access); !mapped) {
                return mapped;
            }
        }
        at = next;
    }
    return {};
}

Result<> map_range(std::uint64_t begin, std::uint64_t end, MemoryType type, arch::Access access)
{
    if (end > mmu::mapped_end || end < begin) {
        return fail("address beyond those that four levels of tables map", end);
    }
    return map(*root_table, 0, begin, end, type, access);
}

// The entry that maps `address`; one that is not used: nothing does.
Entry find_leaf(std::uint64_t address)
{
    if (address >= mmu::mapped_end) {
        return {};
    }
    const Table* table = root_table;
    for (unsigned level = 0;; ++level) {
        const Entry entry = table->entry[mmu::index(address, level)];
        if (!entry.is_table(level)) {
            return entry;
        }
        table = table_at(entry);
    }
}

// Splits large pages until `address` has an entry of its own.
Result<Entry*> page_entry(std::uint64_t address)
{
    if (!find_leaf(address).is_used()) {
        return fail("address is not mapped", address);
    }
    Table* table = root_table;
    for (unsigned level = 0; level < mmu::levels - 1; ++level) {
        const auto below = descend(table->entry[mmu::index(address, level)], level, address);
        if (!below) {
            return std::unexpected{below.error()};
        }
        table = *below;
    }
    return &table->entry[mmu::index(address, mmu::levels - 1)];
}

Result<> set_access(std::uintptr_t address, std::uint64_t size, arch::Access access)
{
    for (std::uintptr_t at = address & ~(mem::page_size - 1); at < address + size;
         at += mem::page_size) {
        const auto entry = page_entry(at);
        if (!entry) {
            return std::unexpected{entry.error()};
        }
        replace(**entry, with_access(**entry, access), at);
    }
    return {};
}

struct ImageRange {
    const char* begin;
    const char* end;
    arch::Access access;
};

Result<> map_image()
{
    using namespace image;
    const ImageRange ranges[]{
        {payload_begin, rodata_begin, arch::Access::read_execute},
        {rodata_begin, data_begin, arch::Access::read},
        {data_begin, relocated_end, arch::Access::read},
        {relocated_end, boot_stack_guard, arch::Access::read_write},
        {boot_stack_guard, boot_stack_low, arch::Access::none},
        {boot_stack_low, boot_stack_high, arch::Access::read_write},
        {boot_exception_guard, boot_exception_stack_low, arch::Access::none},
        {boot_exception_stack_low, image::image_end, arch::Access::read_write},
    };
    for (const ImageRange& range : ranges) {
        const std::uint64_t begin = address_of(range.begin);
        if (const auto set = set_access(begin, address_of(range.end) - begin, range.access); !set) {
            return set;
        }
    }
    return {};
}

Result<> check_features()
{
    constexpr std::uint32_t extended_features = 0x8000'0001;
    constexpr std::uint32_t execute_disable = 1U << 20;
    constexpr std::uint32_t large_tables = 1U << 26;
    const auto features = arch::cpuid(extended_features);
    has_large_tables = (features.edx & large_tables) != 0;
    if ((features.edx & execute_disable) == 0) {
        return fail("the CPU has no pages that are not executable", features.edx);
    }
    return {};
}

}  // namespace

Result<> mmu::enable()
{
    if (const auto good = check_features(); !good) {
        return good;
    }
    const auto pages = mem::claim(table_pool_size * sizeof(Table));
    if (!pages) {
        return std::unexpected{pages.error()};
    }
    pool = *pages;
    const auto table = new_table();
    if (!table) {
        return std::unexpected{table.error()};
    }
    root_table = *table;
    for (const fdt::Region& region : mem::ram()) {
        if (const auto mapped = map_range(region.base, region.base + region.size,
                                          MemoryType::normal, arch::Access::read_write);
            !mapped) {
            return mapped;
        }
    }
    if (const auto mapped = map_image(); !mapped) {
        return mapped;
    }
    if (const auto set = set_access(reinterpret_cast<std::uintptr_t>(pool),
                                    table_pool_size * sizeof(Table), arch::Access::read);
        !set) {
        return set;
    }
    msr::write(msr::read<IA32_EFER>().with(IA32_EFER::NXE, 1).with(IA32_EFER::SCE, 1));
    control::write_cr3(root());
    enabled = true;
    return {};
}

std::uint64_t mmu::root()
{
    return reinterpret_cast<std::uintptr_t>(root_table);
}

namespace arch {

Result<> map_device(fdt::Region registers)
{
    const SpinlockGuard guard{lock};
    const TablesWritable writable;
    const std::uint64_t begin = registers.base & ~(mem::page_size - 1);
    const std::uint64_t end =
        (registers.base + registers.size + mem::page_size - 1) & ~(mem::page_size - 1);
    for (const fdt::Region& ram : mem::ram()) {
        if (begin < ram.base + ram.size && ram.base < end) {
            return fail("device registers lie in RAM", registers.base);
        }
    }
    return map_range(begin, end, MemoryType::device, Access::read_write);
}

Result<> protect(std::uintptr_t address, std::uint64_t size, Access access)
{
    Result<> set{};
    {
        const SpinlockGuard guard{lock};
        const TablesWritable writable;
        set = set_access(address, size, access);
    }
    mmu::flush_other_cpus();
    return set;
}

Result<> prepare_pages(std::uintptr_t address, std::uint64_t size)
{
    if (!enabled) {
        return {};
    }
    const SpinlockGuard guard{lock};
    const TablesWritable writable;
    for (auto at = address; at < address + size; at = (at & ~(mmu::span(2) - 1)) + mmu::span(2)) {
        if (const auto entry = page_entry(at); !entry) {
            return std::unexpected{entry.error()};
        }
    }
    return {};
}

std::optional<Access> access_of(std::uintptr_t address)
{
    return access_in(find_leaf(address));
}

AccessGuard::AccessGuard(std::uintptr_t address, std::uint64_t size, Access access)
    : address_{address}, size_{size}, previous_{access_of(address).value_or(Access::none)}
{
    for (std::uintptr_t at = address; at < address + size; at += mem::page_size) {
        if (access_of(at) != previous_) {
            test::error("AccessGuard: pages at {:#x} do not all allow the same", address);
            size_ = 0;
            return;
        }
    }
    change_to(access);
}

AccessGuard::~AccessGuard()
{
    change_to(previous_);
}

void AccessGuard::change_to(Access access)
{
    if (const auto changed = protect(address_, size_, access); !changed) {
        test::error("AccessGuard: {} ({:#x})", changed.error().what, changed.error().value);
    }
}

UserAccess::UserAccess()
    : text_{image::address_of(image::user_text_begin),
            image::address_of(image::user_text_end) - image::address_of(image::user_text_begin),
            Access::user_execute},
      stack_{image::address_of(image::user_stack), mem::page_size, Access::user_read_write}
{
}

void synchronize_instructions(const void*, std::size_t)
{
    // The caches are coherent; what was fetched before must go: Intel SDM volume 3, 8.1.3 (cross-
    // and self-modifying code), any serializing instruction.
    static_cast<void>(cpuid(0));
}

}  // namespace arch
