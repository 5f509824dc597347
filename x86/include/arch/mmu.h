// SPDX-License-Identifier: MIT
//
// Architecture seam: address translation. The map is the identity: a virtual address is the
// physical one. Image pages are write-xor-execute; RAM is mapped as normal memory, devices only
// where map_device() was asked to.
#pragma once

#include "lib/base/result.h"
#include "lib/fdt/fdt.h"

#include <cstdint>
#include <optional>

namespace arch {

// What a page allows. Nothing allows both write and execute.
enum class Access : std::uint8_t {
    none,  // any access faults: guard pages
    read,
    read_write,
    read_execute,
    user_read,  // at the least privileged level as well
    user_read_write,
    user_execute,
};

// Makes a device's registers accessible. Page granular; nothing happens where they are already.
// Errors: the registers overlap RAM, no translation tables left.
[[nodiscard]] Result<> map_device(fdt::Region registers);

// Changes what the pages of [address, address + size) allow, on all CPUs. Splits larger blocks.
// Errors: an address that is not mapped, no translation tables left; pages before it are changed.
[[nodiscard]] Result<> protect(std::uintptr_t address, std::uint64_t size, Access access);

// Gives these pages entries of their own, so that protect() never splits a block that is in use by
// another CPU. The page allocator calls it for memory it hands out.
[[nodiscard]] Result<> prepare_pages(std::uintptr_t address, std::uint64_t size);

// What a page allows now; nothing when it is not mapped.
[[nodiscard]] std::optional<Access> access_of(std::uintptr_t address);

// Changes the access of pages, which must all have had the same, for a scope and puts it back. What
// cannot be done is an error of the running case.
class AccessGuard {
public:
    AccessGuard(std::uintptr_t address, std::uint64_t size, Access access);
    ~AccessGuard();
    AccessGuard(const AccessGuard&) = delete;
    AccessGuard& operator=(const AccessGuard&) = delete;

private:
    std::uintptr_t address_;
    std::uint64_t size_;
    Access previous_;

    void change_to(Access access);
};

// Makes instructions written to memory visible to execution. Another CPU that has fetched from
// there before needs a serializing instruction (CPUID, IRET) of its own.
void synchronize_instructions(const void* code, std::size_t size);

// The user_text section (functions marked [[gnu::section(".user_text")]]) and one stack page are
// open to the least privileged level while this exists.
class UserAccess {
public:
    UserAccess();
    UserAccess(const UserAccess&) = delete;
    UserAccess& operator=(const UserAccess&) = delete;

private:
    AccessGuard text_;
    AccessGuard stack_;
};

}  // namespace arch
