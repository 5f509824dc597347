# SPDX-License-Identifier: MIT
"""Report files. Each writer turns runs into text: write(runs) -> str. JSON has verdicts, too."""

import importlib
import os
import sys

KINDS = ("json", "junit", "ktap", "html")


def write_all(wanted, runs, verdicts=()):
    """wanted: {kind: file or "-"}. Raises OSError when a file cannot be written."""
    for kind, path in wanted.items():
        more = [verdicts] if kind == "json" else []
        text = importlib.import_module(f"host.report.{kind}_file").write(runs, *more)
        if path == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
            continue
        directory = os.path.dirname(path)
        if directory:
            os.makedirs(directory, exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
