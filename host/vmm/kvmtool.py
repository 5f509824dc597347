# SPDX-License-Identifier: MIT
"""kvmtool (`lkvm`): a small VMM for KVM; another device model, another memory map than QEMU's."""

import os

from host import tools
from host.vmm import Absent, kvm, probe_version


class Kvmtool:
    kind = "kvmtool"
    has_control = False
    has_initrd = True
    has_faults = False

    def find(self, settings, machine):
        del machine
        chosen = settings.programs.get(self.kind) or os.environ.get("LKVM", "")
        for name in (chosen,) if chosen else ("lkvm", "vm", "kvmtool"):
            if path := tools.find_program(name):
                return path
        raise Absent(f"{chosen or 'lkvm'}: no such program (LKVM= names another path)")

    def version(self, path, cache):
        return probe_version(path, ("version",), r"(\d+\.\d+(?:\.\d+)?)", cache)

    def check(self, machine, accel):
        del accel
        kvm.check(machine.arch, Absent)

    def command(self, path, start):
        # --nodefaults: otherwise kvmtool puts arguments of a Linux guest in front of ours.
        command = [path, "run", "--nodefaults", "--network", "mode=none", "--console", "serial"]
        command += ["--loglevel=warning", *start.machine.arguments]
        command += ["--kernel", start.kernel, "--params", start.bootargs]
        if start.initrd:
            command += ["--initrd", start.initrd]
        return command + list(start.extra)
