# SPDX-License-Identifier: MIT
"""A build folder with a made-up image, and a VMM that plays its guest (fake_vmm.py)."""

import fcntl
import json
import os
import tempfile
import unittest
from dataclasses import asdict
from pathlib import Path

from host import image, process, session, store
from host.machine import Machine
from host.settings import Settings
from host.tests import fake_elf

FAKE_VMM = str(Path(__file__).parent / "fake_vmm.py")
CAPABILITIES = ["gicv3", "psci", "cpus(2)"]


class Fixture(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="assay-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.plan = self.folder / "plan.json"
        os.environ["FAKE_VMM"] = str(self.plan)
        self.addCleanup(os.environ.pop, "FAKE_VMM")
        (self.folder / "arm64").mkdir()

    def write(self, tests, **plan):
        """tests: {id: act}; what an act does is in fake_vmm.py."""
        self.plan.write_text(json.dumps({"tests": tests, **plan}))
        entries = [
            (identifier, f"what {identifier} says", "", "tests/x.cc", 1, identifier[:5] == "misbe")
            for identifier in sorted(tests)
        ]
        (self.folder / "arm64" / "assay-arm64.elf").write_bytes(fake_elf.build(entries))
        (self.folder / "arm64" / "assay-arm64.img").write_bytes(bytes(64))

    def run_session(self, tests, patterns=("*",), limits=None, machine=None, **plan):
        """The finished Run of one machine."""
        settings = plan.pop("settings", None) or Settings()
        self.write(tests, **plan)
        settings.patterns = list(patterns)
        settings.build = str(self.folder)
        settings.logs = str(self.folder / "logs")
        settings.cache = str(self.folder / "cache")
        settings.programs = {"qemu": FAKE_VMM}
        machine = machine or Machine(
            "fake", "a fake", "arm64", "qemu", ["tcg"], [], capabilities=CAPABILITIES
        )
        loaded = image.load(settings.build, "arm64", settings.cache)
        target = session.resolve(machine, loaded, settings)
        self.steps = []
        limits = limits or process.Limits(test=5.0, linger=1.0)
        return session.Session(target, settings, self.step, limits).execute()

    def write_model(self, tests, faults, **plan):
        """A model machine's program; faults: {name: {"summary": "...", what differs then}}."""
        self.write(tests, faults=faults, **plan)
        program = self.folder / "models" / "assay-arm64-model"
        program.parent.mkdir(exist_ok=True)
        if not program.exists():
            program.symlink_to(FAKE_VMM)
        # It is no ELF file: the list of its tests is remembered instead of read.
        entries = image.load(self.folder, "arm64", str(self.folder / "runner")).tests
        known = {"build_id": "", "tests": [asdict(test) for test in entries]}
        store.save(
            str(self.folder / "runner"),
            "tests-assay-arm64-model",
            store.fingerprint(program),
            known,
        )

    def write_machines(self, *names):
        """Machine files for run_tests.sh, all with the same made-up QEMU."""
        machines = self.folder / "machines"
        machines.mkdir(exist_ok=True)
        for name in names:
            (machines / f"{name}.toml").write_text(
                f'summary = "the made-up {name}"\narch = "arm64"\nvmm = "qemu"\naccel = ["tcg"]\n'
                f'arguments = []\nguest = ["assay.el2=stay"]\ncapabilities = {CAPABILITIES}\n'
            )
        return str(machines)

    def step(self, kind, **fields):
        self.steps.append((kind, fields))

    def lock_logs(self):
        """As another run of the machine does."""
        logs = self.folder / "logs" / "fake"
        logs.mkdir(parents=True)
        lock = open(logs / "lock", "wb")
        self.addCleanup(lock.close)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    def starts(self):
        """The guest's command line of every start of the VMM."""
        return (self.folder / "plan.json.starts").read_text().splitlines()

    def log(self, boot=1):
        return (self.folder / "logs" / "fake" / f"boot-{boot}.log").read_bytes()


def statuses(run):
    return {case.id: case.status for case in run.cases}


def reasons(run):
    return {case.id: case.reason for case in run.cases}
