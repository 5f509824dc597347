# SPDX-License-Identifier: MIT
"""Small things remembered between runs (list of tests, versions of VMMs), keyed by their source.

Losing the store costs time, never correctness: an unreadable or unwritable one is as good as none.
"""

import json
import os


def fingerprint(path):
    """Changes whenever the file does."""
    status = os.stat(path)
    return f"{os.path.realpath(path)} {status.st_mtime_ns} {status.st_size}"


def load(directory, name, key):
    try:
        with open(os.path.join(directory, name + ".json"), encoding="utf-8") as stream:
            data = json.load(stream)
        return data["value"] if data["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(directory, name, key, value):
    path = os.path.join(directory, name + ".json")
    try:
        os.makedirs(directory, exist_ok=True)
        with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as stream:
            json.dump({"key": key, "value": value}, stream)
        os.replace(stream.name, path)
    except OSError:
        pass
