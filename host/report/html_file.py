# SPDX-License-Identifier: MIT
"""One HTML file for people: a table of machines, and everything that is not a pass opened."""

from html import escape

from host.results import STATUSES

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;width:100%;margin:.5em 0 2em}
th,td{text-align:left;padding:.2em .6em;border-bottom:1px solid #ddd;vertical-align:top}
td.id{font-family:ui-monospace,monospace;white-space:nowrap}
pre{background:#f6f6f6;padding:.6em;overflow:auto;font-size:12px}
.pass{color:#177a32}.skip{color:#777}.xfail{color:#8a6d00}
.fail,.error,.crash,.timeout,.xpass{color:#b3121d;font-weight:600}
tr.item td.id{padding-left:2em}
@media (prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre{background:#222}
th,td{border-color:#333}.pass{color:#5c5}.fail,.error,.crash,.timeout,.xpass{color:#f66}}
"""


def write(runs):
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Assay results</title>",
        f"<style>{_STYLE}</style><h1>Assay results</h1>",
        "<table><tr><th>machine<th>VMM<th>boots<th>time",
        *(f"<th>{status}" for status in STATUSES),
    ]
    for run in runs:
        counts = run.counts()
        parts.append(
            f"<tr><td><a href='#{_e(run.machine)}'>{_e(run.machine)}</a>"
            f"<td>{_e(run.vmm)} {_e(run.vmm_version)} {_e(run.accel)}"
            f"<td>{run.boots}<td>{run.wall_ms / 1000:.1f} s"
        )
        for status in STATUSES:
            mark = f" class={status}" if counts[status] else ""
            parts.append(f"<td{mark}>{counts[status] or ''}")
    parts.append("</table>")
    for run in runs:
        parts += _machine(run)
    return "\n".join(parts) + "\n</html>\n"


def _machine(run):
    yield f"<h2 id='{_e(run.machine)}'>{_e(run.machine)}</h2><p>{_e(run.header)}</p><table>"
    for case in run.cases:
        yield from _row(case, "case")
        for item in case.items:
            yield from _row(item, "item")
    yield "</table>"


def _row(result, kind):
    yield (
        f"<tr class={kind}><td class=id>{_e(result.id)}<td class={result.status}>{result.status}"
        f"<td>{_e(result.reason)}"
    )
    if not result.as_expected and result.details:
        yield "<details><summary>console</summary><pre>"
        yield "\n".join(_e(line) for line in result.details)
        yield "</pre></details>"


def _e(text):
    return escape(str(text), quote=True)
