// SPDX-License-Identifier: MIT
//
// Who runs this VM: the SMC Calling Convention's vendor-specific hypervisor service (Arm DEN 0028,
// 6.2 and 8.1).
#pragma once

namespace hypervisor {

// Offers the capability `kvm`, or says why not. After psci::discover(), with the vectors in place.
void offer_capabilities();

}  // namespace hypervisor
