"""Files on their way into and out of a container; large ones stay on disk and are read in pieces."""

from __future__ import annotations

import io
import os
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

_IN_MEMORY = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxFile:
    """One file: what is known about it, and a way to its content."""

    size: int
    open: Callable[[], BinaryIO]
    """Opens the content for reading; raises FileRefused when it is gone. One with a `fileno` is on disk."""
    executable: bool = False
    read_only: bool = False
    modified: int = 0
    """Time of the last change, in nanoseconds since 1970."""

    @property
    def mode(self) -> int:
        """The permissions that programs find."""
        return (0o755 if self.executable else 0o644) & (0o555 if self.read_only else 0o777)

    @classmethod
    def of(cls, content: bytes) -> SandboxFile:
        """A file in memory."""
        return cls(size=len(content), open=lambda: io.BytesIO(content))

    def read(self) -> bytes:
        """The whole content. Blocks."""
        with self.open() as content:
            return content.read()


class Spool:
    """The contents of the files of one run: a megabyte in memory, more in an unlinked temporary file."""

    def __init__(self) -> None:
        self._memory = bytearray()
        self._size = 0
        self._descriptor: int | None = None

    def write(self, piece: bytes) -> None:
        """Add to the content that `part` returns next."""
        self._size += len(piece)
        if self._descriptor is None and self._size <= _IN_MEMORY:
            self._memory += piece
            return
        if self._descriptor is None:
            with tempfile.TemporaryFile() as file:
                self._descriptor = os.dup(file.fileno())
            weakref.finalize(self, os.close, self._descriptor)
            self._write(self._memory)
            self._memory.clear()
        self._write(piece)

    def part(self, size: int) -> Callable[[], BinaryIO]:
        """A way to the last `size` bytes."""
        start = self._size - size
        return lambda: io.BufferedReader(_Part(self, start, size))

    def read(self, start: int, count: int) -> bytes:
        """At most `count` bytes from `start` on."""
        if self._descriptor is None:
            return bytes(self._memory[start : start + count])
        return os.pread(self._descriptor, count, start)

    def _write(self, piece: bytes | bytearray) -> None:
        view = memoryview(piece)
        while view and self._descriptor is not None:
            view = view[os.write(self._descriptor, view) :]


class _Part(io.RawIOBase):
    def __init__(self, spool: Spool, start: int, size: int) -> None:
        self._spool = spool
        self._start = start
        self._end = start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._spool.read(self._start, min(len(buffer), self._end - self._start))
        buffer[: len(piece)] = piece
        self._start += len(piece)
        return len(piece)
