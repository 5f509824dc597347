# SPDX-License-Identifier: MIT
"""What one boot said: events of the console to cases with results.

The guest is what is being tested, so its words are checked against each other and against the
list of tests in the image: nothing counts as a pass that was not announced, reported once, under
its own name, with a plan that adds up.
"""

import re

from host.results import CRASH, ERROR, FAIL, PASS, SKIP, TIMEOUT, XFAIL, Case, Item

KEEP_DETAILS = 120  # lines kept of a case: this many from its beginning and as many from its end
MAX_PROBLEMS = 20
MAX_ITEMS = 4096

_PLACE = re.compile(r"\S+:\d+: (?:EXPECT|ASSERT|FAIL|CHECK)\w*")
_VALUE = re.compile(r"\s+(expected|actual|note): *(.*)")
_CONTEXT = re.compile(r"\s{2,}(\[[^\]]*\])\s*$")
_CHECKS = re.compile(r"(\d+) checks?\b")
_MICROSECONDS = re.compile(r"(\d+) us\b")

_DIRECTIVE_STATUS = {"SKIP": SKIP, "ERROR": ERROR, "TIMEOUT": TIMEOUT, "XFAIL": XFAIL}


class Details:
    """The lines of one case, bounded: the beginning and the end are what matters."""

    def __init__(self):
        self.head, self.tail, self.dropped = [], [], 0

    def add(self, line):
        if len(self.head) < KEEP_DETAILS:
            self.head.append(line)
            return
        self.tail.append(line)
        if len(self.tail) > 2 * KEEP_DETAILS:
            self.dropped += len(self.tail) - KEEP_DETAILS
            del self.tail[:-KEEP_DETAILS]

    def lines(self):
        middle = [f"… {self.dropped} lines left out (see the log) …"] if self.dropped else []
        return self.head + middle + self.tail

    def clear(self):
        self.__init__()


def condense(lines):
    """The first failed check of these diagnostics in one line, and how many failed."""
    first, parts, context, count, collecting = "", [], "", 0, False
    for line in lines:
        value = _VALUE.match(line) if collecting else None
        collecting = value is not None
        if _PLACE.match(line):
            count += 1
            if count == 1:
                first, collecting = line.strip(), True
        elif value:
            text = value[2]
            if where := _CONTEXT.search(text):
                context, text = where[1], text[: where.start()]
            parts.append(text if value[1] == "note" else f"{value[1]} {text.strip()}")
    if not count:
        return "", 0
    text = first + (": " + ", ".join(parts) if parts else "")
    if context:
        text += " " + context
    if count > 1:
        text += f" (+{count - 1} more)"
    return text, count


class Transcript:
    """Feed it events; afterwards it holds the cases that were begun, in order."""

    def __init__(self, known=(), first=1, repeat=1, boot=1):
        self.known = frozenset(known)  # ids in the image; empty: not known
        self.first = first
        self.repeat = repeat
        self.boot = boot
        self.cases = []
        self.current = None  # the case that has been announced and has no result yet
        self.enough = False  # what has come suffices: the VM need not go on
        self.header = None
        self.capabilities = None
        self.plan = None
        self.totals = None
        self.bail_out = None
        self.errors = []  # `# error:` lines
        self.problems = []  # contradictions
        self.booted = False
        self.rebooted = False
        self.progress = 0  # grows with every step of the protocol, and with nothing else
        self._details = Details()
        self._item_details = Details()
        self._item = None
        self._item_plan = None
        self._item_names = set()
        self._last_number = None
        self.verdict = ""  # on the last case, as it was before any expectation
        self._bad = 0  # results so far that are neither pass nor skip
        self._seen = {}  # id -> how often a result came

    # -- reading ------------------------------------------------------------------------------

    def feed(self, event):
        if self.rebooted:
            return
        handler = getattr(self, "_on_" + type(event).__name__.lower())
        handler(event)

    @property
    def ended(self):
        """The guest has said its last word; what remains is to end the VM."""
        return self.totals is not None or self.bail_out is not None

    @property
    def stage(self):
        """Changes when a test begins or ends, and with the steps of the boot before the tests."""
        return self.booted, self.plan, len(self.cases), self.current is None

    def _problem(self, text):
        if len(self.problems) < MAX_PROBLEMS and text not in self.problems:
            self.problems.append(text)

    def _on_version(self, event):
        if event.depth:
            return
        if self.booted:
            self.rebooted = True
            return
        self.booted = True
        self.progress += 1

    def _on_header(self, event):
        if self.header is None:
            self.header = event

    def _on_capabilities(self, event):
        if self.capabilities is None:
            self.capabilities = event.names

    def _on_plan(self, event):
        if event.depth:
            self._item_plan = event.count
        elif self.plan is not None:
            self._problem(f"a second plan, 1..{event.count}")
        else:
            self.plan = event.count
            self.progress += 1

    def _on_start(self, event):
        if event.depth:
            if self.current is not None:
                self._item = event.id
                self._item_details.clear()
                self.progress += 1
            return
        if self.known and event.id not in self.known:
            if not event.damaged:
                self._problem(f"the start of {event.id}, which is not in the image")
            return
        if self.current is not None:
            self._close(ERROR, f"no result before {event.id} was started")
        if self._seen.get(event.id, 0) >= self.repeat:
            self._problem(f"a second start of {event.id}")
            return
        if not self.booted:
            self._problem("no `KTAP version 1` line before the first test")
            self.booted = True
        self._open(event.id)

    def _open(self, identifier):
        self.current = Case(identifier, boot=self.boot)
        self.cases.append(self.current)
        self._details.clear()
        self._item_details.clear()
        self._item = self._item_plan = None
        self._item_names = set()
        self.progress += 1

    def _on_result(self, event):
        if event.depth and self.current is not None:
            self._item_result(event)
        elif event.depth == 0:
            self._case_result(event)

    def _case_result(self, event):
        mine = self.current is not None and self.current.id == event.id
        if event.damaged and not mine:
            return  # text that looks like a result
        if self.known and event.id not in self.known:
            self._problem(f"a result for {event.id}, which is not in the image")
            return
        if not mine and self._seen.get(event.id, 0) >= self.repeat:
            self._problem(f"a second result for {event.id}")
            return
        if not mine:
            if self.current is not None:
                self._close(ERROR, f"no result before that of {event.id}")
            elif event.directive != "SKIP":
                self._problem(f"a result for {event.id}, which was not started")
            self._open(event.id)
        expected = {1, self.first} if self._last_number is None else {self._last_number + 1}
        if event.number not in expected:
            wanted = " or ".join(str(number) for number in sorted(expected))
            self._problem(f"number {event.number} where {wanted} was due, at {event.id}")
        self._last_number = event.number
        status, reason = self._judge(event, self._details.lines())
        if event.doubtful and status in (PASS, SKIP):
            status, reason = ERROR, "its result line is damaged (see the log)"
        self._close(status, reason, event.text)

    def _judge(self, event, details):
        """Status and reason of a result line, with the diagnostics in front of it."""
        failure, failed = condense(details)
        status = _DIRECTIVE_STATUS.get(event.directive)
        if status == ERROR and event.text.startswith("crash:"):
            return CRASH, event.text[6:].strip()
        if status == ERROR and event.text.startswith("hang:"):
            return TIMEOUT, event.text[5:].strip()
        if status:
            return status, event.text or failure
        if not event.ok:
            value = "" if _CHECKS.match(event.text) else event.text
            return FAIL, failure or value or "no failed check was printed"
        if failed:
            return ERROR, f"reported as passed although a check failed: {failure}"
        return PASS, ""

    def _close(self, status, reason, text=""):
        case = self.current
        case.details = self._details.lines()
        case.own_failure = condense(case.details)[1] > 0
        if self._item is not None:
            if status in (CRASH, TIMEOUT, ERROR):
                self._add_item(self._item, status, reason)
            else:
                self._add_item(self._item, ERROR, "no result")
        if status == PASS and self._item_plan is not None and self._item_plan != len(case.items):
            status = ERROR
            reason = f"{len(case.items)} results for {self._item_plan} items"
        if status == PASS:
            bad = [item for item in case.items if item.status in (FAIL, ERROR, CRASH, TIMEOUT)]
            if bad:
                status, reason = ERROR, f"reported as passed although {bad[0].id} did not"
        if status == FAIL and not case.own_failure:
            bad = [item for item in case.items if not item.as_expected]
            if bad:
                name = bad[0].id[len(case.id) + 1 :]
                reason = f"{len(bad)} of {len(case.items)} items: {name}: {bad[0].reason}"
        case.status = self.verdict = status
        case.reason = reason if reason or status == PASS else "no reason given"
        self._bad += status not in (PASS, SKIP)
        if match := _CHECKS.search(text):
            case.checks = int(match[1])
        if match := _MICROSECONDS.search(text):
            case.guest_us = int(match[1])
        self._seen[case.id] = self._seen.get(case.id, 0) + 1
        self.current = None
        self.progress += 1

    def _item_result(self, event):
        status, reason = self._judge(event, self._item_details.lines())
        if status == PASS:
            reason = event.text
        self._add_item(event.id, status, reason)
        self._item = None
        self.progress += 1

    def _add_item(self, name, status, reason):
        if len(self.current.items) >= MAX_ITEMS:
            self._problem(f"more than {MAX_ITEMS} items in {self.current.id}")
            return
        unique, count = name, 1
        while unique in self._item_names:
            count += 1
            unique = f"{name}#{count}"
        if unique != name:
            self._problem(f"two items of {self.current.id} are called {name}")
        self._item_names.add(unique)
        self.current.items.append(
            Item(f"{self.current.id}.{unique}", status, reason, self._item_details.lines())
        )
        self._item_details.clear()

    def _on_diagnostic(self, event):
        if event.depth == 0 and event.text.startswith("error:"):
            if len(self.errors) < MAX_PROBLEMS:
                self.errors.append(event.text[6:].strip())
        if self.current is None:
            return
        if event.depth:
            self._item_details.add(event.text)
        self._details.add("  " * event.depth + event.text)

    def _on_bench(self, event):
        if self.current is not None:
            self._details.add("bench " + event.text)

    def _on_noise(self, event):
        if self.current is not None and event.text:
            self._details.add("| " + event.text[:200])

    def _on_totals(self, event):
        self.totals = event.counts
        self.progress += 1

    def _on_bailout(self, event):
        if self.bail_out is not None:
            return
        self.bail_out = event.text
        self.progress += 1
        if self.current is not None:
            # The guest had no chance to print a result line.
            report = next((line for line in self._details.lines() if _REPORT.match(line)), "")
            kind, _, text = report.partition(":")
            status = {"crash": CRASH, "hang": TIMEOUT}.get(kind, ERROR)
            text = text.strip() or (self.errors or [event.text])[0]
            if report and not event.text.startswith(kind):
                text += f"; then: {event.text}"  # the report itself came to grief
            self._close(status, text)

    # -- the end ------------------------------------------------------------------------------

    def abandon(self, status, reason, details=()):
        """The VM is gone: settles the case that was running. False when none was."""
        if self.current is None:
            return False
        for line in details:
            self._details.add(line)
        self.current.abandoned = True
        self._close(status, reason)
        return True

    def check(self, remaining):
        """Contradictions over the whole boot; `remaining` is how many cases were due in it."""
        if self.totals is not None and self.plan is not None:
            if len(self.cases) != remaining:
                self._problem(f"{len(self.cases)} results where {remaining} were due")
            said = self.totals.get("fail", 0) + self.totals.get("error", 0)
            if said > self._bad:
                self._problem(f"the totals count {said} bad results, {self._bad} were seen")
        if self.cases and self.plan is None:
            self._problem("no plan")
        return self.problems


_REPORT = re.compile(r"(crash|hang):")
