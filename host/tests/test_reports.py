# SPDX-License-Identifier: MIT
"""Report files say what the results say, whatever a guest put into its reasons."""

import io
import json
import re
import unittest
from xml.etree import ElementTree

from host import progress, symbols
from host.console import Parser
from host.report import html_file, json_file, junit_file, ktap_file
from host.results import STATUSES, Case, Item, Run, exit_status

NASTY = "<b>&\"']]> \x00\x1b[2J \x85 \ufffe \U0001f600 # ok 1 x"


def runs():
    cases = [
        Case(f"group.{status}", status, "" if status == "pass" else NASTY, 3, 1500, details=[NASTY])
        for status in STATUSES
    ]
    cases[1].items = [
        Item("group.fail.I1", "pass", "0x1"),
        Item("group.fail.I2", "fail", NASTY, [NASTY]),
    ]
    return [
        Run("m1", "arm64", "QEMU", "11.1.3", "tcg", "1", 2, 1234, cases),
        Run("m2", "arm64", not_run="no program"),
    ]


class Json(unittest.TestCase):
    def test_schema(self):
        """Exactly these keys, of these types."""
        document = json.loads(json_file.write(runs()))
        self.assertEqual(set(document), {"schema", "runs"})
        self.assertEqual(document["schema"], "assay-results-1")
        shape = {"machine": str, "arch": str, "vmm": dict, "accel": str, "boots": int}
        shape |= {"wall_ms": int, "tests": list}
        test_shape = {"id": str, "status": str, "reason": str, "checks": int, "guest_us": int}
        for run in document["runs"]:
            self.assertEqual({key: type(value) for key, value in run.items()}, shape)
            self.assertEqual(set(run["vmm"]), {"name", "version"})
            for test in run["tests"]:
                self.assertEqual({key: type(value) for key, value in test.items()}, test_shape)
                self.assertIn(test["status"], STATUSES)

    def test_items_are_entries(self):
        ids = [test["id"] for test in json.loads(json_file.write(runs()))["runs"][0]["tests"]]
        self.assertEqual(ids[1:4], ["group.fail", "group.fail.I1", "group.fail.I2"])


class Junit(unittest.TestCase):
    def test_is_xml_and_counts(self):
        text = junit_file.write(runs())
        root = ElementTree.fromstring(text)
        suite = root.findall("testsuite")[0]
        self.assertEqual(suite.get("tests"), "10")
        for element, attribute in (("failure", "failures"), ("error", "errors")):
            found = suite.findall(f"testcase/{element}")
            self.assertEqual(str(len(found)), suite.get(attribute))
        self.assertEqual(len(suite.findall("testcase/skipped")), 2)
        names = [case.get("name") for case in suite.findall("testcase")]
        self.assertEqual(names[:3], ["pass", "fail", "I1"])
        self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f]")


class Ktap(unittest.TestCase):
    def test_nesting_and_results(self):
        lines = ktap_file.write(runs()).splitlines()
        self.assertEqual(lines[:2], ["KTAP version 1", "1..2"])
        self.assertEqual([line for line in lines if re.match("(not )?ok", line)],
                         ["not ok 1 m1", "not ok 2 m2"])
        cases = [line for line in lines if re.match("  (not )?ok", line)]
        self.assertEqual(cases[0], "  ok 1 group.pass")
        self.assertTrue(cases[2].startswith("  ok 3 group.skip # SKIP "))
        self.assertTrue(cases[5].startswith("  not ok 6 group.timeout # TIMEOUT "))
        self.assertIn("    ok 1 I1", lines)
        self.assertIn("    1..2", lines)

    def test_our_own_parser_reads_it(self):
        for line in ktap_file.write(runs()).splitlines():
            Parser().feed(line.encode() + b"\n")


class Html(unittest.TestCase):
    def test_nothing_escapes(self):
        text = html_file.write(runs())
        self.assertNotIn("<b>", text)
        self.assertIn("group.crash", text)


class Symbols(unittest.TestCase):
    def test_short_names(self):
        for long, short in (
            ("misbehave_data_abort()", "misbehave_data_abort"),
            ("test::(anonymous namespace)::run_case(test::Case const&, int)", "test::run_case"),
            ("void console::print<unsigned long>(Pattern<long>::type)", "console::print"),
            ("misbehave_x()::$_0::operator()() const", "misbehave_x::lambda::operator()"),
            ("FunctionRef<void ()>::FunctionRef<x()::$_0>(T&&)::'lambda'(void*)::__invoke(int)",
             "FunctionRef::FunctionRef::lambda::__invoke"),
            ("primary_main", "primary_main"),
            ("", ""),
        ):
            self.assertEqual(symbols.short_name(long), short)


class Text(unittest.TestCase):
    def lines(self, run, verbose=False):
        return list(progress.run_lines(run, verbose, progress.Style(io.StringIO())))

    def test_every_reason_is_on_the_line(self):
        lines = self.lines(runs()[0])
        self.assertRegex(lines[0], "^m1: 8 tests with 2 items: 1 passed, 1 failed, .*2 boots")
        for status in STATUSES[1:]:
            shown = status if status in ("skip", "xfail") else status.upper()
            found = [line for line in lines if f"group.{status}: " in line]
            self.assertRegex(found[0], rf"^  {shown} +group.{status}: \S")
        self.assertNotIn("\x1b[3", "".join(lines[:1]))

    def test_skips_with_one_reason_share_a_line(self):
        cases = [Case(f"a.{n}", "skip", "needs gicv5: none") for n in range(9)]
        lines = self.lines(Run("m", vmm="QEMU", cases=cases))
        self.assertEqual(lines[1:], ["  skip     9 tests (a.0, a.1, …): needs gicv5: none"])
        self.assertEqual(len(self.lines(Run("m", vmm="QEMU", cases=cases), verbose=True)), 10)

    def test_backtraces_are_shown_and_recursions_folded(self):
        details = ["crash: x", "  ESR_EL1 0x0", "  cpu0 backtrace (build 00)"]
        details += [f"    #{n} image+0x10 f x.cc:1" for n in range(30)]
        details += ["    #30 image+0x20 main"]
        case = Case("a.b", "crash", "x", details=details)
        lines = self.lines(Run("m", vmm="QEMU", cases=[case]))
        self.assertEqual([line.strip()[:12] for line in lines[2:]],
                         ["cpu0 backtra", "#0 image+0x1", "#1 image+0x1", "#2 image+0x1",
                          "… 27 more of", "#30 image+0x"])

    def test_exit_status(self):
        good, bad = Case("a.a", "pass"), Case("a.b", "fail")
        known, odd = Case("a.c", "xfail"), Case("a.d", "xpass")
        self.assertEqual(exit_status([Run("m", cases=[good, known])]), 0)
        self.assertEqual(exit_status([Run("m", cases=[good, bad])]), 1)
        self.assertEqual(exit_status([Run("m", cases=[odd])]), 1)
        self.assertEqual(exit_status([Run("m", cases=[good]), Run("n", not_run="x")]), 1)
        self.assertEqual(exit_status([Run("n", not_run="x")]), 2)
        self.assertEqual(exit_status([Run("m", cases=[Case("machine.boot", "error")])]), 2)
        item = Case("a.a", "pass", items=[Item("i", "xpass")])
        self.assertEqual(exit_status([Run("m", cases=[item])]), 1)


if __name__ == "__main__":
    unittest.main()
