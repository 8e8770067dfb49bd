"""The copies of threads' files on this disk: bounded in bytes, the least recently used deleted first.

Processes that share a data folder have a numbered subfolder each, whose copies a later process uses again.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from tasks.files.thread_files import path_of
from tasks.message import ThreadAddress


class FileCache:
    """Copies below `root`; together they have `limit` bytes at most while no open thread needs more."""

    def __init__(self, root: Path, limit: int) -> None:
        self._root = root
        self._limit = limit
        self._lock: int | None = None
        self._mine = root / "0"
        self._sizes: dict[ThreadAddress, int] = {}  # the least recently used first
        self._open: Counter[ThreadAddress] = Counter()

    def claim(self) -> None:
        """Take the first subfolder that no other process has. Blocks, briefly."""
        self._root.mkdir(parents=True, exist_ok=True)
        for number in count():
            lock = os.open(self._root / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            self._lock, self._mine = lock, self._root / str(number)
            break
        found = sorted(_folders(self._mine), key=lambda folder: folder.stat().st_mtime)
        self._sizes = {ThreadAddress(*folder.parts[-3:]): _bytes(folder) for folder in found}

    def release(self) -> None:
        """Give the subfolder back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def opened(self, thread: ThreadAddress) -> Iterator[Path]:
        """The folder of a thread, which stays while it is open."""
        self._open[thread] += 1
        try:
            yield self._mine / path_of(thread)
        finally:
            self._open[thread] -= 1

    async def shrink(self, thread: ThreadAddress) -> None:
        """Count a thread that was just used, and delete others until all have `limit` bytes."""
        self._sizes.pop(thread, None)
        if size := await asyncio.to_thread(_bytes, self._mine / path_of(thread)):
            self._sizes[thread] = size
        for other in list(self._sizes):
            if sum(self._sizes.values()) <= self._limit:
                break
            if not self._open[other]:
                del self._sizes[other]
                await asyncio.to_thread(shutil.rmtree, self._mine / path_of(other), ignore_errors=True)

    async def threads(self) -> set[ThreadAddress]:
        """The threads with copies, those of other processes on this folder included."""
        return await asyncio.to_thread(
            lambda: {ThreadAddress(*folder.parts[-3:]) for one in self._slots() for folder in _folders(one)}
        )

    async def delete(self, thread: ThreadAddress) -> bool:
        """Delete all copies of a thread's files; whether there were any."""
        self._sizes.pop(thread, None)
        return await asyncio.to_thread(self._delete, thread)

    def _delete(self, thread: ThreadAddress) -> bool:
        found = [one / path_of(thread) for one in self._slots() if (one / path_of(thread)).is_dir()]
        for folder in found:
            shutil.rmtree(folder, ignore_errors=True)
        return bool(found)

    def _slots(self) -> list[Path]:
        return [folder for folder in self._root.glob("*") if folder.is_dir()]


def _folders(slot: Path) -> list[Path]:
    return [folder for folder in slot.glob("*/*/*") if folder.is_dir() and not folder.is_symlink()]


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # removed as we look
            total += path.lstat().st_size
    return total
