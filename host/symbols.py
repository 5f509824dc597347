# SPDX-License-Identifier: MIT
"""`image+0x1a2b4` to `function file:line`, by llvm-symbolizer, started only when there is one."""

import re
import subprocess

from host import tools

_ADDRESS = re.compile(r"image\+(0x[0-9a-f]{1,12})\b")
_RETURN = re.compile(r"#([1-9]\d*) +image\+(0x[0-9a-f]{1,12})\b")
_SOURCE_ROOTS = re.compile(r"^(?:/proc/self/cwd|\.)/")


class Symbolizer:
    """Names for one image. Lookups are collected, so one start of the program does for all."""

    def __init__(self, image):
        self._image = image
        self._names = {}

    def annotate(self, lines):
        """The lines with names behind every address in them."""
        wanted = {key for line in lines for key in _keys(line)}
        self._look_up(sorted(wanted - self._names.keys()))
        return [self._annotate_line(line) for line in lines]

    def place(self, lines):
        """Where it happened: function and line of the first address in `lines` that has them."""
        for line in lines:
            for key in _keys(line):
                self._look_up([key])
                if name := self._names.get(key):
                    return name
        return ""

    def _annotate_line(self, line):
        for key in _keys(line):
            if name := self._names.get(key):
                text = f"image+{key[0]}"
                line = line.replace(text, f"{text} {name}", 1)
        return line

    def _look_up(self, keys):
        keys = [key for key in keys if key not in self._names]
        program = tools.symbolizer() if keys else ""
        if not program:
            return
        self._names.update(dict.fromkeys(keys, ""))
        # A return address is that of the instruction behind the call.
        addresses = [hex(int(a, 16) - (4 if is_return else 0)) for a, is_return in keys]
        try:
            result = subprocess.run(
                [program, f"--obj={self._image.debug}", "--no-inlines", "--output-style=LLVM"],
                input="\n".join(addresses) + "\n",
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return
        blocks = result.stdout.split("\n\n")
        for key, block in zip(keys, blocks):
            lines = block.strip().splitlines()
            if len(lines) >= 2 and lines[0] != "??":
                self._names[key] = f"{lines[0]} {_short(lines[1])}"


def _keys(line):
    """(address, is it a return address) of a line, in order."""
    returns = {match[2] for match in _RETURN.finditer(line)}
    return [(match[1], match[1] in returns) for match in _ADDRESS.finditer(line)]


def _short(place):
    """file:line without the column, relative to the checkout."""
    file, _, rest = place.partition(":")
    line = rest.split(":")[0]
    file = _SOURCE_ROOTS.sub("", file.removeprefix(str(tools.ROOT) + "/"))
    return f"{file}:{line}" if line and line != "0" else file
