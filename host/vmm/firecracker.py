# SPDX-License-Identifier: MIT
"""Firecracker: a VMM for KVM with few devices. It is told what to start by a file.

A machine's arguments are the number of CPUs and the MiB of memory.
"""

import json
import os

from host import tools
from host.vmm import Absent, kvm, probe_version


class Firecracker:
    kind = "firecracker"
    has_control = False
    has_initrd = True
    has_faults = False

    def find(self, settings, machine):
        del machine
        chosen = settings.programs.get(self.kind) or os.environ.get("FIRECRACKER", "firecracker")
        if path := tools.find_program(chosen):
            return path
        raise Absent(f"{chosen}: no such program (FIRECRACKER= names another path)")

    def version(self, path, cache):
        return probe_version(path, ("--version",), r"v(\d+\.\d+(?:\.\d+)?)", cache)

    def check(self, machine, accel):
        del accel
        kvm.check(machine.arch, Absent)

    def command(self, path, start):
        cpus, memory = map(int, start.machine.arguments)
        # Without a console= there is no serial port.
        boot = {
            "kernel_image_path": start.kernel,
            "boot_args": f"console=ttyS0 {start.bootargs}",
        }
        if start.initrd:
            boot["initrd_path"] = start.initrd
        description = os.path.join(start.folder, "firecracker.json")
        with open(description, "w", encoding="utf-8") as stream:
            content = {
                "boot-source": boot,
                "drives": [],
                "machine-config": {"vcpu_count": cpus, "mem_size_mib": memory},
            }
            json.dump(content, stream, indent=1)
        return [path, "--no-api", "--config-file", description, *start.extra]
