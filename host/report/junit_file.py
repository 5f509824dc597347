# SPDX-License-Identifier: MIT
"""JUnit XML as CI systems read it: a test suite a machine, items as test cases of their own."""

import re
from xml.sax.saxutils import escape, quoteattr

from host.results import CRASH, ERROR, FAIL, SKIP, TIMEOUT, XFAIL, XPASS

# XML 1.0 (section 2.2) has no way to write these, not even as references.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_ELEMENT = {
    FAIL: "failure",
    XPASS: "failure",
    ERROR: "error",
    CRASH: "error",
    TIMEOUT: "error",
    SKIP: "skipped",
    XFAIL: "skipped",
}


def write(runs):
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for run in runs:
        lines += _suite(run)
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _suite(run):
    results = [(result, case) for case in run.cases for result in (case, *case.items)]
    elements = [_ELEMENT.get(result.status) for result, _ in results]
    yield (
        f"<testsuite name={_attribute(run.machine)} tests=\"{len(results)}\" "
        f'failures="{elements.count("failure")}" errors="{elements.count("error")}" '
        f'skipped="{elements.count("skipped")}" time="{run.wall_ms / 1000:.3f}">'
    )
    yield "<properties>"
    for name, value in (
        ("arch", run.arch),
        ("vmm", f"{run.vmm} {run.vmm_version}".strip()),
        ("accel", run.accel),
        ("boots", str(run.boots)),
        ("seed", run.seed),
    ):
        yield f'<property name="{name}" value={_attribute(value)}/>'
    yield "</properties>"
    for result, case in results:
        yield from _test_case(run, result, case)
    yield "</testsuite>"


def _test_case(run, result, case):
    if result is case:
        group, _, name = case.id.rpartition(".")
    else:
        group, name = case.id, result.id[len(case.id) + 1 :]
    seconds = case.guest_us / 1e6 if result is case else 0
    opening = (
        f"<testcase classname={_attribute(f'{run.machine}.{group}')} "
        f'name={_attribute(name)} time="{seconds:.6f}"'
    )
    element = _ELEMENT.get(result.status)
    if not element:
        yield opening + "/>"
        return
    yield opening + ">"
    kind = "" if result.status in (FAIL, SKIP) else f"{result.status}: "
    message = kind + result.reason
    details = "\n".join(result.details)
    if element == "skipped":
        yield f"<skipped message={_attribute(message)}/>"
    else:
        yield (
            f"<{element} type={_attribute(result.status)} message={_attribute(message)}>"
            f"{_text(details)}</{element}>"
        )
    yield "</testcase>"


def _clean(text):
    return _FORBIDDEN.sub("\ufffd", text)


def _text(text):
    return escape(_clean(text))


def _attribute(text):
    return quoteattr(_clean(text), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})
