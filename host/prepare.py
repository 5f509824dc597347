# SPDX-License-Identifier: MIT
"""What run_tests.sh needs before it can run: dependencies and an up-to-date image."""

import os
import subprocess
import sys

from host import tools


class NotPrepared(Exception):
    """Dependencies or build failed; they have said why themselves."""


def prepare(arch, toolchain):
    """Quiet and quick when there is nothing to do."""
    _run([str(tools.ROOT / "deps" / "setup"), "--arch", arch, "run"])
    if toolchain == "gnu":
        _run([str(tools.ROOT / "deps" / "setup"), "--arch", arch, "gnu"])
    jobs = str(os.cpu_count() or 1)
    make = ["make", "-s", "--no-print-directory", "-C", str(tools.ROOT), "-j", jobs]
    _run([*make, f"ARCH={arch}", f"TOOLCHAIN={toolchain}"])


def _run(command):
    # Standard output may be a report (--json -): whatever is said here goes to standard error.
    sys.stdout.flush()
    try:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, check=False).returncode
    except OSError as error:
        raise NotPrepared(f"{command[0]}: {error.strerror}") from None
    if status:
        raise NotPrepared(f"{os.path.basename(command[0])} failed with status {status}")
