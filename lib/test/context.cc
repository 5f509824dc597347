// SPDX-License-Identifier: MIT
#include "lib/test/context.h"

#include "lib/smp/smp.h"
#include "lib/time/time.h"

#include <arch/cpu.h>

void test::write_context(Sink& sink)
{
    const std::uint64_t us = timer::to_microseconds(timer::since_start());
    format_to(sink, "[cpu{} {} +{}.{:03} ms]", smp::this_cpu().index, arch::privilege_name(),
              us / 1000, us % 1000);
}
