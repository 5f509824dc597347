// SPDX-License-Identifier: MIT
//
// Registers of the GICv5 Interrupt Translation Service (ITS): one 64 KiB frame of configuration
// registers an interrupt domain, and translate frames that devices write to.
// Arm GIC Architecture Specification, GICv5 (AES 0070), "ITS memory-mapped registers".
//
// Registers are 32 bits unless they say 64, and are accessed by exactly their width.
#pragma once

#include "lib/base/register.h"

#include <cstdint>

namespace gicv5 {

struct ITS_IDR0 : Register<ITS_IDR0, std::uint32_t, 0x000> {
    static constexpr Field ITSID{31, 16};
    static constexpr Field MPAM2{9};
    static constexpr Field SWE{8};
    static constexpr Field MPAM{7};
    static constexpr Field MEC{6};
    static constexpr Field PA_RANGE{5, 2};
    static constexpr Field INT_DOM{1, 0};
};
struct ITS_IDR1 : Register<ITS_IDR1, std::uint32_t, 0x004> {
    static constexpr Field L2SZ{10, 8};    // bit 0: 4 KiB level-2 tables, 1: 16 KiB, 2: 64 KiB
    static constexpr Field ITT_LEVELS{7};  // two-level interrupt translation tables
    static constexpr Field DT_LEVELS{6};   // two-level device table
    static constexpr Field DEVICEID_BITS{5, 0};
};
struct ITS_IDR2 : Register<ITS_IDR2, std::uint32_t, 0x008> {
    static constexpr Field XDMN_EVENTS{6, 5};
    static constexpr Field EVENTID_BITS{4, 0};
};
struct ITS_IIDR : Register<ITS_IIDR, std::uint32_t, 0x040> {};
struct ITS_AIDR : Register<ITS_AIDR, std::uint32_t, 0x044> {
    static constexpr Field Component{11, 8};  // 1
    static constexpr Field ArchMajorRev{7, 4};
    static constexpr Field ArchMinorRev{3, 0};
};
struct ITS_CR0 : Register<ITS_CR0, std::uint32_t, 0x080> {
    static constexpr Field IDLE{1};
    static constexpr Field ITSEN{0};
};
// How the ITS accesses its tables. Written while the ITS is off. Encodings as in IRS_CR1.
struct ITS_CR1 : Register<ITS_CR1, std::uint32_t, 0x084> {
    static constexpr Field ITT_RA{7};
    static constexpr Field DT_RA{6};
    static constexpr Field IC{5, 4};
    static constexpr Field OC{3, 2};
    static constexpr Field SH{1, 0};
};
// Device table; there is no valid bit. Written while the ITS is off.
struct ITS_DT_BASER : Register<ITS_DT_BASER, std::uint64_t, 0x0c0> {
    static constexpr Field ADDR{55, 3};  // bits [55:3] of the address
};
struct ITS_DT_CFGR : Register<ITS_DT_CFGR, std::uint32_t, 0x0d0> {
    static constexpr Field STRUCTURE{16};  // 0 linear, 1 two-level
    static constexpr Field L2SZ{7, 6};     // level-2 table: 4 KiB << 2 * L2SZ
    static constexpr Field DEVICEID_BITS{5, 0};
};

// One mailbox: the device and the event of the next INV_* and READ_* write.
struct ITS_DIDR : Register<ITS_DIDR, std::uint64_t, 0x100> {
    static constexpr Field DEVICEID{31, 0};
};
struct ITS_EIDR : Register<ITS_EIDR, std::uint32_t, 0x108> {
    static constexpr Field EVENTID{15, 0};
};
struct ITS_INV_EVENTR : Register<ITS_INV_EVENTR, std::uint32_t, 0x10c> {
    static constexpr Field I{31};  // go
    static constexpr Field ITT_L2SZ{2, 1};
    static constexpr Field L1{0};  // the level-1 entry as well
};
struct ITS_INV_DEVICER : Register<ITS_INV_DEVICER, std::uint32_t, 0x110> {
    static constexpr Field I{31};
    static constexpr Field EVENTID_BITS{5, 1};
    static constexpr Field L1{0};
};
struct ITS_READ_EVENTR : Register<ITS_READ_EVENTR, std::uint32_t, 0x114> {};  // any write: go
struct ITS_READ_EVENT_DATAR : Register<ITS_READ_EVENT_DATAR, std::uint64_t, 0x118> {
    static constexpr Field VIRT{63};
    static constexpr Field VM_ID{47, 32};
    static constexpr Field VALID{31};
    static constexpr Field LPI_ID{23, 0};
};
struct ITS_STATUSR : Register<ITS_STATUSR, std::uint32_t, 0x120> {
    static constexpr Field IDLE{0};  // of INV_* and READ_*
};
struct ITS_SYNCR : Register<ITS_SYNCR, std::uint64_t, 0x140> {
    static constexpr Field SYNC{63};
    static constexpr Field SYNCALL{32};
    static constexpr Field DEVICEID{31, 0};
};
struct ITS_SYNC_STATUSR : Register<ITS_SYNC_STATUSR, std::uint32_t, 0x148> {
    static constexpr Field IDLE{0};
};
// Makes an event without a device.
struct ITS_GEN_EVENT_DIDR : Register<ITS_GEN_EVENT_DIDR, std::uint64_t, 0x180> {
    static constexpr Field DEVICEID{31, 0};
};
struct ITS_GEN_EVENT_EIDR : Register<ITS_GEN_EVENT_EIDR, std::uint32_t, 0x188> {
    static constexpr Field EVENTID{15, 0};
};
struct ITS_GEN_EVENTR : Register<ITS_GEN_EVENTR, std::uint32_t, 0x18c> {
    static constexpr Field R{31};  // go
    static constexpr Field TARGET_DOMAIN{1, 0};
};
struct ITS_GEN_EVENT_STATUSR : Register<ITS_GEN_EVENT_STATUSR, std::uint32_t, 0x190> {
    static constexpr Field IDLE{0};
};

// The translate frame: a device's write of an EventID. The DeviceID comes with the write.
struct ITS_TRANSLATER : Register<ITS_TRANSLATER, std::uint32_t, 0x000> {};

}  // namespace gicv5
