"""Deletes ended tasks with all their rows and files."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence, Set

from sqlalchemy import ColumnElement, and_, delete, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.files.thread_files import ThreadFiles
from tasks.message import ThreadAddress
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.key_value import task_namespace, thread_namespace
from tasks.store.rows import in_thread, to_task
from tasks.task import Task

#: Tasks that one statement deletes, so that other transactions do not wait long for it.
BATCH = 200
#: Seconds for which the files of a thread without a task are kept: a task may be about to begin there.
RECENT = 3600.0


class Removal:
    """Deletes rows, and the files of threads in `files`."""

    def __init__(self, database: Database, files: ThreadFiles) -> None:
        self._database = database
        self._files = files

    async def find(
        self, *, ids: Sequence[str] = (), before: float | None = None, user: str = "", channel: str = ""
    ) -> Sequence[Task]:
        """Ended tasks that meet all given conditions, oldest first; they ended before `before`, in seconds
        since 1970."""
        task = schema.task.c
        where: list[ColumnElement[bool]] = [task.ended_at.is_not(None)]
        where += [task.id.in_(ids)] if ids else []
        where += [task.ended_at < before] if before is not None else []
        where += [task.user == user] if user else []
        where += [task.channel == channel] if channel else []
        query = select(schema.task).where(*where).order_by(task.ended_at)
        async with self._database.read() as connection:
            return [to_task(row) for row in (await connection.execute(query)).mappings()]

    async def tasks(self, ids: Sequence[str]) -> None:
        """Delete every row of these tasks, except of those that are not over."""
        for start in range(0, len(ids), BATCH):
            async with self._database.write() as connection:
                await delete_ended(connection, schema.task.c.id.in_(ids[start : start + BATCH]))

    async def files_of(self, threads: Collection[ThreadAddress]) -> int:
        """Delete the files of those threads that have no task any more; returns how many threads that is.
        Raises `FilesUnavailable` and `FileRefused` where a bucket fails."""
        return await self._delete(set(threads))

    async def delete_unused_files(self) -> int:
        """Delete the files of all threads without a task, except recent ones; returns how many that is.
        Raises as `files_of` does."""
        return await self._delete(await self._files.unchanged(time.time() - RECENT))

    async def _delete(self, threads: Iterable[ThreadAddress]) -> int:
        return sum(
            [await self._files.delete(thread) for thread in threads if not await self._has_task(thread)]
        )

    async def _has_task(self, thread: ThreadAddress) -> bool:
        async with self._database.read() as connection:
            return bool(await _with_tasks(connection, {thread}))


async def delete_ended(connection: AsyncConnection, *where: ColumnElement[bool]) -> int:
    """Delete every row of ended tasks that meet the conditions, and the values of their threads that have no
    task any more. `BATCH` tasks at most; returns how many."""
    task = schema.task.c
    over = select(task.id, task.team, task.channel, task.thread_ts).where(task.ended_at.is_not(None), *where)
    gone = (await connection.execute(over.limit(BATCH))).all()
    ids = [row.id for row in gone]
    for table in schema.OF_A_TASK:
        await connection.execute(delete(table).where(table.c.task.in_(ids)))
    await connection.execute(delete(schema.task).where(task.id.in_(ids)))
    threads = {ThreadAddress(row.team, row.channel, row.thread_ts) for row in gone}
    empty = threads - await _with_tasks(connection, threads)
    places = [*map(task_namespace, ids), *map(thread_namespace, empty)]
    await connection.execute(delete(schema.kept).where(schema.kept.c.place.in_(places)))
    return len(ids)


async def _with_tasks(connection: AsyncConnection, threads: Set[ThreadAddress]) -> Set[ThreadAddress]:
    """The threads among these that have a task."""
    task = schema.task.c
    # Not `IN` with a list of rows: SQLite would scan all tasks.
    among = or_(false(), *(and_(*in_thread(thread)) for thread in threads))
    query = select(task.team, task.channel, task.thread_ts).where(among).distinct()
    return {ThreadAddress(*row) for row in await connection.execute(query)}
