# SPDX-License-Identifier: MIT
"""run_tests.sh as a user calls it, with the VMM played by fake_vmm.py."""

import fcntl
import json
import os
import pty
import subprocess
import unittest
from pathlib import Path

from host.tests.fixture import FAKE_VMM, Fixture

RUN_TESTS = str(Path(__file__).parents[2] / "run_tests.sh")


class Command(Fixture):
    def setUp(self):
        super().setUp()
        self.environment = {
            **os.environ,
            "ASSAY_BUILD_DIR": str(self.folder),
            "ASSAY_MACHINES": self.write_machines("arm64-gicv2", "arm64-gicv3", "arm64-el2"),
        }

    def call(self, *arguments, **variables):
        command = [RUN_TESTS, "--qemu", FAKE_VMM, *arguments]
        return subprocess.run(
            command,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def good(self):
        self.write({"a.one": "pass", "b.two": "pass", "misbehave.x": "fail"})

    def test_one_machine(self):
        self.good()
        done = self.call("--machine", "arm64-gicv3")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        first, last = done.stdout.splitlines()
        self.assertRegex(first, r"^arm64-gicv3: 2 tests: 2 passed \(QEMU 11.1.3 tcg, 1 boot, ")
        self.assertEqual(last, "Everything as expected (2 tests, 1 machine).")

    def test_several_machines_by_lit(self):
        self.good()
        done = self.call("--machine", "arm64-gic*", "-j2", "--json", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        runs = json.loads(done.stdout)["runs"]
        self.assertEqual(
            [run["machine"] for run in runs], ["arm64-gicv2", "arm64-gicv3"]
        )
        self.assertIn("Everything as expected (4 tests, 2 machines).", done.stderr)

    def test_a_machine_that_limits_its_tests(self):
        self.good()
        with open(self.folder / "machines" / "arm64-el2.toml", "a") as stream:
            stream.write('tests = ["b.*"]\n')
        done = self.call()
        self.assertRegex(done.stdout, "arm64-el2: 1 test: 1 passed")
        self.assertIn("Everything as expected (5 tests, 3 machines).", done.stdout)
        done = self.call("a.*")
        self.assertIn("Everything as expected (2 tests, 2 machines).", done.stdout)
        done = self.call("a.*", "--machine", "arm64-el2")  # said in so many words
        self.assertIn("Everything as expected (1 test, 1 machine).", done.stdout)
        done = self.call("a.*", "--machine", "arm64-el?")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no machine can run these tests here", done.stderr)

    def test_not_as_expected(self):
        self.good()
        done = self.call("--machine", "arm64-gicv3", "misbehave.*", "--ktap", "-")
        self.assertEqual(done.returncode, 1)
        self.assertIn("  FAIL     misbehave.x: tests/arm64/timer.cc:88: EXPECT_EQ", done.stderr)
        self.assertIn("  not ok 1 misbehave.x # tests/arm64/timer.cc:88", done.stdout)
        self.assertIn("Logs: ", done.stderr)

    def test_verbose(self):
        self.write({"a.one": "pass", "b.two": "fail"})
        done = self.call("--machine", "arm64-gicv3", "-v")
        self.assertIn("  pass     a.one (4 checks, 12 us)\n", done.stdout)
        self.assertIn("             expected: 0x0\n", done.stdout)

    def test_no_colour_and_no_movement_in_a_pipe(self):
        self.good()
        done = self.call("misbehave.*", TERM="xterm")
        self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_a_terminal(self):
        self.write({"a.one": "pass", "b.two": "fail"})
        for variables, colour in (({}, True), ({"NO_COLOR": "1"}, False)):
            text = self.on_terminal(variables, "--machine", "arm64-gicv3,arm64-gicv2")
            self.assertIn("arm64-gicv3", text)
            self.assertEqual("\x1b[1;31m" in text, colour)

    def on_terminal(self, variables, *arguments):
        master, slave = pty.openpty()
        environment = {**self.environment, "TERM": "xterm"}
        process = subprocess.Popen(
            [RUN_TESTS, "--qemu", FAKE_VMM, *arguments],
            env={**environment, **variables},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        text = b""
        try:
            while data := os.read(master, 4096):
                text += data
        except OSError:  # the other side is gone
            pass
        os.close(master)
        self.assertEqual(process.wait(), 1)
        return text.decode()

    def test_nothing_could_be_run(self):
        self.write({"a.one": "pass"}, boot="refuse")
        done = self.call("--machine", "arm64-gicv3")
        self.assertEqual(done.returncode, 2)
        self.assertIn("not run: no output at all: QEMU ended with status 1", done.stdout)
        done = self.call("--qemu", "/nowhere", "--machine", "arm64-gicv3")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere: no such program", done.stdout)

    def test_one_of_two_could_not_be_run(self):
        self.good()
        logs = self.folder / "logs" / "arm64-gicv2"
        logs.mkdir(parents=True)
        with open(logs / "lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self.call("--machine", "arm64-gicv2,arm64-gicv3")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertIn(f"arm64-gicv2: not run: another run is using {logs}: ", done.stdout)
        self.assertEqual(
            done.stdout.splitlines()[-2:],
            ["Not run: arm64-gicv2", "Everything else as expected (2 tests, 1 machine)."],
        )

    def test_mistakes(self):
        self.good()
        for arguments, said in (
            (["--bogus"], "unknown option '--bogus'"),
            (["--machin", "x"], "unknown option '--machin'; did you mean --machine"),
            (["--machine", "arm64-gic3"], "no machine is called 'arm64-gic3'; did you mean"),
            (["--arch", "mips"], "no machine has 'mips' (there are: arm64)"),
            (["a.oen"], "no test matches 'a.oen'; did you mean a.one"),
            (["*.x"], "only tests that run on request: name their group: 'misbehave.*'"),
            (["a.*", "--", "-a.*"], "no test is left by 'a.*,-a.*'"),
            (["--seed", "x"], "'x' is neither a number nor 'random'"),
            (["--repeat", "0"], "--repeat: invalid number value: '0'"),
            (["--json", "-", "--ktap", "-"], "only one report can go to standard output"),
            (["--json", "/proc/no/x", "--machine", "arm64-gicv3"], "error: /proc/no"),
            (["--logs", "/proc/no/x", "--machine", "arm64-gicv3"], "error: /proc/no"),
            (["--lab"], "unknown option '--lab'"),
        ):
            done = self.call(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(said, done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_list(self):
        self.good()
        done = self.call("--list")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "a.one        what a.one says",
                "b.two        what b.two says",
                "misbehave.x  what misbehave.x says  [on request]",
            ],
        )
        self.assertEqual(self.call("--list", "b.*").stdout, "b.two  what b.two says\n")

    def test_list_machines(self):
        self.good()
        done = self.call("--list-machines")
        self.assertIn("arm64-gicv2  the made-up arm64-gicv2  [QEMU 11.1.3 tcg]\n", done.stdout)
        done = self.call("--list-machines", ASSAY_MACHINES="")
        self.assertRegex(done.stdout, r"arm64-fvp .*\[cannot run here: ")

    def test_options_reach_the_guest(self):
        self.good()
        self.call(
            "--machine", "arm64-el2", "--seed", "0x10", "--order", "random", "--repeat", "2",
            "--timeout", "30", "a.*", "--", "-b.*",
        )  # fmt: skip
        self.assertEqual(
            self.starts(),
            [
                "assay.tests=a.*,-b.* assay.seed=16 assay.order=random assay.repeat=2 "
                "assay.timeout=20 assay.el2=stay"
            ],
        )

    def test_same_inputs_same_result(self):
        self.write({"a.one": "items:pfs", "b.two": "crash", "c.last": "pass"})
        seen = set()
        for _ in range(3):
            document = json.loads(self.call("--json", "-").stdout)
            for run in document["runs"]:
                del run["wall_ms"]
            seen.add(json.dumps(document))
        self.assertEqual(len(seen), 1)


if __name__ == "__main__":
    unittest.main()
