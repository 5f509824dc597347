// SPDX-License-Identifier: MIT
//
// What the tests of KVM's paravirtual interface share: memory for the host to write to, accesses
// that may be refused, and sleep.
#pragma once

#include "lib/mem/memory.h"
#include "lib/pv/shared.h"
#include "lib/smp/smp.h"
#include "lib/test/test.h"
#include "lib/time/time.h"
#include "x86/cpu/vectors.h"
#include "x86/pv/hypercall.h"
#include "x86/pv/registers.h"

#include <arch/exception.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

// Two pages with a pattern, in which structures are placed: whatever else the host writes is seen.
class HostMemory {
public:
    static constexpr std::size_t size = 2 * mem::page_size;

    HostMemory()
    {
        auto pages = mem::allocate(size);
        if (!pages) {
            test::error("{}", pages.error().what);
            return;
        }
        pages_ = std::move(*pages);
        std::memset(pages_.data(), pattern, size);
    }

    [[nodiscard]] bool ready() const { return pages_.size() != 0; }

    // All bytes 0, at an offset that suits its alignment.
    template <typename T>
    [[nodiscard]] T& place(std::size_t offset = 0)
    {
        std::memset(pages_.data() + offset, 0, sizeof(T));
        return *reinterpret_cast<T*>(pages_.data() + offset);
    }
    // Whether all bytes but `object` are as they were.
    template <typename T>
    [[nodiscard]] bool untouched_around(const T& object) const
    {
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(pages_.data());
        const auto* const hole = reinterpret_cast<const std::uint8_t*>(&object);
        for (const std::uint8_t* byte = bytes; byte != bytes + size; ++byte) {
            const bool outside = byte < hole || byte >= hole + sizeof(T);
            if (outside && pv::load(*byte) != pattern) {
                return false;
            }
        }
        return true;
    }
    [[nodiscard]] std::uint64_t end() const { return pages_.address() + size; }

private:
    static constexpr std::uint8_t pattern = 0xa5;
    mem::Pages pages_;
};

// Not of a constant: the host writes there.
template <typename T>
    requires(!std::is_const_v<T>)
[[nodiscard]] std::uint64_t address_of(T& object)
{
    return reinterpret_cast<std::uintptr_t>(&object);
}

// A copy, and whether the memory is still the same.
template <typename T>
class Snapshot {
public:
    explicit Snapshot(const T& object) : object_{&object}
    {
        std::memcpy(copy_, &object, sizeof(T));
    }

    [[nodiscard]] bool same() const
    {
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(object_);
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            if (pv::load(bytes[i]) != copy_[i]) {
                return false;
            }
        }
        return true;
    }

private:
    const T* object_;
    std::uint8_t copy_[sizeof(T)];
};

// Whether the access raises #GP(0); any other exception is a failure as well.
[[nodiscard]] inline bool write_is_refused(std::uint32_t index, std::uint64_t value)
{
    const auto exception = msr::try_write(index, value);
    return exception && exception->vector == x86::general_protection && exception->error_code == 0;
}
[[nodiscard]] inline bool read_is_refused(std::uint32_t index)
{
    return !msr::try_read(index).has_value();
}

// CPU 1 sleeps for a while and is woken: the host puts it off its CPU and on again.
inline void let_cpu1_sleep(timer::Ticks duration = timer::milliseconds(3))
{
    timer::delay(duration);
    smp::on_cpu(1, [] {});
}

// What hypercalls answer where the instruction itself raises an exception.
inline constexpr std::int64_t no_answer = INT64_MIN;

[[nodiscard]] inline std::int64_t answer_of(std::uint64_t number, std::uint64_t a0 = 0,
                                            std::uint64_t a1 = 0, std::uint64_t a2 = 0,
                                            std::uint64_t a3 = 0)
{
    std::int64_t result = no_answer;
    if (arch::raised([&] { result = pv::hypercall(number, a0, a1, a2, a3); })) {
        return no_answer;
    }
    return result;
}

inline constexpr pv::Hypercalls hypercalls{
    [](std::uint64_t number, std::uint64_t a0, std::uint64_t a1, std::uint64_t a2,
       std::uint64_t a3) { return answer_of(number, a0, a1, a2, a3); }};

inline constexpr std::uint64_t unknown_hypercall = 9999;

// Whether hypercalls are answered at all: that they are is pv.hypercall_instruction's.
[[nodiscard]] inline bool hypercalls_work()
{
    if (answer_of(unknown_hypercall) != no_answer) {
        return true;
    }
    test::skip("the hypercall instruction raises an exception: see pv.hypercall_instruction");
    return false;
}
