# SPDX-License-Identifier: MIT
"""KTAP version 1: a subtest a machine, in it its cases, in them their items.

https://docs.kernel.org/dev-tools/ktap.html
"""

from host.results import CRASH, ERROR, FAIL, PASS, SKIP, TIMEOUT, XFAIL, XPASS

_OK = (PASS, SKIP, XFAIL)


def write(runs):
    lines = ["KTAP version 1", f"1..{len(runs)}"]
    for number, run in enumerate(runs, 1):
        lines += [f"  # {run.vmm} {run.vmm_version} {run.accel}, boots: {run.boots}"]
        lines += ["  KTAP version 1", f"  1..{len(run.cases)}"]
        for index, case in enumerate(run.cases, 1):
            lines += _result(index, case, case.id, "  ", case.items)
        lines.append(_line(number, run.as_expected, run.machine, ""))
    return "\n".join(lines) + "\n"


def _result(number, result, name, indent, items=()):
    if items:
        yield f"{indent}  KTAP version 1"
        yield f"{indent}  1..{len(items)}"
        for index, item in enumerate(items, 1):
            yield from _result(index, item, item.id[len(name) + 1 :], indent + "  ")
    if result.status not in _OK:
        for line in result.details:
            yield f"{indent}# {line}"
    yield indent + _line(number, result.status in _OK, name, _directive(result))


def _directive(result):
    reason = result.reason.replace("\n", " ")
    return {
        PASS: "",
        FAIL: reason,
        SKIP: f"SKIP {reason}",
        ERROR: f"ERROR {reason}",
        CRASH: f"ERROR crash: {reason}",
        TIMEOUT: f"TIMEOUT {reason}",
        XFAIL: f"XFAIL {reason}",
        XPASS: f"XPASS {reason}",
    }[result.status]


def _line(number, ok, name, text):
    name = name.replace("#", "_")
    return f"{'ok' if ok else 'not ok'} {number} {name}" + (f" # {text}" if text else "")
