# SPDX-License-Identifier: MIT
"""Flattened device trees (Devicetree Specification, chapter 5): writes, reads and edits them.

A node is a dict: str -> bytes is a property, str -> dict a node in it, both in their order.
"""

import struct
from dataclasses import dataclass, field

_BEGIN, _END, _PROPERTY, _NOP, _FINISH = 1, 2, 3, 4, 9
_MAGIC, _VERSION, _COMPATIBLE_VERSION = 0xD00DFEED, 17, 16
_HEADER = struct.Struct(">10I")
_RESERVATION = struct.Struct(">2Q")


class BadTree(Exception):
    """Not a device tree, or nothing at the place that an edit names."""


@dataclass(slots=True)
class Tree:
    root: dict
    reservations: list = field(default_factory=list)  # (address, size) of memory to leave alone
    boot_cpu: int = 0


def cells(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def cells64(*numbers):
    return struct.pack(f">{len(numbers)}Q", *numbers)


def halves(*numbers):
    return struct.pack(f">{len(numbers)}H", *numbers)


def strings(*texts):
    return b"".join(text.encode() + b"\0" for text in texts)


def flatten(root):
    return write(Tree(root))


def write(tree):
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

    structure = node("", tree.root) + struct.pack(">I", _FINISH)
    reserved = b"".join(_RESERVATION.pack(*entry) for entry in [*tree.reservations, (0, 0)])
    structure_at = _HEADER.size + len(reserved)
    strings_at = structure_at + len(structure)
    header = _HEADER.pack(
        _MAGIC,
        strings_at + len(names),
        structure_at,
        strings_at,
        _HEADER.size,
        _VERSION,
        _COMPATIBLE_VERSION,
        tree.boot_cpu,
        len(names),
        len(structure),
    )
    return header + reserved + structure + bytes(names)


def _padded(data):
    return data + bytes(-len(data) % 4)


def read(blob):
    """The tree in a blob, which may be longer than the tree. Raises BadTree."""
    try:
        return _read(blob)
    except (struct.error, ValueError, IndexError) as error:
        raise BadTree(f"not a device tree: {error}") from None


def _read(blob):
    magic, _, at, strings_at, reserved_at, _, compatible, boot_cpu = struct.unpack_from(">8I", blob)
    if magic != _MAGIC or compatible > _VERSION:
        raise ValueError(f"magic {magic:#x}, compatible with version {compatible}")
    tree = Tree({}, boot_cpu=boot_cpu)
    while (entry := _RESERVATION.unpack_from(blob, reserved_at)) != (0, 0):
        tree.reservations.append(entry)
        reserved_at += _RESERVATION.size

    def text(where):
        return blob[where : blob.index(b"\0", where)].decode()

    above = {}  # holds the root under its name, ""
    path = [above]
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == _BEGIN:
            name = text(at)
            at += len(_padded(name.encode() + b"\0"))
            path.append(_put(path[-1], name, {}))
        elif token == _PROPERTY:
            length, name_at = struct.unpack_from(">2I", blob, at)
            _put(path[-1], text(strings_at + name_at), bytes(blob[at + 8 : at + 8 + length]))
            at += 8 + length + -length % 4
        elif token == _END:
            path.pop()
        elif token == _FINISH and len(path) == 1:
            tree.root = above[""] if "" in above else {}
            return tree
        elif token != _NOP:
            raise ValueError(f"token {token} at {at - 4:#x}")


def _put(node, name, value):
    if name in node:
        raise ValueError(f"'{name}' comes twice in one node")
    node[name] = value
    return value


# --- Edits --------------------------------------------------------------------------------------
# A place is "/node/node" or "/node/node:property".


def delete(root, place):
    """Takes out a node with all that is in it, or a property."""
    path, _, name = place.partition(":")
    if not name:
        path, _, name = path.rpartition("/")
    node = _node(root, path, place)
    if not isinstance(node.get(name), bytes if ":" in place else dict):
        raise BadTree(f"{place}: there is no {'property' if ':' in place else 'node'} '{name}'")
    del node[name]


def replace(root, place, value):
    """Gives a property that is there another value."""
    node, name = _property(root, place)
    if name not in node:
        raise BadTree(f"{place}: there is no property '{name}' (a new one is added, not set)")
    node[name] = value


def add(root, place, value):
    """A property that is not there yet."""
    node, name = _property(root, place)
    if name in node:
        raise BadTree(f"{place}: there is a property '{name}' already (it is set, not added)")
    node[name] = value


def _property(root, place):
    path, separator, name = place.rpartition(":")
    if not separator or not name:
        raise BadTree(f"{place}: not a property's place, '/node:property'")
    return _node(root, path, place), name


def _node(root, path, place):
    if not place.startswith("/"):
        raise BadTree(f"{place}: not a place in a device tree, '/node' or '/node:property'")
    node = root
    for name in filter(None, path.split("/")):
        if not isinstance(node.get(name), dict):
            raise BadTree(f"{place}: there is no node '{name}'")
        node = node[name]
    return node
