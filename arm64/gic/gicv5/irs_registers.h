// SPDX-License-Identifier: MIT
//
// Registers of the GICv5 Interrupt Routing Service (IRS): one 64 KiB frame of configuration
// registers an interrupt domain, and one 64 KiB SETLPI frame where IRS_IDR0.SETLPI says so.
// Arm GIC Architecture Specification, GICv5 (AES 0070), "IRS memory-mapped registers".
//
// Registers are 32 bits unless they say 64, and are accessed by exactly their width. A group of
// registers has an IDLE bit; nothing of the group is written while it is 0. Registers for
// hypervisors (virtual machines, MEC, MPAM) are left out.
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace gicv5 {

struct IRS_IDR0 : Register<IRS_IDR0, std::uint32_t, 0x000> {
    static constexpr Field IRSID{31, 16};
    static constexpr Field MPAM2{13};
    static constexpr Field SWE{12};  // reports software errors
    static constexpr Field MPAM{11};
    static constexpr Field MEC{10};
    static constexpr Field SETLPI{9};  // has a SETLPI frame
    static constexpr Field VIRT_ONE_N{8};
    static constexpr Field ONE_N{7};  // 1-of-N targeting
    static constexpr Field VIRT{6};
    static constexpr Field PA_RANGE{5, 2};  // 32, 36, 40, 42, 44, 48, 52, 56 bits
    static constexpr Field INT_DOM{1, 0};   // 0 Secure, 1 Non-secure, 2 EL3, 3 Realm
};
struct IRS_IDR1 : Register<IRS_IDR1, std::uint32_t, 0x004> {
    static constexpr Field PRI_BITS{22, 20};     // minus 1
    static constexpr Field IAFFID_BITS{19, 16};  // minus 1
    static constexpr Field PE_CNT{15, 0};
};
struct IRS_IDR2 : Register<IRS_IDR2, std::uint32_t, 0x008> {
    static constexpr Field ISTMD_SZ{19, 15};  // LPI ID bits from which an entry is 16 bytes
    static constexpr Field ISTMD{14};         // entries carry metadata
    static constexpr Field IST_L2SZ{13, 11};  // bit 0: 4 KiB level-2 tables, 1: 16 KiB, 2: 64 KiB
    static constexpr Field IST_LEVELS{10};    // two-level tables
    static constexpr Field MIN_LPI_ID_BITS{9, 6};
    static constexpr Field LPI{5};  // has LPIs
    static constexpr Field ID_BITS{4, 0};
};
struct IRS_IDR5 : Register<IRS_IDR5, std::uint32_t, 0x014> {
    static constexpr Field SPI_RANGE{24, 0};  // SPIs of the whole system
};
struct IRS_IDR6 : Register<IRS_IDR6, std::uint32_t, 0x018> {
    static constexpr Field SPI_IRS_RANGE{24, 0};  // SPIs of this IRS
};
struct IRS_IDR7 : Register<IRS_IDR7, std::uint32_t, 0x01c> {
    static constexpr Field SPI_BASE{23, 0};  // the first of this IRS
};
struct IRS_IIDR : Register<IRS_IIDR, std::uint32_t, 0x040> {
    static constexpr Field ProductID{31, 20};
    static constexpr Field Variant{19, 16};
    static constexpr Field Revision{15, 12};
    static constexpr Field Implementer{11, 0};
};
struct IRS_AIDR : Register<IRS_AIDR, std::uint32_t, 0x044> {
    static constexpr Field Component{11, 8};  // 0 IRS, 1 ITS, 2 IWB
    static constexpr Field ArchMajorRev{7, 4};
    static constexpr Field ArchMinorRev{3, 0};
};
struct IRS_CR0 : Register<IRS_CR0, std::uint32_t, 0x080> {
    static constexpr Field IDLE{1};
    static constexpr Field IRSEN{0};
};
// How the IRS accesses its tables in memory. Written while the IRS is off.
struct IRS_CR1 : Register<IRS_CR1, std::uint32_t, 0x084> {
    static constexpr Field IST_WA{7};
    static constexpr Field IST_RA{6};
    static constexpr Field IC{5, 4};  // inner cacheability: 0 none, 1 write-back, 2 write-through
    static constexpr Field OC{3, 2};  // outer
    static constexpr Field SH{1, 0};  // 0 non-shareable, 2 outer, 3 inner
};
struct IRS_SYNCR : Register<IRS_SYNCR, std::uint32_t, 0x0c0> {
    static constexpr Field SYNC{31};
};
struct IRS_SYNC_STATUSR : Register<IRS_SYNC_STATUSR, std::uint32_t, 0x0c4> {
    static constexpr Field IDLE{0};
};

// The SPI that the next three registers are about.
struct IRS_SPI_SELR : Register<IRS_SPI_SELR, std::uint32_t, 0x108> {
    static constexpr Field ID{23, 0};
};
struct IRS_SPI_DOMAINR : Register<IRS_SPI_DOMAINR, std::uint32_t, 0x10c> {
    static constexpr Field DOMAIN{1, 0};  // as IRS_IDR0.INT_DOM
};
// Evaluates the wire of an SPI again.
struct IRS_SPI_RESAMPLER : Register<IRS_SPI_RESAMPLER, std::uint32_t, 0x110> {
    static constexpr Field SPI_ID{23, 0};
};
struct IRS_SPI_CFGR : Register<IRS_SPI_CFGR, std::uint32_t, 0x114> {
    static constexpr Field TM{0};  // trigger mode: 0 edge, 1 level
};
struct IRS_SPI_STATUSR : Register<IRS_SPI_STATUSR, std::uint32_t, 0x118> {
    static constexpr Field V{1};  // the selected SPI is one of this IRS and domain
    static constexpr Field IDLE{0};
};

// The CPU that the next two registers are about.
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

// Interrupt state table. BASER.VALID hands the table over; CFGR is read-only while it is 1.
struct IRS_IST_BASER : Register<IRS_IST_BASER, std::uint64_t, 0x180> {
    static constexpr Field ADDR{55, 6};  // bits [55:6] of the address
    static constexpr Field VALID{0};
};
struct IRS_IST_CFGR : Register<IRS_IST_CFGR, std::uint32_t, 0x190> {
    static constexpr Field STRUCTURE{16};  // 0 linear, 1 two-level
    static constexpr Field ISTSZ{8, 7};    // entry: 4 << ISTSZ bytes
    static constexpr Field L2SZ{6, 5};     // level-2 table: 4 KiB << 2 * L2SZ
    static constexpr Field LPI_ID_BITS{4, 0};
};
struct IRS_IST_STATUSR : Register<IRS_IST_STATUSR, std::uint32_t, 0x194> {
    static constexpr Field IDLE{0};
};
// Hands over the level-2 table that holds an LPI.
struct IRS_MAP_L2_ISTR : Register<IRS_MAP_L2_ISTR, std::uint32_t, 0x1c0> {
    static constexpr Field ID{23, 0};
};

// The first software error since the last clear. Only where IRS_IDR0.SWE is 1.
struct IRS_SWERR_STATUSR : Register<IRS_SWERR_STATUSR, std::uint64_t, 0x3c0> {
    static constexpr Field IMP_EC{31, 24};
    static constexpr Field EC{23, 16};
    static constexpr Field OF{3};   // more were lost
    static constexpr Field S1V{2};  // SYNDROMER1 is valid
    static constexpr Field S0V{1};
    static constexpr Field V{0};
};
struct IRS_SWERR_SYNDROMER0 : Register<IRS_SWERR_SYNDROMER0, std::uint64_t, 0x3c8> {
    static constexpr Field VIRTUAL{63};
    static constexpr Field TYPE{62, 60};
    static constexpr Field ID{55, 32};
    static constexpr Field VM_ID{15, 0};
};
struct IRS_SWERR_SYNDROMER1 : Register<IRS_SWERR_SYNDROMER1, std::uint64_t, 0x3d0> {
    static constexpr Field ADDR{55, 3};
};

// The SETLPI frame: a write makes that LPI pending.
struct IRS_SETLPIR : Register<IRS_SETLPIR, std::uint32_t, 0x000> {
    static constexpr Field ID{23, 0};
};

}  // namespace gicv5
