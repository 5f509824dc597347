# SPDX-License-Identifier: MIT
"""An image, and the list of the tests in it: read from the ELF file, without a boot.

The section `.assay.tests` is an array of descriptors (lib/test/ defines them for the guest):

    u64 id, summary, needs, file    addresses of C strings
    u32 line, flags                 flag bit 0: only on request
    u64 run

The image is position independent, so the addresses are in the relocations.
"""

import struct
from dataclasses import asdict, dataclass
from pathlib import Path

from host import store

SECTION = ".assay.tests"
DESCRIPTOR = struct.Struct("<4Q2IQ")
FLAG_ON_REQUEST = 1
SETUP_SIZE = 0x1000  # of a bzImage: x86/boot/offsets.h


class BadImage(Exception):
    """No image, or not one of ours; the message says which file and what to do."""


@dataclass(slots=True)
class Test:
    id: str
    summary: str
    needs: str
    file: str
    line: int
    on_request: bool


@dataclass(slots=True)
class Image:
    arch: str
    elf: Path
    flat: Path
    build_id: str
    tests: list

    @property
    def debug(self):
        """The file with the debug information: beside the ELF, or the ELF itself."""
        beside = self.elf.with_name(self.elf.name + ".debug")
        return beside if beside.exists() else self.elf

    def kernel(self, door, folder):
        """The file to load for a machine with this door. What has to be made is put in folder."""
        if door == "pvh":
            return self.elf
        if door != "multiboot":
            return self.flat
        # The bzImage without its first page, the setup code, has its multiboot header in front.
        path = Path(folder) / f"{self.elf.stem}.multiboot"
        path.write_bytes(self.flat.read_bytes()[SETUP_SIZE:])
        return path


def of_machine(machine, settings):
    """What runs on this machine. The model machine's program is its own image."""
    if machine.vmm != "model":
        return load(settings.build, machine.arch, settings.cache)
    program = Path(settings.model(machine.arch))
    return _load(machine.arch, program, program, settings.cache, "make models")


def load(build_directory, arch, cache):
    elf = Path(build_directory) / arch / f"assay-{arch}.elf"
    return _load(arch, elf, elf.with_suffix(".img"), cache, f"make ARCH={arch}")


def _load(arch, elf, flat, cache, how_to_build):
    for path in (elf, flat):
        if not path.is_file():
            raise BadImage(f"{path}: no such file; build it with: {how_to_build}")
    name = f"tests-{elf.stem}"
    cached = store.load(cache, name, store.fingerprint(elf))
    if cached is None:
        build_id, tests = read_elf(elf)
        tests.sort(key=lambda test: test.id)
        value = {"build_id": build_id, "tests": [asdict(test) for test in tests]}
        store.save(cache, name, store.fingerprint(elf), value)
    else:
        build_id, tests = cached["build_id"], [Test(**entry) for entry in cached["tests"]]
    return Image(arch, elf, flat, build_id, tests)


def read_elf(path):
    """(build ID in hex, tests in link order)."""
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise BadImage("python3-pyelftools is missing; install it with: deps/setup run") from None
    try:
        with open(path, "rb") as stream:
            return _read(path, ELFFile(stream))
    except (ELFError, struct.error, UnicodeDecodeError, OverflowError) as error:
        raise BadImage(f"{path}: not a readable ELF file: {error}") from None


def _read(path, elf):
    section = elf.get_section_by_name(SECTION)
    if section is None:
        raise BadImage(f"{path}: no section {SECTION}: not an Assay image")
    size = section["sh_size"]
    if size % DESCRIPTOR.size:
        raise BadImage(f"{path}: {SECTION} has {size} bytes, not a multiple of {DESCRIPTOR.size}")
    content = bytearray(section.data())
    _relocate(elf, content, section["sh_addr"])
    tests = []
    for fields in DESCRIPTOR.iter_unpack(content):
        identifier, summary, needs, file = (_string(path, elf, at) for at in fields[:4])
        tests.append(
            Test(identifier, summary, needs, file, fields[4], bool(fields[5] & FLAG_ON_REQUEST))
        )
    return _build_id(elf), tests


def _relocate(elf, content, base):
    """Puts the addends of relative relocations where they belong. RELR keeps them in place."""
    for section in elf.iter_sections():
        if section["sh_type"] != "SHT_RELA":
            continue
        for relocation in section.iter_relocations():
            at = relocation["r_offset"] - base
            if 0 <= at <= len(content) - 8:
                content[at : at + 8] = struct.pack("<q", relocation["r_addend"])


def _string(path, elf, address):
    if address == 0:
        return ""
    for section in elf.iter_sections():
        start = section["sh_addr"]
        if section["sh_type"] == "SHT_PROGBITS" and start <= address < start + section["sh_size"]:
            if section["sh_flags"] & 2:  # SHF_ALLOC: not a debug section linked at 0
                data = section.data()
                end = data.find(b"\0", address - start)
                return data[address - start : end].decode("utf-8")
    raise BadImage(f"{path}: a test descriptor points to {address:#x}, outside the image")


def _build_id(elf):
    section = elf.get_section_by_name(".note.gnu.build-id")
    if section is not None:
        for note in section.iter_notes():
            if note["n_type"] == "NT_GNU_BUILD_ID":
                return note["n_desc"]
    return ""
