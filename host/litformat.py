# SPDX-License-Identifier: MIT
"""Assay's tests as lit sees them: every machine is one lit test, its cases are micro results.

run_tests.sh describes what it wants in a file named by ASSAY_REQUEST: which machines with which
faults, which settings, and the socket on which to report every step. Without it (`lit tests/`) all
machines that can run here are there, with default settings, beside the shell tests (*.test).
"""

import io
import json
import os
import socket
import sys
from dataclasses import asdict

import lit.formats
import lit.Test

from host import image as images
from host import machine as machines
from host import process, progress, results, session, tools, vmm
from host.settings import Settings

PREFIX = "machine"

_CODES = {
    results.PASS: lit.Test.PASS,
    results.FAIL: lit.Test.FAIL,
    results.SKIP: lit.Test.UNSUPPORTED,
    results.ERROR: lit.Test.UNRESOLVED,
    results.CRASH: lit.Test.FAIL,
    results.TIMEOUT: lit.Test.TIMEOUT,
    results.XFAIL: lit.Test.XFAIL,
    results.XPASS: lit.Test.XPASS,
}


class AssayFormat(lit.formats.ShTest):
    """Machines at the suite's root, shell tests in its folders."""

    def __init__(self, parameters):
        """parameters: lit's -D. qemu=PATH, timeout=SECONDS, seed=N, logs=DIR as of run_tests.sh."""
        super().__init__(execute_external=False)
        request = os.environ.get("ASSAY_REQUEST", "")
        self.request = json.loads(open(request, encoding="utf-8").read()) if request else {}
        if self.request:
            self.settings = Settings.from_json(self.request["settings"])
        else:
            self.settings = Settings()
            if build := os.environ.get("ASSAY_BUILD_DIR"):
                self.settings.build = build
                self.settings.models = os.path.join(build, "models")
            self.settings.logs = parameters.get("logs", self.settings.logs)
            self.settings.timeout = float(parameters.get("timeout", 0))
            self.settings.seed = int(parameters.get("seed", 1))
            if "qemu" in parameters:
                self.settings.programs["qemu"] = parameters["qemu"]

    def getTestsInDirectory(self, suite, path_in_suite, lit_config, local_config):
        if not path_in_suite:
            for name, fault in self.request.get("jobs") or [(n, "") for n in machines.names()]:
                path = (PREFIX, name, fault) if fault else (PREFIX, name)
                yield lit.Test.Test(suite, path, local_config)
        if not self.request:
            yield from super().getTestsInDirectory(suite, path_in_suite, lit_config, local_config)

    def execute(self, test, lit_config):
        if test.path_in_suite[0] != PREFIX:
            return super().execute(test, lit_config)
        _, name, *faults = test.path_in_suite
        machine = machines.load_named(name)
        settings = self.settings.with_fault(*faults)
        try:
            target = session.resolve(machine, None, settings)
            target.image = images.of_machine(machine, settings)
        except (vmm.Missing, images.BadImage) as error:
            unavailable = isinstance(error, vmm.Missing)
            code = lit.Test.UNSUPPORTED if unavailable else lit.Test.UNRESOLVED
            return lit.Test.Result(code, str(error))
        label = results.label(name, settings.fault)
        with Reporter(self.request.get("events", ""), label) as reporter:
            run = session.Session(target, settings, reporter.emit).execute()
            reporter.emit("done", run=run)
        return _lit_result(run)


def _lit_result(run):
    style = progress.Style(io.StringIO())
    output = "\n".join(progress.run_lines(run, False, style)) + "\n"
    if not run.begun:
        code = lit.Test.UNRESOLVED
    else:
        code = lit.Test.PASS if run.as_expected else lit.Test.FAIL
    result = lit.Test.Result(code, output)
    for case in run.cases:
        name, count = case.id, 1
        while name in result.microResults:  # --repeat
            count += 1
            name = f"{case.id} ({count})"
        micro = lit.Test.Result(_CODES[case.status], case.reason, case.guest_us / 1e6)
        result.addMicroResult(name, micro)
    return result


class Reporter:
    """Sends steps to the socket of run_tests.sh, one JSON object a line."""

    def __init__(self, path, label):
        self._label = label
        self._socket = None
        if path:
            process.die_with_parent()  # lit does not see to that when it is killed
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._socket:
            self._socket.close()

    def emit(self, kind, **fields):
        if not self._socket:
            return
        for name in ("case", "run"):
            if name in fields:
                fields[name] = asdict(fields[name])
        message = {"label": self._label, "kind": kind, **fields}
        self._socket.sendall(json.dumps(message).encode() + b"\n")


def substitutions(parameters):
    """What *.test files may use beside lit's own.

    %run_tests  the command, with logs of its own
    %status N   runs what follows and wants exactly this exit status
    """
    command = f"{tools.ROOT}/run_tests.sh --logs %t.logs"
    if "qemu" in parameters:
        command += f" --qemu {parameters['qemu']}"
    return [
        ("%run_tests", command),
        ("%status", f"{sys.executable} -I {tools.ROOT}/host/tests/status.py"),
        ("FileCheck", tools.from_setup("filecheck") or tools.find_program("FileCheck", True)),
    ]
