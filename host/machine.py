# SPDX-License-Identifier: MIT
"""Machines: small data files that say what to start, what it must offer and what is known of it.

docs/runner.md describes the keys. Everything is checked when a file is read: a mistyped key is an
error, not a setting without effect.
"""

import os
import re
import struct
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from host import globs
from host.results import CRASH, ERROR, FAIL, PASS, TIMEOUT, XFAIL, XPASS
from host.vmm import Missing, device_tree

# Another folder of such files: somebody's own machines, and this project's tests.
DIRECTORY = Path(os.environ.get("ASSAY_MACHINES") or Path(__file__).parent / "machines")

_KEYS = {
    "summary": str,
    "arch": str,
    "vmm": str,
    "versions": str,
    "accel": list,
    "elf_at": int,
    "door": str,
    "arguments": list,
    "guest": list,
    "exit": str,
    "capabilities": list,
    "capabilities_tcg": list,
    "tests": list,
    "device_tree": dict,
    "gic": int,
    "defects": list,
    "expect": list,
}
_TREE_EDITS = {
    "delete": device_tree.delete,
    "set": device_tree.replace,
    "add": device_tree.add,
}
# With which statuses of the VMM the guest has come to its end, by the way in which it ends the VM.
# What conveys a verdict has three: all well, something failed, error.
EXITS = {
    "psci": (0,),
    "acpi": (0,),
    "keyboard": (0,),  # the keyboard controller's reset line
    "semihosting": (0, 1, 2),
    "status": (0, 1, 2),
    "debug-exit": (33, 35, 37),  # QEMU's isa-debug-exit: (value << 1) | 1, the guest's begin at 16
}
DOORS = {"x86": ("pvh", "multiboot", "bzimage")}
_EXPECT_KEYS = {"test", "item", "status", "versions", "accel", "reason", "sometimes"}
_EXPECT_STATUSES = (FAIL, ERROR, CRASH, TIMEOUT)


class BadMachine(Exception):
    """A machine's file is wrong; the message names the file and the place."""


@dataclass(slots=True)
class Expectation:
    """A known defect: this test (or item) comes to this status on these versions."""

    test: str
    status: str
    reason: str
    item: str = ""
    versions: str = ""
    accel: str = ""
    sometimes: bool = False  # a race in the VMM: passing is as expected, too

    def applies(self, vmm_version, accel):
        return (not self.accel or self.accel == accel) and version_in(vmm_version, self.versions)


@dataclass(slots=True)
class Machine:
    name: str
    summary: str
    arch: str
    vmm: str
    accel: list  # what it can run under, the default first
    arguments: list  # of the VMM
    versions: str = ""  # of the VMM that it needs
    elf_at: int = 0  # load an ELF file at this address instead of the flat image
    door: str = ""  # by which boot protocol the image is entered; "": the architecture has one
    guest: list = field(default_factory=list)  # tokens for the guest's command line
    exit: str = "psci"  # how the guest ends the VM, of EXITS
    capabilities: list = field(default_factory=list)
    capabilities_tcg: list = field(default_factory=list)  # what emulation offers beyond these
    tests: list = field(default_factory=list)  # globs: what runs on it by default, if not all
    device_tree: list = field(default_factory=list)  # edits: (function, its arguments)
    gic: int = 3  # version of the interrupt controller, where the back end has to know it
    defects: list = field(default_factory=list)  # files with expectations that machines share
    expectations: list = field(default_factory=list)

    def declared(self, accel):
        """The capabilities it must offer."""
        return self.capabilities + (self.capabilities_tcg if accel == "tcg" else [])

    def edit_device_tree(self, root):
        """Applies this machine's edits. Raises vmm.Missing when one has nothing to apply to."""
        try:
            for edit, *arguments in self.device_tree:
                edit(root, *arguments)
        except device_tree.BadTree as error:
            raise Missing(f"device_tree: {error}") from None

    def apply_expectations(self, case, vmm_version, accel):
        """Turns what is known and seen into xfail, what is known and not seen into xpass."""
        known = [e for e in self.expectations if e.applies(vmm_version, accel)]
        known = [e for e in known if globs.matches(e.test, case.id)]
        for item in case.items:
            name = item.id[len(case.id) + 1 :]
            for expectation in known:
                if expectation.item and globs.matches(expectation.item, name):
                    _apply(expectation, item)
                    break
        # A case that failed by its items alone is as bad as the worst of them.
        if case.status == FAIL and case.items and not case.own_failure:
            bad = [item for item in case.items if item.status in (FAIL, ERROR, XFAIL)]
            if bad and all(item.status == XFAIL for item in bad):
                case.status, case.reason = XFAIL, bad[0].reason
                return
        for expectation in known:
            if not expectation.item:
                _apply(expectation, case)
                break


def _apply(expectation, result):
    if result.status == expectation.status:
        result.details = [f"{result.status}: {result.reason}", *result.details]
        result.status, result.reason = XFAIL, expectation.reason
    elif result.status == PASS and not expectation.sometimes:
        result.status = XPASS
        result.reason = f"expected {expectation.status}, passed; known defect: {expectation.reason}"


def version_in(version, ranges):
    """Whether "11.1.3" is in ">=7.2, <12". An unknown version is in every range."""
    numbers = _numbers(version)
    if not numbers:
        return True
    for part in filter(None, (part.strip() for part in ranges.split(","))):
        match = re.fullmatch(r"(<=|>=|==|<|>)\s*(\d+(?:\.\d+)*)", part)
        if not match:
            raise ValueError(f"'{part}' is not a version range like '>=7.2' or '<12'")
        bound = _numbers(match[2])
        mine = numbers[: len(bound)] if match[1] in ("==", "<=", ">") else numbers
        width = max(len(mine), len(bound))
        left, right = (t + (0,) * (width - len(t)) for t in (mine, bound))
        holds = {
            "<": left < right,
            "<=": left <= right,
            "==": left == right,
            ">=": left >= right,
            ">": left > right,
        }[match[1]]
        if not holds:
            return False
    return True


def _numbers(version):
    match = re.match(r"\d+(?:\.\d+)*", version or "")
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def _check_list(path, key, value):
    if not all(isinstance(element, str) for element in value):
        raise BadMachine(f"{path}: '{key}' must be a list of strings")


def _read(path):
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadMachine(f"{path}: {error}") from None


def _tree_edits(path, table):
    """The edits in their order: what is deleted first, then what is set, then what is added."""
    for key in table:
        if key not in _TREE_EDITS:
            raise BadMachine(f"{path}: [device_tree]: unknown key '{key}'")
    places = table.get("delete", [])
    if not isinstance(places, list):
        raise BadMachine(f"{path}: [device_tree]: 'delete' must be a list of places")
    _check_list(path, "delete", places)
    edits = [(device_tree.delete, place) for place in places]
    for key in ("set", "add"):
        values = table.get(key, {})
        if not isinstance(values, dict):
            raise BadMachine(f"{path}: [device_tree]: '{key}' must be a table of places and values")
        for place, value in values.items():
            try:
                edits.append((_TREE_EDITS[key], place, _tree_value(value)))
            except (struct.error, TypeError):
                raise BadMachine(
                    f"{path}: [device_tree]: {place}: the value is none of: a list of 32-bit "
                    "numbers, a string, a list of strings, { u16 = [numbers] }, true (no value)"
                ) from None
    return edits


def _tree_value(value):
    if value is True:
        return b""
    if isinstance(value, str):
        return device_tree.strings(value)
    if isinstance(value, list) and value and all(isinstance(element, str) for element in value):
        return device_tree.strings(*value)
    if isinstance(value, list):
        return device_tree.cells(*value)
    if isinstance(value, dict) and list(value) == ["u16"] and isinstance(value["u16"], list):
        return device_tree.halves(*value["u16"])
    raise TypeError


def load(path):
    data = _read(path)
    for key, value in data.items():
        if key not in _KEYS:
            raise BadMachine(f"{path}: unknown key '{key}' (known: {', '.join(_KEYS)})")
        if not isinstance(value, _KEYS[key]):
            raise BadMachine(f"{path}: '{key}' must be a {_KEYS[key].__name__}")
        if _KEYS[key] is list and key != "expect":
            _check_list(path, key, value)
    for key in ("summary", "arch", "vmm", "accel", "arguments"):
        if key not in data:
            raise BadMachine(f"{path}: '{key}' is missing")
    _check_versions(path, data.get("versions", ""))
    data["device_tree"] = _tree_edits(path, data.get("device_tree", {}))
    if data.get("exit", "psci") not in EXITS:
        raise BadMachine(f"{path}: 'exit' must be one of {', '.join(EXITS)}")
    doors = DOORS.get(data["arch"], ("",))
    if data.setdefault("door", doors[0]) not in doors:
        raise BadMachine(f"{path}: 'door' of {data['arch']} must be one of {', '.join(doors)}")
    if data["device_tree"] and data["vmm"] == "kvmtool":
        raise BadMachine(f"{path}: [device_tree]: kvmtool takes no device tree but its own")
    expectations = _load_expectations(path, data.pop("expect", []))
    for name in data.get("defects", []):
        shared = path.parent / "defects" / f"{name}.toml"
        if not shared.exists():  # a machine outside the tree may name the project's own
            shared = Path(__file__).parent / "machines" / "defects" / f"{name}.toml"
        if not shared.exists():
            raise BadMachine(f"{path}: defects: there is no {name}.toml in defects/")
        expectations += _load_expectations(shared, _read(shared).get("expect", []))
    return Machine(name=path.stem, expectations=expectations, **data)


def _load_expectations(path, entries):
    return [_load_expectation(path, entry) for entry in entries]


def _load_expectation(path, entry):
    if not isinstance(entry, dict):
        raise BadMachine(f"{path}: 'expect' must be tables: [[expect]]")
    if unknown := set(entry) - _EXPECT_KEYS:
        raise BadMachine(f"{path}: unknown key '{unknown.pop()}' in [[expect]]")
    for key in ("test", "status", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise BadMachine(f"{path}: [[expect]] needs '{key}', a string")
    if entry["status"] not in _EXPECT_STATUSES:
        raise BadMachine(
            f"{path}: [[expect]] status '{entry['status']}' is not one of "
            + ", ".join(_EXPECT_STATUSES)
        )
    if not isinstance(entry.get("sometimes", False), bool):
        raise BadMachine(f"{path}: [[expect]] 'sometimes' is true or false")
    expectation = Expectation(**entry)
    _check_versions(path, expectation.versions)
    return expectation


def _check_versions(path, ranges):
    try:
        version_in("1", ranges)
    except (ValueError, AttributeError) as error:
        raise BadMachine(f"{path}: versions: {error}") from None


def names(directory=DIRECTORY):
    return sorted(path.stem for path in directory.glob("*.toml"))


def load_named(name, directory=DIRECTORY):
    return load(directory / f"{name}.toml")


def missing_capabilities(declared, found):
    """Declared names that were not found. `cpus(4)` covers a declared `cpus(2)`."""
    return [name for name in declared if not _covered(name, found)]


def _covered(name, found):
    if name in found:
        return True
    base, count = _counted(name)
    return count is not None and any(
        other == base and have is not None and have >= count
        for other, have in map(_counted, found)
    )


def _counted(name):
    match = re.fullmatch(r"(\w+)\((\d+)\)", name)
    return (match[1], int(match[2])) if match else (name, None)


def contradicted_by_skip(declared, found, reason):
    """The declared capability that a skip's reason says is missing, or ""."""
    match = re.match(r"needs ([^:]+)", reason)
    if not match:
        return ""
    named = re.findall(r"(?<![!\w])[a-z]\w*(?:\(\d+\))?", match[1])
    # Of a whole expression ("gicv5 && cpus(2)") only what was not found is the reason.
    for name in named:
        if (len(named) == 1 or not _covered(name, found)) and _covered(name, declared):
            return name
    return ""
