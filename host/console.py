# SPDX-License-Identifier: MIT
"""The console protocol: bytes in, events out. Nothing here knows of processes, files or time.

What arrives is what a guest under test wrote, so anything may arrive: half lines, two CPUs in one
line, NULs, binary, terminal escapes, a line without an end. Memory is bounded (one line), no input
raises, and whatever is not understood comes out as `Noise`.

The protocol is KTAP 1 (https://docs.kernel.org/dev-tools/ktap.html) with a few comment lines of
Assay's own; docs/console.md lists them.
"""

import re
from dataclasses import dataclass, field

MAX_LINE = 4096  # longer lines are cut; the rest up to the line's end is dropped
MAX_DEPTH = 1  # cases, and the items of a case


@dataclass(slots=True)
class Event:
    depth: int = 0


@dataclass(slots=True)
class Version(Event):
    """`KTAP version 1`: a boot begins (depth 0), or the items of a case (depth 1)."""


@dataclass(slots=True)
class Header(Event):
    """`# assay <version> <arch> build=… seed=… …`"""

    fields: dict = field(default_factory=dict)
    text: str = ""


@dataclass(slots=True)
class Capabilities(Event):
    """`# capabilities: gicv3 cpus(2) …`"""

    names: list = field(default_factory=list)


@dataclass(slots=True)
class Plan(Event):
    """`1..N`"""

    count: int = 0


@dataclass(slots=True)
class Start(Event):
    """`# start <id>`"""

    id: str = ""
    damaged: bool = False  # found behind other text on the same line


@dataclass(slots=True)
class Result(Event):
    """`ok N id` or `not ok N id`, with an optional directive and text behind `#`."""

    ok: bool = False
    number: int = 0
    id: str = ""
    directive: str = ""  # SKIP, ERROR, TIMEOUT, XFAIL, TODO or ""
    text: str = ""
    damaged: bool = False  # found behind other text on the same line
    doubtful: bool = False  # and that text may be what is left of a "not"


@dataclass(slots=True)
class Totals(Event):
    """`# Totals: pass:1 fail:1 skip:1 error:0`"""

    counts: dict = field(default_factory=dict)


@dataclass(slots=True)
class Bench(Event):
    """`# bench <name> <unit> n=… min=… p50=… p99=… max=…`"""

    text: str = ""


@dataclass(slots=True)
class BailOut(Event):
    """`Bail out! <reason>`: the guest gives up and ends the VM."""

    text: str = ""


@dataclass(slots=True)
class Diagnostic(Event):
    """Any other `#` line; `text` is what follows the `#` and one blank."""

    text: str = ""


@dataclass(slots=True)
class Noise(Event):
    """A line that is not of the protocol: firmware, a stray write, damage."""

    text: str = ""


# KTAP: everything up to a blank and a '#' is the description. An item's name may have blanks.
_RESULT = re.compile(r"(not )?ok (\d{1,9}) (?:- )?([^\s#].*?)(?:\s+#(.*))?$")
# Not GLib's g_assert(), which says so on standard output: there a VMM that aborts, and no guest.
_BAIL_OUT = re.compile(r"Bail out!(?! ERROR:\S+:\d+:\w+: )")
_PLAN = re.compile(r"1\.\.(\d{1,9})\s*(?:#.*)?$")
_START = re.compile(r"# start (\S.*)$")
# Behind other text only an unmistakable line counts, and it is marked as damaged.
_DAMAGED_RESULT = re.compile(rb"(?:not )?ok \d{1,9} [\w.\-]+(?:\s+#.*)?$")
_NO_NOT = re.compile(rb"[^not ]{4}$")
_DAMAGED_START = re.compile(r"# start [\w.\-]+$")
_DIRECTIVE = re.compile(r"(SKIP|ERROR|TIMEOUT|XFAIL|TODO)\b[:\s]*(.*)$", re.IGNORECASE)
_COUNT = re.compile(r"(\w+):(\d{1,9})")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STRIP = str.maketrans("", "", "\x00\r")


def printable(text):
    """Nothing a guest writes may move a terminal's cursor: control characters become `\\xNN`."""
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class Parser:
    """Feed it bytes as they come; it returns the events of the lines that are complete."""

    def __init__(self):
        self._partial = bytearray()
        self._cut = False  # the current line is over MAX_LINE, its rest is being dropped

    def feed(self, data):
        events = []
        pieces = data.split(b"\n")
        for piece in pieces[:-1]:
            self._append(piece)
            events.append(parse_line(bytes(self._partial)))
            self._partial.clear()
            self._cut = False
        self._append(pieces[-1])
        return events

    def close(self):
        """What is left without a line end: never a result, for its end is missing."""
        text = _decode(bytes(self._partial)).strip()
        self._partial.clear()
        if not text:
            return []
        if _BAIL_OUT.match(text):
            return [BailOut(text=text[9:].strip())]
        return [Noise(text=printable(text))]

    def _append(self, piece):
        room = MAX_LINE - len(self._partial)
        if not self._cut:
            self._partial += piece[:room]
            self._cut = len(piece) > room


def _decode(line):
    return line.decode("utf-8", "backslashreplace").translate(_STRIP)


def parse_line(line):
    """One line (bytes, no line end) to one event."""
    text = _decode(line)
    body = text.lstrip(" ")
    depth = min((len(text) - len(body)) // 2, MAX_DEPTH)
    body = body.rstrip()
    first = body[:1]
    if first == "#":
        return _comment(body, depth)
    if first in ("o", "n") and (match := _RESULT.match(body)):
        return _result(match, depth)
    if first == "1" and (match := _PLAN.match(body)):
        return Plan(depth, int(match[1]))
    if body.startswith("KTAP version "):
        return Version(depth)
    if _BAIL_OUT.match(body):
        return BailOut(0, printable(body[9:].strip()))
    if b"ok " in line and (match := _DAMAGED_RESULT.search(line.rstrip())):
        event = _result(_RESULT.match(_decode(match[0])), 0)
        event.damaged = True
        event.doubtful = not _NO_NOT.search(line[: match.start()])
        return event
    if "# start " in body and (match := _DAMAGED_START.search(body)):
        return Start(0, match[0][8:], damaged=True)
    return Noise(depth, printable(body))


def _comment(body, depth):
    text = body[2:] if body[1:2] == " " else body[1:]
    word, _, rest = text.partition(" ")
    if word == "start" and (match := _START.match(body)):
        return Start(depth, printable(match[1]))
    if word == "bench" and rest:
        return Bench(depth, printable(rest))
    if depth == 0 and word == "assay":
        fields = dict(part.split("=", 1) for part in rest.split() if "=" in part)
        return Header(0, fields, printable(text))
    if depth == 0 and word == "capabilities:":
        return Capabilities(0, [printable(name) for name in rest.split()])
    if depth == 0 and word == "Totals:":
        return Totals(0, {name: int(count) for name, count in _COUNT.findall(rest)})
    return Diagnostic(depth, printable(text))


def _result(match, depth):
    ok, number, identifier, rest = not match[1], int(match[2]), match[3], (match[4] or "")
    directive, text = "", rest.strip()
    if found := _DIRECTIVE.match(text):
        directive, text = found[1].upper(), found[2].strip()
    return Result(depth, ok, number, printable(identifier), directive, printable(text))
