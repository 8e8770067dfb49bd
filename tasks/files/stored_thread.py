"""The files of one thread in a bucket, and their copies in a folder.

Each version of a file is an object of its own. The list of a thread's files is a value in the database, which
only the run of the thread's task may write, so it changes in one step and a replaced run changes nothing.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any
from uuid import uuid4

import structlog

from sandbox.errors import FileRefused
from sandbox.files import SandboxFile
from sandbox.folder import RESERVED, Folder, Version
from tasks.errors import FilesUnavailable
from tasks.files.bucket import Bucket
from tasks.files.thread_files import path_of
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore, put_value, thread_namespace
from tasks.store.rows import check_runner
from tasks.task import Task

log = structlog.get_logger(__name__)

_KEY = "files"
#: Which object each copy is of, beside the copies.
_COPIES = f"{RESERVED}copies"
#: Files that are fetched at once.
_AT_ONCE = 4
_LEFT_OUT = "The file {name} of this thread could not be fetched: {why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file as recorded: its object, and what `stat` shows of it."""

    key: str
    size: int
    modified: int
    executable: bool


class StoredThread:
    """`folder` has the copies. `patience` is for how many seconds the database is waited for."""

    def __init__(
        self, database: Database, bucket: Bucket, folder: Folder, task: Task, *, patience: float
    ) -> None:
        self._database = database
        self._bucket = bucket
        self._folder = folder
        self._task = task
        self._patience = patience
        self._saving = asyncio.Lock()
        self._files: dict[str, StoredFile] = {}
        self._empty: tuple[str, ...] = ()
        #: The version of each copy, where it is the recorded file.
        self._copies: dict[str, Version] = {}

    async def fetch(self) -> tuple[str, ...]:
        """Make the folder what is recorded; a sentence for each file that can't be had."""
        kept = KeyValueStore(self._database, self._patience)
        recorded = await kept.get(thread_namespace(self._task.thread), _KEY)
        if recorded is None:
            await asyncio.to_thread(self._remove_stale)
            return ()
        self._files = {name: StoredFile(**values) for name, values in recorded["files"].items()}
        self._empty = tuple(recorded["folders"])
        missing = await asyncio.to_thread(self._compare)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def fetch(name: str) -> str:
            async with limit:
                return await self._fetch(name, self._files[name])

        try:
            async with asyncio.TaskGroup() as group:
                fetching = [group.create_task(fetch(name)) for name in missing]
        except* FilesUnavailable as several:
            raise FilesUnavailable(*several.exceptions[0].args) from several
        finally:
            if missing:
                await asyncio.to_thread(self._write_copies)
        return tuple(filter(None, (one.result() for one in fetching)))

    async def save(self) -> None:
        """Store what has changed in the folder. Raises `FilesUnavailable`, `FileRefused`, and `StaleRunner`
        where another run has the task; what is recorded is then as it was."""
        async with self._saving:
            found, empty = await asyncio.to_thread(lambda: (self._scan(), self._folder.empty_folders()))
            changed = {name: version for name, version in found.items() if self._copies.get(name) != version}
            files = {name: stored for name, stored in self._files.items() if name in found}
            if not changed and files.keys() == self._files.keys() and empty == self._empty:
                return
            stored: dict[str, Version] = {}
            for name, version in changed.items():
                key = f"{path_of(self._task.thread)}/{uuid4().hex}"
                try:
                    file = await asyncio.to_thread(self._folder.open, name, version)
                except FileRefused:
                    continue  # it has changed again, and the run that changed it saves after this one
                await self._bucket.put(key, file)
                files[name] = StoredFile(
                    key=key, size=version.size, modified=version.modified, executable=version.executable
                )
                stored[name] = version
            await self._database.persist(functools.partial(self._record, files, empty), self._patience)
            old = {one.key for one in self._files.values()} - {one.key for one in files.values()}
            self._files, self._empty = files, empty
            self._copies = {name: v for name, v in self._copies.items() if name in files} | stored
            await asyncio.to_thread(self._write_copies)
            await self._delete_old(sorted(old))

    async def _record(self, files: Mapping[str, StoredFile], empty: tuple[str, ...]) -> None:
        value: Any = {
            "files": {name: asdict(file) for name, file in files.items()},
            "folders": list(empty),
        }
        async with self._database.write() as connection:
            await check_runner(connection, self._task.id, self._task.runner)
            await put_value(connection, thread_namespace(self._task.thread), _KEY, value)

    async def _delete_old(self, keys: list[str]) -> None:
        try:
            await self._bucket.delete(keys)
        except (FilesUnavailable, FileRefused) as error:
            # They go with the last task of the thread.
            log.info("old versions of files not deleted", objects=len(keys), why=str(error))

    def _scan(self) -> dict[str, Version]:
        found = self._folder.files(reserved=True)
        found.pop(_COPIES, None)
        return found

    def _compare(self) -> list[str]:
        """Note which copies are the recorded files, and remove those of other versions; returns the files to
        fetch. What the bucket refused earlier has no record: it stays, and the next change stores it."""
        try:
            with self._folder.open(_COPIES) as file:
                known = json.load(file)
        except (FileRefused, ValueError):
            known = {}
        unsaved = set()
        for name, version in self._scan().items():
            key = self._files[name].key if name in self._files else None
            copied, *was = known.get(name) or [None]
            if copied != key:
                self._folder.remove(name)
            elif was == list(astuple(version)):
                self._copies[name] = version
            else:
                unsaved.add(name)
        for name in set(self._folder.empty_folders()).difference(self._empty):
            self._folder.remove_folder(name)
        for name in self._empty:
            self._folder.make_folder(name)
        return [name for name in self._files if name not in self._copies and name not in unsaved]

    async def _fetch(self, name: str, stored: StoredFile) -> str:
        try:
            content = await self._bucket.get(stored.key, stored.size)
            file = replace(content, executable=stored.executable, modified=stored.modified)
            self._copies[name] = await asyncio.to_thread(self._write, name, file)
        except FileRefused as refused:
            log.error("file of a thread left out", thread=path_of(self._task.thread), why=str(refused))
            return _LEFT_OUT.format(name=name, why=str(refused).rstrip("."))
        return ""

    def _write(self, name: str, file: SandboxFile) -> Version:
        self._folder.write(name, file)
        with self._folder.open(name) as written:
            return Version.of(os.fstat(written.fileno()))

    def _write_copies(self) -> None:
        copies = {name: [self._files[name].key, *astuple(v)] for name, v in self._copies.items()}
        self._folder.write(_COPIES, SandboxFile.of(json.dumps(copies).encode()))

    def _remove_stale(self) -> None:
        """Remove copies of files that were deleted with all tasks of the thread. Files without a list of
        copies were never in the bucket: they are kept, and stored with the next change."""
        try:
            self._folder.open(_COPIES).close()
        except FileRefused:
            return
        for name in [*self._scan(), _COPIES]:
            self._folder.remove(name)
        for name in self._folder.empty_folders():
            self._folder.remove_folder(name)
