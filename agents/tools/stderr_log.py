"""What programs of tool servers write to stderr, line by line, in our log with its redaction."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

import structlog

log = structlog.get_logger(__name__)

#: Bytes of one line; the rest of a longer one is a line of its own.
LONGEST = 16_384


def log_line(server: str, line: str) -> None:
    log.info("tool server wrote", server=server, line=line)


class StderrLog:
    """A context manager. A program writes to `file`, and each line goes to `on_line`."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        readable, writable = os.pipe()
        self._readable = readable
        self.file: TextIO = os.fdopen(writable, "w")
        os.set_blocking(readable, False)
        self._rest = b""

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._readable, self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()
        self._read()
        asyncio.get_running_loop().remove_reader(self._readable)
        os.close(self._readable)
        self._emit([self._rest])

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._readable, 65_536)
            except BlockingIOError:
                return
            if not data:
                asyncio.get_running_loop().remove_reader(self._readable)
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > LONGEST:
                lines.append(self._rest)
                self._rest = b""
            self._emit(lines)

    def _emit(self, lines: list[bytes]) -> None:
        for line in lines:
            if words := line.decode(errors="replace").strip():
                self._on_line(words[:LONGEST])
