# SPDX-License-Identifier: MIT
"""What run_tests.sh needs before it can run: dependencies and up-to-date images."""

import os
import subprocess
import sys

from host import tools


class NotPrepared(Exception):
    """Dependencies or build failed; they have said why themselves."""


def prepare(arch, toolchain, image, model):
    """Quiet and quick when there is nothing to do. image, model: which of the two is needed."""
    _run([str(tools.ROOT / "deps" / "setup"), "--arch", arch, "run"])
    if image:
        if toolchain == "gnu":
            _run([str(tools.ROOT / "deps" / "setup"), "--arch", arch, "gnu"])
        _make("image", f"ARCH={arch}", f"TOOLCHAIN={toolchain}")
    if model:  # a program of the host, whatever toolchain builds images
        _make("models", f"ARCH={arch}")


def _make(*arguments):
    jobs = str(os.cpu_count() or 1)
    _run(["make", "-s", "--no-print-directory", "-C", str(tools.ROOT), "-j", jobs, *arguments])


def _run(command):
    # Standard output may be a report (--json -): whatever is said here goes to standard error.
    sys.stdout.flush()
    try:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, check=False).returncode
    except OSError as error:
        raise NotPrepared(f"{command[0]}: {error.strerror}") from None
    if status:
        raise NotPrepared(f"{os.path.basename(command[0])} failed with status {status}")
