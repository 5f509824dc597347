// SPDX-License-Identifier: MIT
//
// The fixed ACPI description table, "FACP" (ACPI Specification 6.5, 5.2.9): the registers of power
// management, reset and sleep; and the values for the state S5, which the DSDT has (7.4.2).
#pragma once

#include "lib/acpi/tables.h"

namespace acpi {

struct Fadt {
    std::uint8_t revision = 0;
    std::uint64_t dsdt = 0;
    std::uint16_t sci_interrupt = 0;  // GSI, or ISA interrupt where there are legacy PICs
    std::uint32_t smi_command = 0;    // port; 0: ACPI is always on
    std::uint8_t acpi_enable = 0;     // what is written there to turn ACPI on
    GenericAddress pm1a_event;
    GenericAddress pm1a_control;
    GenericAddress pm1b_control;
    GenericAddress pm_timer;
    std::uint16_t boot_architecture = 0;  // since revision 3
    std::uint32_t flags = 0;
    GenericAddress reset_register;
    std::uint8_t reset_value = 0;
    GenericAddress sleep_control;  // of a hardware-reduced machine
    GenericAddress sleep_status;

    // Fields that an older and shorter table does not have are 0. Errors: another table; shorter
    // than that of ACPI 1.0.
    [[nodiscard]] static Result<Fadt> open(const Table& table);

    [[nodiscard]] bool pm_timer_is_32_bits() const { return (flags & 1U << 8) != 0; }
    // The reset register can be used.
    [[nodiscard]] bool has_reset_register() const
    {
        return (flags & 1U << 10) != 0 && reset_register.there();
    }
    // No PM1 registers and no PM timer, whatever the fields say (4.1).
    [[nodiscard]] bool hardware_reduced() const { return (flags & 1U << 20) != 0; }

    // IAPC_BOOT_ARCH (5.2.9.3); says nothing in a table before revision 3.
    [[nodiscard]] bool has_legacy_devices() const { return (boot_architecture & 1U) != 0; }
    [[nodiscard]] bool has_8042() const { return (boot_architecture & 2U) != 0; }
    [[nodiscard]] bool has_cmos_rtc() const { return (boot_architecture & 1U << 5) == 0; }
};

// What SLP_TYP of PM1a and PM1b (or of the sleep control register) has to be for a state.
struct SleepType {
    std::uint8_t a;
    std::uint8_t b;
};

// Of the state S5, soft off: the package \_S5 in a DSDT or SSDT, found by its encoding (20.2)
// without interpreting what is around it. Errors: there is none; it is no package of constants.
[[nodiscard]] Result<SleepType> soft_off_type(const Table& definitions);

}  // namespace acpi
