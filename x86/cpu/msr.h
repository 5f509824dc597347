// SPDX-License-Identifier: MIT
//
// Model-specific registers: layouts carry their index.
//
//     struct IA32_EFER : Msr<IA32_EFER, 0xc000'0080> {
//         static constexpr Field LME{8};
//     };
//     if (msr::read<IA32_EFER>()[IA32_EFER::LME] != 0) ...
//
// A layout is declared by the header of the device or block it belongs to. A register that the CPU
// does not have raises #GP: msr::try_read(), msr::try_write() say so as a value.
#pragma once

#include "lib/base/register.h"

#include <arch/exception.h>
#include <arch/msr.h>

#include <cstddef>
#include <cstdint>
#include <optional>

template <typename Self, std::uint32_t Index>
struct Msr : Bits<Self, std::uint64_t> {
    static constexpr std::uint32_t index = Index;
};

namespace msr {

template <typename R>
[[nodiscard]] inline R read()
{
    return R::from(arch::read_msr(R::index));
}

template <typename R>
inline void write(R value)
{
    arch::write_msr(R::index, value.raw);
}

// Nothing: the read raised an exception.
[[nodiscard]] inline std::optional<std::uint64_t> try_read(std::uint32_t index)
{
    std::uint64_t value = 0;
    if (arch::raised([&] { value = arch::read_msr(index); })) {
        return {};
    }
    return value;
}

// The exception that the write raised.
[[nodiscard]] inline std::optional<arch::Exception> try_write(std::uint32_t index,
                                                              std::uint64_t value)
{
    return arch::raised([&] { arch::write_msr(index, value); });
}

// The I/O provider for drivers that are templates: the registers of this CPU.
struct Provider {
    template <typename R>
    [[nodiscard]] R read() const
    {
        return msr::read<R>();
    }
    template <typename R>
    void write(R value) const
    {
        msr::write(value);
    }
};

}  // namespace msr
