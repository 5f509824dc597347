# SPDX-License-Identifier: MIT
"""Arm's Fixed Virtual Platform (FVP_Base_RevC-2xAEMvA), without any firmware.

The model has no loader: the image, the device tree and the initrd are put into memory with
`--data`. All CPUs of the first cluster start at the image, at EL3; those whose affinity is not 0
wait in its holding pen (arm64/power/holding_pen.h) until the first one has use for them. Registers
are 0 then, so the image looks for the tree below itself. The guest's command line is in the tree,
which is made for every start. Untested here for lack of the model; the address map is that of the
Base Platform (Arm DUI 0837).
"""

import os

from host import tools
from host.vmm import Absent, device_tree, probe_version
from host.vmm.device_tree import cells, cells64, strings

PROGRAM = "FVP_Base_RevC-2xAEMvA"

RAM = 0x80000000
RAM_SIZE = 256 << 20
DEVICE_TREE = RAM
IMAGE = RAM + (2 << 20)
INITRD = RAM + (64 << 20)
GICD, GICR = 0x2F000000, 0x2F100000
UART0 = 0x1C090000
UART0_SPI = 5
AFFINITIES = (0x000, 0x100)  # of the CPUs: each has one thread, so they are counted in Aff1
GIC_PHANDLE, CLOCK_PHANDLE = 1, 2
_PPI, _SPI, _LEVEL_HIGH, _LEVEL_LOW = 1, 0, 4, 8


class Fvp:
    kind = "fvp"
    has_control = False

    def find(self, chosen, arch):
        del arch
        chosen = chosen or os.environ.get("FVP", "") or PROGRAM
        if path := tools.find_program(chosen):
            return path
        raise Absent(f"{chosen}: no such program (FVP= names another path)")

    def version(self, path, cache):
        return probe_version(path, ("--version",), r"(\d+\.\d+(?:\.\d+)?)", cache)

    def check(self, machine, accel):
        del machine, accel

    def command(self, path, start):
        tree = os.path.join(start.folder, "device-tree.dtb")
        with open(tree, "wb") as stream:
            stream.write(describe(start.bootargs, start.initrd))
        parameters = (
            "bp.vis.disable_visualisation=1",
            "bp.terminal_0.start_telnet=0",
            "bp.pl011_uart0.out_file=-",
            "bp.pl011_uart0.unbuffered_output=1",
            "bp.secure_memory=0",
            f"cluster0.NUM_CORES={len(AFFINITIES)}",
            *(f"cluster0.cpu{n}.semihosting-enable=1" for n in range(len(AFFINITIES))),
            *(f"cluster0.cpu{n}.RVBAR={IMAGE:#x}" for n in range(len(AFFINITIES))),
            "pctl.startup=0.0.*.*",
        )
        command = [path]
        for parameter in parameters:
            command += ["-C", parameter]
        command += start.machine.arguments
        command += ["--data", f"cluster0.cpu0={start.kernel}@{IMAGE:#x}"]
        command += ["--data", f"cluster0.cpu0={tree}@{DEVICE_TREE:#x}"]
        if start.initrd:
            command += ["--data", f"cluster0.cpu0={start.initrd}@{INITRD:#x}"]
        return command + list(start.extra)


def _cpu(affinity):
    return {
        "device_type": strings("cpu"),
        "compatible": strings("arm,armv8"),
        "reg": cells64(affinity),
    }


def describe(bootargs, initrd=""):
    """The device tree of what the image may use of the model."""
    chosen = {"bootargs": strings(bootargs), "stdout-path": strings(f"/uart@{UART0:x}")}
    if initrd:
        end = INITRD + os.path.getsize(initrd)
        chosen |= {"linux,initrd-start": cells64(INITRD), "linux,initrd-end": cells64(end)}
    timers = (13, 14, 11, 10)  # secure physical, physical, virtual, hypervisor
    interrupts = [part for ppi in timers for part in (_PPI, ppi, _LEVEL_LOW)]
    return device_tree.flatten(
        {
            "compatible": strings("arm,fvp-base-revc", "arm,vexpress"),
            "#address-cells": cells(2),
            "#size-cells": cells(2),
            "interrupt-parent": cells(GIC_PHANDLE),
            "chosen": chosen,
            "cpus": {
                "#address-cells": cells(2),
                "#size-cells": cells(0),
                **{f"cpu@{affinity:x}": _cpu(affinity) for affinity in AFFINITIES},
            },
            f"memory@{RAM:x}": {
                "device_type": strings("memory"),
                "reg": cells64(RAM, RAM_SIZE),
            },
            f"interrupt-controller@{GICD:x}": {
                "compatible": strings("arm,gic-v3"),
                "#address-cells": cells(0),
                "#interrupt-cells": cells(3),
                "interrupt-controller": b"",
                "reg": cells64(GICD, 0x10000, GICR, 0x200000),
                "phandle": cells(GIC_PHANDLE),
            },
            "timer": {"compatible": strings("arm,armv8-timer"), "interrupts": cells(*interrupts)},
            "clock": {
                "compatible": strings("fixed-clock"),
                "#clock-cells": cells(0),
                "clock-frequency": cells(24_000_000),
                "phandle": cells(CLOCK_PHANDLE),
            },
            f"uart@{UART0:x}": {
                "compatible": strings("arm,pl011", "arm,primecell"),
                "reg": cells64(UART0, 0x1000),
                "interrupts": cells(_SPI, UART0_SPI, _LEVEL_HIGH),
                "clocks": cells(CLOCK_PHANDLE, CLOCK_PHANDLE),
                "clock-names": strings("uartclk", "apb_pclk"),
            },
        }
    )
