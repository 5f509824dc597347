# SPDX-License-Identifier: MIT
"""The flat image as an ELF file with an address.

QEMU follows the Linux boot protocol for a flat image, as firmware would, and so enters it at EL1
or EL2. An ELF file it enters as the hardware would: at the highest level there is. The project's
own ELF file is linked at 0, where machines have no RAM.
"""

import struct

_HEADER = 64
_PROGRAM_HEADER = 56
_IMAGE_SIZE = 0x10  # in the header of a Linux arm64 Image: all memory it needs, with .bss
_PAGE = 4096


def write(flat, path, address):
    content = flat.read_bytes()
    (size,) = struct.unpack_from("<Q", content, _IMAGE_SIZE)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack(
        "<2HI3QI6H", 2, 183, 1, address, _HEADER, 0, 0, _HEADER, _PROGRAM_HEADER, 1, 0, 0, 0
    )  # ET_EXEC, EM_AARCH64; one program header, no sections
    segment = struct.pack(
        "<2I6Q", 1, 7, _PAGE, address, address, len(content), max(size, len(content)), _PAGE
    )
    with open(path, "wb") as stream:
        stream.write((header + segment).ljust(_PAGE, b"\0") + content)
