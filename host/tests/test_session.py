# SPDX-License-Identifier: MIT
"""Whole runs of a machine with a VMM and a guest that misbehave in every way there is."""

import subprocess
import time
import unittest

from host import process, vmm
from host.machine import Expectation, Machine
from host.session import MAX_INLINE_SELECTION
from host.settings import Settings
from host.tests.fixture import Fixture, reasons, statuses


class Outcomes(Fixture):
    def test_all_is_well(self):
        run = self.run_session({"a.one": "pass", "a.two": "pass"})
        self.assertEqual(statuses(run), {"a.one": "pass", "a.two": "pass"})
        self.assertEqual((run.boots, run.cases[0].checks, run.cases[0].guest_us), (1, 4, 12))
        self.assertEqual((run.vmm, run.vmm_version, run.accel), ("QEMU", "11.1.3", "tcg"))
        self.assertEqual(self.starts(), ["assay.seed=1"])
        self.assertTrue(run.as_expected)

    def test_a_failed_check_is_told_in_one_line(self):
        run = self.run_session({"a.one": "fail"})
        self.assertEqual(
            reasons(run)["a.one"],
            "tests/arm64/timer.cc:88: EXPECT_EQ(status, 0u): expected 0x0, actual 0x4 "
            "[cpu0 EL1 +12.345 ms]",
        )

    def test_items(self):
        run = self.run_session({"a.one": "items:psf", "a.two": "items:ps"[:-1] + "pp"})
        case = run.cases[0]
        self.assertEqual([item.status for item in case.items], ["pass", "skip", "fail"])
        self.assertEqual(case.items[0].reason, "0x1234")
        self.assertEqual(case.status, "fail")
        self.assertTrue(case.reason.startswith("1 of 3 items: I3: tests/arm64/id.cc:7:"))
        self.assertEqual(run.cases[1].status, "pass")

    def test_error_and_skip(self):
        run = self.run_session({"a.one": "error:made no check", "a.two": "skip:needs sev: none"})
        self.assertEqual(statuses(run), {"a.one": "error", "a.two": "skip"})
        self.assertEqual(reasons(run)["a.two"], "needs sev: none")

    def test_repeat(self):
        run = self.run_session({"a.one": "pass", "a.two": "fail"}, settings=Settings(repeat=3))
        self.assertEqual([case.status for case in run.cases], ["pass", "fail"] * 3)

    def test_selection(self):
        tests = {"a.one": "pass", "b.two": "pass", "misbehave.x": "pass"}
        self.assertEqual(list(statuses(self.run_session(tests))), ["a.one", "b.two"])
        run = self.run_session(tests, ["misbehave.*", "b.*"])
        self.assertEqual(list(statuses(run)), ["b.two", "misbehave.x"])

    def test_a_long_selection_travels_in_the_initrd(self):
        tests = {f"a.{'x' * 40}{number}": "pass" for number in range(40)}
        self.assertGreater(sum(map(len, tests)), MAX_INLINE_SELECTION)
        run = self.run_session(tests, list(tests))
        self.assertEqual(len(run.cases), 40)
        self.assertIn("assay.tests=@initrd", self.starts()[0])

    def test_there_is_no_initrd_beside_an_elf_file(self):
        tests = {f"a.{'x' * 40}{number}": "pass" for number in range(40)}
        machine = Machine("fake", "", "arm64", "qemu", ["tcg"], [], elf_at=0x40200000)
        run = self.run_session(tests, list(tests), machine=machine)
        self.assertEqual(len(run.cases), 40)
        self.assertIn("assay.tests=a.x", self.starts()[0])

    def test_a_machine_may_limit_what_runs_on_it(self):
        tests = {"a.one": "pass", "a.two": "pass", "b.three": "pass", "misbehave.x": "pass"}
        machine = Machine("fake", "", "arm64", "qemu", ["tcg"], [], tests=["a.*", "misbehave.x"])
        for patterns, chosen, said in (
            (["*"], ["a.one", "a.two", "misbehave.x"], "a.*,misbehave.x"),
            (["*", "-a.o*"], ["a.two", "misbehave.x"], "a.*,misbehave.x,-a.o*"),
            (["b.*", "*.t*"], ["a.two"], "a.two"),
        ):
            run = self.run_session(tests, patterns, machine=machine)
            self.assertEqual(list(statuses(run)), chosen)
            self.assertIn(f"assay.tests={said} ", self.starts()[-1] + " ")
        settings = Settings(unlimited=["fake"])
        run = self.run_session(tests, ["b.*"], machine=machine, settings=settings)
        self.assertEqual(list(statuses(run)), ["b.three"])

    def test_a_limit_to_nothing(self):
        machine = Machine("fake", "", "arm64", "qemu", ["tcg"], [], tests=["a.*", "z.*"])
        run = self.run_session({"a.one": "pass"}, machine=machine)
        self.assertEqual(
            reasons(run)["machine.expectations"], "'z.*' is in `tests` and not in the image"
        )

    def test_the_guest_gets_two_thirds_of_the_time(self):
        for seconds, guest in ((30, 20), (2, 1), (1.5, 1), (1.4, 0)):
            self.run_session({"a.one": "pass"}, settings=Settings(timeout=seconds))
            self.assertEqual(self.starts()[-1], f"assay.seed=1 assay.timeout={guest}")


class Deaths(Fixture):
    """One bad test never costs the others, and costs one boot."""

    def check_one_death(self, act, status, reason, limits=None):
        run = self.run_session({"a.one": "pass", "b.bad": act, "c.last": "pass"}, limits=limits)
        self.assertEqual(statuses(run), {"a.one": "pass", "b.bad": status, "c.last": "pass"})
        self.assertIn(reason, reasons(run)["b.bad"])
        self.assertEqual(run.boots, 2)
        self.assertEqual(self.starts()[1], "assay.seed=1 assay.first=3")
        return run

    def test_crash_told_by_the_guest(self):
        run = self.check_one_death("crash", "crash", "data abort from EL1 on cpu0")
        self.assertIn("    #0 image+0x1010", run.cases[1].details)

    def test_hang_told_by_the_guest(self):
        self.check_one_death("hang", "timeout", "data abort from EL1 on cpu0")

    def test_vm_ends(self):
        self.check_one_death("die:0", "crash", "the VM ended in the middle of the case: QEMU ended")

    def test_vmm_is_killed(self):
        self.check_one_death("kill", "crash", "killed by SIGSEGV")

    def test_vmm_aborts_by_an_assertion_of_its_own(self):
        """GLib says so on standard output, too, in the words of a guest that gives up."""
        self.check_one_death(
            "abort:ERROR:hw/x.c:1:f: code should not be reached",
            "crash",
            "killed by SIGABRT: ERROR:hw/x.c:1:f: code should not be reached",
        )

    def test_vmm_is_ended_by_a_sanitizer(self):
        self.check_one_death(
            "sanitizer:x.cc:7:3: runtime error: index 9 out of bounds", "crash",
            "ended with status 2: x.cc:7:3: runtime error: index 9 out of bounds",
        )  # fmt: skip

    def test_reset(self):
        self.check_one_death("reset", "crash", "the guest reset the machine")

    def test_hang(self):
        run = self.check_one_death(
            "sleep", "timeout", "no end after 1 s; the VMM was stopped", process.Limits(test=1.0)
        )
        details = "\n".join(run.cases[1].details)
        self.assertIn("cpu0 backtrace (EL1h, PSTATE 0x3c5)\n  #0 image+0x1010", details)
        self.assertIn("  #1 image+0x1020\n  #2 image+0x500", details)
        self.assertIn("cpu1 backtrace\n  #0 0x1234", details)
        self.assertIn(b"X29=0000000040300000", self.log())

    def test_hang_with_a_full_console(self):
        run = self.check_one_death(
            "babble", "timeout", "no end after 1 s; the VMM was stopped", process.Limits(test=1.0)
        )
        self.assertIn("cpu0 backtrace", "\n".join(run.cases[1].details))
        self.assertIn(b"lorem ipsum", self.log())

    def test_items_without_end(self):
        self.check_one_death("drip", "timeout", "no end after 1 s", process.Limits(test=1.0))

    def test_flood(self):
        for act in ("flood", "endless"):
            limits = process.Limits(test=20, console=1 << 20, log_head=1 << 16, log_tail=1 << 14)
            run = self.check_one_death(act, "error", "more than 1 MiB on the console", limits)
            self.assertLess(len(self.log()), 1 << 18)
            self.assertIn(b"bytes left out here", self.log())
            self.assertLess(sum(map(len, run.cases[1].details)), 100_000)
            (self.folder / "plan.json.starts").unlink()

    def test_harness_error(self):
        self.check_one_death("bail:deadlock of cpu0 and cpu1", "error", "deadlock of cpu0 and cpu1")

    def test_the_last_one_costs_no_further_boot(self):
        run = self.run_session({"a.one": "pass", "b.bad": "crash"})
        self.assertEqual(run.boots, 1)

    def test_every_one(self):
        run = self.run_session({f"a.{number}": "die:1" for number in range(5)})
        self.assertEqual((run.boots, list(statuses(run).values())), (5, ["crash"] * 5))


class Boots(Fixture):
    """Boots that come to nothing end the run, with a reason."""

    def check(self, reason, limits=None, **plan):
        begin = time.monotonic()
        run = self.run_session({"a.one": "pass"}, limits=limits, **plan)
        self.assertLess(time.monotonic() - begin, 8)
        self.assertEqual(list(statuses(run).items()), [("machine.boot", "error")])
        self.assertIn(reason, run.not_run)
        self.assertEqual((run.boots, run.begun), (1, []))

    def test_refused(self):
        self.check("no output at all: QEMU ended with status 1: qemu-system", boot="refuse")

    def test_gone(self):
        self.check("no output at all: QEMU ended with status 0", boot="gone")

    def test_silent(self):
        limits = process.Limits(test=0.5)
        reason = "no output at all: the VMM was stopped after 0.5 s"
        self.check(reason, boot="silent", limits=limits)

    def test_stuck(self):
        self.check("no test was started: QEMU ended with status 0", boot="stuck")

    def test_later(self):
        run = self.run_session(
            {"a.one": "pass", "b.bad": "die:0", "c.last": "pass"}, boot=["", "gone"]
        )
        self.assertEqual(list(statuses(run)), ["a.one", "b.bad", "machine.boot"])
        self.assertIn("boot 2: no output at all", run.cases[-1].reason)
        self.assertIn("1 of 3 cases were not run", run.cases[-1].reason)
        self.assertFalse(run.not_run)

    def test_the_logs_of_another_run(self):
        lock = self.lock_logs()
        run = self.run_session({"a.one": "pass"})
        self.assertIn("another run is using", run.not_run)
        self.assertIn("another folder with --logs", run.not_run)
        self.assertEqual((run.boots, run.as_expected), (0, False))
        lock.close()
        self.assertTrue(self.run_session({"a.one": "pass"}).as_expected)

    def test_no_program(self):
        settings = Settings()
        machine = Machine("fake", "", "arm64", "qemu", ["tcg"], [])
        self.write({"a.one": "pass"})
        settings.programs = {"qemu": "/nowhere/qemu"}
        from host import session

        with self.assertRaisesRegex(vmm.Missing, "/nowhere/qemu: no such program"):
            session.resolve(machine, None, settings)

    def test_nothing_is_left_behind(self):
        self.run_session({"a.one": "sleep"}, limits=process.Limits(test=0.5))
        found = subprocess.run(
            ["pgrep", "-f", str(self.folder)], stdout=subprocess.PIPE, check=False
        )
        self.assertEqual(found.stdout, b"")


class Contradictions(Fixture):
    """A console that contradicts itself is an error, whatever it says."""

    def problem(self, tests, **plan):
        run = self.run_session(tests, **plan)
        self.assertFalse(run.as_expected)
        return reasons(run)

    def test_missing_capability(self):
        found = self.problem({"a.one": "pass"}, capabilities="psci cpus(2)")
        self.assertIn("declared by the machine and not found: gicv3", found["machine.capabilities"])

    def test_more_cpus_than_declared(self):
        run = self.run_session({"a.one": "pass"}, capabilities="gicv3 psci cpus(4)")
        self.assertTrue(run.as_expected)

    def test_skip_against_a_declaration(self):
        found = self.problem({"a.one": "skip:needs cpus(2): 1 online CPUs"})
        self.assertIn("although the machine declares cpus(2)", found["a.one"])
        run = self.run_session({"a.one": "skip:needs !psci: the machine has PSCI"})
        self.assertTrue(run.as_expected)

    def test_result_twice(self):
        found = self.problem({"a.one": "print:ok 1 a.one", "b.two": "pass"})
        self.assertIn("a second result for a.one", found["machine.console"])

    def test_results_for_others(self):
        found = self.problem({"a.one": "print:ok 7 no.such", "b.two": "pass"})
        self.assertIn("no.such, which is not in the image", found["machine.console"])
        found = self.problem({"a.one": "print:ok 1 b.two", "b.two": "pass"})
        self.assertEqual(found["a.one"], "no result before that of b.two")

    def test_wrong_plan(self):
        found = self.problem({"a.one": "pass"}, plan=7)
        self.assertIn("the guest planned 7 cases where 1 were", found["machine.console"])

    def test_no_result(self):
        found = self.problem({"a.one": "raw:hello", "b.two": "pass"})
        self.assertEqual(found["a.one"], "no result before b.two was started")

    def test_pass_after_a_failed_check(self):
        found = self.problem({"a.one": "print:# tests/x.cc:1: EXPECT_EQ(a, b)"})
        self.assertIn("reported as passed although a check failed", found["a.one"])

    def test_linger(self):
        found = self.problem({"a.one": "pass"}, end="linger")
        self.assertIn("after the guest's last word", found["machine.end"])

    def test_what_follows_the_last_word(self):
        limits = process.Limits(console=1 << 20)
        for end, said in (
            ("reset", "the guest reset the machine"),
            ("quiet reset", "the guest reset the machine"),
            ("flood", "more than 1 MiB on the console"),
        ):
            found = self.problem({"a.one": "pass"}, end=end, limits=limits)
            self.assertEqual(found["machine.end"], "after the guest's last word: " + said)
            self.assertEqual(found["a.one"], "")

    def test_bad_status(self):
        self.assertIn("ended with status 5", self.problem({"a.one": "pass"}, end=5)["machine.end"])

    def test_output_without_a_line_end(self):
        found = self.problem({"a.one": "glue:not ", "b.two": "pass"})
        self.assertEqual(found["a.one"], "no failed check was printed")
        found = self.problem({"a.one": "glue:no ", "b.two": "pass"})
        self.assertEqual(found["a.one"], "its result line is damaged (see the log)")

    def test_binary_output_does_no_harm(self):
        for text in (r"\x00\x00\xff\xfe\x1b[2J", r"\x00" * 50, "KTAP", "not ", "1..", r"\xff" * 99):
            run = self.run_session({"a.one": "print:" + text, "b.two": "pass"})
            self.assertTrue(run.as_expected, text)


class Expectations(Fixture):
    def run_with(self, act, **expectation):
        expectation = {"test": "a.one", "status": "fail", "reason": "it is known", **expectation}
        machine = Machine("fake", "", "arm64", "qemu", ["tcg"], [])
        machine.expectations = [Expectation(**expectation)]
        tests = {"a.one": act, "b.two": "pass", "misbehave.x": "pass"}
        return self.run_session(tests, machine=machine)

    def test_xfail(self):
        run = self.run_with("fail")
        self.assertEqual((run.cases[0].status, run.as_expected), ("xfail", True))
        self.assertEqual(run.cases[0].reason, "it is known")
        self.assertTrue(run.cases[0].details[0].startswith("fail: tests/arm64"))

    def test_xpass(self):
        run = self.run_with("pass")
        self.assertEqual((run.cases[0].status, run.as_expected), ("xpass", False))

    def test_another_status_is_unexpected(self):
        self.assertEqual(self.run_with("die:0").cases[0].status, "crash")
        self.assertEqual(self.run_with("die:0", status="crash").cases[0].status, "xfail")

    def test_a_crash_that_was_expected(self):
        run = self.run_with("crash", status="crash")
        self.assertEqual(statuses(run), {"a.one": "xfail", "b.two": "pass"})

    def test_sometimes(self):
        run = self.run_with("pass", sometimes=True)
        self.assertEqual((run.cases[0].status, run.as_expected), ("pass", True))
        run = self.run_with("fail", sometimes=True)
        self.assertEqual((run.cases[0].status, run.as_expected), ("xfail", True))
        self.assertEqual(self.run_with("die:0", sometimes=True).cases[0].status, "crash")
        run = self.run_with("items:ppp", item="I2", sometimes=True)
        self.assertEqual((run.cases[0].items[1].status, run.as_expected), ("pass", True))

    def test_versions(self):
        self.assertEqual(self.run_with("fail", versions="<11").cases[0].status, "fail")
        self.assertEqual(self.run_with("fail", versions=">=11.1, <12").cases[0].status, "xfail")

    def test_items(self):
        run = self.run_with("items:pfp", item="I2")
        self.assertEqual([item.status for item in run.cases[0].items], ["pass", "xfail", "pass"])
        self.assertEqual((run.cases[0].status, run.as_expected), ("xfail", True))
        run = self.run_with("items:pff", item="I2")
        self.assertEqual((run.cases[0].status, run.as_expected), ("fail", False))
        run = self.run_with("items:ppp", item="I2")
        self.assertEqual((run.cases[0].items[1].status, run.as_expected), ("xpass", False))

    def test_an_expectation_of_nothing(self):
        run = self.run_with("pass", test="no.such")
        self.assertIn("machine.expectations", statuses(run))

    def test_an_expectation_of_no_item(self):
        run = self.run_with("items:ppp", item="I7")
        self.assertEqual(
            reasons(run)["machine.expectations"],
            "'I7' has an expectation and is no item of a.one",
        )
        for act, expectation in (
            ("items:ppp", {"versions": "<11"}),
            ("items:ppp", {"test": "*"}),  # it may be one of misbehave.x, which did not run
            ("pass", {}),
            ("skip:none", {}),
            ("crash", {}),
        ):
            run = self.run_with(act, item="I7", **expectation)
            self.assertNotIn("machine.expectations", statuses(run), (act, expectation))


if __name__ == "__main__":
    unittest.main()
