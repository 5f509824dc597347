// SPDX-License-Identifier: MIT
//
// Hypercalls of KVM: Linux Documentation/virt/kvm/x86/hypercalls.rst. The number is in RAX, the
// arguments in RBX, RCX, RDX and RSI, the answer in RAX; nothing else changes.
#pragma once

#include "lib/base/register.h"
#include "lib/pv/multicast.h"

#include <arch/cpuid.h>

#include <array>
#include <cstdint>
#include <span>

namespace pv {

enum class Hypercall : std::uint64_t {
    vapic_poll_irq = 1,
    kick_cpu = 5,
    clock_pairing = 9,
    send_ipi = 10,
    sched_yield = 11,
    map_gpa_range = 12,
};

// What is not an answer of the call's own.
namespace answer {
inline constexpr std::int64_t eperm = -1;  // not in ring 0
inline constexpr std::int64_t efault = -14;
inline constexpr std::int64_t einval = -22;
inline constexpr std::int64_t eopnotsupp = -95;
inline constexpr std::int64_t enosys = -1000;  // no such number, or not offered
}  // namespace answer

// The instruction is the CPU vendor's.
enum class Instruction : std::uint8_t { vmcall, vmmcall };

[[nodiscard]] constexpr Instruction instruction_of(const arch::CpuidResult& vendor)
{
    const bool amd =
        vendor.ebx == 0x6874'7541 && vendor.edx == 0x6974'6e65 && vendor.ecx == 0x444d'4163;
    const bool hygon =
        vendor.ebx == 0x6f67'7948 && vendor.edx == 0x6e65'476e && vendor.ecx == 0x656e'6975;
    return amd || hygon ? Instruction::vmmcall : Instruction::vmcall;
}

// struct kvm_clock_pairing
struct ClockPairing {
    std::int64_t sec;
    std::int64_t nsec;
    std::uint64_t tsc;
    std::uint32_t flags;
    std::array<std::uint32_t, 9> padding;
};
static_assert(sizeof(ClockPairing) == 64);

// What is sent: as the low half of the local APIC's ICR has it.
struct IpiCommand : Bits<IpiCommand, std::uint64_t> {
    static constexpr Field SHORTHAND{19, 18};     // must be 0
    static constexpr Field DESTINATION_MODE{11};  // must be 0: APIC IDs
    static constexpr Field DELIVERY{10, 8};       // 0 fixed, 4 NMI
    static constexpr Field VECTOR{7, 0};
};

// The calls by name. `Call` is what makes one: int64_t(number, a0, a1, a2, a3).
template <typename Call>
class Hypercalls {
public:
    constexpr explicit Hypercalls(Call call) : call_{call} {}

    // Wakes a CPU that halts, even with interrupts masked; one that does not will not sleep the
    // next time.
    std::int64_t kick_cpu(std::uint64_t apic_id) const
    {
        return make(Hypercall::kick_cpu, 0, apic_id);
    }
    // Lets a CPU that waits for the host run in place of this one.
    std::int64_t sched_yield(std::uint64_t apic_id) const
    {
        return make(Hypercall::sched_yield, apic_id);
    }
    // How many took it.
    std::int64_t send_ipi(const Multicast& receivers, IpiCommand command) const
    {
        return make(Hypercall::send_ipi, receivers.low, receivers.high, receivers.lowest,
                    command.raw);
    }
    // The same to any number of CPUs, in as many calls as it takes. The first answer that is none.
    std::int64_t send_ipi(std::span<const std::uint32_t> apic_ids, IpiCommand command) const
    {
        std::int64_t count = 0;
        for_each_multicast(apic_ids, [&](const Multicast& receivers) {
            if (count >= 0) {
                const std::int64_t sent = send_ipi(receivers, command);
                count = sent < 0 ? sent : count + sent;
            }
        });
        return count;
    }
    // The host's time of day and the counter's value at that moment.
    std::int64_t clock_pairing(std::uint64_t address, std::uint64_t type) const
    {
        return make(Hypercall::clock_pairing, address, type);
    }

private:
    std::int64_t make(Hypercall number, std::uint64_t a0 = 0, std::uint64_t a1 = 0,
                      std::uint64_t a2 = 0, std::uint64_t a3 = 0) const
    {
        return call_(static_cast<std::uint64_t>(number), a0, a1, a2, a3);
    }

    Call call_;
};

// By this CPU's instruction.
[[nodiscard]] Instruction hypercall_instruction();
[[nodiscard]] std::int64_t hypercall(std::uint64_t number, std::uint64_t a0 = 0,
                                     std::uint64_t a1 = 0, std::uint64_t a2 = 0,
                                     std::uint64_t a3 = 0);

// Every register that a hypercall could touch, and does not.
struct CallRegisters {
    std::uint64_t rax, rbx, rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
    friend constexpr bool operator==(const CallRegisters&, const CallRegisters&) = default;
};
// Executes the instruction with these values, and leaves in them what it did.
void hypercall_with(Instruction instruction, CallRegisters& registers);

}  // namespace pv
