# SPDX-License-Identifier: MIT
"""What a hung machine is doing: the state of every CPU, asked from outside.

The guest cannot say it any more (its interrupts may be masked), but QEMU can read registers and
memory. The guest maps memory one to one, so a frame pointer is a physical address. AAPCS64 6.4.6:
x29 points to a frame record, {the caller's x29, return address}.
"""

import re

from host.vmm.qmp import QmpError

MAX_FRAMES = 32
_CPU = re.compile(r"^CPU#(\d+)", re.MULTILINE)
_REGISTER = re.compile(r"\b(PC|X29|SP|X30)\s*=\s*([0-9a-f]{8,16})", re.IGNORECASE)
_WORDS = re.compile(r":\s*(0x[0-9a-f]+)(?:\s+(0x[0-9a-f]+))?")
_ROM = re.compile(r'addr=([0-9a-f]+)\s+size=(0x[0-9a-f]+)\s+mem=\w+\s+name="([^"]*)"')


def collect(qmp, image):
    """(short, long): a few lines a CPU for the report; everything for the log."""
    short, long = [], []
    try:
        status = qmp.execute("query-status")
        short.append(f"VM {status.get('status', '?')}, stopped to look at it")
        qmp.execute("stop")
        registers = qmp.monitor("info registers -a")
        long += registers.splitlines()
        base, size = _image_range(qmp, image)
        for number, block in _per_cpu(registers):
            short += _cpu(qmp, number, block, base, size)
    except QmpError as error:
        short.append(f"no state of the CPUs: {error}")
    return short, long


def _per_cpu(registers):
    starts = [(int(match[1]), match.start()) for match in _CPU.finditer(registers)]
    ends = [start for _, start in starts[1:]] + [len(registers)]
    return [(number, registers[at:end]) for (number, at), end in zip(starts, ends)]


def _image_range(qmp, image):
    """Where the image was put: QEMU lists what it loaded."""
    ranges = []
    for address, size, name in _ROM.findall(qmp.monitor("info roms")):
        if image.elf.stem in name:
            ranges.append((int(address, 16), int(size, 16)))
    if not ranges:
        return 0, 0
    start = min(address for address, _ in ranges)
    # What is behind the file's content (.bss, stacks) is not in the list and holds no code.
    return start, max(address + size for address, size in ranges) - start


def _cpu(qmp, number, block, base, size):
    values = {name.upper(): int(value, 16) for name, value in _REGISTER.findall(block)}
    if "PC" not in values:
        return [f"cpu{number}: no registers"]

    def place(address):
        inside = size and base <= address < base + size
        return f"image+{address - base:#x}" if inside else f"{address:#x}"

    flags = re.search(r"PSTATE=([0-9a-f]+)[^\n]*?(EL\dh?t?)", block)
    state = f" ({flags[2]}, PSTATE {int(flags[1], 16):#x})" if flags else ""
    lines = [f"cpu{number} backtrace{state}", f"  #0 {place(values['PC'])}"]
    frame, seen = values.get("X29", 0), set()
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
