# SPDX-License-Identifier: MIT
"""One VMM process: started, read, limited in time and output, ended for certain."""

import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field

# How a boot came to its end.
EXITED = "exited"  # the VMM ended by itself
OVERDUE = "overdue"  # a test, or the boot before the first one, took longer than allowed
FLOOD = "flood"  # more output than allowed
REBOOTED = "rebooted"  # the guest started over
POWERED_OFF = "powered off"  # the guest ended the VM, as the VMM knows
LINGERED = "lingered"  # the guest said its last word, the VMM went on
UNSTARTED = "unstarted"  # the program could not be executed
STOPPED = "stopped"  # what the guest said is enough

STDERR_KEEP = 64 * 1024
_SANITIZER = re.compile(r": runtime error: |Sanitizer: ")  # what is wrong; a backtrace follows


@dataclass(slots=True)
class Limits:
    test: float = 60.0  # seconds a test may take, and the boot before the first one
    linger: float = 10.0  # seconds between the guest's last word and the VMM's end
    console: int = 64 << 20  # bytes of one boot
    log_head: int = 4 << 20  # bytes kept of the console: from the beginning
    log_tail: int = 1 << 20  # and from the end


@dataclass(slots=True)
class Ending:
    how: str
    status: int = 0  # of the process; negative: the signal that killed it
    stderr: str = ""
    console_bytes: int = 0
    short: list = field(default_factory=list)  # state of the CPUs of a hung machine
    long: list = field(default_factory=list)

    def describe(self, name):
        """The end of the process in words."""
        if self.status < 0:
            try:
                text = f"{name} was killed by {signal.Signals(-self.status).name}"
            except ValueError:
                text = f"{name} was killed by signal {-self.status}"
        else:
            text = f"{name} ended with status {self.status}"
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        if not lines or self.status == 0:
            return text
        said = next((line for line in lines if _SANITIZER.search(line)), lines[-1])
        return f"{text}: {said[:300]}"


class Log:
    """The raw console of a boot in a file, bounded: its head and its tail."""

    def __init__(self, path, limits, preface):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._file = open(path, "wb")
        self._room = limits.log_head
        self._limit = limits.log_tail
        self._tail = bytearray()
        self._dropped = 0
        self._file.write(preface.encode("utf-8", "replace"))

    def write(self, data):
        head = data[: self._room]
        self._file.write(head)
        self._room -= len(head)
        self._tail += data[len(head) :]
        if len(self._tail) > 2 * self._limit:
            self._dropped += len(self._tail) - self._limit
            del self._tail[: -self._limit]

    def close(self, lines=()):
        if self._dropped:
            self._file.write(f"\n# [{self._dropped} bytes left out here]\n".encode())
        self._file.write(self._tail)
        if lines:
            self._file.write(b"\n")
        for line in lines:
            self._file.write(f"# {line}\n".encode("utf-8", "replace"))
        self._file.close()


def with_parent(command):
    """The command, so that it cannot outlive who starts it, however that ends.

    setpriv does nothing but ask the kernel for it (prctl(2), PR_SET_PDEATHSIG) and become it.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else list(command)


def die_with_parent():
    """The same for this process, which somebody else has started."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG


def run(command, parser, transcript, log, limits, pass_fds=(), started=None, postmortem=None):
    """Runs the VMM to its end, feeding the transcript. Never raises for what the VMM does."""
    try:
        if not os.access(command[0], os.X_OK):
            raise PermissionError(f"{command[0]} is not an executable file")
        process = subprocess.Popen(
            with_parent(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    except OSError as error:
        return Ending(UNSTARTED, stderr=str(error))
    if started:
        started()
    try:
        return _read(process, parser, transcript, log, limits, postmortem)
    finally:
        kill_group(process)
        process.stdout.close()
        process.stderr.close()


def kill_group(process):
    """Ends a process that leads a session, with all its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        pass
    process.wait()


def _read(process, parser, transcript, log, limits, postmortem):
    ending = Ending(EXITED)
    stderr = bytearray()
    listening = True
    exited = os.pidfd_open(process.pid)
    console = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        for descriptor in (console, process.stderr.fileno()):
            os.set_blocking(descriptor, False)
            selector.register(descriptor, selectors.EVENT_READ)
        selector.register(exited, selectors.EVENT_READ)

        def read_some(descriptor):
            """True while there may be more."""
            try:
                data = os.read(descriptor, 65536)
            except BlockingIOError:
                return False
            if not data:
                selector.unregister(descriptor)
                return False
            if descriptor != console:
                stderr.extend(data)
                if len(stderr) > 2 * STDERR_KEEP:
                    del stderr[:-STDERR_KEEP]
                return True
            ending.console_bytes += len(data)
            log.write(data)
            for event in parser.feed(data) if listening else ():
                transcript.feed(event)
            return True

        try:
            ending.how = _loop(selector, exited, read_some, ending, transcript, limits)
        finally:
            selector.unregister(exited)
            os.close(exited)
        if ending.how == OVERDUE and postmortem:
            listening = False  # the verdict stands, whatever the guest says now
            ending.short, ending.long = _while_reading(selector, read_some, postmortem)
    if ending.how == EXITED:
        for event in parser.close():
            transcript.feed(event)
        ending.status = process.wait()
    ending.stderr = stderr.decode("utf-8", "backslashreplace")
    return ending


def _while_reading(selector, read_some, work):
    """work(), while the VMM's output goes to the log: one whose pipe is full answers nothing."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        while not working.done():
            for key, _ in selector.select(0.05):
                read_some(key.fd)
    return working.result()


def _loop(selector, exited, read_some, ending, transcript, limits):
    stage, ended = transcript.stage, False
    deadline = time.monotonic() + limits.test
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return LINGERED if ended else OVERDUE
        ready = [key.fd for key, _ in selector.select(left)]
        for descriptor in ready:
            if descriptor != exited:
                read_some(descriptor)
        if transcript.rebooted:
            return REBOOTED
        if transcript.enough:
            return STOPPED
        if ending.console_bytes > limits.console:
            return FLOOD
        if exited in ready:
            # What the VMM wrote before it ended is still in the pipes. A child of the VMM may hold
            # them open: take what is there, do not wait for the end of the file.
            for key in list(selector.get_map().values()):
                while key.fd != exited and read_some(key.fd):
                    if ending.console_bytes > limits.console:
                        return FLOOD
            return REBOOTED if transcript.rebooted else EXITED
        if transcript.ended and not ended:
            ended = True
            deadline = time.monotonic() + limits.linger
        elif transcript.stage != stage and not ended:
            stage = transcript.stage
            deadline = time.monotonic() + limits.test
