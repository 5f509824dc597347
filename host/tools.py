# SPDX-License-Identifier: MIT
"""Where the checkout and the programs are that the runner uses."""

import os
import shutil
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARCHS = sorted(path.stem for path in (ROOT / "deps" / "targets").glob("*.mk"))


@lru_cache(maxsize=None)
def _answers(arch):
    """What deps/setup found: build/deps/<arch>-<purpose>.mk has lines `NAME = value`."""
    answers = {}
    for purpose in ("check", "run", "llvm"):
        try:
            text = (ROOT / "build" / "deps" / f"{arch}-{purpose}.mk").read_text(encoding="utf-8")
        except OSError:
            continue
        for line in text.splitlines():
            name, separator, value = line.partition(" = ")
            if separator:
                answers[name.strip()] = value.strip()
    return answers


def from_setup(name, arch=""):
    """The path that deps/setup wrote down under this name, or "" when there is none.

    What is the same for all architectures may have been written down for any of them.
    """
    for candidate in (arch,) if arch else ARCHS:
        path = _answers(candidate).get(name.upper(), "")
        if path and os.path.exists(path):
            return path
    return ""


def find_program(name, newest_suffix=False):
    """A program in PATH; with newest_suffix also name-NN as Debian calls LLVM's."""
    if found := shutil.which(name):
        return found
    if newest_suffix:
        for version in range(40, 13, -1):
            if found := shutil.which(f"{name}-{version}"):
                return found
    return ""


def symbolizer():
    return from_setup("symbolizer") or find_program("llvm-symbolizer", newest_suffix=True)
