// SPDX-License-Identifier: MIT
//
// What the compiler and the C++ library call when a promise was broken.

#include "lib/test/fatal.h"

#include <cstdint>
#include <cstdlib>
#include <utility>

extern "C" {

// The stack protector's canary: functions compare against it before they return.
extern const std::uintptr_t __stack_chk_guard;
constinit const std::uintptr_t __stack_chk_guard = 0x000a'ff0d'a55a'c33c;

[[noreturn]] void __stack_chk_fail()
{
    test::bail_out("stack protector: a function wrote beyond its local variables");
}

[[noreturn]] void __cxa_pure_virtual()
{
    test::bail_out("a pure virtual function was called");
}

[[noreturn]] void abort()
{
    test::bail_out("abort() was called");
}
}

#ifdef _LIBCPP_VERSION
_LIBCPP_BEGIN_NAMESPACE_STD
[[noreturn]] void __libcpp_verbose_abort(const char*, ...) _NOEXCEPT
{
    test::bail_out("the C++ library was used wrongly");
}
_LIBCPP_END_NAMESPACE_STD
#else
namespace std {
[[noreturn]] void __throw_out_of_range_fmt(const char*, ...)
{
    test::bail_out("the C++ library was used wrongly: out of range");
}
}  // namespace std
#endif
