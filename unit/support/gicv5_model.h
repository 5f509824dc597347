// SPDX-License-Identifier: MIT
//
// The drivers of a GICv5 on its model: a machine of one IRS, ITS and IWB whose software is the
// test.
#pragma once

#include "arm64/gic/gicv5/commands.h"
#include "arm64/gic/gicv5/cpu_interface.h"
#include "arm64/gic/gicv5/irs.h"
#include "arm64/gic/gicv5/ist.h"
#include "arm64/gic/gicv5/its.h"
#include "arm64/gic/gicv5/iwb.h"
#include "models/gicv5/model.h"
#include "unit/arch/host.h"
#include "unit/support/table_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unit {

// The provider for a frame of the model. An access takes a while, so that bounded waits end soon.
class ModelFrame {
public:
    ModelFrame() = default;
    ModelFrame(model::gicv5::Gicv5& gic, model::gicv5::FrameKind kind) : gic_{&gic}, kind_{kind} {}

    template <typename R>
    [[nodiscard]] R read(std::size_t index = 0) const
    {
        host::advance_counter(100);
        return R::from(static_cast<R::raw_type>(
            gic_->read_frame(kind_, R::offset + index * R::stride, sizeof(R::raw))));
    }
    template <typename R>
    void write(R value, std::size_t index = 0) const
    {
        gic_->write_frame(kind_, R::offset + index * R::stride, sizeof(R::raw), value.raw);
    }

private:
    model::gicv5::Gicv5* gic_ = nullptr;
    model::gicv5::FrameKind kind_{};
};

// The provider for the CPU interface of one CPU.
class ModelSystemRegisters {
public:
    ModelSystemRegisters(model::gicv5::Gicv5& gic, unsigned cpu) : gic_{&gic}, cpu_{cpu} {}

    template <typename R>
    [[nodiscard]] R read() const
    {
        host::advance_counter(100);
        return R::from(gic_->read_register(cpu_, model::gicv5::Encoding::of<R>()));
    }
    template <typename R>
    void write(R value) const
    {
        gic_->write_register(cpu_, model::gicv5::Encoding::of<R>(), value.raw);
    }
    void synchronize() const {}

private:
    model::gicv5::Gicv5* gic_;
    unsigned cpu_;
};

class Gicv5Machine {
public:
    using Faults = model::FaultSet<model::gicv5::Fault>;
    using Its = gicv5::Its<ModelFrame, TableMemory>;

    explicit Gicv5Machine(const model::gicv5::Configuration& configuration = {},
                          bool coherent = true, Faults faults = {})
        : arena{coherent}, gic{configuration, arena, faults}
    {
    }

    TableArena arena;
    model::gicv5::Gicv5 gic;
    TableMemory memory{arena};
    gicv5::Irs<ModelFrame> irs{ModelFrame{gic, model::gicv5::FrameKind::irs}};
    gicv5::SetLpiFrame<ModelFrame> setlpi{ModelFrame{gic, model::gicv5::FrameKind::setlpi}};
    Its its{ModelFrame{gic, model::gicv5::FrameKind::its}};
    gicv5::Iwb<ModelFrame> iwb{ModelFrame{gic, model::gicv5::FrameKind::iwb}};
    gicv5::InterruptStateTable<ModelFrame, TableMemory> lpis;

    [[nodiscard]] gicv5::CpuInterface<ModelSystemRegisters> cpu(unsigned index = 0)
    {
        return gicv5::CpuInterface{ModelSystemRegisters{gic, index}};
    }
    [[nodiscard]] gicv5::Commands<ModelSystemRegisters> commands(unsigned cpu_index = 0)
    {
        return gicv5::Commands{ModelSystemRegisters{gic, cpu_index}};
    }

    // Every CPU takes part: PPIs and SPIs can be used.
    [[nodiscard]] Result<> start()
    {
        if (const auto enabled = irs.enable(arena.coherent()); !enabled) {
            return enabled;
        }
        for (unsigned index = 0; index < gic.configuration().cpus; ++index) {
            const auto ready = start_cpu(index);
            if (!ready) {
                return ready;
            }
        }
        return {};
    }
    // And LPIs: a table for at least so many bits of ID.
    [[nodiscard]] Result<> start_lpis(unsigned bits = 0)
    {
        const auto shape = irs.ist_geometry(bits, gic.configuration().id_bits);
        if (!shape) {
            return std::unexpected{shape.error()};
        }
        return lpis.create(irs, memory, *shape);
    }
    // An LPI for one CPU: mapped, edge-triggered, not pending, enabled.
    [[nodiscard]] Result<> prepare_lpi(std::uint32_t number, unsigned cpu_index = 0)
    {
        if (const auto mapped = lpis.map(number); !mapped) {
            return mapped;
        }
        commands().prepare(gicv5::lpi(number), cpu(cpu_index).iaffid(), gicv5::HandlingMode::edge);
        commands().enable(gicv5::lpi(number));
        commands().synchronize();
        return {};
    }

    // Acknowledges and ends what is signalled to a CPU.
    [[nodiscard]] std::optional<irq::Id> take(unsigned index = 0)
    {
        if (!gic.interrupts(index)) {
            return {};
        }
        const auto id = cpu(index).acknowledge();
        if (id) {
            cpu(index).deactivate(*id);
            cpu(index).drop_priority();
        }
        return id;
    }

private:
    [[nodiscard]] Result<> start_cpu(unsigned index)
    {
        if (const auto reset = cpu(index).reset(); !reset) {
            return reset;
        }
        const auto served = irs.serves(cpu(index).iaffid());
        if (!served) {
            return std::unexpected{served.error()};
        }
        if (!*served) {
            return fail("the IRS does not know the CPU", index);
        }
        if (const auto kept = irs.keep_selected_pe_targeted(); !kept) {
            return kept;
        }
        return cpu(index).enable();
    }
};

// What of the model's rules was broken since they were last looked at, one a line.
[[nodiscard]] inline std::string broken_rules(model::gicv5::Gicv5& gic)
{
    std::string text;
    for (const model::Violation& violation : gic.violations().list()) {
        text.append(violation.rule).append(": ").append(violation.text).append("\n");
    }
    gic.violations().clear();
    return text;
}

// The model's faults whose names begin like this, for tests that are parameterised over them.
[[nodiscard]] inline std::vector<model::FaultDescription> faults_named(std::string_view prefix)
{
    std::vector<model::FaultDescription> found;
    for (const model::FaultDescription& fault : Gicv5Machine::Faults::all()) {
        if (fault.name.starts_with(prefix)) {
            found.push_back(fault);
        }
    }
    return found;
}
[[nodiscard]] inline std::string
fault_name(const testing::TestParamInfo<model::FaultDescription>& info)
{
    std::string name{info.param.name};
    std::ranges::replace(name, '-', '_');
    return name;
}

// A test on a machine of its own, which fails when software broke a rule of the architecture.
class Gicv5ModelTest : public testing::Test {
protected:
    // Made anew, with another configuration.
    Gicv5Machine& boot(const model::gicv5::Configuration& configuration, bool coherent = true,
                       Gicv5Machine::Faults faults = {})
    {
        check_rules();
        machine_.emplace(configuration, coherent, faults);
        return *machine_;
    }
    Gicv5Machine& machine() { return *machine_; }

    // The test broke this rule on purpose, and no other.
    void expect_violation(std::string_view rule)
    {
        EXPECT_TRUE(machine_->gic.violations().contains(rule)) << rule;
        for (const model::Violation& violation : machine_->gic.violations().list()) {
            EXPECT_EQ(violation.rule, rule) << violation.text;
        }
        machine_->gic.violations().clear();
    }

    void TearDown() override { check_rules(); }

private:
    void check_rules()
    {
        if (machine_) {
            EXPECT_EQ(broken_rules(machine_->gic), "");
        }
    }

    std::optional<Gicv5Machine> machine_;
};

}  // namespace unit
