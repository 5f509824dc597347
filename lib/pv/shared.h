// SPDX-License-Identifier: MIT
//
// Memory that the host writes while the guest reads it, and the version protocol of such
// structures: the version is odd while the host changes them, and another one afterwards. Linux
// Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW and MSR_KVM_STEAL_TIME.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace pv {

// One access of the field's width; what is read later in the program is not read before.
template <typename T>
[[nodiscard]] T load(const T& field)
{
    return std::atomic_ref{const_cast<T&>(field)}.load(std::memory_order_acquire);
}
template <typename T>
void store(T& field, std::type_identity_t<T> value)
{
    std::atomic_ref{field}.store(value, std::memory_order_release);
}

// What was read of a structure, and the version it had.
template <typename T>
struct Versioned {
    T value;
    std::uint32_t version;
};

// A host holds a version odd for a few instructions; one that never lets go has a defect.
inline constexpr unsigned version_attempts = 1'000'000;

// What `read()` returns when nothing changed meanwhile; it loads fields by load(). Nothing: the
// version stays odd or changes all the time.
template <typename Read>
[[nodiscard]] auto read_versioned(const std::uint32_t& version, Read read,
                                  unsigned attempts = version_attempts)
    -> std::optional<Versioned<decltype(read())>>
{
    for (; attempts != 0; --attempts) {
        const std::uint32_t before = load(version);
        if (before % 2 != 0) {
            continue;
        }
        const auto value = read();
        std::atomic_thread_fence(std::memory_order_acquire);
        if (load(version) == before) {
            return Versioned<decltype(read())>{value, before};
        }
    }
    return {};
}

}  // namespace pv
