// SPDX-License-Identifier: MIT
//
// What the implementation defines: which GICv5 the model is.
#pragma once

#include "arm64/gic/gicv5/intid.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace model::gicv5 {

struct Configuration {
    // Level-2 tables of tables in memory, as IDR fields have them: bit 0 4 KiB, 1 16 KiB, 2 64 KiB.
    static constexpr unsigned all_level2_sizes = 0b111;

    struct Lpis {
        unsigned id_bits = 24;
        unsigned min_id_bits = 14;
        bool two_level = true;
        unsigned level2_sizes = all_level2_sizes;
        bool metadata = false;           // IRS_IDR2.ISTMD
        unsigned metadata_16_bytes = 0;  // IRS_IDR2.ISTMD_SZ: LPI ID bits from which it is 16 bytes
    };
    struct Its {
        unsigned device_bits = 16;
        unsigned event_bits = 16;
        bool two_level_devices = true;
        bool two_level_events = true;
        unsigned level2_sizes = all_level2_sizes;
    };
    struct Iwb {
        unsigned wires = 32;  // a multiple of 32
        std::uint32_t device = 64;
        bool enabled_by_firmware = true;
    };

    unsigned cpus = 1;
    std::vector<std::uint16_t> iaffids;  // of each CPU; empty: 0, 1, 2 ...
    // PPIs that exist, one bit each.
    std::array<std::uint64_t, 2> ppis{1ULL << ::gicv5::sw_ppi | 1ULL << ::gicv5::pmu_ppi |
                                          1ULL << ::gicv5::cnthp_ppi | 1ULL << ::gicv5::cntv_ppi |
                                          1ULL << ::gicv5::cnthv_ppi | 1ULL << ::gicv5::cntp_ppi,
                                      0};
    unsigned id_bits = 24;           // 16 or 24
    unsigned priority_bits = 5;      // of the CPU interface: 4 or 5
    unsigned irs_priority_bits = 5;  // 1 to 5
    bool linked_by_firmware = true;  // else ICC_CR0_EL1.LINK is software's
    bool nmi = true;                 // FEAT_NMI
    bool unknown_at_reset = true;    // what the architecture calls UNKNOWN is not zero
    bool irs = true;                 // false: the CPU interface alone
    std::uint32_t spi_base = 0;
    std::uint32_t spi_count = 256;
    std::optional<Lpis> lpis = Lpis{};
    bool setlpi = true;
    bool one_of_n = true;
    bool software_errors = true;  // IRS_IDR0.SWE
    std::optional<Its> its;
    std::optional<Iwb> iwb;
    // How often a status register is read as not idle after a write to its group.
    unsigned slowness = 0;
};

}  // namespace model::gicv5
