// SPDX-License-Identifier: MIT
//
// A reference to a callable that outlives the call: two words, no allocation (std::function_ref
// of C++26, which GCC 12 does not have).
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

// Lets a compiler that can see it refuse a reference to a temporary that is gone at the call.
#if __has_cpp_attribute(clang::lifetimebound)
#define ASSAY_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define ASSAY_LIFETIMEBOUND
#endif

template <typename Signature>
class FunctionRef;

template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
public:
    template <typename F>
        requires(std::is_invocable_r_v<R, F&, Args...> &&
                 !std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
    // Excluded by the requires clause; the callable is referred to, never moved from.
    // NOLINTNEXTLINE(bugprone-forwarding-reference-overload,cppcoreguidelines-missing-std-forward)
    constexpr FunctionRef(F&& callable ASSAY_LIFETIMEBOUND)
        : object_{const_cast<void*>(static_cast<const void*>(&callable))},
          call_{[](void* object, Args... args) -> R {
              return (*static_cast<std::remove_reference_t<F>*>(object))(
                  std::forward<Args>(args)...);
          }}
    {
    }

    R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

    // The address of the code it calls, for reports.
    [[nodiscard]] std::uintptr_t code() const { return reinterpret_cast<std::uintptr_t>(call_); }

private:
    void* object_;
    R (*call_)(void*, Args...);
};
