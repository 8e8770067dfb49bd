"""Sizes and checksums of what is in a ZIP file, which Office documents are too. Nothing is unpacked.

`zipfile` makes an object of each entry, and a small archive may list millions: this reads a bounded part.
Format: APPNOTE.TXT 6.3.10, sections 4.3.12 (central directory) and 4.3.16 (its end).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

_END = struct.Struct("<4s4xHHLLH")  # signature, disks, entries (2), size and offset, comment's length
_ENTRY = struct.Struct("<4s12xLLLHHH12x")  # signature, …, CRC-32, packed size, size, lengths of three fields
_LONGEST_COMMENT = 0xFFFF
_DIRECTORY_BYTES = 4 << 20


def members(file: BinaryIO) -> set[tuple[int, int]]:
    """Size and CRC-32 of each entry in the first 4 MiB of the directory; empty when it is no ZIP file."""
    found: set[tuple[int, int]] = set()
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - _END.size - _LONGEST_COMMENT))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + _END.size:
        return found
    *_, size, offset, _ = _END.unpack_from(tail, at)
    file.seek(offset)
    directory = file.read(min(size, _DIRECTORY_BYTES))
    at = 0
    while len(directory) >= at + _ENTRY.size:
        signature, checksum, _, size, *lengths = _ENTRY.unpack_from(directory, at)
        if signature != b"PK\1\2":
            break
        found.add((size, checksum))
        at += _ENTRY.size + sum(lengths)
    return found
