// SPDX-License-Identifier: MIT
//
// KVM's own model-specific registers: Linux Documentation/virt/kvm/x86/msr.rst. All but the wall
// clock belong to a CPU. An address is a physical one; a field of it is the address without the
// bits below.
#pragma once

#include "lib/base/register.h"
#include "x86/cpu/msr.h"

#include <cstdint>

namespace pv {

// Written with an address, the host fills the WallClock there, once.
struct MSR_KVM_WALL_CLOCK : Msr<MSR_KVM_WALL_CLOCK, 0x11> {};
struct MSR_KVM_WALL_CLOCK_NEW : Msr<MSR_KVM_WALL_CLOCK_NEW, 0x4b56'4d00> {};

// Of a ClockInfo.
struct MSR_KVM_SYSTEM_TIME : Msr<MSR_KVM_SYSTEM_TIME, 0x12> {
    static constexpr Field ENABLE{0};
};
struct MSR_KVM_SYSTEM_TIME_NEW : Msr<MSR_KVM_SYSTEM_TIME_NEW, 0x4b56'4d01> {
    static constexpr Field ENABLE{0};
};

// Of an AsyncPageFault.
struct MSR_KVM_ASYNC_PF_EN : Msr<MSR_KVM_ASYNC_PF_EN, 0x4b56'4d02> {
    static constexpr Field ENABLE{0};
    static constexpr Field SEND_ALWAYS{1};            // in ring 0 as well
    static constexpr Field DELIVERY_AS_PF_VMEXIT{2};  // to a hypervisor in this VM
    static constexpr Field DELIVERY_AS_INT{3};        // "page ready" is an interrupt; needed
    static constexpr Field RESERVED{5, 4};
};

// Of a StealTime.
struct MSR_KVM_STEAL_TIME : Msr<MSR_KVM_STEAL_TIME, 0x4b56'4d03> {
    static constexpr Field ENABLE{0};
    static constexpr Field RESERVED{5, 1};
};

// Of four bytes, whose bit 0 the host sets when the end of interrupt need not be told.
struct MSR_KVM_PV_EOI_EN : Msr<MSR_KVM_PV_EOI_EN, 0x4b56'4d04> {
    static constexpr Field ENABLE{0};
    static constexpr Field RESERVED{1};
};

struct MSR_KVM_POLL_CONTROL : Msr<MSR_KVM_POLL_CONTROL, 0x4b56'4d05> {
    static constexpr Field POLL{0};  // the host may poll before it puts a halted CPU to sleep
};

struct MSR_KVM_ASYNC_PF_INT : Msr<MSR_KVM_ASYNC_PF_INT, 0x4b56'4d06> {
    static constexpr Field VECTOR{7, 0};
};
struct MSR_KVM_ASYNC_PF_ACK : Msr<MSR_KVM_ASYNC_PF_ACK, 0x4b56'4d07> {
    static constexpr Field ACK{0};  // the token was read, the next one may come
};
struct MSR_KVM_MIGRATION_CONTROL : Msr<MSR_KVM_MIGRATION_CONTROL, 0x4b56'4d08> {
    static constexpr Field READY{0};
};

// The last of the registers that KVM keeps for itself: none that is defined is near.
inline constexpr std::uint32_t last_kvm_register = 0x4b56'4dff;

// struct kvm_vcpu_pv_apf_data
struct alignas(64) AsyncPageFault {
    std::uint32_t flags;  // bit 0: this #PF says "not present", and CR2 is the token
    std::uint32_t token;  // of the page that is ready; the guest clears it
    std::uint32_t padding[14];
};
static_assert(sizeof(AsyncPageFault) == 64);
// In place of a token: everything that was waited for is ready.
inline constexpr std::uint32_t all_ready = 0xffff'ffff;

// The value that registers `area` with the host.
template <typename R>
[[nodiscard]] constexpr R enabled_at(std::uint64_t address)
{
    return R::from(address).with(R::ENABLE, 1);
}

// Gives a register of the calling CPU another value for a scope, which must stay on the CPU.
template <typename R, typename Msrs = msr::Provider>
class RegisterGuard {
public:
    explicit RegisterGuard(Msrs msrs = {}) : msrs_{msrs}, previous_{msrs.template read<R>()} {}
    explicit RegisterGuard(R value, Msrs msrs = {}) : RegisterGuard{msrs} { set(value); }
    ~RegisterGuard() { msrs_.write(previous_); }
    RegisterGuard(const RegisterGuard&) = delete;
    RegisterGuard& operator=(const RegisterGuard&) = delete;

    void set(R value) const { msrs_.write(value); }
    [[nodiscard]] R previous() const { return previous_; }

private:
    [[no_unique_address]] Msrs msrs_;
    R previous_;
};

}  // namespace pv
