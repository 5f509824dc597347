// SPDX-License-Identifier: MIT
#include "arm64/gic/gicv5.h"

#include "arm64/cpu/control_registers.h"
#include "arm64/gic/gicv5/description.h"
#include "arm64/gic/gicv5/lpi_allocator.h"
#include "lib/base/spinlock.h"
#include "lib/boot/words.h"
#include "lib/console/console.h"
#include "lib/smp/smp.h"
#include "lib/test/capability.h"

#include <arch/cache.h>
#include <arch/exception.h>
#include <arch/mmu.h>

#include <algorithm>
#include <array>

namespace gicv5 {

namespace {

using test::Capability;

constexpr std::size_t max_services = 8;  // of each kind

// Enough for the tests; a table of two levels costs memory for what is used of it alone.
constexpr unsigned wanted_lpi_bits = 14;
static_assert(LpiAllocator::capacity == 1U << wanted_lpi_bits);

constexpr unsigned ipis_per_cpu = 4;

// A few services of a kind.
template <typename T>
class Services {
public:
    [[nodiscard]] std::span<const T> all() const { return std::span{services_}.first(count_); }
    [[nodiscard]] Result<> add(const T& service)
    {
        if (count_ == max_services) {
            return fail("more GICv5 services of a kind than there is room for", count_);
        }
        services_[count_++] = service;
        return {};
    }
    void clear() { count_ = 0; }

private:
    std::array<T, max_services> services_{};
    std::size_t count_ = 0;
};

// What every frame begins with: an identification register; in a SETLPI frame a register that is
// only written, reads of which give 0 and do nothing.
struct FirstWord : Register<FirstWord, std::uint32_t, 0x000> {};

// Makes a frame accessible and finds out whether anything is there.
[[nodiscard]] Result<Mmio> open_frame(const fdt::Region& frame, const char* silent)
{
    if (const auto mapped = arch::map_device(frame); !mapped) {
        return std::unexpected{mapped.error()};
    }
    const Mmio io{frame.base};
    const auto abort = arch::raised([&] { static_cast<void>(io.read<FirstWord>()); });
    if (abort) {
        return fail(silent, frame.base);
    }
    return io;
}

// Where inter-processor interrupts come from: ipis_per_cpu consecutive interrupts for each CPU.
class Ipis {
public:
    [[nodiscard]] bool exist() const { return type_.has_value(); }
    // Those of `cpus` CPUs begin at `first`.
    void use(IntidType type, std::uint32_t first, unsigned cpus)
    {
        type_ = type, first_ = first, cpus_ = cpus;
    }
    void drop() { type_.reset(); }
    [[nodiscard]] bool exist_for(unsigned cpu) const { return exist() && cpu < cpus_; }

    // They exist for that CPU.
    [[nodiscard]] irq::Id id(unsigned cpu, unsigned number) const
    {
        return intid(*type_, first_ + cpu * ipis_per_cpu + number);
    }
    [[nodiscard]] std::optional<unsigned> number(unsigned cpu, irq::Id id) const
    {
        if (!type_ || id.value < this->id(cpu, 0).value ||
            id.value >= this->id(cpu, ipis_per_cpu).value) {
            return {};
        }
        return id.value - this->id(cpu, 0).value;
    }
    // Targets those of a CPU at it.
    void prepare(unsigned cpu, std::uint16_t iaffid) const
    {
        for (unsigned n = 0; n < ipis_per_cpu; ++n) {
            if (type_ == IntidType::lpi) {
                commands().prepare(id(cpu, n), iaffid, HandlingMode::edge);
            } else {  // an SPI is not pending at reset: QEMU 11.1 would make it so by CDPEND 0
                commands().set_priority(id(cpu, n), default_priority);
                commands().target(id(cpu, n), iaffid);
            }
        }
    }

private:
    std::optional<IntidType> type_;
    std::uint32_t first_ = 0;
    unsigned cpus_ = 0;
};

class Controller final : public irq::Controller {
public:
    constexpr Controller() = default;

    [[nodiscard]] Result<> start(const fdt::Node& node)
    {
        if (sysreg::read<ID_AA64PFR2_EL1>()[ID_AA64PFR2_EL1::GCIE] == 0) {
            return fail("device tree has arm,gic-v5 but ID_AA64PFR2_EL1.GCIE is 0");
        }
        // Each part needs the ones before it; the reason of what is missing is that of the first.
        const auto routing = start_routing(node);
        offer(Capability::gicv5_irs, routing);
        offer(Capability::gicv5_spi, routing ? find_spis() : routing);
        offer(Capability::gicv5_one_n, routing ? find_one_of_n() : routing);
        const auto lpis = routing ? start_lpis() : routing;
        offer(Capability::gicv5_lpi, lpis);
        offer(Capability::gicv5_setlpi, lpis ? find_setlpi() : lpis);
        const auto translation = lpis ? start_translation(node) : lpis;
        offer(Capability::gicv5_its, translation);
        offer(Capability::gicv5_iwb, translation ? start_bridges(node) : translation);
        offer(Capability::ipi, routing ? choose_ipis(node.tree()) : routing);
        return {};
    }

    [[nodiscard]] const char* name() const override { return "gicv5"; }

    [[nodiscard]] Result<> init_cpu() override
    {
        if (const auto reset = cpu_interface().reset(); !reset) {
            return reset;
        }
        if (const auto joined = join_irs(cpu_interface().iaffid()); !joined) {
            return joined;
        }
        if (const auto enabled = cpu_interface().enable(); !enabled) {
            return enabled;
        }
        return ipis_.exist() ? prepare_ipis(cpu_interface().iaffid()) : Result<>{};
    }

    void enable(irq::Id id) override
    {
        if (is_ppi(id)) {
            cpu_interface().enable(number(id));
            return;
        }
        if (!ipi_number(id)) {
            commands().set_priority(id, default_priority);
            commands().target(id, cpu_interface().iaffid());
        }
        commands().enable(id);
    }
    void disable(irq::Id id) override
    {
        if (is_ppi(id)) {
            cpu_interface().disable(number(id));
        } else {
            commands().disable(id);
        }
    }
    [[nodiscard]] bool enabled(irq::Id id) const override
    {
        return is_ppi(id) ? cpu_interface().enabled(number(id))
                          : holds(id, &InterruptState::enabled);
    }
    [[nodiscard]] bool pending(irq::Id id) const override
    {
        return is_ppi(id) ? cpu_interface().pending(number(id))
                          : holds(id, &InterruptState::pending);
    }
    [[nodiscard]] bool active(irq::Id id) const override
    {
        return is_ppi(id) ? cpu_interface().active(number(id)) : holds(id, &InterruptState::active);
    }

    [[nodiscard]] std::optional<irq::Id> acknowledge() override
    {
        return cpu_interface().acknowledge();
    }
    void end(irq::Id id) override
    {
        cpu_interface().deactivate(id);
        cpu_interface().drop_priority();
    }

    // There is no type of interrupt for them: LPIs, or SPIs that no device uses.
    [[nodiscard]] unsigned ipi_count() const override { return ipis_.exist() ? ipis_per_cpu : 0; }
    [[nodiscard]] irq::Id ipi(unsigned number) const override
    {
        return ipis_.id(smp::this_cpu().index, number);
    }
    [[nodiscard]] std::optional<unsigned> ipi_number(irq::Id id) const override
    {
        return ipis_.number(smp::this_cpu().index, id);
    }
    void send_ipi(unsigned cpu, unsigned number) override
    {
        arch::write_barrier();
        commands().set_pending(ipis_.id(cpu, number));
    }

    [[nodiscard]] Result<irq::Id> prepare_interrupt(std::span<const std::uint32_t> cells)
    {
        const auto interrupt = device_interrupt(cells);
        if (!interrupt) {
            return std::unexpected{interrupt.error()};
        }
        if (is_ppi(interrupt->id)) {
            return interrupt->id;
        }
        const Irs<Mmio>* const irs = routing_service_of(number(interrupt->id));
        if (irs == nullptr) {
            return fail("interrupt specifier names an SPI that no IRS has", number(interrupt->id));
        }
        const SpinlockGuard lock{selection_};
        const auto set = irs->set_trigger_mode(number(interrupt->id), interrupt->mode);
        if (!set) {
            return std::unexpected{set.error()};
        }
        return interrupt->id;
    }

    [[nodiscard]] std::span<const Irs<Mmio>> routing() const { return routing_.all(); }
    [[nodiscard]] std::optional<SetLpiFrame<Mmio>> setlpi() const { return setlpi_; }
    [[nodiscard]] std::span<const TranslationService> translation() const
    {
        return translation_.all();
    }
    [[nodiscard]] std::span<const WireBridge> bridges() const { return bridges_.all(); }
    [[nodiscard]] LpiTable& lpi_table() { return lpi_table_; }
    [[nodiscard]] TableMemory table_memory() const { return table_memory_; }

    [[nodiscard]] Result<std::uint32_t> allocate_lpis(unsigned count)
    {
        const SpinlockGuard lock{lpis_};
        const auto first = lpi_allocator_.allocate(count);
        for (std::uint32_t n = 0; first && n < count; ++n) {
            if (const auto mapped = lpi_table_.map(*first + n); !mapped) {
                lpi_allocator_.free(*first, count);
                return std::unexpected{mapped.error()};
            }
        }
        return first;
    }
    void free_lpis(std::uint32_t first, unsigned count)
    {
        const SpinlockGuard lock{lpis_};
        lpi_allocator_.free(first, count);
    }

    void restore_ipis() const
    {
        if (!ipis_.exist()) {
            return;
        }
        for (const smp::Cpu& cpu : smp::cpus()) {
            if (cpu.online) {
                ipis_.prepare(cpu.index, iaffids_[cpu.index]);
                for (unsigned n = 0; n < irq::permanent_ipis; ++n) {
                    commands().enable(ipis_.id(cpu.index, n));
                }
            }
        }
    }

private:
    static void offer(Capability capability, const Result<>& found)
    {
        if (found) {
            test::offer(capability);
        } else {
            test::missing(capability, found.error().what);
        }
    }

    // A part that is there and does not work is said at once, with its number.
    [[nodiscard]] static Result<> complain(Result<> done)
    {
        if (!done) {
            console::print("# GICv5: {} ({:#x})\n", done.error().what, done.error().value);
        }
        return done;
    }

    // --- IRS ------------------------------------------------------------------------------------

    [[nodiscard]] Result<> start_routing(const fdt::Node& node)
    {
        for (auto child = node.first_child(); child; child = child->next_sibling()) {
            if (child->compatible("arm,gic-v5-irs") && child->enabled()) {
                if (const auto started = complain(start_irs(*child)); !started) {
                    routing_.clear();
                    return started;
                }
            }
        }
        if (routing().empty()) {
            return fail("no arm,gic-v5-irs node");
        }
        return {};
    }

    [[nodiscard]] Result<> start_irs(const fdt::Node& node)
    {
        const auto irs = describe_irs(node);
        if (!irs) {
            return std::unexpected{irs.error()};
        }
        for (const Irs<Mmio>& other : routing()) {
            if (irs->config.base < other.io().base() + frame_size &&
                other.io().base() < irs->config.base + irs->config.size) {
                return fail("frames of two IRS nodes overlap", irs->config.base);
            }
        }
        const auto io = open_frame(irs->config, "the IRS does not answer: external abort");
        if (!io) {
            return std::unexpected{io.error()};
        }
        if (const auto id = io->read<IRS_AIDR>(); id[IRS_AIDR::Component] != 0) {
            return fail("IRS_AIDR.Component is not that of an IRS", id.raw);
        }
        const Irs<Mmio> service{*io};
        if (const auto enabled = service.enable(irs->coherent); !enabled) {
            return enabled;
        }
        if (routing().empty()) {
            first_irs_ = *irs;
            table_memory_ = TableMemory{irs->coherent};
        }
        cpu_count_ += irs->cpu_count;
        return routing_.add(service);
    }

    // Finds the routing service of the calling CPU and tells it how the CPU takes part.
    [[nodiscard]] Result<> join_irs(std::uint16_t iaffid)
    {
        if (routing().empty()) {
            return {};
        }
        const SpinlockGuard lock{selection_};
        for (const Irs<Mmio>& service : routing()) {
            const auto serves = service.serves(iaffid);
            if (!serves) {
                return std::unexpected{serves.error()};
            }
            if (*serves) {
                return service.keep_selected_pe_targeted();
            }
        }
        return fail("no GICv5 routing service knows the CPU's IAFFID", iaffid);
    }

    [[nodiscard]] Result<> find_spis() const
    {
        if (std::ranges::all_of(routing(), [](const auto& irs) { return irs.spis().count == 0; })) {
            return fail("IRS_IDR6.SPI_IRS_RANGE is 0");
        }
        return {};
    }

    [[nodiscard]] Result<> find_one_of_n() const
    {
        if (routing().front().io().read<IRS_IDR0>()[IRS_IDR0::ONE_N] == 0) {
            return fail("IRS_IDR0.ONE_N is 0");
        }
        return {};
    }

    // --- LPIs -----------------------------------------------------------------------------------

    [[nodiscard]] Result<> start_lpis()
    {
        const Irs<Mmio>& irs = routing().front();
        if (irs.io().read<IRS_IDR2>()[IRS_IDR2::LPI] == 0) {
            return fail("IRS_IDR2.LPI is 0");
        }
        const auto geometry = irs.ist_geometry(wanted_lpi_bits, cpu_interface().id_bits());
        if (!geometry) {
            return complain(std::unexpected{geometry.error()});
        }
        lpi_allocator_ = LpiAllocator{std::uint32_t{1} << geometry->id_bits};
        return complain(lpi_table_.create(irs, table_memory_, *geometry));
    }

    [[nodiscard]] Result<> find_setlpi()
    {
        if (routing().front().io().read<IRS_IDR0>()[IRS_IDR0::SETLPI] == 0) {
            return fail("IRS_IDR0.SETLPI is 0");
        }
        if (!first_irs_.setlpi) {
            return fail("no ns-setlpi in the IRS node's reg-names");
        }
        const auto io = open_frame(*first_irs_.setlpi, "the SETLPI frame does not answer");
        if (!io) {
            return complain(std::unexpected{io.error()});
        }
        setlpi_.emplace(*io);
        return {};
    }

    // --- ITS and IWB ----------------------------------------------------------------------------

    [[nodiscard]] Result<> start_translation(const fdt::Node& gic)
    {
        for (auto irs = gic.first_child(); irs; irs = irs->next_sibling()) {
            for (auto child = irs->first_child(); child; child = child->next_sibling()) {
                if (!child->compatible("arm,gic-v5-its") || !child->enabled()) {
                    continue;
                }
                if (const auto started = complain(start_its(*child)); !started) {
                    translation_.clear();
                    return started;
                }
            }
        }
        if (translation().empty()) {
            return fail("no arm,gic-v5-its node");
        }
        return {};
    }

    [[nodiscard]] Result<> start_its(const fdt::Node& node)
    {
        const auto its = describe_its(node);
        if (!its) {
            return std::unexpected{its.error()};
        }
        const auto io = open_frame(its->config, "the ITS does not answer: external abort");
        if (!io) {
            return std::unexpected{io.error()};
        }
        if (const auto id = io->read<ITS_AIDR>(); id[ITS_AIDR::Component] != 1) {
            return fail("ITS_AIDR.Component is not that of an ITS", id.raw);
        }
        TranslationService service{.its = Its<Mmio, TableMemory>{*io},
                                   .translater = its->translate ? its->translate->base : 0};
        if (const auto started = service.its.start(TableMemory{its->coherent}, its->coherent);
            !started) {
            return started;
        }
        return translation_.add(service);
    }

    [[nodiscard]] Result<> start_bridges(const fdt::Node& gic)
    {
        const fdt::Tree& tree = gic.tree();
        for (auto node = tree.find_compatible("arm,gic-v5-iwb"); node;
             node = tree.find_compatible("arm,gic-v5-iwb", node)) {
            if (const auto started = complain(start_iwb(*node)); !started) {
                bridges_.clear();
                return started;
            }
        }
        if (bridges().empty()) {
            return fail("no arm,gic-v5-iwb node");
        }
        return {};
    }

    [[nodiscard]] Result<> start_iwb(const fdt::Node& node)
    {
        const auto iwb = describe_iwb(node);
        if (!iwb) {
            return std::unexpected{iwb.error()};
        }
        const auto io = open_frame(iwb->config, "the IWB does not answer: external abort");
        if (!io) {
            return std::unexpected{io.error()};
        }
        const Iwb<Mmio> bridge{*io};
        if (const auto started = bridge.start(); !started) {
            return started;
        }
        return bridges_.add({.iwb = bridge, .device = iwb->device});
    }

    // --- Inter-processor interrupts -------------------------------------------------------------

    [[nodiscard]] Result<> choose_ipis(const fdt::Tree& tree)
    {
        const auto choice = boot::option(tree.boot_arguments(), "assay.ipi").value_or("");
        const unsigned count = cpu_count_ * ipis_per_cpu;
        if (choice == "none") {
            return fail("assay.ipi=none was given");
        }
        if (cpu_count_ > iaffids_.size()) {
            return fail("more CPUs than the driver has inter-processor interrupts for");
        }
        if (lpi_table_.exists() && choice != "spi") {
            const auto first = allocate_lpis(count);
            if (!first) {
                return complain(std::unexpected{first.error()});
            }
            ipis_.use(IntidType::lpi, *first, cpu_count_);
            return {};
        }
        // The last ones: devices have the first.
        const Irs<Mmio>& irs = routing().front();
        const SpiRange spis = irs.spis();
        const std::uint32_t end = spis.first + spis.count;
        if (spis.count < count || end - count < first_unnamed_spi(tree)) {
            return fail("no LPIs, and not enough SPIs that no device uses");
        }
        for (std::uint32_t spi_number = end - count; spi_number < end; ++spi_number) {
            const auto edge = irs.set_trigger_mode(spi_number, HandlingMode::edge);
            if (!edge) {
                return complain(edge);
            }
        }
        ipis_.use(IntidType::spi, end - count, cpu_count_);
        return {};
    }

    // Those of this CPU, and whether one arrives: all that waits for another CPU relies on it.
    [[nodiscard]] Result<> prepare_ipis(std::uint16_t iaffid)
    {
        const unsigned self = smp::this_cpu().index;
        if (!ipis_.exist_for(self)) {
            return fail("cpus of the IRS nodes has fewer entries than CPUs come up: no "
                        "inter-processor interrupts are left for this one",
                        self);
        }
        iaffids_[self] = iaffid;
        ipis_.prepare(self, iaffid);
        const irq::Id probe = ipis_.id(self, 0);
        const irq::Masked masked;
        commands().enable(probe);
        commands().set_pending(probe);
        const auto arrived = gic::settle(
            [&] { return cpu_interface().candidate() == probe; },
            "an inter-processor interrupt that is made pending is not signalled to its CPU");
        if (const auto id = cpu_interface().acknowledge()) {
            end(*id);
        }
        commands().disable(probe);
        if (!arrived && self == 0) {
            ipis_.drop();
            test::missing(Capability::ipi, arrived.error().what);
            return {};
        }
        return arrived;
    }

    [[nodiscard]] static bool holds(irq::Id id, bool InterruptState::* member)
    {
        const auto state = commands().state(id);
        return state && *state.*member;
    }

    Services<Irs<Mmio>> routing_{};
    Services<TranslationService> translation_{};
    Services<WireBridge> bridges_{};
    IrsDescription first_irs_{};
    TableMemory table_memory_;
    LpiTable lpi_table_;
    LpiAllocator lpi_allocator_;
    std::optional<SetLpiFrame<Mmio>> setlpi_;
    Ipis ipis_;
    unsigned cpu_count_ = 0;
    std::array<std::uint16_t, 512> iaffids_{};  // by the index of the CPU
    Spinlock selection_;
    Spinlock lpis_;
};

constinit Controller controller;

}  // namespace

Result<irq::Controller*> start(const fdt::Node& node)
{
    if (const auto started = controller.start(node); !started) {
        return std::unexpected{started.error()};
    }
    return &controller;
}

void report_absent(const char* reason)
{
    for (const Capability part :
         {Capability::gicv5_irs, Capability::gicv5_spi, Capability::gicv5_lpi,
          Capability::gicv5_setlpi, Capability::gicv5_one_n, Capability::gicv5_its,
          Capability::gicv5_iwb}) {
        test::missing(part, reason);
    }
}

Result<irq::Id> prepare_interrupt(std::span<const std::uint32_t> cells)
{
    return controller.prepare_interrupt(cells);
}

std::span<const Irs<Mmio>> routing_services()
{
    return controller.routing();
}

const Irs<Mmio>* routing_service_of(std::uint32_t spi_number)
{
    const auto services = routing_services();
    const auto found = std::ranges::find_if(
        services, [&](const Irs<Mmio>& irs) { return irs.spis().contains(spi_number); });
    return found == services.end() ? nullptr : &*found;
}

std::optional<SetLpiFrame<Mmio>> setlpi_frame()
{
    return controller.setlpi();
}

std::span<const TranslationService> translation_services()
{
    return controller.translation();
}

std::span<const WireBridge> wire_bridges()
{
    return controller.bridges();
}

LpiTable& lpi_table()
{
    return controller.lpi_table();
}

TableMemory table_memory()
{
    return controller.table_memory();
}

Result<std::uint32_t> allocate_lpis(unsigned count)
{
    return controller.allocate_lpis(count);
}

void free_lpis(std::uint32_t first, unsigned count)
{
    controller.free_lpis(first, count);
}

void restore_ipis()
{
    controller.restore_ipis();
}

}  // namespace gicv5
