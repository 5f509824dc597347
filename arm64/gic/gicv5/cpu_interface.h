// SPDX-License-Identifier: MIT
//
// GICv5 CPU interface (FEAT_GCIE): the PPIs of this CPU, priority masking, acknowledge and end.
// Arm GIC Architecture Specification, GICv5 (AES 0070); Arm A-profile register descriptions.
//
// Priorities are 0 (highest) to 31; priority 0 is an NMI where FEAT_NMI is in use.
#pragma once

#include "arm64/cpu/control_registers.h"
#include "arm64/cpu/sysreg.h"
#include "arm64/gic/gicv5/instructions.h"
#include "arm64/gic/gicv5/intid.h"
#include "arm64/gic/wait.h"

#include <bit>
#include <cstdint>
#include <optional>
#include <utility>

namespace gicv5 {

struct ICC_IDR0_EL1 : SystemRegister<ICC_IDR0_EL1, 3, 0, 12, 10, 2> {
    static constexpr Field GCIE_LEGACY{11, 8};
    static constexpr Field PRI_BITS{7, 4};  // minus 1
    static constexpr Field ID_BITS{3, 0};   // 0: 16 bits, 1: 24
};
// The interrupt an acknowledge would return now.
struct ICC_HPPIR_EL1 : SystemRegister<ICC_HPPIR_EL1, 3, 0, 12, 10, 3> {
    static constexpr Field HPPIV{32};
    static constexpr Field TYPE{31, 29};
    static constexpr Field ID{23, 0};
};
// What CDRCFG found.
struct ICC_ICSR_EL1 : SystemRegister<ICC_ICSR_EL1, 3, 0, 12, 10, 4> {
    static constexpr Field IAFFID{47, 32};
    static constexpr Field Priority{15, 11};
    static constexpr Field HM{5};
    static constexpr Field Active{4};
    static constexpr Field IRM{3};
    static constexpr Field Pending{2};
    static constexpr Field Enabled{1};
    static constexpr Field F{0};  // 1: not reachable, the rest means nothing
};
struct ICC_IAFFIDR_EL1 : SystemRegister<ICC_IAFFIDR_EL1, 3, 0, 12, 10, 5> {
    static constexpr Field IAFFID{15, 0};
};
// Active priorities: bit n is priority n.
struct ICC_APR_EL1 : SystemRegister<ICC_APR_EL1, 3, 1, 12, 0, 0> {};
struct ICC_CR0_EL1 : SystemRegister<ICC_CR0_EL1, 3, 1, 12, 0, 1> {
    static constexpr Field PID{38};
    static constexpr Field IPPT{37, 32};
    static constexpr Field LINK_IDLE{2};
    static constexpr Field LINK{1};  // to the IRS
    static constexpr Field EN{0};
};
// The lowest priority that passes.
struct ICC_PCR_EL1 : SystemRegister<ICC_PCR_EL1, 3, 1, 12, 0, 2> {
    static constexpr Field PRIORITY{4, 0};
};

// PPIs 64 * N to 64 * N + 63, one bit each. Unimplemented ones are RES0.
template <unsigned N>  // 1: level-sensitive, 0: edge-triggered
struct ICC_PPI_HMR_EL1 : SystemRegister<ICC_PPI_HMR_EL1<N>, 3, 0, 12, 10, 0 + N> {};
template <unsigned N>
struct ICC_PPI_ENABLER_EL1 : SystemRegister<ICC_PPI_ENABLER_EL1<N>, 3, 0, 12, 10, 6 + N> {};
template <unsigned N>  // write 1 to clear
struct ICC_PPI_CACTIVER_EL1 : SystemRegister<ICC_PPI_CACTIVER_EL1<N>, 3, 0, 12, 13, 0 + N> {};
template <unsigned N>  // write 1 to set
struct ICC_PPI_SACTIVER_EL1 : SystemRegister<ICC_PPI_SACTIVER_EL1<N>, 3, 0, 12, 13, 2 + N> {};
template <unsigned N>  // write 1 to clear; ignored for level-sensitive PPIs
struct ICC_PPI_CPENDR_EL1 : SystemRegister<ICC_PPI_CPENDR_EL1<N>, 3, 0, 12, 13, 4 + N> {};
template <unsigned N>  // write 1 to set; ignored for level-sensitive PPIs
struct ICC_PPI_SPENDR_EL1 : SystemRegister<ICC_PPI_SPENDR_EL1<N>, 3, 0, 12, 13, 6 + N> {};
// PPIs 8 * N to 8 * N + 7, one byte each of which bits [4:0] are used.
template <unsigned N>
struct ICC_PPI_PRIORITYR_EL1
    : SystemRegister<ICC_PPI_PRIORITYR_EL1<N>, 3, 0, 12, 14 + N / 8, N % 8> {};

inline constexpr unsigned priority_registers = ppi_count / 8;

// Of the architecture's PPIs, 0 to 63, none above 31 has a meaning so far: bring-up does not loop
// over more.
inline constexpr unsigned prepared_ppis = 32;

// What the driver gives every interrupt: in the middle, and exact where only four bits are
// implemented.
inline constexpr std::uint8_t default_priority = 0x10;

template <typename Io>
class CpuInterface {
public:
    constexpr CpuInterface() = default;
    constexpr explicit CpuInterface(Io io) : io_{io} {}

    // All PPIs off, neither pending nor active, those of prepared_ppis at default priority; nothing
    // taken as active. Error: the priority of SW_PPI, which every CPU has, does not stick.
    [[nodiscard]] Result<> reset() const
    {
        io_.write(ICC_PPI_ENABLER_EL1<0>{});
        io_.write(ICC_PPI_ENABLER_EL1<1>{});
        io_.write(ICC_PPI_CPENDR_EL1<0>::from(~std::uint64_t{0}));
        io_.write(ICC_PPI_CPENDR_EL1<1>::from(~std::uint64_t{0}));
        io_.write(ICC_PPI_CACTIVER_EL1<0>::from(~std::uint64_t{0}));
        io_.write(ICC_PPI_CACTIVER_EL1<1>::from(~std::uint64_t{0}));
        for_each_priority_register<prepared_ppis / 8>([this]<unsigned N>() {
            io_.write(ICC_PPI_PRIORITYR_EL1<N>::from(0x0101'0101'0101'0101U * default_priority));
        });
        io_.write(ICC_APR_EL1{});
        io_.synchronize();
        if (const std::uint8_t found = priority(sw_ppi); found != default_priority) {
            return fail("ICC_PPI_PRIORITYR0_EL1 does not keep what is written", found);
        }
        return {};
    }

    // Linked to the IRS, every priority passes, on. The CPU's IRS must be on before, where the
    // machine has one. Errors name what does not stick or does not end.
    [[nodiscard]] Result<> enable() const
    {
        if (io_.template read<ICC_CR0_EL1>()[ICC_CR0_EL1::LINK] == 0) {
            io_.write(io_.template read<ICC_CR0_EL1>().with(ICC_CR0_EL1::LINK, 1));
            io_.synchronize();
            const auto linked = gic::settle(
                [this] { return io_.template read<ICC_CR0_EL1>()[ICC_CR0_EL1::LINK_IDLE] != 0; },
                "ICC_CR0_EL1.LINK_IDLE stays 0");
            if (!linked) {
                return linked;
            }
        }
        io_.write(ICC_PCR_EL1::from(lowest_priority()));
        io_.write(io_.template read<ICC_CR0_EL1>().with(ICC_CR0_EL1::EN, 1));
        io_.synchronize();
        if (const auto mask = io_.template read<ICC_PCR_EL1>(); mask.raw != lowest_priority()) {
            return fail("ICC_PCR_EL1 does not open", mask.raw);
        }
        if (io_.template read<ICC_CR0_EL1>()[ICC_CR0_EL1::EN] == 0) {
            return fail("ICC_CR0_EL1.EN does not stick");
        }
        return {};
    }

    // The lowest implemented priority: the low-order bits that are not implemented are zero.
    [[nodiscard]] std::uint8_t lowest_priority() const
    {
        const auto bits = io_.template read<ICC_IDR0_EL1>()[ICC_IDR0_EL1::PRI_BITS] + 1;
        return bits >= 5 ? 0x1f : 0x1e;
    }

    // Bits of INTID.ID.
    [[nodiscard]] unsigned id_bits() const
    {
        return io_.template read<ICC_IDR0_EL1>()[ICC_IDR0_EL1::ID_BITS] == 0 ? 16 : 24;
    }

    [[nodiscard]] std::uint16_t iaffid() const
    {
        return static_cast<std::uint16_t>(
            io_.template read<ICC_IAFFIDR_EL1>()[ICC_IAFFIDR_EL1::IAFFID]);
    }

    // What acknowledge() would return now.
    [[nodiscard]] std::optional<irq::Id> candidate() const
    {
        const auto best = io_.template read<ICC_HPPIR_EL1>();
        if (best[ICC_HPPIR_EL1::HPPIV] == 0) {
            return {};
        }
        return irq::Id{static_cast<std::uint32_t>(best.raw)};
    }
    // An NMI (priority 0 while SCTLR_EL1.NMI is 1) is hidden from CDIA. ISR_EL1.IS alone does not
    // make one, and only a CPU with FEAT_NMI has it.
    [[nodiscard]] std::optional<irq::Id> acknowledge() const
    {
        if (const auto id = acknowledge_by<CDIA>()) {
            return id;
        }
        return io_.template read<ISR_EL1>()[ISR_EL1::IS] != 0 ? acknowledge_nmi() : std::nullopt;
    }
    [[nodiscard]] std::optional<irq::Id> acknowledge_nmi() const
    {
        return acknowledge_by<CDNMIA>();
    }
    // The interrupt may be signalled again.
    void deactivate(irq::Id id) const { io_.write(CDDI::from(id.value)); }
    // The highest active priority is over.
    void drop_priority() const { io_.write(CDEOI{}); }
    // The highest active priority; nothing when idle.
    [[nodiscard]] std::optional<std::uint8_t> running_priority() const
    {
        const auto active = io_.template read<ICC_APR_EL1>();
        if (active.raw == 0) {
            return {};
        }
        return static_cast<std::uint8_t>(std::countr_zero(active.raw));
    }

    // PPIs of this CPU, `ppi` below ppi_count. Writes are complete on return.

    [[nodiscard]] bool enabled(unsigned ppi) const { return test<ICC_PPI_ENABLER_EL1>(ppi); }
    // One beyond prepared_ppis is at default priority from here on.
    void enable(unsigned ppi) const
    {
        if (ppi >= prepared_ppis) {
            set_priority(ppi, default_priority);
        }
        change_enable(ppi, true);
    }
    void disable(unsigned ppi) const { change_enable(ppi, false); }

    [[nodiscard]] bool pending(unsigned ppi) const { return test<ICC_PPI_SPENDR_EL1>(ppi); }
    void set_pending(unsigned ppi) const { set<ICC_PPI_SPENDR_EL1>(ppi); }
    void clear_pending(unsigned ppi) const { set<ICC_PPI_CPENDR_EL1>(ppi); }

    [[nodiscard]] bool active(unsigned ppi) const { return test<ICC_PPI_SACTIVER_EL1>(ppi); }
    void set_active(unsigned ppi) const { set<ICC_PPI_SACTIVER_EL1>(ppi); }
    void clear_active(unsigned ppi) const { set<ICC_PPI_CACTIVER_EL1>(ppi); }

    [[nodiscard]] bool level_sensitive(unsigned ppi) const { return test<ICC_PPI_HMR_EL1>(ppi); }

    [[nodiscard]] std::uint8_t priority(unsigned ppi) const
    {
        std::uint8_t found = 0;
        for_each_priority_register([&]<unsigned N>() {
            if (N == ppi / 8) {
                found = static_cast<std::uint8_t>(
                    io_.template read<ICC_PPI_PRIORITYR_EL1<N>>()[priority_field(ppi)]);
            }
        });
        return found;
    }
    void set_priority(unsigned ppi, std::uint8_t priority) const
    {
        for_each_priority_register([&]<unsigned N>() {
            if (N == ppi / 8) {
                const auto before = io_.template read<ICC_PPI_PRIORITYR_EL1<N>>();
                io_.write(before.with(priority_field(ppi), priority));
            }
        });
        io_.synchronize();
    }

    [[nodiscard]] const Io& io() const { return io_; }

private:
    [[nodiscard]] static constexpr Field priority_field(unsigned ppi)
    {
        return {ppi % 8 * 8 + 4, ppi % 8 * 8};
    }

    // The registers are numbered in their encoding, so a number has to be a constant.
    template <unsigned Count = priority_registers, typename Function>
    static void for_each_priority_register(Function function)
    {
        [&]<unsigned... N>(std::integer_sequence<unsigned, N...>) {
            (function.template operator()<N>(), ...);
        }(std::make_integer_sequence<unsigned, Count>{});
    }

    template <typename Acknowledge>
    [[nodiscard]] std::optional<irq::Id> acknowledge_by() const
    {
        const auto acknowledged = io_.template read<Acknowledge>();
        if (acknowledged[Acknowledge::VALID] == 0) {
            return {};
        }
        io_.write(GSB_ACK{});
        io_.synchronize();
        return irq::Id{static_cast<std::uint32_t>(acknowledged.raw)};
    }

    template <template <unsigned> typename R>
    [[nodiscard]] bool test(unsigned ppi) const
    {
        const Field bit{ppi % 64};
        return (ppi < 64 ? io_.template read<R<0>>()[bit] : io_.template read<R<1>>()[bit]) != 0;
    }
    template <template <unsigned> typename R>
    void set(unsigned ppi) const
    {
        const std::uint64_t bit = std::uint64_t{1} << ppi % 64;
        if (ppi < 64) {
            io_.write(R<0>::from(bit));
        } else {
            io_.write(R<1>::from(bit));
        }
        io_.synchronize();
    }
    void change_enable(unsigned ppi, bool on) const
    {
        const Field bit{ppi % 64};
        if (ppi < 64) {
            io_.write(io_.template read<ICC_PPI_ENABLER_EL1<0>>().with(bit, on));
        } else {
            io_.write(io_.template read<ICC_PPI_ENABLER_EL1<1>>().with(bit, on));
        }
        io_.synchronize();
    }

    [[no_unique_address]] Io io_;
};

}  // namespace gicv5
