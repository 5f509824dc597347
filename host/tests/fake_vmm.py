#!/usr/bin/env -S /usr/bin/python3 -I
# SPDX-License-Identifier: MIT
"""Stands in for QEMU and a guest: takes QEMU's options, plays a guest that behaves as asked.

The file named by FAKE_VMM holds JSON: {"tests": {id: act or [act, ...]}, "capabilities": "...",
"boot": act}. Acts are below; with a list, the n-th start of the VMM that comes to the test takes
the n-th act. Starts are counted in the file's directory.

It stands in for the model machine, too: then "faults" is {name: {"summary": "...", and what else
differs from the file when it is switched on}}.
"""

import json
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))

from host import globs  # noqa: E402
from host.vmm import device_tree  # noqa: E402


class Test:
    def __init__(self, identifier):
        self.id = identifier
        self.on_request = identifier.startswith("misbehave.")


def out(text):
    data = text if isinstance(text, bytes) else (text + "\r\n").encode()
    while data:
        data = data[os.write(1, data) :]


def option(name, default=""):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def tree_arguments():
    if not (path := option("--device-tree")):
        return ""
    with open(path, "rb") as stream:
        tree = device_tree.read(stream.read())
    return tree.root["chosen"]["bootargs"].rstrip(b"\0").decode()


def control():
    """QMP's side of the socket that the runner left open."""
    descriptor = next(
        (int(a.rpartition("fd=")[2]) for a in sys.argv if a.startswith("socket,id=control")), -1
    )
    if descriptor < 0:
        time.sleep(3600)
    return socket.socket(fileno=descriptor).makefile("rw")


def serve_qmp(noise=b""):
    """Answers what the runner asks of a hung VM; first the console takes the noise, as in QEMU."""
    stream = control()
    for line in stream:
        out(noise)
        request = json.loads(line)
        value, monitor = {}, request.get("arguments", {}).get("command-line", "")
        if request["execute"] == "query-status":
            value = {"status": "running"}
        elif monitor == "info registers -a":
            value = (
                "\r\nCPU#0\r\n PC=0000000040201010 X00=0000000000000000\r\n"
                "X29=0000000040300000 X30=0000000040201020  SP=0000000040300000\r\n"
                "PSTATE=000003c5 ---- EL1h\r\n"
                "\r\nCPU#1\r\n PC=0000000000001234 X29=0000000000000001\r\n"
            )
        elif monitor == "info roms":
            name = option("-kernel")
            value = f'addr=0000000040200000 size=0x010000 mem=ram name="{name}"\r\n'
        elif monitor.startswith("xp "):
            frames = {"0x40300000": (0x40300020, 0x40201020), "0x40300020": (0, 0x40200500)}
            words = frames.get(monitor.split()[-1], (0, 0))
            value = f"{monitor.split()[-1][2:]:0>16}: 0x{words[0]:016x} 0x{words[1]:016x}\r\n"
        stream.write(json.dumps({"return": value, "id": request["id"]}) + "\n")
        stream.flush()


def end(status):
    """PSCI has no way to convey a status, semihosting and QEMU's isa-debug-exit have."""
    if any(argument.startswith("isa-debug-exit") for argument in sys.argv):
        sys.exit((16 + status) << 1 | 1)
    sys.exit(status if "-semihosting-config" in sys.argv else 0)


def act_out(act, number, identifier):
    """Returns the kind of result for the totals."""
    kind, _, rest = act.partition(":")
    if kind == "skip":
        out(f"ok {number} {identifier} # SKIP {rest}")
        return "skip"
    out(f"# start {identifier}")
    if kind == "pass":
        out(f"ok {number} {identifier} # 4 checks, 12 us")
        return "pass"
    if kind == "fail":
        out("# tests/arm64/timer.cc:88: EXPECT_EQ(status, 0u)")
        out("#   expected: 0x0")
        out("#   actual:   0x4                     [cpu0 EL1 +12.345 ms]")
        out(f"not ok {number} {identifier} # 4 checks, 12 us")
        return "fail"
    if kind == "error":
        out(f"not ok {number} {identifier} # ERROR {rest}")
        return "error"
    if kind == "items":
        out("  KTAP version 1")
        out("  1..3")
        for index, result in enumerate(rest, 1):
            out(f"  # start I{index}")
            if result == "f":
                out("  # tests/arm64/id.cc:7: EXPECT_EQ(value, 0u)")
                out("  #   expected: 0x0")
                out("  #   actual:   0x1")
            text = {"p": " # 0x1234", "f": "", "s": " # SKIP AArch64-only CPU"}[result]
            out(f"  {'not ' * (result == 'f')}ok {index} I{index}{text}")
        bad = "f" in rest
        out(f"{'not ' * bad}ok {number} {identifier} # 3 checks, 9 us")
        return "fail" if bad else "pass"
    if kind in ("crash", "hang"):
        out(f"# {kind}: data abort from EL1 on cpu0 in {identifier}")
        out("#   ESR_EL1  0x0000000096000045  data abort, same EL")
        out("#   cpu0 backtrace (build 0001020304050607)")
        out("#     #0 image+0x1010")
        out("#     #1 image+0x1020")
        out(f"not ok {number} {identifier} # ERROR {kind}: data abort from EL1 on cpu0")
        out(f"Bail out! {kind} in {identifier}")
        end(2)
    if kind == "bail":
        out(f"# error: {rest}")
        out(f"Bail out! {rest}")
        end(2)
    if kind == "sleep":
        serve_qmp()
    if kind == "babble":
        serve_qmp(b"lorem ipsum\r\n" * 100_000)
    if kind == "drip":
        while True:
            out(f"  # start I{time.monotonic_ns()}")
            time.sleep(0.05)
    if kind == "die":
        sys.exit(int(rest))
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "sanitizer":
        print(f"{rest}\n    #0 0x1 in f x.cc:7\n    #1 0x2 in clone3", file=sys.stderr)
        sys.exit(2)
    if kind == "abort":
        print(rest, file=sys.stderr, flush=True)
        out(f"Bail out! {rest}")
        os.abort()
    if kind == "reset":
        out("KTAP version 1")
        time.sleep(3600)
    if kind == "flood":
        while True:
            out(b"x" * 1000 + b"\r\n")
    if kind == "endless":
        while True:
            out(b"x" * 1000)
    if kind in ("print", "glue"):  # free text, then a pass: on a line of its own or not
        text = rest.encode("latin-1").decode("unicode_escape").encode("latin-1")
        out(text + b"\r\n" * (kind == "print"))
        out(f"ok {number} {identifier} # 1 checks, 1 us")
        return "pass"
    if kind == "raw":  # free text, then nothing
        out(rest)
        return "pass"
    raise SystemExit(f"fake_vmm: unknown act {act}")


def main():
    if "--version" in sys.argv:
        print("QEMU emulator version 11.1.3 (fake)")
        return 0
    path = os.environ["FAKE_VMM"]
    with open(path, encoding="utf-8") as stream:
        plan = json.load(stream)
    if "--list-faults" in sys.argv:
        for name, change in plan["faults"].items():
            print(f"{name}\t{change['summary']}")
        return 0
    if fault := option("--fault"):
        change = plan["faults"][fault]
        plan |= {**change, "tests": plan["tests"] | change.get("tests", {})}
    bootargs = option("-append") or tree_arguments()
    with open(path + ".starts", "a", encoding="utf-8") as stream:
        stream.write(bootargs + "\n")
    with open(path + ".starts", encoding="utf-8") as stream:
        start = len(stream.readlines())
    boot = plan.get("boot", "")
    boot = boot[min(start, len(boot)) - 1] if isinstance(boot, list) else boot
    if boot == "refuse":
        print("qemu-system-aarch64: unsupported machine type", file=sys.stderr)
        return 1
    if boot == "silent":
        serve_qmp()
    if boot == "gone":
        return 0
    arguments = dict(
        token.split("=", 1) for token in bootargs.split() if "=" in token
    )
    selection = arguments.get("assay.tests", "*")
    if selection == "@initrd":
        with open(option("-initrd"), encoding="utf-8") as stream:
            selection = stream.read()
    first = int(arguments.get("assay.first", "1"))
    tests = globs.select(globs.normalise([selection]), [Test(i) for i in sorted(plan["tests"])])
    tests *= int(arguments.get("assay.repeat", "1"))
    out(plan.get("noise", "firmware says hello"))
    out("KTAP version 1")
    out("# assay 0 arm64 build=0001020304050607 seed=1 cpus=2 dt=fake el=1 entry=1")
    out("# capabilities: " + plan.get("capabilities", "gicv3 ipi psci cpus(2) timer_virt pmu"))
    out(f"1..{plan.get('plan', len(tests))}")
    if boot == "stuck":
        return 0
    counts = dict.fromkeys(("pass", "fail", "skip", "error"), 0)
    for number, test in enumerate(tests, 1):
        if number >= first:
            act = plan["tests"][test.id]
            act = act[min(start, len(act)) - 1] if isinstance(act, list) else act
            counts[act_out(act, number, test.id)] += 1
    out("# Totals: " + " ".join(f"{name}:{count}" for name, count in counts.items()))
    if plan.get("end") == "linger":
        time.sleep(3600)
    if plan.get("end") in ("reset", "flood"):
        act_out(plan["end"], 0, "")
    if plan.get("end") == "quiet reset":  # -no-reboot: QEMU ends, and says why on QMP
        event = {"event": "SHUTDOWN", "data": {"guest": True, "reason": "guest-reset"}}
        print(json.dumps(event), file=control(), flush=True)
        return 0
    if "end" not in plan:
        end(2 if counts["error"] else 1 if counts["fail"] else 0)
    return plan["end"]


if __name__ == "__main__":
    sys.exit(main())
