# SPDX-License-Identifier: MIT
"""One machine: as many boots as it takes until every test has a result.

Usually that is one. After a crash or a hang the next boot starts behind the case that did it, so
every further boot settles at least one case, and a boot that settles none is the last.
"""

import fcntl
import os
import shlex
import time
from dataclasses import dataclass

from host import globs, process, vmm
from host.console import Parser
from host.machine import EXITS, contradicted_by_skip, missing_capabilities, version_in
from host.results import (
    CRASH,
    ERROR,
    FAIL,
    GAVE_UP,
    MACHINE_BOOT,
    MACHINE_CAPABILITIES,
    MACHINE_CONSOLE,
    MACHINE_END,
    MACHINE_EXPECTATIONS,
    PASS,
    SKIP,
    TIMEOUT,
    Case,
    Run,
)
from host.symbols import Symbolizer
from host.transcript import Transcript

MAX_INLINE_SELECTION = 1024  # longer selections travel in the initrd: bootargs are short everywhere


@dataclass(slots=True)
class Target:
    """A machine that can run here, with everything that was found out about it."""

    machine: object
    image: object
    backend: object
    path: str
    version: str
    accel: str

    def faults(self):
        """{name: summary} of what can be made wrong on purpose."""
        return self.backend.faults(self.path) if self.backend.has_faults else {}

    @property
    def vmm_name(self):
        return vmm.NAMES[self.backend.kind]


def resolve(machine, image, settings):
    """Raises vmm.Missing when this machine cannot run here. `image` may come later."""
    backend = vmm.backend(machine.vmm)
    accel = settings.accel or machine.accel[0]
    if accel not in machine.accel:
        offered = ", ".join(machine.accel)
        raise vmm.Missing(f"it does not run under {accel}, only under {offered}")
    backend.check(machine, accel)
    path = backend.find(settings, machine)
    version = backend.version(path, settings.cache)
    if not version_in(version, machine.versions):
        name = vmm.NAMES[machine.vmm]
        raise vmm.Missing(f"needs {name} {machine.versions}, this is {name} {version}")
    return Target(machine, image, backend, path, version, accel)


def selection(machine, image, settings):
    """Which tests run on this machine: the patterns for the guest, and what they choose."""
    patterns = settings.patterns
    if machine.tests and machine.name not in settings.unlimited:
        patterns = globs.limit(patterns, machine.tests, image.tests)
    return patterns, globs.select(patterns, image.tests)


class Session:
    def __init__(self, target, settings, emit, limits=None):
        """emit(kind, **fields) is told of every step: "plan", "start", "case", "note"."""
        self.target = target
        self.settings = settings
        self.emit = emit
        self.limits = limits or process.Limits()
        if settings.timeout:
            self.limits.test = settings.timeout
        self.symbolizer = Symbolizer(target.image)
        self.patterns, self.selected = selection(target.machine, target.image, settings)
        self.total = len(self.selected) * settings.repeat
        self.logs = os.path.join(settings.logs, target.machine.name)
        self.run = Run(
            machine=target.machine.name,
            arch=target.machine.arch,
            vmm=target.vmm_name,
            vmm_version=target.version,
            accel=target.accel,
            seed=str(settings.seed),
            logs=self.logs,
            fault=settings.fault,
        )
        self._reported = 0
        self._own = set()
        self._items = {}  # test that came to its end -> names of its items

    # -- the whole ----------------------------------------------------------------------------

    def execute(self):
        os.makedirs(self.logs, exist_ok=True)
        with open(os.path.join(self.logs, "lock"), "wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.run.not_run = (
                    f"another run is using {self.logs}: wait for its end, "
                    "or name another folder with --logs"
                )
                return self.run
            return self._execute()

    def _execute(self):
        begin = time.monotonic()
        self._clean_logs()
        self._check_expectations()
        self.emit("plan", total=self.total)
        first = 1
        try:
            while first <= self.total:
                count = self._boot(first)
                if not count:
                    break
                first += count
        except vmm.Missing as error:
            self.run.not_run = str(error)
        self._check_item_expectations()
        self.run.wall_ms = round((time.monotonic() - begin) * 1000)
        return self.run

    def _clean_logs(self):
        """Logs of an earlier run must not be taken for this one's."""
        for name in os.listdir(self.logs):
            if name.startswith("boot-") or name == "selection":
                os.unlink(os.path.join(self.logs, name))

    def _check_expectations(self):
        tests = self.target.image.tests
        for pattern in self.target.machine.tests:
            if not any(globs.matches(pattern.removeprefix("-"), test.id) for test in tests):
                self._own_result(
                    MACHINE_EXPECTATIONS, f"'{pattern}' is in `tests` and not in the image"
                )
        for expectation in self.target.machine.expectations:
            if not any(globs.matches(expectation.test, test.id) for test in tests):
                self._own_result(
                    MACHINE_EXPECTATIONS,
                    f"'{expectation.test}' has an expectation and is not in the image",
                )

    def _check_item_expectations(self):
        """As above, for items. They are known only when all tests that are meant came to an end."""
        machine = self.target.machine
        for expectation in machine.expectations:
            if not expectation.item:
                continue
            if not expectation.applies(self.target.version, self.target.accel):
                continue
            tests = self.target.image.tests
            meant = {test.id for test in tests if globs.matches(expectation.test, test.id)}
            if not meant <= self._items.keys():
                continue
            names = set().union(*(self._items[identifier] for identifier in meant))
            if names and not any(globs.matches(expectation.item, name) for name in names):
                self._own_result(
                    MACHINE_EXPECTATIONS,
                    f"'{expectation.item}' has an expectation and is no item of {expectation.test}",
                )

    def _own_result(self, identifier, reason, details=()):
        """A result that no test can be blamed for. The same thing is said once."""
        if (identifier, reason) in self._own:
            return
        self._own.add((identifier, reason))
        case = Case(identifier, ERROR, reason, details=list(details), boot=self.run.boots)
        self.run.cases.append(case)
        self.emit("case", case=case)

    # -- one boot -----------------------------------------------------------------------------

    def _boot(self, first):
        """Boots once, from the first-th case on. How many cases it settled; 0: no use going on."""
        self.run.boots += 1
        number = self.run.boots
        transcript = Reporting(
            self._on_step,
            known=[test.id for test in self.target.image.tests],
            first=first,
            repeat=self.settings.repeat,
            boot=number,
        )
        self._reported = 0
        ending = self._run_vmm(first, number, transcript)
        if ending.how == process.STOPPED:
            return 0
        abandoned = self._settle(transcript, ending)
        self._report_cases(transcript)
        if transcript.header is not None and not self.run.header:
            self.run.header = transcript.header.text
        return self._judge(transcript, ending, first, abandoned)

    def _run_vmm(self, first, number, transcript):
        machine, backend = self.target.machine, self.target.backend
        kernel = str(self.target.image.kernel(machine.door, self.logs))
        start = vmm.Start(machine, self.target.accel, kernel, self.logs)
        if machine.elf_at:
            from host.vmm import placed_elf

            start.kernel = os.path.join(self.logs, self.target.image.elf.name)
            placed_elf.write(self.target.image.flat, start.kernel, machine.elf_at)
        start.cache = self.settings.cache
        start.fault = self.settings.fault
        start.extra = tuple(self.settings.vmm_args)
        start.bootargs = self._bootargs(first, start)
        qmp = None
        if backend.has_control:
            from host.vmm.qmp import Qmp

            qmp = Qmp()
            start.control_fd = qmp.child.fileno()
        command = backend.command(self.target.path, start)
        log = process.Log(
            os.path.join(self.logs, f"boot-{number}.log"),
            self.limits,
            f"# {shlex.join(map(str, command))}\n",
        )

        def look():
            from host.vmm import postmortem

            short, long = postmortem.collect(qmp, self.target.image, machine.door)
            return self.symbolizer.annotate(short), long

        ending = process.run(
            command,
            Parser(),
            transcript,
            log,
            self.limits,
            pass_fds=(start.control_fd,) if qmp else (),
            started=qmp.started if qmp else None,
            postmortem=look if qmp else None,
        )
        reason = ""
        if qmp:
            reason = qmp.shutdown_reason() if ending.how == process.EXITED else ""
            qmp.close()
        if reason == "guest-reset":
            ending.how = process.REBOOTED
        elif reason == "guest-shutdown" and ending.status == 0:
            ending.how = process.POWERED_OFF
        lines = [f"how: {ending.how}, status {ending.status}" + (f", {reason}" if reason else "")]
        lines += ["VMM stderr: " + line for line in ending.stderr.splitlines()]
        log.close(lines + ending.short + ending.long)
        return ending

    def _bootargs(self, first, start):
        settings = self.settings
        selected = ",".join(self.patterns)
        tokens = []
        # QEMU gives an ELF file no initrd, a model machine has none: their bootargs may be long.
        takes_initrd = self.target.backend.has_initrd and not self.target.machine.elf_at
        if len(selected) > MAX_INLINE_SELECTION and takes_initrd:
            start.initrd = os.path.join(self.logs, "selection")
            with open(start.initrd, "w", encoding="utf-8") as stream:
                stream.write("\n".join(self.patterns) + "\n")
            selected = "@initrd"
        if selected != globs.DEFAULT:
            tokens.append(f"assay.tests={selected}")
        tokens.append(f"assay.seed={settings.seed}")
        if settings.order != "sorted":
            tokens.append(f"assay.order={settings.order}")
        if settings.repeat != 1:
            tokens.append(f"assay.repeat={settings.repeat}")
        if first != 1:
            tokens.append(f"assay.first={first}")
        if settings.timeout:
            # The guest knows more about a hang than we do: let it be the first to notice. Less than
            # one of its seconds is 0 to it: no watchdog, and the host alone notices.
            tokens.append(f"assay.timeout={int(settings.timeout * 2 / 3)}")
        return " ".join(tokens + self.target.machine.guest)

    # -- judging ------------------------------------------------------------------------------

    def _on_step(self, transcript):
        """During the boot: reports what is settled, and what runs now."""
        self._report_cases(transcript)
        if transcript.current is not None:
            self.emit("start", id=transcript.current.id, items=len(transcript.current.items))

    def _report_cases(self, transcript):
        while self._reported < len(transcript.cases):
            case = transcript.cases[self._reported]
            if not case.status:
                return
            self._reported += 1
            self._finish(case, transcript.capabilities or [])
            self.run.cases.append(case)
            self.emit("case", case=case)
            transcript.enough |= self.settings.stop_when_noticed and case.notices

    def _finish(self, case, capabilities):
        declared = self.target.machine.declared(self.target.accel)
        for result in (case, *case.items):
            if result.status == SKIP:
                name = contradicted_by_skip(declared, capabilities, result.reason)
                if name:
                    result.status = ERROR
                    result.reason = f"skipped although the machine declares {name}: {result.reason}"
        if case.status in (CRASH, TIMEOUT) and case.details:
            case.details = self.symbolizer.annotate(case.details)
            innermost, test = self.symbolizer.place(case.details)
            # What hangs is the test, wherever it waits; what crashes may be anywhere.
            if case.status == TIMEOUT:
                innermost, test = test or innermost, ""
            if innermost:
                case.reason += f", in {innermost}"
            if test and test != innermost:
                case.reason += f", called from {test}"
        if case.status in (PASS, FAIL):
            names = self._items.setdefault(case.id, set())
            names.update(item.id[len(case.id) + 1 :] for item in case.items)
        self.target.machine.apply_expectations(case, self.target.version, self.target.accel)

    def _settle(self, transcript, ending):
        """Gives the case that was running when the VM went away its result; False: none was."""
        text = self._how(ending)
        if ending.how == process.OVERDUE:
            text = f"no end after {self.limits.test:g} s; the VMM was stopped"
            return transcript.abandon(TIMEOUT, text, ending.short)
        if ending.how == process.FLOOD:
            return transcript.abandon(ERROR, f"{text}; the VMM was stopped")
        if ending.how in (process.REBOOTED, process.POWERED_OFF):
            return transcript.abandon(CRASH, f"{text} in the middle of the case")
        return transcript.abandon(CRASH, f"the VM ended in the middle of the case: {text}")

    def _how(self, ending):
        """How the VM came to its end, in words."""
        if ending.how == process.OVERDUE:
            return f"the VMM was stopped after {self.limits.test:g} s"
        if ending.how == process.FLOOD:
            return f"more than {self.limits.console / (1 << 20):g} MiB on the console"
        if ending.how == process.REBOOTED:
            return "the guest reset the machine"
        if ending.how == process.POWERED_OFF:
            return "the guest powered the machine off"
        return ending.describe(self.target.vmm_name)

    def _judge(self, transcript, ending, first, abandoned):
        """What is wrong with the boot as such. Returns how many cases it settled."""
        count = len(transcript.cases)
        due = self.total - first + 1
        if transcript.capabilities is not None:
            declared = self.target.machine.declared(self.target.accel)
            if missing := missing_capabilities(declared, transcript.capabilities):
                text = f"declared by the machine and not found: {', '.join(missing)}"
                self._own_result(MACHINE_CAPABILITIES, text)
        if transcript.plan not in (None, self.total, due):
            text = f"the guest planned {transcript.plan} cases where {due} were selected"
            self._own_result(MACHINE_CONSOLE, text)
        if problems := transcript.check(due):
            more = f" (+{len(problems) - 1} more)" if len(problems) > 1 else ""
            self._own_result(MACHINE_CONSOLE, problems[0] + more, problems)
        if not count:
            self._no_progress(transcript, ending, first)
            return 0
        if wrong := self._wrong_end(transcript, ending, abandoned):
            self._own_result(MACHINE_END, wrong)
        if transcript.totals is not None and count < due:
            missing = f"{due - count} of {due} cases have no result"
            self._own_result(MACHINE_CONSOLE, missing)
            return self.total  # the guest thinks it is done: another boot would say the same
        return count

    def _wrong_end(self, transcript, ending, abandoned):
        """What is wrong with how the VM ended, or ""."""
        last = transcript.cases[-1]
        if transcript.bail_out is not None and transcript.verdict not in (CRASH, TIMEOUT, ERROR):
            text = (transcript.errors or [transcript.bail_out])[0]
            return f"{GAVE_UP} after {last.id}: {text}"
        if not transcript.ended:
            text = f"the VM ended between cases, after {last.id}: {self._how(ending)}"
            return "" if abandoned else text
        if ending.how == process.LINGERED:
            return f"the VM went on for {self.limits.linger:g} s after the guest's last word"
        if ending.how == process.POWERED_OFF:
            return ""
        allowed = EXITS[self.target.machine.exit]
        if ending.how == process.EXITED and ending.status in allowed:
            return ""
        return f"after the guest's last word: {self._how(ending)}"

    def _no_progress(self, transcript, ending, first):
        """A boot without a single case: says why, and what was not run because of it."""
        if ending.how == process.UNSTARTED:
            why = f"{self.target.vmm_name} cannot be started: {ending.stderr}"
        elif transcript.errors or transcript.bail_out:
            why = f"{GAVE_UP}: " + (transcript.errors or [transcript.bail_out])[0]
        elif not ending.console_bytes:
            why = f"no output at all: {self._how(ending)}"
        elif not transcript.booted:
            why = f"nothing of the guest on the console: {self._how(ending)}"
        else:
            why = f"no test was started: {self._how(ending)}"
        left = self.total - first + 1
        if first > 1:
            why = f"boot {self.run.boots}: {why}; {left} of {self.total} cases were not run"
        else:
            self.run.not_run = why
        self._own_result(MACHINE_BOOT, why, ending.short)


class Reporting(Transcript):
    """A transcript that tells when something was settled or begun."""

    def __init__(self, on_step, **arguments):
        super().__init__(**arguments)
        self._on_step = on_step

    def feed(self, event):
        before = self.progress
        super().feed(event)
        if self.progress != before:
            self._on_step(self)
