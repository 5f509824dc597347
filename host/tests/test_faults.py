# SPDX-License-Identifier: MIT
"""run_tests.sh --fault and --faults, with a model machine played by fake_vmm.py."""

import json
import os
import subprocess
import unittest

from host.results import CRASH, ERROR, FAIL, TIMEOUT, Case, Run, Verdict
from host.tests.fixture import FAKE_VMM, Fixture
from host.tests.test_command import RUN_TESTS

MACHINE = """
summary = "the made-up model"
arch = "arm64"
vmm = "model"
accel = ["host"]
exit = "status"
arguments = []
capabilities = ["gicv3"]
"""
FAULTS = {
    "lost-pending": {"summary": "loses Pending", "tests": {"b.two": "fail"}},
    "deaf": {"summary": "does not listen", "tests": {"a.one": "hang", "b.two": "fail"}},
}
TESTS = {"a.one": "pass", "b.two": "pass", "c.last": "pass"}


class Faults(Fixture):
    def setUp(self):
        super().setUp()
        machines = self.folder / "machines"
        machines.mkdir()
        (machines / "some-model.toml").write_text(MACHINE)
        self.environment = {
            **os.environ,
            "ASSAY_BUILD_DIR": str(self.folder),
            "ASSAY_MACHINES": self.write_machines("arm64-gicv3"),
        }

    def call(self, *arguments):
        done = subprocess.run(
            [RUN_TESTS, "--qemu", FAKE_VMM, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout.splitlines()

    def test_the_model_is_a_machine_as_others_are(self):
        self.write_model(TESTS, FAULTS)
        status, lines = self.call("a.*")
        self.assertEqual(status, 0)
        text = "\n".join(lines)
        self.assertIn("some-model: 1 test: 1 passed (model host, 1 boot,", text)
        self.assertIn("arm64-gicv3: 1 test: 1 passed (QEMU 11.1.3 tcg, 1 boot,", text)
        status, lines = self.call("--list-machines", "--machine", "some-model")
        self.assertEqual(lines, ["some-model  the made-up model  [model host]"])
        self.assertEqual(len(self.call("--list")[1]), len(TESTS))

    def test_a_model_has_no_initrd(self):
        tests = {f"a.{'x' * 40}{number}": "pass" for number in range(40)}
        self.write_model(tests, FAULTS)
        status, lines = self.call("--machine", "some-model", *tests)
        self.assertIn("40 tests: 40 passed", lines[0])
        self.assertIn("assay.tests=a.x", self.starts()[0])

    def test_one_fault(self):
        self.write_model(TESTS, FAULTS)
        status, lines = self.call("--fault", "lost-pending")
        self.assertEqual(status, 1)
        self.assertIn("some-model with lost-pending: 3 tests: 2 passed, 1 failed (model", lines[0])
        self.assertIn("FAIL     b.two: tests/arm64/timer.cc:88: EXPECT_EQ", lines[1])

    def test_every_fault(self):
        self.write_model(TESTS, FAULTS)
        report = self.folder / "report.json"
        status, lines = self.call("--faults", "--json", str(report))
        self.assertEqual((status, lines[-1]), (0, "Every fault was noticed (2)."))
        self.assertIn("some-model: 3 tests: 3 passed", lines[0])
        at = lines.index("noticed   lost-pending: loses Pending")
        self.assertRegex(lines[at + 1], "^          by b.two: tests/arm64/timer.cc:88: EXPECT_EQ")
        at = lines.index("noticed   deaf: does not listen")
        self.assertRegex(lines[at + 1], "^          by a.one: data abort from EL1 on cpu0")
        document = json.loads(report.read_text())
        self.assertEqual(set(document), {"schema", "runs", "faults"})
        self.assertEqual([len(run["tests"]) for run in document["runs"]], [3])
        first = document["faults"][0]
        self.assertEqual(
            {key: first[key] for key in ("machine", "name", "summary", "noticed", "by")},
            {
                "machine": "some-model",
                "name": "lost-pending",
                "summary": "loses Pending",
                "noticed": True,
                "by": "b.two",
            },
        )

    def test_the_first_failure_is_enough(self):
        faults = {"deaf": {"summary": "s", "tests": {"a.one": "fail", "b.two": "sleep"}}}
        self.write_model(TESTS, faults)
        self.assertEqual(self.call("--faults", "--timeout", "100")[0], 0)

    def test_unnoticed(self):
        faults = FAULTS | {
            "harmless": {"summary": "does nothing"},
            "dead": {"summary": "ends", "tests": {name: "die:3" for name in TESTS}},
        }
        self.write_model(TESTS, faults)
        status, lines = self.call("--faults")
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "2 of 4 faults went unnoticed: harmless, dead")
        at = lines.index("UNNOTICED harmless: does nothing")
        self.assertEqual(lines[at + 1], "          3 pass")
        at = lines.index("UNNOTICED dead: ends")
        self.assertIn("a.one: the VM ended in the middle of the case", lines[at + 1])

    def test_the_healthy_model_comes_first(self):
        self.write_model(TESTS | {"b.two": "fail"}, FAULTS)
        status, lines = self.call("--faults")
        self.assertEqual(status, 1)
        self.assertIn("No fault was tried: ", lines[-1])
        self.assertEqual(len(self.starts()), 1)

    def test_mistakes(self):
        self.write_model(TESTS, FAULTS)
        for arguments, said in (
            (["--fault", "dea"], "no fault is called 'dea'; did you mean deaf"),
            (["--faults", "--machine", "arm64-gicv3"], "none of these machines can be made wrong"),
            (["--faults", "--fault", "deaf"], "--fault and --faults exclude each other"),
        ):
            done = subprocess.run(
                [RUN_TESTS, *arguments],
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(said, done.stderr)


class Verdicts(unittest.TestCase):
    def by(self, *cases):
        return Verdict.of(Run("m", cases=list(cases), fault="f"), "s").by

    def test_who_may_notice(self):
        """Whoever names what is wrong. That the VM is gone names nothing."""
        good = Case("a.good", "pass")
        for case, noticed in (
            (Case("a.b", FAIL), True),
            (Case("a.b", ERROR), True),
            (Case("a.b", CRASH), True),
            (Case("a.b", CRASH, abandoned=True), False),
            (Case("a.b", ERROR, abandoned=True), False),
            (Case("a.b", TIMEOUT, abandoned=True), True),
            (Case("machine.boot", ERROR, "the guest gave up: IRS_CR0 is not idle"), True),
            (Case("machine.boot", ERROR, "no output at all: model ended"), False),
            (Case("machine.capabilities", ERROR, "not found: gicv5_its"), True),
            (Case("machine.end", ERROR), False),
            (Case("a.b", "skip"), False),
        ):
            self.assertEqual(self.by(good, case), case.id if noticed else "", case)


if __name__ == "__main__":
    unittest.main()
