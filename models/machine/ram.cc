// SPDX-License-Identifier: MIT
#include "models/machine/ram.h"

#include "lib/mem/memory.h"
#include "models/machine/platform.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/mman.h>
#include <unistd.h>

namespace machine {

namespace {

using platform::ram;

constexpr std::size_t content_size = std::size_t{4} << 20;

[[nodiscard]] bool contains(std::uint64_t address, std::uint64_t size)
{
    return address >= ram.base && address - ram.base <= ram.size &&
           size <= ram.size - (address - ram.base);
}

[[nodiscard]] void* pointer(std::uint64_t address)
{
    return reinterpret_cast<void*>(address);
}

[[nodiscard]] std::size_t page_number(std::uint64_t address)
{
    return (address - ram.base) / mem::page_size;
}

template <typename T>
[[nodiscard]] std::uint64_t load(std::uint64_t address)
{
    return __atomic_load_n(static_cast<const T*>(pointer(address)), __ATOMIC_SEQ_CST);
}

template <typename T>
void store(std::uint64_t address, std::uint64_t value)
{
    __atomic_store_n(static_cast<T*>(pointer(address)), static_cast<T>(value), __ATOMIC_SEQ_CST);
}

[[noreturn]] void fail_to_map()
{
    throw std::system_error(errno, std::generic_category(), "RAM cannot be mapped");
}

// A file of the value of memory that nobody has written.
[[nodiscard]] int make_content()
{
    const int file = ::memfd_create("ram", 0);
    const std::vector<std::uint8_t> content(content_size, 0xa5);
    if (file < 0 || ::write(file, content.data(), content.size()) != ssize_t{content_size}) {
        fail_to_map();
    }
    return file;
}

}  // namespace

// The content is mapped again and again: a page is copied when it is written.
Ram::Ram() : pages_(ram.size / mem::page_size, arch::Access::read_write)
{
    static_assert(ram.size % content_size == 0);
    const void* const reserved =
        ::mmap(pointer(ram.base), ram.size, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (reserved == MAP_FAILED) {
        fail_to_map();
    }
    const int content = make_content();
    for (std::uint64_t at = ram.base; at < ram.base + ram.size; at += content_size) {
        const void* const mapped = ::mmap(pointer(at), content_size, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, content, 0);
        if (mapped == MAP_FAILED) {
            fail_to_map();
        }
    }
    ::close(content);
}

std::optional<std::uint64_t> Ram::read(std::uint64_t address, unsigned width)
{
    if (!contains(address, width)) {
        return {};
    }
    switch (width) {
    case 1:
        return load<std::uint8_t>(address);
    case 2:
        return load<std::uint16_t>(address);
    case 4:
        return load<std::uint32_t>(address);
    default:
        return load<std::uint64_t>(address);
    }
}

bool Ram::write(std::uint64_t address, unsigned width, std::uint64_t value)
{
    if (!contains(address, width)) {
        return false;
    }
    switch (width) {
    case 1:
        store<std::uint8_t>(address, value);
        break;
    case 2:
        store<std::uint16_t>(address, value);
        break;
    case 4:
        store<std::uint32_t>(address, value);
        break;
    default:
        store<std::uint64_t>(address, value);
        break;
    }
    return true;
}

std::optional<arch::Access> Ram::access(std::uint64_t address) const
{
    if (!contains(address, 1)) {
        return {};
    }
    const std::scoped_lock lock{lock_};
    return pages_[page_number(address)];
}

bool Ram::protect(std::uint64_t address, std::uint64_t size, arch::Access access)
{
    const std::uint64_t first = address & -mem::page_size;
    const std::uint64_t end = (address + size + mem::page_size - 1) & -mem::page_size;
    if (!contains(first, end - first)) {
        return false;
    }
    const int protection = access == arch::Access::none         ? PROT_NONE
                           : access == arch::Access::read_write ? PROT_READ | PROT_WRITE
                                                                : PROT_READ;
    const std::scoped_lock lock{lock_};
    if (::mprotect(pointer(first), end - first, protection) != 0) {
        return false;
    }
    std::fill(pages_.begin() + static_cast<std::ptrdiff_t>(page_number(first)),
              pages_.begin() + static_cast<std::ptrdiff_t>(page_number(end)), access);
    return true;
}

}  // namespace machine
