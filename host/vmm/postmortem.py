# SPDX-License-Identifier: MIT
"""What a hung machine is doing: the state of every CPU, asked from outside.

The guest cannot say it any more (its interrupts may be masked), but QEMU can read registers and
memory. The guest maps memory one to one, so a frame pointer is a physical address. AAPCS64 6.4.6,
and code for x86 with frame pointers: x29 or rbp points to {the caller's, return address}.
"""

import re

from host.image import SETUP_SIZE
from host.vmm.qmp import QmpError

MAX_FRAMES = 32
# What the firmware loads for QEMU is always put there: multiboot's address is in its header
# (LOAD_ADDRESS in x86/boot/offsets.h), a bzImage is at 1 MiB without its setup code.
PLACES = {"multiboot": 0x200000, "bzimage": 0x100000 - SETUP_SIZE}
_CPU = re.compile(r"^CPU#(\d+)", re.MULTILINE)
_PC = re.compile(r"\b(?:PC|RIP)\s*=\s*([0-9a-f]{8,16})", re.IGNORECASE)
_FRAME = re.compile(r"\b(?:X29|RBP)\s*=\s*([0-9a-f]{8,16})", re.IGNORECASE)
_STATES = (
    re.compile(r"(?P<name>PSTATE)=(?P<value>[0-9a-f]+)[^\n]*?(?P<level>EL\dh?t?)"),
    re.compile(
        r"(?P<name>RFL)=(?P<value>[0-9a-f]+) \S+ CPL=(?P<level>\d)[^\n]*?HLT=(?P<halted>\d)"
    ),
)
_WORDS = re.compile(r":\s*(0x[0-9a-f]+)(?:\s+(0x[0-9a-f]+))?")
_ROM = re.compile(r'addr=([0-9a-f]+)\s+size=(0x[0-9a-f]+)\s+mem=\w+\s+name="([^"]*)"')


def collect(qmp, image, door):
    """(short, long): a few lines a CPU for the report; everything for the log."""
    short, long = [], []
    try:
        status = qmp.execute("query-status")
        short.append(f"VM {status.get('status', '?')}, stopped to look at it")
        qmp.execute("stop")
        registers = qmp.monitor("info registers -a")
        long += registers.splitlines()
        base, size = _image_range(qmp, image, door)
        for number, block in _per_cpu(registers):
            short += _cpu(qmp, number, block, base, size)
    except QmpError as error:
        short.append(f"no state of the CPUs: {error}")
    return short, long


def _per_cpu(registers):
    starts = [(int(match[1]), match.start()) for match in _CPU.finditer(registers)]
    ends = [start for _, start in starts[1:]] + [len(registers)]
    return [(number, registers[at:end]) for (number, at), end in zip(starts, ends)]


def _image_range(qmp, image, door):
    """Where the image was put: QEMU lists what it loaded itself."""
    ranges = []
    for address, size, name in _ROM.findall(qmp.monitor("info roms")):
        if image.elf.stem in name:
            ranges.append((int(address, 16), int(size, 16)))
    if not ranges:
        return (PLACES[door], image.flat.stat().st_size) if door in PLACES else (0, 0)
    start = min(address for address, _ in ranges)
    # What is behind the file's content (.bss, stacks) is not in the list and holds no code.
    return start, max(address + size for address, size in ranges) - start


def _cpu(qmp, number, block, base, size):
    pc, frame = _PC.search(block), _FRAME.search(block)
    if not pc:
        return [f"cpu{number}: no registers"]

    def place(address):
        inside = size and base <= address < base + size
        return f"image+{address - base:#x}" if inside else f"{address:#x}"

    lines = [f"cpu{number} backtrace{_state(block)}", f"  #0 {place(int(pc[1], 16))}"]
    frame, seen = int(frame[1], 16) if frame else 0, set()
    for depth in range(1, MAX_FRAMES):
        if not frame or frame % 8 or frame in seen:
            break
        seen.add(frame)
        match = _WORDS.search(qmp.monitor(f"xp /2gx {frame:#x}"))
        if not match or not match[2]:
            break
        frame, returns_to = int(match[1], 16), int(match[2], 16)
        if not returns_to:
            break
        lines.append(f"  #{depth} {place(returns_to)}")
    return lines


def _state(block):
    """The processor's state in brackets, as each architecture has it."""
    for pattern in _STATES:
        if found := pattern.search(block):
            values = found.groupdict()
            level = values["level"] if values["name"] == "PSTATE" else f"ring {values['level']}"
            halted = ", halted" if values.get("halted") == "1" else ""
            return f" ({level}, {values['name']} {int(values['value'], 16):#x}{halted})"
    return ""
