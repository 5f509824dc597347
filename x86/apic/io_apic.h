// SPDX-License-Identifier: MIT
//
// The I/O APIC: routes interrupt wires to local APICs (Intel 82093AA data sheet, 3; of later chips
// the ICH9 data sheet, 13.5). Two registers in memory, one of which selects what the other is:
// users on several CPUs need a lock around it.
#pragma once

#include "lib/base/register.h"
#include "lib/base/result.h"
#include "x86/apic/local_apic_registers.h"

#include <cstdint>

namespace apic {

struct IOREGSEL : Register<IOREGSEL, std::uint32_t, 0x00> {};
struct IOWIN : Register<IOWIN, std::uint32_t, 0x10> {};
struct IOEOI : Register<IOEOI, std::uint32_t, 0x40> {};  // the vector; since version 0x20

// What IOREGSEL can be.
namespace ioapic_index {
inline constexpr std::uint32_t id = 0x00;
inline constexpr std::uint32_t version = 0x01;
inline constexpr std::uint32_t redirection = 0x10;  // two an entry: low half, high half
}  // namespace ioapic_index

struct IOAPICVER : Bits<IOAPICVER, std::uint32_t> {
    static constexpr Field MAX_REDIRECTION{23, 16};  // the number of entries, minus 1
    static constexpr Field VERSION_NUMBER{7, 0};
};

// An entry of the redirection table.
struct Redirection : Bits<Redirection, std::uint64_t> {
    static constexpr Field DESTINATION{63, 56};
    static constexpr Field MASK{16};
    static constexpr Field TRIGGER{15};           // 1: level
    static constexpr Field REMOTE_IRR{14};        // read-only: level, accepted and not yet ended
    static constexpr Field POLARITY{13};          // 1: active low
    static constexpr Field DELIVERY_STATUS{12};   // read-only
    static constexpr Field DESTINATION_MODE{11};  // 1: logical
    static constexpr Field DELIVERY{10, 8};
    static constexpr Field VECTOR{7, 0};
};

template <typename Io>
class IoApic {
public:
    constexpr explicit IoApic(Io io) : io_{io} {}

    [[nodiscard]] std::uint8_t id() const
    {
        return static_cast<std::uint8_t>(read(ioapic_index::id) >> 24 & 0xf);
    }
    [[nodiscard]] IOAPICVER version() const { return IOAPICVER::from(read(ioapic_index::version)); }
    // How many wires there are.
    [[nodiscard]] unsigned count() const { return version()[IOAPICVER::MAX_REDIRECTION] + 1; }

    // Masks every wire. Error: there is nothing, or it does not keep the masks.
    [[nodiscard]] Result<> initialise() const
    {
        if (const auto found = version(); found.raw == 0 || found.raw == 0xffff'ffff) {
            return fail("no I/O APIC where one should be", found.raw);
        }
        for (unsigned wire = 0; wire < count(); ++wire) {
            set_redirection(wire, Redirection{}.with(Redirection::MASK, 1));
            if (!masked(wire)) {
                return fail("the I/O APIC does not mask a wire", wire);
            }
        }
        return {};
    }

    [[nodiscard]] Redirection redirection(unsigned wire) const
    {
        const std::uint32_t at = ioapic_index::redirection + 2 * wire;
        const std::uint64_t low = read(at);
        return Redirection::from(low | std::uint64_t{read(at + 1)} << 32);
    }
    // Never routed by half of a new entry: masked while the other half changes.
    void set_redirection(unsigned wire, Redirection entry) const
    {
        const std::uint32_t at = ioapic_index::redirection + 2 * wire;
        write(at, static_cast<std::uint32_t>(Redirection{}.with(Redirection::MASK, 1).raw));
        write(at + 1, static_cast<std::uint32_t>(entry.raw >> 32));
        write(at, static_cast<std::uint32_t>(entry.raw));
    }
    [[nodiscard]] bool masked(unsigned wire) const
    {
        return Redirection::from(read(ioapic_index::redirection + 2 * wire))[Redirection::MASK] !=
               0;
    }
    // The rest of the entry stays.
    void set_masked(unsigned wire, bool mask) const
    {
        const std::uint32_t at = ioapic_index::redirection + 2 * wire;
        const auto low = Redirection::from(read(at));
        write(at, static_cast<std::uint32_t>(low.with(Redirection::MASK, mask ? 1 : 0).raw));
    }

private:
    [[nodiscard]] std::uint32_t read(std::uint32_t index) const
    {
        io_.write(IOREGSEL::from(index));
        return io_.template read<IOWIN>().raw;
    }
    void write(std::uint32_t index, std::uint32_t value) const
    {
        io_.write(IOREGSEL::from(index));
        io_.write(IOWIN::from(value));
    }

    Io io_;
};

}  // namespace apic
