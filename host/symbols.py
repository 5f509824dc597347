# SPDX-License-Identifier: MIT
"""`image+0x1a2b4` to `function file:line`, by llvm-symbolizer, started only when there is one."""

import os
import re
import subprocess

from host import tools

_ADDRESS = re.compile(r"image\+(0x[0-9a-f]{1,12})\b")
_RETURN = re.compile(r"#([1-9]\d*) +image\+(0x[0-9a-f]{1,12})\b")
_GLUE = "lib/base/function_ref.h"


class Symbolizer:
    """Names for one image. Lookups are collected, so one start of the program does for all."""

    def __init__(self, image):
        self._image = image
        self._frames = {}  # key -> ["function file:line", ...], what is inlined first

    def annotate(self, lines):
        """The lines with names behind every address in them."""
        wanted = {key for line in lines for key in _keys(line)}
        self._look_up(wanted)
        return [self._annotate_line(line) for line in lines]

    def place(self, lines):
        """Where it happened: the innermost function, and the function in a test it is called from.

        Each "function file:line", or "" when there is none.
        """
        self._look_up([key for line in lines for key in _keys(line)])
        found = [self._frames[key][-1] for line in lines for key in _keys(line) if self._known(key)]
        innermost = found[0] if found else ""
        return innermost, next((place for place in found if " tests/" in place), "")

    def _known(self, key):
        return bool(self._frames.get(key))

    def _annotate_line(self, line):
        """Names go behind an address at the end of a line; elsewhere something follows already."""
        keys = _keys(line)
        if keys and self._known(keys[-1]) and line.endswith(keys[-1][0]):
            frames = self._frames[keys[-1]]
            text = f"{line} {frames[0]}"
            return text if len(frames) == 1 else f"{text}, inlined in {frames[-1]}"
        return line

    def _look_up(self, keys):
        keys = sorted({key for key in keys if key not in self._frames})
        program = tools.symbolizer() if keys else ""
        if not program:
            return
        self._frames.update((key, []) for key in keys)
        # A return address is that of the instruction behind the call; the byte before is inside it.
        addresses = [hex(int(a, 16) - is_return) for a, is_return in keys]
        try:
            result = subprocess.run(
                [program, f"--obj={self._image.debug}", "--inlines", "--output-style=LLVM"],
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
            frames = list(zip(lines[::2], lines[1::2]))
            # The call through a reference is of interest only where nothing else is known.
            frames = [frame for frame in frames if _GLUE not in frame[1]] or frames
            for function, where in frames:
                # What the compiler's own headers inline says nothing to anybody.
                if function != "??" and not where.startswith("/usr/"):
                    self._frames[key].append(f"{short_name(function)} {_short(where)}")


def short_name(name):
    """A C++ function's name without its parameters, template arguments and return type."""
    name = name.replace("(anonymous namespace)::", "").replace("operator()", "operator\0")
    depth, kept = 0, []
    for index, character in enumerate(name):
        if character in "(<[":
            depth += 1
        elif character in ")]" or (character == ">" and name[index - 1] != "-"):
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(character)
    words = "".join(kept).removesuffix(" const").split()
    short = words[-1] if words else name
    return re.sub(r"\$_\d+|'lambda\d*'", "lambda", short).replace("\0", "()")


def _keys(line):
    """(address, is it a return address) of a line, in order."""
    returns = {match[2] for match in _RETURN.finditer(line)}
    return [(match[1], match[1] in returns) for match in _ADDRESS.finditer(line)]


def _short(place):
    """file:line without the column, relative to the checkout."""
    file, _, rest = place.partition(":")
    line = rest.split(":")[0]
    file = os.path.normpath(file).removeprefix(str(tools.ROOT) + "/")
    return f"{file}:{line}" if line and line != "0" else file
