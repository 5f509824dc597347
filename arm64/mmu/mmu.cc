// SPDX-License-Identifier: MIT

#include "arm64/mmu/mmu.h"

#include "arm64/boot/offsets.h"
#include "arm64/cpu/control_registers.h"
#include "arm64/image.h"
#include "arm64/mmu/page_table.h"
#include "lib/base/spinlock.h"
#include "lib/mem/memory.h"
#include "lib/test/test.h"

#include <arch/cache.h>
#include <arch/mmu.h>

#include <algorithm>
#include <cstddef>

TranslationSettings translation_settings;

static_assert(offsetof(TranslationSettings, mair) == TRANSLATION_MAIR);
static_assert(offsetof(TranslationSettings, tcr) == TRANSLATION_TCR);
static_assert(offsetof(TranslationSettings, ttbr0) == TRANSLATION_TTBR0);
static_assert(offsetof(TranslationSettings, sctlr) == TRANSLATION_SCTLR);

namespace {

using mmu::Descriptor;
using mmu::MemoryType;
using mmu::Table;

// Tables come from one block reserved at the start, so that no allocation happens while a table
// changes. Each table splits 2 MiB (or 1 GiB): enough for the pages of hundreds of CPUs.
constexpr std::size_t table_pool_size = 128;
constinit std::byte* pool = nullptr;
constinit std::size_t pool_used = 0;
constinit Table* root = nullptr;
constinit bool enabled = false;
constinit Spinlock lock;

Result<Table*> new_table()
{
    if (pool_used == table_pool_size) {
        return fail("out of translation tables", table_pool_size);
    }
    auto* const table = reinterpret_cast<Table*>(pool + pool_used++ * sizeof(Table));
    std::fill(std::begin(table->entry), std::end(table->entry), Descriptor{});
    return table;
}

Table* table_at(Descriptor descriptor)
{
    return reinterpret_cast<Table*>(descriptor.address());
}

Descriptor table_descriptor(const Table* table)
{
    return Descriptor::from(reinterpret_cast<std::uintptr_t>(table) & Descriptor::address_mask)
        .with(Descriptor::valid, 1)
        .with(Descriptor::table_or_page, 1);
}

// AP, PXN and UXN of an access: Arm ARM D8.4.1.
struct Permission {
    arch::Access access;
    unsigned ap;
    bool pxn, uxn;
};
constexpr Permission permissions[]{
    {arch::Access::read, 2, true, true},
    {arch::Access::read_write, 0, true, true},
    {arch::Access::read_execute, 2, false, true},
    {arch::Access::user_read, 3, true, true},
    {arch::Access::user_read_write, 1, true, true},
    {arch::Access::user_execute, 3, true, false},
};

Descriptor with_access(Descriptor descriptor, arch::Access access)
{
    for (const Permission& permission : permissions) {
        if (permission.access == access) {
            return descriptor.with(Descriptor::valid, 1)
                .with(Descriptor::software_guard, 0)
                .with(Descriptor::AP, permission.ap)
                .with(Descriptor::PXN, permission.pxn)
                .with(Descriptor::UXN, permission.uxn);
        }
    }
    return descriptor.with(Descriptor::valid, 0).with(Descriptor::software_guard, 1);
}

std::optional<arch::Access> access_in(Descriptor leaf)
{
    if (!leaf.is_valid()) {
        return leaf[Descriptor::software_guard] != 0 ? std::optional{arch::Access::none}
                                                     : std::nullopt;
    }
    for (const Permission& permission : permissions) {
        if (leaf[Descriptor::AP] == permission.ap &&
            (leaf[Descriptor::PXN] != 0) == permission.pxn &&
            (leaf[Descriptor::UXN] != 0) == permission.uxn) {
            return permission.access;
        }
    }
    return {};
}

Descriptor leaf(std::uint64_t address, unsigned level, MemoryType type, arch::Access access)
{
    const auto descriptor = Descriptor::from(address & Descriptor::address_mask)
                                .with(Descriptor::table_or_page, level == mmu::levels - 1)
                                .with(Descriptor::AttrIndx, static_cast<unsigned>(type))
                                .with(Descriptor::SH, type == MemoryType::normal ? 3 : 0)
                                .with(Descriptor::AF, 1);
    return with_access(descriptor, access);
}

void publish_tables()
{
    asm volatile("dsb ishst\n\tisb" ::: "memory");
}

void invalidate(std::uint64_t address)
{
    asm volatile("dsb ishst\n\t"
                 "tlbi vaae1is, %0\n\t"
                 "dsb ish\n\t"
                 "isb" ::"r"((address >> 12) & 0xfff'ffff'ffff)
                 : "memory");
}

// Break-before-make (Arm ARM D8.16.1): a live entry goes through invalid.
void replace(Descriptor& entry, Descriptor value, std::uint64_t address)
{
    if (enabled && entry.is_valid()) {
        entry = Descriptor{};
        invalidate(address);
    }
    entry = value;
    publish_tables();
}

// The table below `entry`; made, or split out of a block, when there is none.
Result<Table*> descend(Descriptor& entry, unsigned level, std::uint64_t address)
{
    if (entry.is_table(level)) {
        return table_at(entry);
    }
    auto table = new_table();
    if (!table) {
        return table;
    }
    if (entry.is_valid()) {
        const Descriptor block = entry;
        for (std::size_t i = 0; i < mmu::entries; ++i) {
            (*table)->entry[i] = Descriptor::from(block.raw + i * mmu::span(level + 1))
                                     .with(Descriptor::table_or_page, level + 1 == mmu::levels - 1);
        }
    }
    publish_tables();
    replace(entry, table_descriptor(*table), address & ~(mmu::span(level) - 1));
    return table;
}

bool maps_as(Descriptor entry, MemoryType type, arch::Access access)
{
    return entry.is_valid() && entry[Descriptor::AttrIndx] == static_cast<unsigned>(type) &&
           access_in(entry) == access;
}

// Maps [begin, end) with the largest blocks that fit.
Result<> map(Table& table, unsigned level, std::uint64_t begin, std::uint64_t end, MemoryType type,
             arch::Access access)
{
    const std::uint64_t span = mmu::span(level);
    for (std::uint64_t at = begin; at < end;) {
        const std::uint64_t next = std::min(end, (at & ~(span - 1)) + span);
        Descriptor& entry = table.entry[mmu::index(at, level)];
        if (!entry.is_table(level) && maps_as(entry, type, access)) {
            at = next;
            continue;
        }
        const bool whole = at % span == 0 && next - at == span;
        if (whole && level != 0 && !entry.is_table(level)) {
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

// The entry that maps `address`, or says that nothing does.
Descriptor find_leaf(std::uint64_t address)
{
    const Table* table = root;
    for (unsigned level = 0;; ++level) {
        const Descriptor entry = table->entry[mmu::index(address, level)];
        if (!entry.is_table(level)) {
            return entry;
        }
        table = table_at(entry);
    }
}

// Splits blocks until `address` has a page entry of its own.
Result<Descriptor*> page_entry(std::uint64_t address)
{
    Table* table = root;
    for (unsigned level = 0; level < mmu::levels - 1; ++level) {
        Descriptor& entry = table->entry[mmu::index(address, level)];
        if (!entry.is_valid()) {
            return fail("address is not mapped", address);
        }
        const auto below = descend(entry, level, address);
        if (!below) {
            return std::unexpected{below.error()};
        }
        table = *below;
    }
    Descriptor& entry = table->entry[mmu::index(address, mmu::levels - 1)];
    if (entry.raw == 0) {
        return fail("address is not mapped", address);
    }
    return &entry;
}

// Gives every page of the range an entry of its own.
Result<> split_blocks(std::uintptr_t address, std::uint64_t size)
{
    for (auto at = address; at < address + size; at = (at & ~(mmu::span(2) - 1)) + mmu::span(2)) {
        if (const auto entry = page_entry(at); !entry) {
            return std::unexpected{entry.error()};
        }
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
        {image_begin, rodata_begin, arch::Access::read_execute},
        {rodata_begin, data_begin, arch::Access::read},
        {data_begin, relocated_end, arch::Access::read},
        {relocated_end, boot_stack_guard, arch::Access::read_write},
        {boot_stack_guard, boot_stack_low, arch::Access::none},
        {boot_stack_low, boot_stack_high, arch::Access::read_write},
        {boot_exception_guard, boot_exception_stack_low, arch::Access::none},
        {boot_exception_stack_low, image::image_end, arch::Access::read_write},
    };
    for (const ImageRange& range : ranges) {
        for (auto at = address_of(range.begin); at < address_of(range.end); at += mem::page_size) {
            const auto entry = page_entry(at);
            if (!entry) {
                return std::unexpected{entry.error()};
            }
            **entry = with_access(**entry, range.access);
        }
    }
    return {};
}

// What was written with the caches off is in memory; lines that were there before, even dirty ones,
// are stale (Arm ARM D7.4.4; the boot protocol promises a clean image and nothing else).
void invalidate_written_data()
{
    const std::uint64_t data = image::address_of(image::data_begin);
    arch::invalidate_to_coherency(data, image::address_of(image::image_end) - data);
    arch::invalidate_to_coherency(reinterpret_cast<std::uintptr_t>(pool),
                                  pool_used * sizeof(Table));
}

}  // namespace

Result<> mmu::enable()
{
    const auto pages = mem::claim(table_pool_size * sizeof(Table));
    if (!pages) {
        return std::unexpected{pages.error()};
    }
    pool = *pages;
    const auto table = new_table();
    if (!table) {
        return std::unexpected{table.error()};
    }
    root = *table;
    for (const fdt::Region& region : mem::ram()) {
        const std::uint64_t begin = (region.base + mem::page_size - 1) & ~(mem::page_size - 1);
        const std::uint64_t end = (region.base + region.size) & ~(mem::page_size - 1);
        if (const auto mapped =
                map(*root, 0, begin, end, MemoryType::normal, arch::Access::read_write);
            !mapped) {
            return mapped;
        }
    }
    // Before the MMU is on: a split that made the tables themselves inaccessible for a moment could
    // not be completed.
    if (const auto split =
            split_blocks(reinterpret_cast<std::uintptr_t>(pool), table_pool_size * sizeof(Table));
        !split) {
        return split;
    }
    if (const auto mapped = map_image(); !mapped) {
        return mapped;
    }

    const std::uint64_t physical_range =
        std::min<std::uint64_t>(sysreg::read<ID_AA64MMFR0_EL1>()[ID_AA64MMFR0_EL1::PARange], 5);
    translation_settings = {
        .mair = mair_value,
        .tcr = TCR_EL1{}
                   .with(TCR_EL1::T0SZ, 64 - 48)
                   .with(TCR_EL1::IRGN0, 1)
                   .with(TCR_EL1::ORGN0, 1)
                   .with(TCR_EL1::SH0, 3)
                   .with(TCR_EL1::EPD1, 1)
                   .with(TCR_EL1::IPS, physical_range)
                   .raw,
        .ttbr0 = reinterpret_cast<std::uintptr_t>(root),
        .sctlr = SCTLR_EL1::from(SCTLR_MMU_OFF)
                     .with(SCTLR_EL1::M, 1)
                     .with(SCTLR_EL1::C, 1)
                     .with(SCTLR_EL1::I, 1)
                     .with(SCTLR_EL1::SA, 1)
                     .with(SCTLR_EL1::SA0, 1)
                     .raw,
    };
    invalidate_written_data();
    sysreg::write(MAIR_EL1::from(translation_settings.mair));
    sysreg::write(TCR_EL1::from(translation_settings.tcr));
    sysreg::write(TTBR0_EL1::from(translation_settings.ttbr0));
    asm volatile("isb\n\t"
                 "tlbi vmalle1\n\t"
                 "dsb nsh\n\t"
                 "ic iallu\n\t"
                 "dsb nsh\n\t"
                 "isb" ::
                     : "memory");
    sysreg::write(SCTLR_EL1::from(translation_settings.sctlr));
    sysreg::synchronize();
    enabled = true;
    return {};
}

namespace arch {

Result<> map_device(fdt::Region registers)
{
    if (!enabled) {
        return {};  // every access is a device access
    }
    const SpinlockGuard guard{lock};
    const std::uint64_t begin = registers.base & ~(mem::page_size - 1);
    const std::uint64_t end =
        (registers.base + registers.size + mem::page_size - 1) & ~(mem::page_size - 1);
    for (const fdt::Region& ram : mem::ram()) {
        if (begin < ram.base + ram.size && ram.base < end) {
            return fail("device registers lie in RAM", registers.base);
        }
    }
    return map(*root, 0, begin, end, MemoryType::device, Access::read_write);
}

Result<> protect(std::uintptr_t address, std::uint64_t size, Access access)
{
    const SpinlockGuard guard{lock};
    for (std::uintptr_t at = address & ~(mem::page_size - 1); at < address + size;
         at += mem::page_size) {
        const auto entry = page_entry(at);
        if (!entry) {
            return std::unexpected{entry.error()};
        }
        const Descriptor changed = with_access(**entry, access);
        replace(**entry, changed, at);
    }
    return {};
}

Result<> prepare_pages(std::uintptr_t address, std::uint64_t size)
{
    if (!enabled) {
        return {};
    }
    const SpinlockGuard guard{lock};
    return split_blocks(address, size);
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

void synchronize_instructions(const void* code, std::size_t size)
{
    const auto cache = sysreg::read<CTR_EL0>();
    const auto begin = reinterpret_cast<std::uintptr_t>(code);
    const std::uintptr_t data_line = std::uintptr_t{4} << cache[CTR_EL0::DminLine];
    const std::uintptr_t instruction_line = std::uintptr_t{4} << cache[CTR_EL0::IminLine];
    if (cache[CTR_EL0::IDC] == 0) {
        for (auto at = begin & ~(data_line - 1); at < begin + size; at += data_line) {
            asm volatile("dc cvau, %0" ::"r"(at) : "memory");
        }
    }
    asm volatile("dsb ish" ::: "memory");
    if (cache[CTR_EL0::DIC] == 0) {
        for (auto at = begin & ~(instruction_line - 1); at < begin + size; at += instruction_line) {
            asm volatile("ic ivau, %0" ::"r"(at) : "memory");
        }
    }
    asm volatile("dsb ish\n\tisb" ::: "memory");
}

}  // namespace arch
