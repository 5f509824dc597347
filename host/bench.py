# SPDX-License-Identifier: MIT
"""The figures the project holds itself to: `make bench`.

Instruction counts and sizes are exact. Times are only compared with other times of the same run.
Each line is: what, figure, limit. Exit status 1 when a limit is exceeded.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from host import globs, image, machine, prepare, vmm
from host.results import CRASH, TIMEOUT, XFAIL
from host.settings import Settings
from host.tools import ROOT

MACHINES = ("arm64-gicv2", "arm64-gicv3", "arm64-gicv5", "arm64-el2")
IMAGE = ROOT / "build" / "arm64" / "assay-arm64.img"
X86_IMAGE = ROOT / "build" / "x86" / "assay-x86.img"
QEMU_UART = "0x9000000"  # of QEMU's virt machine

MAX_INSTRUCTIONS = {"arm64-gicv3": 200_000, "arm64-gicv5": 250_000}
MAX_IMAGE_BYTES_PER_TEST = 1536  # all tests are in the image: it grows with them
MAX_X86_IMAGE_KIB = 500
MAX_OVERHEAD_SECONDS = 0.4
# A floor with a huge margin, which says nothing of how fast the suite should be: ten times what a
# peer, kvm-unit-tests of June 2026, reached on other hardware (144 checks in 24.5 s).
MIN_CHECKS_PER_SECOND = 10 * 144 / 24.5
ROUNDS = 5


def qemu_command(name, bootargs, extra=()):
    """What the runner itself would start for this machine."""
    chosen = machine.load_named(name)
    backend = vmm.backend(chosen.vmm)
    path = backend.find(Settings(programs={"qemu": os.environ.get("QEMU", "")}), chosen)
    guest = " ".join([*chosen.guest, bootargs])
    start = vmm.Start(
        machine=chosen,
        accel="tcg",
        kernel=str(IMAGE),
        folder=tempfile.gettempdir(),
        bootargs=guest,
        extra=tuple(extra),
    )
    return backend.command(path, start)


def run(command):
    """Wall seconds of a command that must succeed."""
    begin = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)}: status {done.returncode}\n{done.stdout.decode()}")
    return time.monotonic() - begin


def instructions_to_first_byte(name):
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "plugin.log"
        plugin = f"{ROOT}/build/plugins/first_output.so,uart={QEMU_UART}"
        extra = ("-plugin", plugin, "-d", "plugin", "-D", str(log))
        run(qemu_command(name, "assay.tests=psci.version", extra))
        found = re.search(r"first output after (\d+) instructions", log.read_text())
    if not found:
        sys.exit(f"bench: {name}: the console got no byte")
    return int(found[1])


def image_bytes_per_test():
    _, tests = image.read_elf(IMAGE.with_suffix(".elf"))
    return os.path.getsize(IMAGE) / len(tests)


def overhead_seconds():
    """Median difference of run_tests.sh and of the VMM process that it starts, side by side."""
    runner = ["./run_tests.sh", "--machine", "arm64-gicv3", "psci.*"]
    alone = qemu_command("arm64-gicv3", "assay.tests=psci.*")
    run(runner)
    return statistics.median(run(runner) - run(alone) for _ in range(ROUNDS))


def whole_suite():
    """Checks per second of wall time on the four machines, and VMM starts per machine."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "results.json"
        choice = [word for name in MACHINES for word in ("--machine", name)]
        seconds = run(["./run_tests.sh", "-j2", "--json", str(report), *choice])
        runs = json.loads(report.read_text(encoding="utf-8"))["runs"]
    checks = sum(test["checks"] for one in runs for test in one["tests"] if "checks" in test)
    return checks / seconds, max(one["boots"] - expected_deaths(one) for one in runs)


def expected_deaths(one):
    """Boots that a known defect of the VMM costs: each is a test behind which it starts again."""
    deadly = [
        expectation
        for expectation in machine.load_named(one["machine"]).expectations
        if expectation.status in (CRASH, TIMEOUT)
        and expectation.applies(one["vmm"]["version"], one["accel"])
    ]
    seen = [test["id"] for test in one["tests"] if test["status"] == XFAIL]
    return sum(any(globs.matches(known.test, test) for known in deadly) for test in seen)


def main():
    prepare.prepare("x86", "llvm", image=True, model=False)
    rate, boots = whole_suite()
    first_bytes = [
        (f"guest instructions to the first byte, {name}", instructions_to_first_byte(name), limit)
        for name, limit in MAX_INSTRUCTIONS.items()
    ]
    figures = [
        *first_bytes,
        ("bytes of the arm64 image per test", image_bytes_per_test(), MAX_IMAGE_BYTES_PER_TEST),
        ("KiB of the x86 image", os.path.getsize(X86_IMAGE) / 1024, MAX_X86_IMAGE_KIB),
        ("VMM starts per machine, without expected deaths", boots, 1),
        ("seconds of run_tests.sh above the VMM's own", overhead_seconds(), MAX_OVERHEAD_SECONDS),
    ]
    good = True
    for name, figure, limit in figures:
        good &= figure <= limit
        print(f"{name:<50} {figure:>12.6g}   at most {limit:g}")
    good &= rate >= MIN_CHECKS_PER_SECOND
    print(
        f"{'checks per second of wall time, four machines':<50} {rate:>12.1f}   "
        f"at least {MIN_CHECKS_PER_SECOND:.1f} (a floor: ten times a peer on other hardware)"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
