// SPDX-License-Identifier: MIT
//
// GICv5 Interrupt Routing Service: holds the state of SPIs, keeps that of LPIs in a table in
// memory, and routes both to the CPUs it serves. Arm GIC Architecture Specification, GICv5 (AES
// 0070).
//
// Bring-up: enable(), then for each CPU serves() and keep_selected_pe_targeted(), then
// install_ist() where LPIs are wanted. Selections (a CPU, an SPI) are one per IRS: one caller at a
// time. Every wait is bounded; an Error names the register that does not do its part.
#pragma once

#include "arm64/gic/gicv5/intid.h"
#include "arm64/gic/gicv5/irs_registers.h"
#include "arm64/gic/gicv5/tables.h"
#include "arm64/gic/wait.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace gicv5 {

// Consecutive SPIs.
struct SpiRange {
    std::uint32_t first;
    std::uint32_t count;

    [[nodiscard]] constexpr bool contains(std::uint32_t number) const
    {
        return number >= first && number - first < count;
    }
};

// What software did wrong, as the IRS saw it (IRS_SWERR_*).
struct SoftwareError {
    std::uint8_t code;
    bool more_were_lost;
    std::optional<irq::Id> interrupt;
    std::optional<std::uint64_t> address;
};

template <typename Io>
class Irs {
public:
    constexpr Irs() = default;
    constexpr explicit Irs(Io io) : io_{io} {}

    // On, with accesses to memory as the machine needs them: cached and inner shareable, or not
    // cached when its device tree says dma-noncoherent. Firmware may have left it on, otherwise.
    [[nodiscard]] Result<> enable(bool coherent) const
    {
        if (enabled()) {
            if (const auto off = disable(); !off) {
                return off;
            }
        }
        constexpr auto cached = IRS_CR1{}
                                    .with(IRS_CR1::SH, 3)
                                    .with(IRS_CR1::OC, 1)
                                    .with(IRS_CR1::IC, 1)
                                    .with(IRS_CR1::IST_RA, 1)
                                    .with(IRS_CR1::IST_WA, 1);
        io_.write(coherent ? cached : IRS_CR1{});
        return switch_to(true);
    }
    // Nothing is delivered while it is off.
    [[nodiscard]] Result<> disable() const { return switch_to(false); }
    [[nodiscard]] Result<> switch_to(bool on) const
    {
        io_.write(IRS_CR0{}.with(IRS_CR0::IRSEN, on));
        // QEMU 11.1 acts on IRSEN when the register is read.
        const auto idle =
            gic::settle([this] { return io_.template read<IRS_CR0>()[IRS_CR0::IDLE] != 0; },
                        "IRS_CR0.IDLE stays 0");
        if (!idle) {
            return idle;
        }
        if (enabled() != on) {
            return fail("IRS_CR0.IRSEN does not stick");
        }
        return {};
    }
    [[nodiscard]] bool enabled() const { return io_.template read<IRS_CR0>()[IRS_CR0::IRSEN] != 0; }

    // --- CPUs -----------------------------------------------------------------------------------

    // Whether the CPU of that IAFFID is one of this IRS. Selects it.
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
    // They do.
    [[nodiscard]] Result<> let_selected_pe_share() const
    {
        io_.write(IRS_PE_CR0{});
        return wait_for_pe();
    }

    // --- SPIs -----------------------------------------------------------------------------------

    [[nodiscard]] SpiRange spis() const
    {
        return {.first = io_.template read<IRS_IDR7>()[IRS_IDR7::SPI_BASE],
                .count = io_.template read<IRS_IDR6>()[IRS_IDR6::SPI_IRS_RANGE]};
    }
    // Selects an SPI. False: it is none of this IRS and domain.
    [[nodiscard]] Result<bool> select_spi(std::uint32_t number) const
    {
        io_.write(IRS_SPI_SELR::from(number));
        if (const auto idle = wait_for_spi(); !idle) {
            return std::unexpected{idle.error()};
        }
        return io_.template read<IRS_SPI_STATUSR>()[IRS_SPI_STATUSR::V] != 0;
    }
    // What of its wire makes an SPI pending. Error: no such SPI.
    [[nodiscard]] Result<HandlingMode> trigger_mode(std::uint32_t number) const
    {
        if (const auto selected = require_spi(number); !selected) {
            return std::unexpected{selected.error()};
        }
        return static_cast<HandlingMode>(io_.template read<IRS_SPI_CFGR>()[IRS_SPI_CFGR::TM]);
    }
    [[nodiscard]] Result<> set_trigger_mode(std::uint32_t number, HandlingMode mode) const
    {
        if (const auto selected = require_spi(number); !selected) {
            return selected;
        }
        const auto wanted = IRS_SPI_CFGR{}.with(IRS_SPI_CFGR::TM, static_cast<unsigned>(mode));
        io_.write(wanted);
        if (const auto idle = wait_for_spi(); !idle) {
            return idle;
        }
        if (io_.template read<IRS_SPI_CFGR>()[IRS_SPI_CFGR::TM] != wanted[IRS_SPI_CFGR::TM]) {
            return fail("IRS_SPI_CFGR.TM does not stick");
        }
        return {};
    }
    // Makes the pending state of an SPI follow its wire again.
    [[nodiscard]] Result<> resample(std::uint32_t number) const
    {
        io_.write(IRS_SPI_RESAMPLER::from(number));
        return wait_for_spi();
    }

    // --- LPIs -----------------------------------------------------------------------------------

    // The table for LPI IDs of as near to `wanted_bits` as this IRS takes. `cpu_id_bits` is what
    // the CPU interface has (ICC_IDR0_EL1.ID_BITS). Two levels where the IRS has them and one
    // level-2 table does not hold all; level-2 tables of `level2` or the next smaller size it has,
    // of the smallest it has when that is larger.
    // Error: no LPIs, or identification registers that contradict each other.
    [[nodiscard]] Result<IstGeometry> ist_geometry(unsigned wanted_bits, unsigned cpu_id_bits,
                                                   Level2Size level2 = Level2Size::kib4) const
    {
        const auto id = io_.template read<IRS_IDR2>();
        const unsigned least = id[IRS_IDR2::MIN_LPI_ID_BITS];
        const unsigned most = std::min<unsigned>(id[IRS_IDR2::ID_BITS], cpu_id_bits);
        if (id[IRS_IDR2::LPI] == 0) {
            return fail("IRS_IDR2.LPI is 0: no LPIs", id.raw);
        }
        if (most < least || id[IRS_IDR2::ID_BITS] > 24) {
            return fail("IRS_IDR2 has fewer ID_BITS than MIN_LPI_ID_BITS, or more than 24", id.raw);
        }
        IstGeometry geometry{.id_bits = std::clamp(wanted_bits, least, most)};
        if (id[IRS_IDR2::ISTMD] != 0) {
            geometry.istsz = geometry.id_bits < id[IRS_IDR2::ISTMD_SZ] ? 1 : 2;
        }
        if (id[IRS_IDR2::IST_LEVELS] == 0) {
            return geometry;
        }
        const unsigned offered = id[IRS_IDR2::IST_L2SZ];
        if (offered == 0) {
            return fail("IRS_IDR2 offers two-level tables and no size of the second", id.raw);
        }
        auto size = static_cast<unsigned>(level2);
        while (size != 0 && (offered >> size & 1) == 0) {
            --size;
        }
        while ((offered >> size & 1) == 0) {
            ++size;
        }
        geometry.level2_size = static_cast<Level2Size>(size);
        geometry.two_level = geometry.id_bits > geometry.level2_id_bits();
        return geometry;
    }

    // Hands a zeroed table over, aligned to its size and visible to the IRS, in the place of the
    // one it has, which may be firmware's.
    [[nodiscard]] Result<> install_ist(std::uint64_t address, const IstGeometry& geometry) const
    {
        if (io_.template read<IRS_IST_BASER>()[IRS_IST_BASER::VALID] != 0) {
            if (const auto removed = remove_ist(); !removed) {
                return removed;
            }
        }
        const auto configuration =
            IRS_IST_CFGR{}
                .with(IRS_IST_CFGR::LPI_ID_BITS, geometry.id_bits)
                .with(IRS_IST_CFGR::ISTSZ, geometry.istsz)
                .with(IRS_IST_CFGR::L2SZ,
                      geometry.two_level ? static_cast<unsigned>(geometry.level2_size) : 0)
                .with(IRS_IST_CFGR::STRUCTURE, geometry.two_level);
        io_.write(configuration);
        io_.write(IRS_IST_BASER::from(address).with(IRS_IST_BASER::VALID, 1));
        if (const auto idle = wait_for_ist(); !idle) {
            return idle;
        }
        const auto taken = check_ist(address, configuration);
        if (taken) {
            return {};
        }
        const auto removed = remove_ist();  // or the IRS would use memory that is not its own
        return removed ? taken : removed;
    }
    // Takes the table back: on return the IRS has written its state to the table and forgets it.
    [[nodiscard]] Result<> remove_ist() const
    {
        io_.write(IRS_IST_BASER{});
        return wait_for_ist();
    }
    // Hands over the level-2 table whose address the level-1 entry of that LPI has.
    [[nodiscard]] Result<> map_level2(std::uint32_t lpi_number) const
    {
        io_.write(IRS_MAP_L2_ISTR::from(lpi_number));
        return wait_for_ist();
    }

    // Every event that was translated before has had its effect.
    [[nodiscard]] Result<> synchronize() const
    {
        io_.write(IRS_SYNCR{}.with(IRS_SYNCR::SYNC, 1));
        return gic::settle(
            [this] { return io_.template read<IRS_SYNC_STATUSR>()[IRS_SYNC_STATUSR::IDLE] != 0; },
            "IRS_SYNC_STATUSR.IDLE stays 0");
    }

    // --- Software errors: only where IRS_IDR0.SWE is 1 ------------------------------------------

    // The first one since clear_software_error().
    [[nodiscard]] std::optional<SoftwareError> software_error() const
    {
        const auto status = io_.template read<IRS_SWERR_STATUSR>();
        if (status[IRS_SWERR_STATUSR::V] == 0) {
            return {};
        }
        SoftwareError error{
            .code = static_cast<std::uint8_t>(status[IRS_SWERR_STATUSR::EC]),
            .more_were_lost = status[IRS_SWERR_STATUSR::OF] != 0,
            .interrupt = {},
            .address = {},
        };
        if (status[IRS_SWERR_STATUSR::S0V] != 0) {
            const auto syndrome = io_.template read<IRS_SWERR_SYNDROMER0>();
            error.interrupt = intid(static_cast<IntidType>(syndrome[IRS_SWERR_SYNDROMER0::TYPE]),
                                    static_cast<std::uint32_t>(syndrome[IRS_SWERR_SYNDROMER0::ID]));
        }
        if (status[IRS_SWERR_STATUSR::S1V] != 0) {
            error.address =
                io_.template read<IRS_SWERR_SYNDROMER1>().raw & IRS_SWERR_SYNDROMER1::ADDR.mask();
        }
        return error;
    }
    void clear_software_error() const
    {
        io_.write(IRS_SWERR_STATUSR{}.with(IRS_SWERR_STATUSR::V, 1));
    }

    [[nodiscard]] const Io& io() const { return io_; }

private:
    [[nodiscard]] Result<> require_spi(std::uint32_t number) const
    {
        const auto valid = select_spi(number);
        if (!valid) {
            return std::unexpected{valid.error()};
        }
        if (!*valid) {
            return fail("the IRS has no such SPI", number);
        }
        return {};
    }
    [[nodiscard]] Result<> wait_for_pe() const
    {
        return gic::settle(
            [this] { return io_.template read<IRS_PE_STATUSR>()[IRS_PE_STATUSR::IDLE] != 0; },
            "IRS_PE_STATUSR.IDLE stays 0");
    }
    [[nodiscard]] Result<> wait_for_spi() const
    {
        return gic::settle(
            [this] { return io_.template read<IRS_SPI_STATUSR>()[IRS_SPI_STATUSR::IDLE] != 0; },
            "IRS_SPI_STATUSR.IDLE stays 0");
    }
    [[nodiscard]] Result<> wait_for_ist() const
    {
        return gic::settle(
            [this] { return io_.template read<IRS_IST_STATUSR>()[IRS_IST_STATUSR::IDLE] != 0; },
            "IRS_IST_STATUSR.IDLE stays 0");
    }

    // Whether the IRS has this table.
    [[nodiscard]] Result<> check_ist(std::uint64_t address, IRS_IST_CFGR configuration) const
    {
        const auto base = io_.template read<IRS_IST_BASER>();
        if (base[IRS_IST_BASER::VALID] == 0) {
            return fail("IRS_IST_BASER.VALID does not stick: the IRS refuses the table", address);
        }
        if (((base.raw ^ address) & IRS_IST_BASER::ADDR.mask()) != 0) {
            return fail("IRS_IST_BASER.ADDR does not stick", base.raw);
        }
        // The fields alone: QEMU 11.1 keeps what is written to the other bits.
        constexpr auto fields = IRS_IST_CFGR::LPI_ID_BITS.mask() | IRS_IST_CFGR::ISTSZ.mask() |
                                IRS_IST_CFGR::L2SZ.mask() | IRS_IST_CFGR::STRUCTURE.mask();
        const auto kept = io_.template read<IRS_IST_CFGR>();
        if (((kept.raw ^ configuration.raw) & fields) != 0) {
            return fail("IRS_IST_CFGR does not stick", kept.raw);
        }
        return {};
    }

    Io io_;
};

// The frame through which a device, or a test, makes an LPI pending without an ITS.
template <typename Io>
class SetLpiFrame {
public:
    constexpr explicit SetLpiFrame(Io io) : io_{io} {}

    void set_pending(std::uint32_t lpi_number) const { io_.write(IRS_SETLPIR::from(lpi_number)); }

private:
    Io io_;
};

}  // namespace gicv5
