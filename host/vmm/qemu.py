# SPDX-License-Identifier: MIT
"""QEMU: the default VMM."""

import os

from host import tools
from host.vmm import Absent, Missing, probe_version

# Nothing but what the machine's file asks for; the console is standard output, and with standard
# input closed nothing is ever typed into the guest. A reset ends QEMU instead of starting over.
COMMON = (
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
    "-chardev",
    "stdio,id=console,signal=off",
    "-serial",
    "chardev:console",
)
SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")
PROGRAMS = {"arm64": "qemu-system-aarch64"}
HOST_ARCH = {"arm64": "aarch64"}


class Qemu:
    kind = "qemu"
    has_control = True

    def find(self, chosen, arch):
        if chosen:
            path = tools.find_program(chosen)
            if not path:
                raise Missing(f"{chosen}: no such program")
            return path
        name = PROGRAMS[arch]
        path = tools.from_setup("qemu", arch) or tools.find_program(name)
        if not path:
            raise Absent(f"{name} is not there; get it with: deps/setup run")
        return path

    def version(self, path, cache):
        return probe_version(path, ("--version",), r"version (\d+\.\d+(?:\.\d+)?)", cache)

    def check(self, machine, accel):
        if accel == "kvm":
            needed = HOST_ARCH[machine.arch]
            if os.uname().machine != needed:
                raise Missing(f"KVM needs the host to be {needed}, this is {os.uname().machine}")
            if not os.access("/dev/kvm", os.R_OK | os.W_OK):
                raise Missing("/dev/kvm cannot be opened for reading and writing")

    def command(self, path, start):
        command = [path, *COMMON, "-accel", start.accel, *start.machine.arguments]
        if start.machine.exit == "semihosting":
            command += SEMIHOSTING
        if start.control_fd >= 0:
            command += ["-chardev", f"socket,id=control,fd={start.control_fd}"]
            command += ["-qmp", "chardev:control"]
        command += ["-kernel", start.kernel, "-append", start.bootargs]
        if start.initrd:
            command += ["-initrd", start.initrd]
        return command + list(start.extra)
