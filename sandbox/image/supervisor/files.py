"""Files of /work: what a job brings, and what is new or changed when it has ended. Never follows a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_DEPTH = 32
_SKIPPED = frozenset({"__pycache__", ".ipynb_checkpoints"})
_NOTES = 20
_Mark = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of the tree as the kernel describes it."""

    name: str
    entry: os.stat_result

    @property
    def mark(self) -> _Mark:
        """Differs whenever the file was written: the change time is the kernel's own."""
        return self.entry.st_ino, self.entry.st_size, self.entry.st_mtime_ns, self.entry.st_ctime_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What may be taken out, in bytes and in number."""

    one: int
    together: int
    count: int


@dataclass(slots=True)
class Tree:
    """/work between two moments."""

    root: Path
    notes: list[str] = field(default_factory=list)
    _before: dict[str, _Mark] = field(default_factory=dict)

    def put(self, name: str, content: bytes) -> None:
        """Write a file the host sent; OSError when it does not fit, ValueError when it would leave /work."""
        parts = name.split("/")
        if not all(part not in ("", ".", "..") and "\0" not in part for part in parts):
            raise ValueError(f"{name!r} is not a name inside /work")
        path = self.root.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def remember(self) -> None:
        """Take what is there now as the state to compare with."""
        self._before = {found.name: found.mark for found in self._walk()}
        self.notes.clear()

    def collect(self, bounds: Bounds, send: Callable[[str, bytes], None]) -> list[str]:
        """Send what is new or changed, oldest first; the names of files that are gone."""
        now = list(self._walk())
        names = {found.name for found in now}
        changed = [found for found in now if self._before.get(found.name) != found.mark]
        changed.sort(key=lambda found: found.entry.st_mtime_ns)
        self._send(changed, bounds, send)
        return [name for name in self._before if name not in names]

    def _send(self, changed: list[Found], bounds: Bounds, send: Callable[[str, bytes], None]) -> None:
        sent = total = 0
        left_out = f"more files were left out: {bounds.count} is the limit of one run."
        for found in changed:
            size = found.entry.st_size
            if sent >= bounds.count:
                self._note(f"{len(changed) - sent} {left_out}")
                return
            if size > bounds.one:
                self._note(
                    f"{found.name} was left out: {size} bytes, and {bounds.one} is the limit of one file."
                )
            elif total + size > bounds.together:
                self._note(
                    f"{found.name} was left out: the files of one run may have {bounds.together} bytes."
                )
            elif (content := self._read(found)) is not None:
                send(found.name, content)
                sent += 1
                total += size

    def _read(self, found: Found) -> bytes | None:
        try:
            descriptor = os.open(self.root / found.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            self._note(f"{found.name} was left out: {error.strerror}.")
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read(found.entry.st_size)

    def _walk(self) -> Iterator[Found]:
        """Every regular file below the root; other kinds are told, not taken."""
        folders = [("", 0)]
        while folders:
            folder, depth = folders.pop()
            for entry in self._entries(folder):
                name = f"{folder}{entry.name}"
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield Found(name, status)
                elif not stat.S_ISDIR(status.st_mode):
                    self._note(f"{name} was left out: it is a link, a pipe or a socket, not a file.")
                elif depth >= _DEPTH:
                    self._note(f"{name} was left out: it lies more than {_DEPTH} folders deep.")
                elif entry.name not in _SKIPPED:
                    folders.append((f"{name}/", depth + 1))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return list(entries)
        except OSError as error:
            self._note(f"{folder} was left out: {error.strerror}.")
            return []

    def _note(self, sentence: str) -> None:
        if len(self.notes) < _NOTES:
            self.notes.append(sentence.encode("utf-8", "replace").decode())
