# SPDX-License-Identifier: MIT
"""Whether KVM on this host can run a guest of an architecture: for all back ends that use it."""

import contextlib
import fcntl
import os

HOST_ARCH = {"arm64": "aarch64", "x86": "x86_64"}
DEVICE = "/dev/kvm"
CPUINFO = "/proc/cpuinfo"

# Documentation/virt/kvm/api.rst, 4.1, 4.2, 4.7
_GET_API_VERSION, _CREATE_VM, _CREATE_VCPU = 0xAE00, 0xAE01, 0xAE41
_API_VERSION = 12


def check(arch, refusal):
    """Raises `refusal` (a class of vmm.Missing) with the reason."""
    needed = HOST_ARCH[arch]
    if os.uname().machine != needed:
        raise refusal(f"KVM needs the host to be {needed}, this is {os.uname().machine}")
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        raise refusal(f"{DEVICE} cannot be opened for reading and writing")
    if arch == "x86" and not has_virtualisation():
        raise refusal("the host's CPUs have neither VT-x nor AMD-V: its KVM is not the usual one")
    try:
        _try()
    except OSError as error:
        raise refusal(f"{DEVICE} is there, but makes no VM: {error.strerror}") from None


def has_virtualisation():
    """Whether this x86 host's CPUs have what KVM is made for.

    There are kernels whose KVM works without, in software. It is slow, and has defects that no
    other has.
    """
    try:
        with open(CPUINFO, encoding="ascii", errors="replace") as stream:
            flags = next((line for line in stream if line.startswith("flags")), "")
    except OSError:
        return False
    return not {"vmx", "svm"}.isdisjoint(flags.split())


def _try():
    """Makes a VM with a CPU and gives it up again."""
    with contextlib.ExitStack() as opened:

        def keep(descriptor):
            opened.callback(os.close, descriptor)
            return descriptor

        device = keep(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
        if fcntl.ioctl(device, _GET_API_VERSION, 0) != _API_VERSION:
            raise OSError(0, "its interface is another version")
        machine = keep(fcntl.ioctl(device, _CREATE_VM, 0))
        keep(fcntl.ioctl(machine, _CREATE_VCPU, 0))
