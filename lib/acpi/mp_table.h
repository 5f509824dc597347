// SPDX-License-Identifier: MIT
//
// The MP configuration table (Intel MultiProcessor Specification 1.4, chapter 4): what machines
// without ACPI say of processors and I/O APICs. open() checks every entry; after that nothing can
// fail.
#pragma once

#include "lib/acpi/madt.h"
#include "lib/acpi/view.h"
#include "lib/base/function_ref.h"

namespace acpi {

class MpTable {
public:
    struct Processor {
        std::uint8_t apic_id;
        bool enabled;
        bool boot;
    };
    struct Bus {
        std::uint8_t id;
        std::string_view type;  // "ISA", "PCI", without the blanks behind
    };
    struct IoApic {
        std::uint8_t id;
        bool enabled;
        std::uint32_t address;
    };
    struct Interrupt {  // of an I/O APIC, or of local APICs
        enum class Kind : std::uint8_t { vectored = 0, nmi = 1, smi = 2, external = 3 };
        Kind kind;
        Signalling signalling;
        std::uint8_t source_bus;
        std::uint8_t source;       // ISA: the interrupt; PCI: device << 2 | pin
        std::uint8_t destination;  // APIC id; 0xff: all
        std::uint8_t pin;
    };

    // Looks where firmware leaves the floating pointer (4.1), and where kvmtool and Firecracker do.
    // Errors: there is none; one of the default configurations, which have no table; a broken
    // table.
    [[nodiscard]] static Result<MpTable> find(const Memory& memory);
    // The table that the floating pointer at an address names.
    [[nodiscard]] static Result<MpTable> open(const Memory& memory, std::uint64_t pointer);

    [[nodiscard]] std::uint64_t pointer() const { return pointer_; }  // of the floating pointer
    [[nodiscard]] std::uint32_t local_apic_address() const;
    // IMCR: the 8259's output is wired to the CPU until a register says otherwise (3.6.2.1).
    [[nodiscard]] bool has_imcr() const { return has_imcr_; }
    // How many entries the table says it has. The walks do not believe it and end where the table
    // does: Firecracker counts one too many, qboot none.
    [[nodiscard]] unsigned stated_count() const;

    // In the table's order.
    void for_each_processor(FunctionRef<void(const Processor&)> visit) const;
    void for_each_bus(FunctionRef<void(const Bus&)> visit) const;
    void for_each_io_apic(FunctionRef<void(const IoApic&)> visit) const;
    void for_each_io_interrupt(FunctionRef<void(const Interrupt&)> visit) const;
    void for_each_local_interrupt(FunctionRef<void(const Interrupt&)> visit) const;

private:
    MpTable(std::uint64_t pointer, View bytes, bool has_imcr)
        : pointer_{pointer}, bytes_{bytes}, has_imcr_{has_imcr}
    {
    }
    void for_each_entry(FunctionRef<void(unsigned type, const View& entry)> visit) const;

    std::uint64_t pointer_;
    View bytes_;
    bool has_imcr_;
};

}  // namespace acpi
