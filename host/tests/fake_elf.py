# SPDX-License-Identifier: MIT
"""Writes a small ELF file with a list of tests in it, as the linker would."""

import struct

_SECTION = struct.Struct("<2I4Q2I2Q")
_ALLOC = 2


AARCH64, X86_64 = (183, 1027), (62, 8)  # the machine's number, and its R_*_RELATIVE


def build(tests, build_id=bytes(range(20)), relative=True, machine=AARCH64):
    """tests: (id, summary, needs, file, line, flags). relative: addresses as RELA."""
    strings, descriptors, relocations = bytearray(b"\0"), bytearray(), bytearray()
    strings_at, tests_at = 0x1000, 0x2000

    def string(text):
        if not text:
            return 0
        at = strings_at + len(strings)
        strings.extend(text.encode() + b"\0")
        return at

    for identifier, summary, needs, file, line, flags in tests:
        values = [string(text) for text in (identifier, summary, needs, file)]
        here = tests_at + len(descriptors)
        for index, value in enumerate([*values, 0, 0x4000]):
            offset = here + 8 * index
            if relative and value and index != 4:
                relocations += struct.pack("<QQq", offset, machine[1], value)
        stored = [0] * 4 if relative else values
        descriptors += struct.pack("<4Q2IQ", *stored, line, flags, 0)
    note = struct.pack("<3I", 4, len(build_id), 3) + b"GNU\0" + build_id
    return _file(
        [
            (b".rodata", 1, _ALLOC, strings_at, bytes(strings)),
            (b".assay.tests", 1, _ALLOC, tests_at, bytes(descriptors)),
            (b".rela.dyn", 4, _ALLOC, 0x3000, bytes(relocations)),
            (b".note.gnu.build-id", 7, _ALLOC, 0x3800, note),
        ],
        machine[0],
    )


def _file(sections, machine):
    names = b"\0" + b"".join(name + b"\0" for name, *_ in sections) + b".shstrtab\0"
    body, headers = bytearray(), [_SECTION.pack(*[0] * 10)]
    for name, kind, flags, address, data in [*sections, (b".shstrtab", 3, 0, 0, names)]:
        at = 64 + len(body)
        entry = 24 if kind == 4 else 0
        where = names.index(name + b"\0")
        headers.append(_SECTION.pack(where, kind, flags, address, at, len(data), 0, 0, 8, entry))
        body += data + bytes(-len(data) % 8)
    table = 64 + len(body)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack(
        "<2HI3QI6H", 3, machine, 1, 0, 0, table, 0, 64, 56, 0, 64, len(headers), len(headers) - 1
    )
    return header + bytes(body) + b"".join(headers)
