"""What the directory of an attached archive shows: sizes and checksums of its entries. Nothing is unpacked.

`zipfile` makes an object of each entry, and a small archive may list millions: this reads a bounded part.
Format: APPNOTE.TXT 6.3.10, sections 4.3.12 (central directory) and 4.3.16 (its end).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

_END = struct.Struct("<4s4xHHLLH")  # signature, disks, entries (2), size and offset, comment's length
_ENTRY = struct.Struct("<4s12xLLLHHH12x")  # signature, …, CRC-32, packed size, size, lengths of three fields
_LONGEST_COMMENT = 0xFFFF
_DIRECTORY_BYTES = 4 << 20
#: First bytes of PDF, gzip, bzip2, xz, 7-Zip, RAR, Zstandard and Office files before 2007.
_OPAQUE = (
    b"%PDF", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd",
    b"\xd0\xcf\x11\xe0",
)  # fmt: skip
_TAR_AT, _TAR = 257, b"ustar"
_NESTED = (b".pdf", b".gz", b".tgz", b".bz2", b".xz", b".7z", b".rar", b".zst", b".tar", b".zip")


def members(file: BinaryIO) -> tuple[set[tuple[int, int]], bool]:
    """Size and CRC-32 of each entry of a ZIP file, which Office documents are too; none for another file.

    The second value is whether the file may hold more than that: one that is packed another way, and a ZIP
    file with such a one inside. Of a directory the first 4 MiB are read.
    """
    found: set[tuple[int, int]] = set()
    nested = False
    for entry, name in _entries(file):
        found.add(entry)
        nested = nested or name.lower().endswith(_NESTED)
    file.seek(0)
    head = file.read(_TAR_AT + len(_TAR))
    return found, nested or head.startswith(_OPAQUE) or head.endswith(_TAR)


def _entries(file: BinaryIO) -> Iterator[tuple[tuple[int, int], bytes]]:
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - _END.size - _LONGEST_COMMENT))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + _END.size:
        return
    *_, size, offset, _ = _END.unpack_from(tail, at)
    file.seek(offset)
    directory = file.read(min(size, _DIRECTORY_BYTES))
    at = 0
    while len(directory) >= at + _ENTRY.size:
        signature, checksum, _, size, *lengths = _ENTRY.unpack_from(directory, at)
        if signature != b"PK\1\2":
            return
        begin = at + _ENTRY.size
        yield (size, checksum), directory[begin : begin + lengths[0]]
        at = begin + sum(lengths)
