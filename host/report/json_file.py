# SPDX-License-Identifier: MIT
"""JSON, schema "assay-results-1": see docs/runner.md. Items are entries of their own."""

import json

SCHEMA = "assay-results-1"


def write(runs, verdicts=()):
    document = {"schema": SCHEMA, "runs": [_run(run) for run in runs]}
    if verdicts:
        document["faults"] = [_verdict(verdict) for verdict in verdicts]
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def _run(run):
    return {
        "machine": run.machine,
        "arch": run.arch,
        "vmm": {"name": run.vmm, "version": run.vmm_version},
        "accel": run.accel,
        "boots": run.boots,
        "wall_ms": run.wall_ms,
        "tests": [entry for case in run.cases for entry in _case(case)],
    }


def _verdict(verdict):
    return {
        "machine": verdict.machine,
        "name": verdict.name,
        "summary": verdict.summary,
        "noticed": verdict.noticed,
        "by": verdict.by,
        "reason": verdict.reason,
    }


def _case(case):
    yield _entry(case, case.checks, case.guest_us)
    for item in case.items:
        yield _entry(item, 0, 0)


def _entry(result, checks, guest_us):
    return {
        "id": result.id,
        "status": result.status,
        "reason": result.reason,
        "checks": checks,
        "guest_us": guest_us,
    }
