"""The files of all threads in a bucket (a `ThreadFiles`), with copies on this machine while they are used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from sandbox.errors import FileRefused
from sandbox.files import SandboxFile
from sandbox.folder import Folder
from sandbox.job import Run
from sandbox.limits import SandboxLimits
from sandbox.snapshot import Kept, Snapshot
from sandbox.workspace import ATTACHED, Workspace
from tasks.errors import FilesUnavailable
from tasks.files.bucket import Bucket
from tasks.files.cache import FileCache
from tasks.files.shared_mark import NAME
from tasks.files.stored_thread import StoredThread
from tasks.files.thread_files import ThreadFolders, path_of
from tasks.message import ThreadAddress
from tasks.store.database import Database
from tasks.task import Task

log = structlog.get_logger(__name__)

#: Seconds between two looks at a bucket that fails.
_WATCH = 2.0
_NOT_STORED = "The files of this run are on this bot alone, so a later task may not find them. {why}"


class BucketWorkspace(Workspace):
    """A workspace that stores each change in the bucket before its method returns."""

    def __init__(
        self, stored: StoredThread, folder: Path, *, limits: SandboxLimits | None, task: str
    ) -> None:
        super().__init__(folder, limits=limits, task=task)
        self._stored = stored

    async def keep(self, run: Run, since: Snapshot, owner: str) -> Kept:
        kept = await super().keep(run, since, owner)
        return replace(kept, notes=(*await self._save(), *kept.notes))

    async def add(self, name: str, data: bytes | SandboxFile, owner: str = ATTACHED) -> str:
        path = await super().add(name, data, owner)
        try:
            await self._stored.save()
        except (FileRefused, FilesUnavailable):
            await asyncio.to_thread(self._folder.remove, path)
            raise
        return path

    async def keep_variables(self, owner: str, pickled: bytes) -> tuple[str, ...]:
        return (*await super().keep_variables(owner, pickled), *await self._save())

    async def keep_picture(self, data: bytes) -> str:
        digest = await super().keep_picture(data)
        await self._stored.save()
        return digest

    async def _save(self) -> tuple[str, ...]:
        try:
            await self._stored.save()
        except FileRefused as refused:
            log.error("files not stored", why=str(refused))
            return (_NOT_STORED.format(why=refused),)
        return ()


class ThreadBuckets:
    """`cache` has the copies; enter this before threads are opened. `folders` has the files of threads from
    before there was a bucket, or from a backup: they move to the bucket with the next task of the thread.
    `patience` is for how many seconds the database is waited for."""

    def __init__(
        self, database: Database, bucket: Bucket, cache: FileCache, folders: ThreadFolders,
        limits: SandboxLimits | None = None, *, patience: float = 0.0,
    ) -> None:  # fmt: skip
        self._database = database
        self.bucket = bucket
        self._cache = cache
        self._folders = folders
        self._limits = limits
        self._patience = patience
        self._group = asyncio.TaskGroup()
        self._watching: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._cache.claim)
        await self._group.__aenter__()
        self._watching = self._group.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watching.cancel()
        await self._group.__aexit__(None, None, None)
        self._cache.release()

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncIterator[Workspace]:
        with self._cache.opened(task.thread) as folder:
            await asyncio.to_thread(_move, self._folders.folder(task.thread), folder)
            stored = StoredThread(self._database, self.bucket, Folder(folder), task, patience=self._patience)
            workspace = BucketWorkspace(stored, folder, limits=self._limits, task=task.id)
            workspace.problems = await stored.fetch()
            yield workspace
        await self._cache.shrink(task.thread)

    async def problems(self) -> list[str]:
        """Why the bucket can't be used, for the operator."""
        return [self.bucket.problem] if self.bucket.problem else []

    def place(self, thread: ThreadAddress) -> str:
        return f"{self.bucket.url}/{path_of(thread)}"

    async def unchanged(self, before: float) -> Sequence[ThreadAddress]:
        newest: dict[ThreadAddress, float] = {}
        for found in await self.bucket.objects():
            if found.key.count("/") == 3:
                thread = ThreadAddress(*found.key.split("/")[:3])
                newest[thread] = max(found.modified, newest.get(thread, 0.0))
        stored = {thread for thread, modified in newest.items() if modified < before}
        copies = await self._cache.threads() - newest.keys()
        return sorted({*stored, *copies, *await self._folders.unchanged(before)}, key=path_of)

    async def delete(self, thread: ThreadAddress) -> bool:
        keys = [found.key for found in await self.bucket.objects(path_of(thread))]
        await self.bucket.delete(keys)
        copied = await self._cache.delete(thread)
        return any([keys, copied, await self._folders.delete(thread)])

    async def _watch(self) -> None:
        """Find out when a bucket that failed is back, also while no task needs it."""
        while True:
            await asyncio.sleep(_WATCH)
            if self.bucket.problem:
                with suppress(FilesUnavailable, FileRefused):
                    await self.bucket.text(NAME)


def _move(old: Path, new: Path) -> None:
    """Move a thread's folder, unless it is there or another process has just moved it."""
    if old.is_dir() and not new.exists():
        new.parent.mkdir(parents=True, exist_ok=True)
        try:
            old.rename(new)
        except FileNotFoundError:
            log.info("the folder of a thread was moved by another process", folder=str(old))
