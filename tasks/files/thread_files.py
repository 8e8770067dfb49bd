"""Where the files of threads live: in a folder, or in a bucket that several machines share."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from sandbox.limits import SandboxLimits
from sandbox.workspace import Workspace
from tasks.message import ThreadAddress
from tasks.task import Task


class ThreadFiles(Protocol):
    """The files of all threads."""

    def open(self, task: Task) -> AbstractAsyncContextManager[Workspace]:
        """The workspace of a task's thread. Raises `FilesUnavailable` when its files can't be read now; the
        workspace raises it when they can't be stored."""
        ...

    def place(self, thread: ThreadAddress) -> str:
        """The path or URL below which the files of a thread are."""
        ...

    async def unchanged(self, before: float) -> Sequence[ThreadAddress]:
        """The threads with files that were last changed before a time, in seconds since 1970."""
        ...

    async def delete(self, thread: ThreadAddress) -> bool:
        """Delete the files of a thread; whether there were any."""
        ...


class ThreadFolders:
    """A folder for each thread (a `ThreadFiles`), below `root`."""

    def __init__(self, root: Path, limits: SandboxLimits | None = None) -> None:
        self.root = root
        self._limits = limits

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncIterator[Workspace]:
        yield Workspace(self.folder(task.thread), limits=self._limits, task=task.id)

    def folder(self, thread: ThreadAddress) -> Path:
        return self.root / path_of(thread)

    def place(self, thread: ThreadAddress) -> str:
        return str(self.folder(thread))

    async def unchanged(self, before: float) -> Sequence[ThreadAddress]:
        return await asyncio.to_thread(self._unchanged, before)

    async def delete(self, thread: ThreadAddress) -> bool:
        folder = self.folder(thread)
        if not await asyncio.to_thread(folder.is_dir):
            return False
        await asyncio.to_thread(shutil.rmtree, folder)
        return True

    def _unchanged(self, before: float) -> list[ThreadAddress]:
        return [
            ThreadAddress(*folder.parts[-3:])
            for folder in self.root.glob("*/*/*")
            if folder.is_dir() and not folder.is_symlink() and folder.stat().st_mtime < before
        ]


def path_of(thread: ThreadAddress) -> str:
    """The path of a thread's files, below those of all."""
    return f"{thread.team}/{thread.channel}/{thread.ts}"
