// SPDX-License-Identifier: MIT
//
// The registers that hold the state of interrupts, and their driver. They lie at the same offsets
// in three places:
//
//     GICv2 distributor                  IHI 0048B.b 4.3     words 0 (banked for each CPU) to 31
//     GICv3 distributor                  IHI 0069H.b 12.9    words 1 to 31
//     GICv3 redistributor, SGI_base frame            12.11   word 0, of one CPU
//
// A word is 32 INTIDs. Accesses are Non-secure: an interrupt of the Secure world reads as zero and
// ignores writes.
#pragma once

#include "lib/base/register.h"
#include "lib/base/result.h"
#include "lib/irq/irq.h"

#include <cstdint>
#include <optional>

namespace gic {

// One bit an interrupt: INTID n is bit n % 32 of register n / 32.
struct IGROUPR : Register<IGROUPR, std::uint32_t, 0x080> {};      // 1: Group 1
struct ISENABLER : Register<ISENABLER, std::uint32_t, 0x100> {};  // write 1 to enable
struct ICENABLER : Register<ICENABLER, std::uint32_t, 0x180> {};  // write 1 to disable
struct ISPENDR : Register<ISPENDR, std::uint32_t, 0x200> {};      // write 1 to make pending
struct ICPENDR : Register<ICPENDR, std::uint32_t, 0x280> {};
struct ISACTIVER : Register<ISACTIVER, std::uint32_t, 0x300> {};
struct ICACTIVER : Register<ICACTIVER, std::uint32_t, 0x380> {};
// One byte an interrupt, byte accesses allowed; 0 is the highest priority. At least the upper four
// bits are implemented.
struct IPRIORITYR : Register<IPRIORITYR, std::uint8_t, 0x400> {};
// The same, four interrupts a register, as the manual counts them.
struct IPRIORITYR_WORD : Register<IPRIORITYR_WORD, std::uint32_t, 0x400> {};
// Two bits an interrupt: bit 2n + 1 set is edge-triggered, clear is level-sensitive.
struct ICFGR : Register<ICFGR, std::uint32_t, 0xc00> {};

// What the drivers give every interrupt: in the middle, so that there is room on both sides, and
// exact where only four bits are implemented.
inline constexpr std::uint8_t default_priority = 0x80;
// Lets every priority pass.
inline constexpr std::uint8_t lowest_priority = 0xff;

inline constexpr unsigned sgi_count = 16;       // INTIDs from 0
inline constexpr std::uint32_t first_ppi = 16;  // INTID of PPI 0
inline constexpr std::uint32_t first_spi = 32;  // INTID of SPI 0
inline constexpr std::uint32_t first_special_intid = 1020;
inline constexpr std::uint32_t last_special_intid = 1023;

// SGIs that serve as inter-processor interrupts. Secure firmware keeps the others to itself.
inline constexpr unsigned ipi_count = 8;

[[nodiscard]] constexpr std::optional<unsigned> ipi_number(irq::Id id)
{
    return id.value < ipi_count ? std::optional{id.value} : std::nullopt;
}

template <typename Io>
class InterruptBank {
public:
    static constexpr unsigned ids_per_word = 32;

    constexpr explicit InterruptBank(Io io) : io_{io} {}

    [[nodiscard]] bool enabled(std::uint32_t intid) const { return test<ISENABLER>(intid); }
    void enable(std::uint32_t intid) const { set<ISENABLER>(intid); }
    void disable(std::uint32_t intid) const { set<ICENABLER>(intid); }

    [[nodiscard]] bool pending(std::uint32_t intid) const { return test<ISPENDR>(intid); }
    void set_pending(std::uint32_t intid) const { set<ISPENDR>(intid); }
    void clear_pending(std::uint32_t intid) const { set<ICPENDR>(intid); }

    [[nodiscard]] bool active(std::uint32_t intid) const { return test<ISACTIVER>(intid); }
    void set_active(std::uint32_t intid) const { set<ISACTIVER>(intid); }
    void clear_active(std::uint32_t intid) const { set<ICACTIVER>(intid); }

    [[nodiscard]] std::uint8_t priority(std::uint32_t intid) const
    {
        return io_.template read<IPRIORITYR>(intid).raw;
    }
    void set_priority(std::uint32_t intid, std::uint8_t priority) const
    {
        io_.write(IPRIORITYR::from(priority), intid);
    }

    [[nodiscard]] bool edge_triggered(std::uint32_t intid) const
    {
        const auto configuration = io_.template read<ICFGR>(intid / 16);
        return configuration[Field{2 * (intid % 16) + 1}] != 0;
    }

    // Every interrupt of a word to Group 1: delivered as IRQ by a GICv3. Ignored where the Secure
    // world alone assigns groups.
    void assign_group1(unsigned word) const { io_.write(IGROUPR::from(~0U), word); }

    // Every interrupt of a word: disabled, neither pending nor active, default priority. Error: the
    // priority of its first interrupt does not stick, so the word belongs to the Secure world.
    [[nodiscard]] Result<> reset(unsigned word) const
    {
        io_.write(ICENABLER::from(~0U), word);
        io_.write(ICPENDR::from(~0U), word);
        io_.write(ICACTIVER::from(~0U), word);
        const auto four = IPRIORITYR_WORD::from(0x0101'0101U * default_priority);
        for (unsigned i = 0; i < ids_per_word / 4; ++i) {
            io_.write(four, word * (ids_per_word / 4) + i);
        }
        const std::uint8_t found = priority(word * ids_per_word);
        if (found != default_priority) {
            return fail("the GIC's IPRIORITYR does not keep what is written", found);
        }
        return {};
    }

    // The registers themselves.
    [[nodiscard]] const Io& io() const { return io_; }

private:
    template <typename R>
    [[nodiscard]] bool test(std::uint32_t intid) const
    {
        return io_.template read<R>(intid / ids_per_word)[Field{intid % ids_per_word}] != 0;
    }
    template <typename R>
    void set(std::uint32_t intid) const
    {
        io_.write(R::from(1U << intid % ids_per_word), intid / ids_per_word);
    }

    Io io_;
};

}  // namespace gic
