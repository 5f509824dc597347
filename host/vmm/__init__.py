# SPDX-License-Identifier: MIT
"""Back ends: one module a VMM. A back end says where its program is and how to call it.

A back end is a small class with

    kind                    the name in a machine's file and of --vmm
    find(settings, machine) path of the program, or raises Absent with the reason
    version(path, cache)    "11.1.3", or "" when it does not say
    check(machine, accel)   raises Missing when this host cannot run it
    command(path, start)    the argument list of one start (see Start)
    has_control             whether command() makes use of start.control_fd (QMP)
    has_initrd              whether it makes use of start.initrd
    has_faults              whether it can be made wrong on purpose; then also
    faults(path)            {name: summary} of what start.fault can switch on
"""

import re
import subprocess
from dataclasses import dataclass

from host import store

# As people write them.
NAMES = {
    "qemu": "QEMU",
    "kvmtool": "kvmtool",
    "firecracker": "Firecracker",
    "fvp": "FVP",
    "model": "model",
}


class Missing(Exception):
    """This VMM or machine cannot run here; the message says why and what would help."""


class Absent(Missing):
    """Nothing is wrong: this host just does not have that VMM."""


@dataclass(slots=True)
class Start:
    """Everything that decides about one start of a VMM."""

    machine: object
    accel: str
    kernel: str  # path of what is loaded
    folder: str  # for files that the start needs
    bootargs: str = ""
    initrd: str = ""  # path, or ""
    control_fd: int = -1
    fault: str = ""  # that is switched on
    extra: tuple = ()  # --vmm-arg
    cache: str = ""  # where things are remembered beyond it (host/store.py); "": in folder


def backend(kind):
    from host.vmm import firecracker, fvp, kvmtool, model, qemu

    for candidate in (
        qemu.Qemu(),
        kvmtool.Kvmtool(),
        firecracker.Firecracker(),
        fvp.Fvp(),
        model.Model(),
    ):
        if candidate.kind == kind:
            return candidate
    raise Missing(f"no VMM back end is called '{kind}' (there are: {', '.join(NAMES)})")


def probe_version(path, arguments, pattern, cache):
    """Asks a program for its version, once for every change of the program."""
    key = f"{store.fingerprint(path)} {arguments}"
    name = "version-" + re.sub(r"\W+", "_", str(path))[-80:]
    version = store.load(cache, name, key)
    if version is None:
        output, status = ask(path, *arguments)
        match = re.search(pattern, output)
        if status != 0 and not match:
            last = (output.strip().splitlines() or ["no output"])[-1]
            raise Missing(f"{path} {' '.join(arguments)}: status {status}: {last}")
        version = match[1] if match else ""
        store.save(cache, name, key, version)
    return version


def ask(path, *arguments):
    """What a program prints when it is called so, and its exit status."""
    try:
        result = subprocess.run(
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{path} cannot be started: {error}") from None
    return result.stdout.decode("utf-8", "replace"), result.returncode
