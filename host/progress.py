# SPDX-License-Identifier: MIT
"""What a person sees: a moving line a machine while it runs (on a terminal), then its results.

Every line that is not a pass says why on the same line. In a pipe nothing moves and nothing is
coloured. With -v every test has a line, and what is wrong has all of its output below it.
"""

import os
import re
import shutil
import time

from host.results import (
    AS_EXPECTED,
    CRASH,
    ERROR,
    FAIL,
    PASS,
    SKIP,
    STATUSES,
    TIMEOUT,
    XFAIL,
    XPASS,
    Verdict,
)

_WORDS = {
    PASS: "passed",
    FAIL: "failed",
    SKIP: "skipped",
    ERROR: "in error",
    CRASH: "crashed",
    TIMEOUT: "timed out",
    XFAIL: "failed as expected",
    XPASS: "passed unexpectedly",
}
_COLOURS = {PASS: "32", SKIP: "2", XFAIL: "33"}
_BACKTRACE = re.compile(r"\s*(cpu\d+ |#\d+ |VM )")
_FRAME = re.compile(r"^\s*#\d+ ")
MANY = 3  # as many skips with one reason share a line


class Style:
    def __init__(self, stream):
        self.terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.colour = self.terminal and not os.environ.get("NO_COLOR")

    def paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def status(self, status, width=8):
        return self.paint(_COLOURS.get(status, "1;31"), f"{_label(status):<{width}}")


def plural(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _label(status):
    return status if status in AS_EXPECTED else status.upper()


class View:
    """Told of every step of every machine; prints to one stream."""

    INTERVAL = 0.1

    def __init__(self, stream, verbose=False):
        self.stream = stream
        self.verbose = verbose
        self.style = Style(stream)
        self._machines = {}  # name -> [done, total, current, bad]
        self._drawn = 0
        self._last = 0.0

    def event(self, machine, kind, **fields):
        if kind == "done":
            self._machines.pop(machine, None)
            self._erase()
            self._print_run(fields["run"])
            self._draw()
            return
        state = self._machines.setdefault(machine, [0, 0, "", 0])
        if kind == "plan":
            state[1] = fields["total"]
        elif kind == "start":
            items = f" ({fields['items']})" if fields.get("items") else ""
            state[2] = fields["id"] + items
        elif kind == "case":
            case = fields["case"]
            state[0] += not case.id.startswith("machine.")
            state[3] += not case.as_expected
        if self.style.terminal and time.monotonic() - self._last > self.INTERVAL:
            self._erase()
            self._draw()

    def close(self):
        self._erase()
        self.stream.flush()

    def line(self, text):
        self._erase()
        self.stream.write(text + "\n")
        self.stream.flush()

    # -- the moving part ----------------------------------------------------------------------

    def _erase(self):
        if self._drawn:
            self.stream.write(f"\x1b[{self._drawn}A\r\x1b[J")
            self._drawn = 0

    def _draw(self):
        if not self.style.terminal or not self._machines:
            return
        width = shutil.get_terminal_size().columns - 1
        for name, (done, total, current, bad) in sorted(self._machines.items()):
            text = f"{name:<14} {done:>4}/{total:<4} {current}"[: width - 12]
            wrong = self.style.paint("1;31", f"  {bad} bad") if bad else ""
            self.stream.write(text + wrong + "\n")
            self._drawn += 1
        self.stream.flush()
        self._last = time.monotonic()

    # -- results ------------------------------------------------------------------------------

    def _print_run(self, run):
        for line in run_lines(run, self.verbose, self.style):
            self.stream.write(line + "\n")
        self.stream.flush()


class FaultView(View):
    """The same for many runs with a fault each: of interest is only whether it was noticed."""

    def __init__(self, stream, summaries):
        super().__init__(stream)
        self._summaries = summaries

    def _print_run(self, run):
        verdict = Verdict.of(run, self._summaries[run.machine, run.fault])
        for line in verdict_lines(verdict, self.style):
            self.stream.write(line + "\n")
        self.stream.flush()


def run_lines(run, verbose, style):
    """The result of one machine."""
    name = style.paint("1", run.label)
    if run.not_run:
        yield f"{name}: not run: {run.not_run}"
        for case in run.cases:
            yield from _indent(case.details, 4)
        return
    where = f"{run.vmm} {run.vmm_version} {run.accel}".replace("  ", " ")
    boots = plural(run.boots, "boot")
    yield f"{name}: {_count(run, style)} ({where}, {boots}, {run.wall_ms / 1000:.1f} s)"
    if verbose and run.header:
        yield f"  {run.header}"
    shared = _shared_reasons(run) if not verbose else {}
    for case in run.cases:
        yield from _case_lines(case, verbose, style, shared)


def verdict_lines(verdict, style):
    """What became of one fault."""
    status = style.paint("32", "noticed  ") if verdict.noticed else style.paint("1;31", "UNNOTICED")
    yield f"{status} {verdict.name}: {verdict.summary}"
    yield f"          {f'by {verdict.by}: ' if verdict.noticed else ''}{verdict.reason}"


def verdict_total(verdicts, style):
    unnoticed = [verdict.name for verdict in verdicts if not verdict.noticed]
    if unnoticed:
        text = f"{len(unnoticed)} of {plural(len(verdicts), 'fault')} went unnoticed: "
        return style.paint("1;31", text + ", ".join(unnoticed))
    return style.paint("32", f"Every fault was noticed ({len(verdicts)}).")


def _count(run, style):
    total = plural(len(run.begun), "test")
    if items := sum(len(case.items) for case in run.cases):
        total += f" with {plural(items, 'item')}"
    counts = run.counts()
    said = [
        style.paint(_COLOURS.get(status, "1;31"), f"{counts[status]} {_WORDS[status]}")
        for status in STATUSES
        if counts[status]
    ]
    if wrong := len(run.cases) - len(run.begun):
        said.append(style.paint("1;31", f"{wrong} in error outside the tests"))
    return f"{total}: " + ", ".join(said or ["none run"])


def _shared_reasons(run):
    """Reasons that many skipped tests share: said once."""
    reasons = {}
    for case in run.cases:
        if case.status == SKIP:
            reasons.setdefault(case.reason, []).append(case.id)
    return {reason: ids for reason, ids in reasons.items() if len(ids) > MANY}


def _case_lines(case, verbose, style, shared):
    if case.status == SKIP and case.reason in shared:
        ids = shared[case.reason]
        if case.id == ids[0]:
            some = ", ".join(ids[:2])
            yield f"  {style.status(SKIP)} {len(ids)} tests ({some}, …): {case.reason}"
        return
    if case.status != PASS:
        yield f"  {style.status(case.status)} {case.id}: {case.reason}"
        if not case.as_expected:
            yield from _indent(_shown(case, verbose), 11)
    elif verbose:
        yield f"  {style.status(PASS)} {case.id} ({plural(case.checks, 'check')}, {case.guest_us} us)"
        yield from _indent([line for line in case.details if line.startswith("bench ")], 11)
    yield from _item_lines(case, verbose, style)


def _item_lines(case, verbose, style):
    groups = {}
    # A case that failed by one item has said so on its own line.
    said = case.status == FAIL and sum(not item.as_expected for item in case.items) == 1
    for item in case.items:
        if item.status == SKIP and not verbose:
            groups.setdefault(item.reason, []).append(item.id)
        elif verbose or (item.status != PASS and not (said and not item.as_expected)):
            text = f": {item.reason}" if item.reason else ""
            yield f"    {style.status(item.status, 6)} {item.id}{text}"
            if verbose and not item.as_expected:
                yield from _indent(item.details, 11)
    for reason, ids in groups.items():
        if len(ids) > MANY:
            yield f"    {style.status(SKIP, 6)} {case.id}: {len(ids)} items: {reason}"
        else:
            for identifier in ids:
                yield f"    {style.status(SKIP, 6)} {identifier}: {reason}"


def _shown(case, verbose):
    """Below a line: all of the output with -v; else only where a crash or a hang was."""
    if verbose:
        return case.details
    if case.status in (CRASH, TIMEOUT):
        return list(_folded(line for line in case.details if _BACKTRACE.match(line)))
    return []


def _folded(lines):
    """A recursion is as clear with three frames as with thirty."""
    last, count, folded = "", 0, 0
    for line in lines:
        frame = _FRAME.sub("", line)
        count = count + 1 if frame == last else 0
        if frame != last and folded > 0:
            yield f"    … {folded} more of the same"
        last, folded = frame, max(0, count - MANY + 1)
        if not folded:
            yield line
    if last and folded:
        yield f"    … {folded} more of the same"


def _indent(lines, width):
    return [" " * width + line for line in lines]


def total_lines(runs, style):
    """The last lines: how it went, and where the rest is."""
    cases = [case for run in runs for case in run.cases]
    bad = sum(not case.wholly_as_expected for case in cases)
    tests = sum(len(run.begun) for run in runs)
    machines = plural(len(runs), "machine")
    not_run = [run.machine for run in runs if run.not_run]
    if not_run:
        yield style.paint("1;31", f"Not run: {', '.join(not_run)}")
    if bad:
        logs = sorted({run.logs for run in runs if not run.as_expected and run.logs})
        text = f"Not as expected: {bad} of {len(cases)} results ({machines})."
        yield style.paint("1;31", text)
        yield f"Logs: {' '.join(_short(path) for path in logs)}"
    elif tests:
        some = f"{plural(tests, 'test')}, {plural(len(runs) - len(not_run), 'machine')}"
        what = "Everything else" if not_run else "Everything"
        yield style.paint("32", f"{what} as expected ({some}).")


def _short(path):
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else path
