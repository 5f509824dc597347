# SPDX-License-Identifier: MIT
"""Results: a run of a machine has cases, a case may have items; each has one of eight statuses."""

from dataclasses import asdict, dataclass, field

PASS = "pass"  # as required
FAIL = "fail"  # the machine under test is wrong
SKIP = "skip"  # not applicable on this machine, with the reason
ERROR = "error"  # the test or its surroundings are wrong: nothing is known about the machine
CRASH = "crash"  # an exception nobody expected, or the VM ended in the middle of the case
TIMEOUT = "timeout"  # the case hung: noticed by the guest's watchdog, or by the host
XFAIL = "xfail"  # a known defect of this machine, seen as expected
XPASS = "xpass"  # a known defect was not seen: the machine's file has to be corrected

STATUSES = (PASS, FAIL, SKIP, ERROR, CRASH, TIMEOUT, XFAIL, XPASS)
AS_EXPECTED = frozenset((PASS, SKIP, XFAIL))

# Results of the runner's own, for what no test can be blamed for. They appear only when wrong.
MACHINE_BOOT = "machine.boot"  # a boot that did not come to a test
MACHINE_CAPABILITIES = "machine.capabilities"  # declared by the machine's file, not found
MACHINE_CONSOLE = "machine.console"  # the console contradicts itself
MACHINE_END = "machine.end"  # the VM did not end as it should
MACHINE_EXPECTATIONS = "machine.expectations"  # it names a test or an item that is not there

GAVE_UP = "the guest gave up"  # how the reason of a MACHINE_BOOT begins when the guest says why


@dataclass(slots=True)
class Item:
    id: str  # in full: case.item
    status: str = ""
    reason: str = ""
    details: list = field(default_factory=list)

    @property
    def as_expected(self):
        return self.status in AS_EXPECTED


@dataclass(slots=True)
class Case:
    id: str
    status: str = ""  # "" while it runs
    reason: str = ""
    checks: int = 0
    guest_us: int = 0
    items: list = field(default_factory=list)
    details: list = field(default_factory=list)  # lines the guest printed in this case
    own_failure: bool = False  # a check of the case itself failed, not (only) one of an item
    boot: int = 0
    abandoned: bool = False  # the guest said nothing of its end: the status is the runner's

    @property
    def as_expected(self):
        return self.status in AS_EXPECTED

    @property
    def notices(self):
        """Whether this result shows by itself that the machine is wrong.

        The end of the VM alone does not: it names no test that was there to notice.
        """
        if self.id == MACHINE_BOOT:
            return self.reason.startswith(GAVE_UP)
        if self.id.startswith("machine."):
            return self.id == MACHINE_CAPABILITIES
        return not self.wholly_as_expected and (not self.abandoned or self.status == TIMEOUT)

    @property
    def wholly_as_expected(self):
        return self.as_expected and all(item.as_expected for item in self.items)

    @staticmethod
    def from_dict(data):
        case = Case(**data)
        case.items = [Item(**item) for item in case.items]
        return case


@dataclass(slots=True)
class Run:
    machine: str
    arch: str = ""
    vmm: str = ""
    vmm_version: str = ""
    accel: str = ""
    seed: str = ""
    boots: int = 0
    wall_ms: int = 0
    cases: list = field(default_factory=list)
    header: str = ""  # the guest's own line about itself
    logs: str = ""
    not_run: str = ""  # why nothing could be started at all
    fault: str = ""  # that was switched on

    @property
    def label(self):
        return label(self.machine, self.fault)

    @property
    def begun(self):
        """Cases of the guest, without the runner's own results."""
        return [case for case in self.cases if not case.id.startswith("machine.")]

    @property
    def as_expected(self):
        return not self.not_run and all(case.wholly_as_expected for case in self.cases)

    def counts(self):
        counts = dict.fromkeys(STATUSES, 0)
        for case in self.begun:
            counts[case.status] += 1
        return counts

    def to_dict(self):
        return asdict(self)

    @staticmethod
    def from_dict(data):
        run = Run(**data)
        run.cases = [Case.from_dict(case) for case in run.cases]
        return run


def label(machine, fault):
    """How a run is called."""
    return f"{machine} with {fault}" if fault else machine


@dataclass(slots=True)
class Verdict:
    """Whether the tests noticed a fault, and which one was the first."""

    machine: str
    name: str
    summary: str
    by: str  # id of a test or of a result of the runner's own, "" when none noticed
    reason: str

    @property
    def noticed(self):
        return bool(self.by)

    @staticmethod
    def of(run, summary):
        case = next((case for case in run.cases if case.notices), None)
        if case:
            return Verdict(run.machine, run.fault, summary, case.id, case.reason)
        wrong = [f"{case.id}: {case.reason}" for case in run.cases if not case.as_expected]
        said = ", ".join(f"{count} {status}" for status, count in run.counts().items() if count)
        reason = run.not_run or (wrong or [said or "nothing was run"])[0]
        return Verdict(run.machine, run.fault, summary, "", reason)


def exit_status(runs):
    """0: everything as expected. 1: something was not. 2: nothing could be run."""
    if not any(run.begun for run in runs):
        return 2
    return 0 if all(run.as_expected for run in runs) else 1
