# SPDX-License-Identifier: MIT
"""The model machine: a program of this project (models/machine/) that is VMM and guest in one.

Tests and drivers are compiled for the host, CPUs are threads, and the devices are models that can
be made wrong on purpose, by faults. The device tree is made here for every start: it decides which
parts of the GICv5 there are. Where they are is said by models/machine/platform.h, too.
"""

import os

from host.vmm import Absent, Missing, ask, device_tree, gicv5
from host.vmm.device_tree import cells, cells64, strings

HOSTS = ("x86_64", "aarch64")

RAM, RAM_SIZE = 0x40000000, 256 << 20
UART, UART_SPI = 0x09000000, 1
STIMULUS = 0x0A000000
PAGE = 0x1000
IAFFIDS = (4, 0, 9, 2)  # one for each CPU, in no order: an IAFFID is not an index
_GIC, _ITS, _CLOCK, _CPU = 1, 2, 3, 0x10  # phandles


class Model:
    kind = "model"
    has_control = False
    has_initrd = False
    has_faults = True

    def find(self, settings, machine):
        path = settings.model(machine.arch)
        if not os.access(path, os.X_OK):
            raise Absent(f"{path}: no such program; build it with: make models")
        return path

    def version(self, path, cache):
        del path, cache
        return ""  # it is of this checkout

    def check(self, machine, accel):
        del machine, accel
        if os.uname().machine not in HOSTS:
            raise Absent(f"the model machine runs on {' and '.join(HOSTS)} hosts only")

    def faults(self, path):
        output, status = ask(path, "--list-faults")
        lines = [line.partition("\t") for line in output.splitlines()]
        if status != 0 or not all(name and summary for name, _, summary in lines):
            raise Missing(f"{path} --list-faults: status {status}: {output.strip()[:200]}")
        return {name: summary for name, _, summary in lines}

    def command(self, path, start):
        root = describe(start.bootargs)
        start.machine.edit_device_tree(root)
        tree = os.path.join(start.folder, "device-tree.dtb")
        with open(tree, "wb") as stream:
            stream.write(device_tree.flatten(root))
        command = [path, "--device-tree", tree, *start.machine.arguments]
        if start.fault:
            command += ["--fault", start.fault]
        return command + list(start.extra)


def describe(bootargs):
    """All that the machine has. [device_tree] in a machine's file takes parts away."""
    phandles = [_CPU + number for number in range(len(IAFFIDS))]
    return {
        "compatible": strings("assay,model"),
        "#address-cells": cells(2),
        "#size-cells": cells(2),
        "interrupt-parent": cells(_GIC),
        "chosen": {"bootargs": strings(bootargs), "stdout-path": strings(f"/uart@{UART:x}")},
        "cpus": {
            "#address-cells": cells(1),
            "#size-cells": cells(0),
            **{
                f"cpu@{number:x}": {
                    "device_type": strings("cpu"),
                    "compatible": strings("arm,armv8"),
                    "reg": cells(number),
                    "phandle": cells(phandle),
                }
                for number, phandle in enumerate(phandles)
            },
        },
        f"memory@{RAM:x}": {"device_type": strings("memory"), "reg": cells64(RAM, RAM_SIZE)},
        "timer": gicv5.timer(),
        "clock": {
            "compatible": strings("fixed-clock"),
            "#clock-cells": cells(0),
            "clock-frequency": cells(24_000_000),
            "phandle": cells(_CLOCK),
        },
        f"uart@{UART:x}": {
            "compatible": strings("arm,pl011", "arm,primecell"),
            "reg": cells64(UART, PAGE),
            "interrupts": gicv5.interrupt(gicv5.SPI, UART_SPI),
            "clocks": cells(_CLOCK, _CLOCK),
            "clock-names": strings("uartclk", "apb_pclk"),
        },
        f"stimulus@{STIMULUS:x}": {
            "compatible": strings("assay,stimulus"),
            "reg": cells64(STIMULUS, PAGE),
        },
        **gicv5.nodes(_GIC, _ITS, phandles, IAFFIDS, coherent=True),
    }
