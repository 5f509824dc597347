# SPDX-License-Identifier: MIT
"""Runs machines, or a machine with one fault after the other: one in this process, several by lit.

lit decides what runs when (the longest first, from the times it remembers); its workers report
their steps on a socket, so that progress is seen while they run.
"""

import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile

from host import process as vm_process
from host import results, session, tools
from host.prepare import NotPrepared


def run(targets, settings, at_once, view, faults=("",)):
    """Runs of all targets with each of the faults, in this order; "" is none."""
    jobs = [(target, fault) for target in targets for fault in faults]
    if len(jobs) == 1:
        target, fault = jobs[0]
        return [_run_here(target, settings.with_fault(fault), view)]
    return _run_by_lit(jobs, settings, at_once, view)


def _run_here(target, settings, view):
    label = results.label(target.machine.name, settings.fault)

    def emit(kind, **fields):
        view.event(label, kind, **fields)

    done = session.Session(target, settings, emit).execute()
    emit("done", run=done)
    return done


def _run_by_lit(jobs, settings, at_once, view):
    wanted = [(target.machine.name, fault) for target, fault in jobs]
    with tempfile.TemporaryDirectory(prefix="assay-") as directory:
        request = os.path.join(directory, "request.json")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        events = os.path.join(directory, "events")
        listener.bind(events)
        listener.listen()
        with open(request, "w", encoding="utf-8") as stream:
            content = {"jobs": wanted, "settings": settings.to_json(), "events": events}
            json.dump(content, stream)
        command = [*_lit_command(), "-v", "-j", str(min(at_once, len(jobs)))]
        process = subprocess.Popen(
            vm_process.with_parent([*command, str(tools.ROOT / "tests")]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "ASSAY_REQUEST": request, "LIT_OPTS": ""},
        )
        try:
            runs, output = _follow(process, listener, view)
        finally:
            vm_process.kill_group(process)
            listener.close()
    done = []
    for name, fault in wanted:
        fault = fault or settings.fault
        label = results.label(name, fault)
        if label not in runs:
            sys.stderr.write(output)
            runs[label] = results.Run(name, not_run="its lit worker failed: see above", fault=fault)
        done.append(runs[label])
    return done


def _lit_command():
    lit = tools.from_setup("lit")
    if not lit:
        raise NotPrepared("lit is not there; get it with: deps/setup run")
    return [sys.executable, "-s", lit]


def _follow(process, listener, view):
    """Reads the workers' sockets and lit's own output until lit ends."""
    runs, output, buffers = {}, bytearray(), {}
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(process.stdout, selectors.EVENT_READ)
        lit_is_up = True
        while lit_is_up or buffers:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    selector.register(connection, selectors.EVENT_READ)
                    buffers[connection] = bytearray()
                    continue
                data = os.read(key.fd, 65536)
                if key.fileobj is process.stdout:
                    output += data[: (1 << 20) - len(output)]
                    if not data:
                        selector.unregister(process.stdout)
                        lit_is_up = False
                    continue
                buffer = buffers[key.fileobj]
                buffer += data
                *lines, rest = bytes(buffer).split(b"\n")
                buffer[:] = rest
                for line in lines:
                    _handle(json.loads(line), runs, view)
                if not data:
                    selector.unregister(key.fileobj)
                    del buffers[key.fileobj]
                    key.fileobj.close()
    process.stdout.close()
    return runs, output.decode("utf-8", "replace")


def _handle(message, runs, view):
    label, kind = message.pop("label"), message.pop("kind")
    if "case" in message:
        message["case"] = results.Case.from_dict(message["case"])
    if "run" in message:
        message["run"] = results.Run.from_dict(message["run"])
        runs[label] = message["run"]
    view.event(label, kind, **message)
