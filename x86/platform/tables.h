// SPDX-License-Identifier: MIT
//
// What this machine's firmware says about it: ACPI tables, or an MP table.
#pragma once

#include "lib/acpi/mp_table.h"
#include "lib/acpi/tables.h"

#include <string_view>

namespace platform {

// From the root pointer that the loader names, or that is found. Opened at the first call; needs
// the MMU. Errors: there are none, or what is wrong with them.
[[nodiscard]] const Result<acpi::Tables>& acpi_tables();
[[nodiscard]] Result<acpi::Table> acpi_table(std::string_view signature);
[[nodiscard]] const Result<acpi::MpTable>& mp_table();

// Physical memory as the tables' parsers read it: what is not mapped yet, is mapped.
[[nodiscard]] const acpi::Memory& physical_memory();

}  // namespace platform
