"""What is new or changed in /work when the program has ended. Links are not followed."""

from __future__ import annotations

import os
import stat

from . import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .inputs import Input
    from .link import Link

_DEPTH = 32
_SKIPPED = frozenset({"__pycache__", ".ipynb_checkpoints", ".packages"})
_NOTES = 20
_NAMED = 10


class Found:
    """One file of the tree as the kernel describes it."""

    def __init__(self, name: str, entry: os.stat_result) -> None:
        self.name = name
        self.size = entry.st_size
        self.modified = entry.st_mtime_ns
        self.executable = bool(entry.st_mode & stat.S_IXUSR)
        self.inode = entry.st_ino
        self.mark = mark(entry)


def mark(entry: os.stat_result) -> tuple[int, int, int, int]:
    """Differs whenever a file is written: programs can't set the change time."""
    return (entry.st_ino, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns)


class Bounds:
    """What may be taken out, in bytes and in number."""

    def __init__(self, *, one: int, together: int, count: int) -> None:
        self.one = one
        self.together = together
        self.count = count


class Notes:
    """Sentences for the model, a bounded number of them."""

    def __init__(self, end: str) -> None:
        self.sentences: list[str] = []
        self._end = end

    def add(self, sentence: str) -> None:
        if len(self.sentences) < _NOTES:
            self.sentences.append(sentence.encode("utf-8", "replace").decode())
        elif len(self.sentences) == _NOTES:
            self.sentences.append(self._end)


class Tree:
    """/work, compared between the start and the end of a program."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.lost = Notes("further files were left out, too.")
        """Data that the next call will not find."""
        self.others = Notes("further files were left out, too.")
        """Links, pipes and the like, which hold no data."""
        self.folders: list[str] = []
        """Folders that are empty at the end."""
        self._before: dict[str, tuple[int, int, int, int]] = {}

    def remember(self) -> None:
        """Take what is there now as the state to compare with."""
        self._before = {found.name: found.mark for found in self._walk()}
        self.lost.sentences.clear()
        self.others.sentences.clear()

    def loaded(self, name: str, status: os.stat_result) -> None:
        """Take a file that was loaded a moment ago as it is."""
        self._before[name] = mark(status)

    def collect(self, bounds: Bounds, link: Link, unopened: dict[int, Input], *, whole: bool) -> list[str]:
        """Send what is new or changed, oldest first; returns the names of removed files.

        `whole` is false for a program that was stopped in the middle: what it did to files that were there
        before may be torn, so that is left out.
        """
        self.folders.clear()
        now = list(self._walk())
        names = {found.name for found in now}
        changed = [
            found
            for found in now
            if self._before.get(found.name) != found.mark and not _untouched(found, unopened)
        ]
        gone = [name for name in self._before if name not in names]
        if not whole:
            torn = [found.name for found in changed if found.name in self._before] + gone
            changed = [found for found in changed if found.name not in self._before]
            if torn:
                more = f" and {len(torn) - _NAMED} more" if len(torn) > _NAMED else ""
                self.lost.add(
                    "The program was stopped, so its changes to files that were there before are not kept; "
                    f"they are as they were: {', '.join(torn[:_NAMED])}{more}."
                )
            gone = []
        changed.sort(key=lambda found: found.modified)
        self._send(changed, bounds, link, unopened)
        return gone

    def _send(self, changed: list[Found], bounds: Bounds, link: Link, unopened: dict[int, Input]) -> None:
        sent = total = 0
        for found in changed:
            size = found.size
            if sent >= bounds.count:
                left = f"{len(changed) - sent} more files were left out"
                self.lost.add(f"{left}: {bounds.count} is the limit of one run.")
                return
            if (known := unopened.get(found.inode)) is not None:
                link.send(frames.ARTIFACT, _header(found, copy_of=known.index))
                sent += 1
            elif size > bounds.one:
                self._lose(found.name, f"{size} bytes, and {bounds.one} is the limit of one file")
            elif total + size > bounds.together:
                self._lose(found.name, f"the files of one run may have {bounds.together} bytes")
            elif self._send_one(found, link):
                sent += 1
                total += size

    def _send_one(self, found: Found, link: Link) -> bool:
        try:
            descriptor = os.open(f"{self.root}/{found.name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            self._lose(found.name, str(error.strerror))
            return False
        with os.fdopen(descriptor, "rb") as file:
            link.send(frames.ARTIFACT, _header(found))
            left = found.size
            while left:
                piece = file.read(min(left, frames.PIECE_BYTES))
                link.send(frames.PIECE, piece)
                left -= len(piece)
        return True

    def _walk(self) -> Iterator[Found]:
        """Every regular file below the root; notes what else there is."""
        folders = [("", 0)]
        while folders:
            folder, depth = folders.pop()
            entries = self._entries(folder)
            if folder and entries is not None and not entries:
                self.folders.append(folder.rstrip("/"))
            for entry in entries or ():
                name = f"{folder}{entry.name}"
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError as error:  # the whole path is longer than the kernel takes
                    self._lose(name, str(error.strerror))
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield Found(name, status)
                elif not stat.S_ISDIR(status.st_mode):
                    self.others.add(f"{name} was left out: it is a link, a pipe or a socket, not a file.")
                elif depth >= _DEPTH:
                    self._lose(name, f"it lies more than {_DEPTH} folders deep")
                elif entry.name not in _SKIPPED:
                    folders.append((f"{name}/", depth + 1))

    def _entries(self, folder: str) -> list[os.DirEntry[str]] | None:
        try:
            with os.scandir(f"{self.root}/{folder}") as entries:
                return list(entries)
        except OSError as error:
            self._lose(folder, str(error.strerror))
            return None

    def _lose(self, name: str, reason: str) -> None:
        self.lost.add(f"{name} was left out: {reason}.")


def _untouched(found: Found, unopened: dict[int, Input]) -> bool:
    """Whether it is a file of the job as it was, though a second link changed its change time."""
    known = unopened.get(found.inode)
    return known is not None and (known.name, known.modified, bool(known.mode & 0o100)) == (
        found.name,
        found.modified,
        found.executable,
    )


def _header(found: Found, copy_of: int | None = None) -> bytes:
    return frames.packed(
        {
            "name": found.name,
            "size": found.size,
            "executable": found.executable,
            "modified": found.modified,
            "copy_of": copy_of,
        }
    )
