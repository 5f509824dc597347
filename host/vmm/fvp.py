# SPDX-License-Identifier: MIT
"""Arm's Fixed Virtual Platform (FVP_Base_RevC-2xAEMvA).

The model has no loader for Linux images: the image, the device tree, the initrd and the command
line (in /chosen of the device tree, so the tree is made for every start) are put into memory with
`--data`, and the first CPU starts at the image, at EL3. The console is the first PL011, which the
model writes to a file; the image ends the model by semihosting.
"""

import os

from host import tools
from host.vmm import Absent, probe_version

PROGRAM = "FVP_Base_RevC-2xAEMvA"
IMAGE = 0x80080000
DEVICE_TREE = 0x82000000
INITRD = 0x84000000


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
        command = [
            path,
            "-C",
            "bp.vis.disable_visualisation=1",
            "-C",
            "bp.terminal_0.start_telnet=0",
            "-C",
            "bp.pl011_uart0.out_file=-",
            "-C",
            "bp.pl011_uart0.unbuffered_output=1",
            "-C",
            "bp.ve_sysregs.exit_on_shutdown=1",
            "-C",
            "cluster0.cpu0.semihosting-enable=1",
            "-C",
            f"cluster0.cpu0.RVBAR={IMAGE:#x}",
            *start.machine.arguments,
            "--data",
            f"cluster0.cpu0={start.image.flat}@{IMAGE:#x}",
        ]
        if start.initrd:
            command += ["--data", f"cluster0.cpu0={start.initrd}@{INITRD:#x}"]
        return command + list(start.extra)
