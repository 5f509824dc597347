# SPDX-License-Identifier: MIT
"""Writes a flattened device tree (Devicetree Specification, chapter 5)."""

import struct

_BEGIN, _END, _PROPERTY, _FINISH = 1, 2, 3, 9
_MAGIC, _VERSION, _COMPATIBLE_VERSION = 0xD00DFEED, 17, 16


def cells(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def cells64(*numbers):
    return struct.pack(f">{len(numbers)}Q", *numbers)


def strings(*texts):
    return b"".join(text.encode() + b"\0" for text in texts)


def flatten(root):
    """A node is a dict: str -> bytes is a property, str -> dict a node in it."""
    names = bytearray()

    def name_offset(name):
        entry = name.encode() + b"\0"
        if entry not in names:
            names.extend(entry)
        return names.index(entry)

    def node(name, content):
        data = struct.pack(">I", _BEGIN) + _padded(name.encode() + b"\0")
        for key, value in content.items():
            if isinstance(value, bytes):
                data += struct.pack(">3I", _PROPERTY, len(value), name_offset(key)) + _padded(value)
        for key, value in content.items():
            if isinstance(value, dict):
                data += node(key, value)
        return data + struct.pack(">I", _END)

    structure = node("", root) + struct.pack(">I", _FINISH)
    reserved_at, structure_at = 40, 56
    strings_at = structure_at + len(structure)
    header = struct.pack(
        ">10I",
        _MAGIC,
        strings_at + len(names),
        structure_at,
        strings_at,
        reserved_at,
        _VERSION,
        _COMPATIBLE_VERSION,
        0,
        len(names),
        len(structure),
    )
    return header + bytes(16) + structure + bytes(names)


def _padded(data):
    return data + bytes(-len(data) % 4)
