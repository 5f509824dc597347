# SPDX-License-Identifier: MIT
"""kvmtool (`lkvm`): a small VMM for KVM; another device model, another memory map than QEMU's."""

import os

from host import tools
from host.vmm import Absent, probe_version
from host.vmm.qemu import HOST_ARCH


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
        needed = HOST_ARCH[machine.arch]
        if os.uname().machine != needed:
            raise Absent(f"kvmtool runs on {needed} hosts only, this is {os.uname().machine}")
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise Absent("/dev/kvm cannot be opened for reading and writing")

    def command(self, path, start):
        # --nodefaults: otherwise kvmtool puts arguments of a Linux guest in front of ours.
        command = [path, "run", "--nodefaults", "--network", "mode=none", "--console", "serial"]
        command += ["--loglevel=warning", *start.machine.arguments]
        command += ["--kernel", start.kernel, "--params", start.bootargs]
        if start.initrd:
            command += ["--initrd", start.initrd]
        return command + list(start.extra)
