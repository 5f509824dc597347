// SPDX-License-Identifier: MIT
//
// Semihosting (Arm IHI 0100, "Semihosting for AArch32 and AArch64"): only the call that ends the
// simulation with a status. Used when asked for by assay.exit=semihosting, since without a host
// behind it the instruction is undefined.
#pragma once

namespace semihosting {

// SYS_EXIT with ADP_Stopped_ApplicationExit and a status. Returns when nobody answers the call.
void exit(unsigned status);

}  // namespace semihosting
