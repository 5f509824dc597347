# SPDX-License-Identifier: MIT
"""QEMU: the default VMM."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from host import store, tools
from host.vmm import Absent, Missing, device_tree, kvm, probe_version

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
# How the guest's verdict becomes QEMU's status.
EXIT_DEVICES = {
    "semihosting": ("-semihosting-config", "enable=on,target=native"),
    "debug-exit": ("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
}
PROGRAMS = {"arm64": "qemu-system-aarch64", "x86": "qemu-system-x86_64"}


class Qemu:
    kind = "qemu"
    has_control = True
    has_initrd = True
    has_faults = False

    def find(self, settings, machine):
        if chosen := settings.programs.get(self.kind):
            path = tools.find_program(chosen)
            if not path:
                raise Missing(f"{chosen}: no such program")
            return path
        name = PROGRAMS[machine.arch]
        path = tools.from_setup("qemu", machine.arch) or tools.find_program(name)
        if not path:
            raise Absent(f"{name} is not there; get it with: deps/setup run")
        return path

    def version(self, path, cache):
        return probe_version(path, ("--version",), r"version (\d+\.\d+(?:\.\d+)?)", cache)

    def check(self, machine, accel):
        if accel == "kvm":
            # A machine that is for KVM alone is one more that this host does not have.
            kvm.check(machine.arch, Absent if machine.accel == ["kvm"] else Missing)

    def command(self, path, start):
        command = [path, *COMMON, "-accel", start.accel, *start.machine.arguments]
        if start.machine.device_tree:
            command += ["-dtb", edited_device_tree(path, start)]
        command += EXIT_DEVICES.get(start.machine.exit, ())
        if start.control_fd >= 0:
            command += ["-chardev", f"socket,id=control,fd={start.control_fd}"]
            command += ["-qmp", "chardev:control"]
        command += ["-kernel", start.kernel, "-append", start.bootargs]
        if start.initrd:
            command += ["-initrd", start.initrd]
        return command + list(start.extra)


def edited_device_tree(path, start):
    """The device tree that this QEMU makes for these arguments, with the machine's edits: a file.

    QEMU adds to it what it always does: the command line, the initrd, the memory.
    """
    try:
        tree = device_tree.read(_own_device_tree(path, start))
    except device_tree.BadTree as error:
        raise Missing(f"QEMU's device tree: {error}") from None
    start.machine.edit_device_tree(tree.root)
    edited = os.path.join(start.folder, "device-tree.dtb")
    with open(edited, "wb") as stream:
        stream.write(device_tree.write(tree))
    return edited


def _own_device_tree(path, start):
    """Asks QEMU, once for every change of the program or of the arguments."""
    arguments = ["-accel", start.accel, *start.machine.arguments, *start.extra]
    name = "device-tree-" + hashlib.sha256(repr(arguments).encode()).hexdigest()[:16]
    cache, key = start.cache or start.folder, store.fingerprint(path)
    if (known := store.load(cache, name, key)) is not None:
        return bytes.fromhex(known)
    with tempfile.TemporaryDirectory(dir=start.folder) as folder:
        dump = Path(folder) / "qemu.dtb"
        command = [path, *COMMON, *arguments, "-machine", f"dumpdtb={dump}"]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Missing(f"{path} cannot be asked for its device tree: {error}") from None
        if not dump.exists():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
            raise Missing(f"QEMU wrote no device tree: status {done.returncode}: {said[-1]}")
        tree = device_tree.write(device_tree.read(dump.read_bytes()))  # QEMU pads it to a MiB
    store.save(cache, name, key, tree.hex())
    return tree
