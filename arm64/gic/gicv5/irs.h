// SPDX-License-Identifier: MIT
//
// GICv5 Interrupt Routing Service: routes SPIs and LPIs to the CPUs it serves. One 64 KiB frame of
// configuration registers an interrupt domain. Arm GIC Architecture Specification, GICv5 (AES
// 0070).
//
// Registers are 32 bits unless they say 64, and are accessed by exactly their width. A group of
// registers has an IDLE bit; nothing of the group is written while it is 0.
#pragma once

#include "arm64/gic/wait.h"
#include "lib/base/register.h"

#include <cstdint>

namespace gicv5 {

struct IRS_IDR0 : Register<IRS_IDR0, std::uint32_t, 0x000> {
    static constexpr Field IRSID{31, 16};
    static constexpr Field SWE{12};
    static constexpr Field SETLPI{9};
    static constexpr Field ONE_N{7};
    static constexpr Field VIRT{6};
    static constexpr Field PA_RANGE{5, 2};
    static constexpr Field INT_DOM{1, 0};  // 0 Secure, 1 Non-secure, 2 EL3, 3 Realm
};
struct IRS_IDR1 : Register<IRS_IDR1, std::uint32_t, 0x004> {
    static constexpr Field PRI_BITS{22, 20};     // minus 1
    static constexpr Field IAFFID_BITS{19, 16};  // minus 1
    static constexpr Field PE_CNT{15, 0};
};
struct IRS_IDR2 : Register<IRS_IDR2, std::uint32_t, 0x008> {
    static constexpr Field LPI{5};
    static constexpr Field ID_BITS{4, 0};
};
struct IRS_IDR5 : Register<IRS_IDR5, std::uint32_t, 0x014> {
    static constexpr Field SPI_RANGE{24, 0};  // of the whole system
};
struct IRS_IDR6 : Register<IRS_IDR6, std::uint32_t, 0x018> {
    static constexpr Field SPI_IRS_RANGE{24, 0};  // of this IRS
};
struct IRS_IDR7 : Register<IRS_IDR7, std::uint32_t, 0x01c> {
    static constexpr Field SPI_BASE{23, 0};  // the first of this IRS
};
struct IRS_IIDR : Register<IRS_IIDR, std::uint32_t, 0x040> {};
struct IRS_AIDR : Register<IRS_AIDR, std::uint32_t, 0x044> {
    static constexpr Field Component{11, 8};  // 0 IRS, 1 ITS, 2 IWB
    static constexpr Field ArchMajorRev{7, 4};
    static constexpr Field ArchMinorRev{3, 0};
};
struct IRS_CR0 : Register<IRS_CR0, std::uint32_t, 0x080> {
    static constexpr Field IDLE{1};
    static constexpr Field IRSEN{0};
};
// How the IRS accesses its tables in memory.
struct IRS_CR1 : Register<IRS_CR1, std::uint32_t, 0x084> {
    static constexpr Field IST_WA{7};
    static constexpr Field IST_RA{6};
    static constexpr Field IC{5, 4};  // inner cacheability: 0 none, 1 write-back, 2 write-through
    static constexpr Field OC{3, 2};  // outer
    static constexpr Field SH{1, 0};  // 0 non-shareable, 2 outer, 3 inner
};
struct IRS_PE_SELR : Register<IRS_PE_SELR, std::uint32_t, 0x140> {
    static constexpr Field IAFFID{15, 0};
};
struct IRS_PE_STATUSR : Register<IRS_PE_STATUSR, std::uint32_t, 0x144> {
    static constexpr Field ONLINE{2};
    static constexpr Field V{1};  // the selected CPU is one of this IRS
    static constexpr Field IDLE{0};
};
struct IRS_PE_CR0 : Register<IRS_PE_CR0, std::uint32_t, 0x148> {
    static constexpr Field DPS{0};
};

template <typename Io>
class Irs {
public:
    constexpr Irs() = default;
    constexpr explicit Irs(Io io) : io_{io} {}

    // On, with accesses to memory as the machine needs them: cached and inner shareable, or not
    // cached when its device tree says dma-noncoherent. Errors name what does not stick or end.
    [[nodiscard]] Result<> enable(bool coherent) const
    {
        constexpr auto cached = IRS_CR1{}
                                    .with(IRS_CR1::SH, 3)
                                    .with(IRS_CR1::OC, 1)
                                    .with(IRS_CR1::IC, 1)
                                    .with(IRS_CR1::IST_RA, 1)
                                    .with(IRS_CR1::IST_WA, 1);
        io_.write(coherent ? cached : IRS_CR1{});
        io_.write(IRS_CR0{}.with(IRS_CR0::IRSEN, 1));
        // QEMU 11.1 acts on IRSEN when the register is read.
        const auto idle =
            gic::settle([this] { return io_.template read<IRS_CR0>()[IRS_CR0::IDLE] != 0; },
                        "IRS_CR0.IDLE stays 0");
        if (!idle) {
            return idle;
        }
        if (io_.template read<IRS_CR0>()[IRS_CR0::IRSEN] == 0) {
            return fail("IRS_CR0.IRSEN does not stick");
        }
        return {};
    }

    // Whether the CPU of that IAFFID is one of this IRS. Selects it: one caller at a time.
    [[nodiscard]] Result<bool> serves(std::uint16_t iaffid) const
    {
        io_.write(IRS_PE_SELR::from(iaffid));
        if (const auto idle = wait_for_pe(); !idle) {
            return std::unexpected{idle.error()};
        }
        return io_.template read<IRS_PE_STATUSR>()[IRS_PE_STATUSR::V] != 0;
    }

    // Interrupts that may go to one of several CPUs do not go to the selected one.
    [[nodiscard]] Result<> keep_selected_pe_targeted() const
    {
        io_.write(IRS_PE_CR0{}.with(IRS_PE_CR0::DPS, 1));
        return wait_for_pe();
    }

    [[nodiscard]] const Io& io() const { return io_; }

private:
    [[nodiscard]] Result<> wait_for_pe() const
    {
        return gic::settle(
            [this] { return io_.template read<IRS_PE_STATUSR>()[IRS_PE_STATUSR::IDLE] != 0; },
            "IRS_PE_STATUSR.IDLE stays 0");
    }

    Io io_;
};

}  // namespace gicv5
