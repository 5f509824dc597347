// SPDX-License-Identifier: MIT
#include "lib/yield/preemption.h"

namespace yield {

namespace {

constinit PreemptionHints offered;

}  // namespace

void offer_hints(const PreemptionHints& hints)
{
    offered = hints;
}

const PreemptionHints& hints()
{
    return offered;
}

}  // namespace yield
