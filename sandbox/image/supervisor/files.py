"""Files of /work: what a job brings, and what is new or changed when it has ended. Never follows a link."""

# ruff: noqa: PTH103, PTH120, PTH123
from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DEPTH = 32
_SKIPPED = frozenset({"__pycache__", ".ipynb_checkpoints"})
_NOTES = 20


class Found:
    """One file of the tree as the kernel describes it."""

    def __init__(self, name: str, entry: os.stat_result) -> None:
        self.name = name
        self.size = entry.st_size
        self.modified = entry.st_mtime_ns
        self.mark = (entry.st_ino, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns)
        """Differs whenever the file was written: the change time is the kernel's own."""


class Bounds:
    """What may be taken out, in bytes and in number."""

    def __init__(self, *, one: int, together: int, count: int) -> None:
        self.one = one
        self.together = together
        self.count = count


class Tree:
    """/work between two moments."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.notes: list[str] = []
        self._before: dict[str, tuple[int, int, int, int]] = {}

    def put(self, name: str, content: bytes) -> None:
        """Write a file the host sent; OSError when it does not fit, ValueError when it would leave /work."""
        parts = name.split("/")
        if not all(part not in ("", ".", "..") and "\0" not in part for part in parts):
            raise ValueError(f"{name!r} is not a name inside /work")
        path = f"{self.root}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)

    def remember(self) -> None:
        """Take what is there now as the state to compare with."""
        self._before = {found.name: found.mark for found in self._walk()}
        self.notes.clear()

    def collect(self, bounds: Bounds, send: Callable[[str, bytes], None]) -> list[str]:
        """Send what is new or changed, oldest first; the names of files that are gone."""
        now = list(self._walk())
        names = {found.name for found in now}
        changed = [found for found in now if self._before.get(found.name) != found.mark]
        changed.sort(key=lambda found: found.modified)
        self._send(changed, bounds, send)
        return [name for name in self._before if name not in names]

    def _send(self, changed: list[Found], bounds: Bounds, send: Callable[[str, bytes], None]) -> None:
        sent = total = 0
        left_out = f"more files were left out: {bounds.count} is the limit of one run."
        for found in changed:
            size = found.size
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
            descriptor = os.open(f"{self.root}/{found.name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            self._note(f"{found.name} was left out: {error.strerror}.")
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read(found.size)

    def _walk(self) -> Iterator[Found]:
        """Every regular file below the root; other kinds are told, not taken."""
        folders = [("", 0)]
        while folders:
            folder, depth = folders.pop()
            for entry in self._entries(folder):
                name = f"{folder}{entry.name}"
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError as error:  # the whole path is longer than the kernel takes
                    self._note(f"{name} was left out: {error.strerror}.")
                    continue
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
            with os.scandir(f"{self.root}/{folder}") as entries:
                return list(entries)
        except OSError as error:
            self._note(f"{folder} was left out: {error.strerror}.")
            return []

    def _note(self, sentence: str) -> None:
        if len(self.notes) < _NOTES:
            self.notes.append(sentence.encode("utf-8", "replace").decode())
        elif len(self.notes) == _NOTES:
            self.notes.append("further files were left out, too.")
