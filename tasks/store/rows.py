"""Rows as values, and the conditions that several queries share. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.errors import StaleRunner
from tasks.message import FileRef, ThreadAddress, files_from_json
from tasks.store import schema
from tasks.task import State, Task

#: Built once, as it runs before every append to a log.
_RUNNER = select(schema.task.c.runner).where(schema.task.c.id == bindparam("task")).with_for_update(read=True)
#: The fields of `Task` that are columns of the same name and type.
_SAME_NAME = [field.name for field in fields(Task) if field.name not in ("thread", "files", "state")]
OPEN = [state.value for state in State if not state.is_over]


#: A row of a task's log, by column.
LogRow = Mapping[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """A message for an open task."""

    id: str
    user: str
    user_name: str
    text: str
    files: tuple[FileRef, ...]


async def check_runner(connection: AsyncConnection, task: str, runner: str) -> None:
    """The fence: raises `StaleRunner` unless `runner` is the run that began the task last.

    It holds until the transaction ends: another run that begins waits, and then sees what was written.
    """
    if (await connection.execute(_RUNNER, {"task": task})).scalar() != runner:
        raise StaleRunner(f"task {task} is run by another process now")


async def find_task(connection: AsyncConnection, *where: Any, locked: bool = False) -> Task | None:
    """The newest task that meets the conditions; `locked` locks its row until the transaction ends."""
    query = select(schema.task).where(*where).order_by(schema.task.c.created_at.desc()).limit(1)
    query = query.with_for_update() if locked else query
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else to_task(row)


def is_claim(channel: ThreadAddress, ts: str) -> tuple[ColumnElement[bool], ...]:
    """The claim of the message `ts` in the channel of an address."""
    claim = schema.message.c
    return claim.team == channel.team, claim.channel == channel.channel, claim.ts == ts


async def claiming_task(connection: AsyncConnection, channel: ThreadAddress, ts: str) -> str | None:
    """The id of the task that a message belongs to: empty for one that needed no task, None for one that was
    not claimed."""
    query = select(schema.message.c.task).where(*is_claim(channel, ts))
    return (await connection.execute(query)).scalar()


async def unread_items(
    connection: AsyncConnection, task: str, *, asked: str | None = None
) -> Sequence[InboxItem]:
    """Messages that no agent has read; with `asked`, only those written while that question was shown."""
    columns = schema.inbox.c
    query = select(schema.inbox).where(columns.task == task, columns.seen.is_(False)).order_by(columns.id)
    if asked is not None:
        query = query.where(columns.asked == asked)
    return [_to_item(row) for row in (await connection.execute(query)).mappings()]


async def find_inbox_item(connection: AsyncConnection, task: str, id_: str) -> InboxItem | None:
    query = select(schema.inbox).where(schema.inbox.c.task == task, schema.inbox.c.id == id_)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _to_item(row)


def in_thread(thread: ThreadAddress) -> tuple[Any, ...]:
    columns = schema.task.c
    return columns.team == thread.team, columns.channel == thread.channel, columns.thread_ts == thread.ts


def to_task(row: RowMapping) -> Task:
    thread = ThreadAddress(row["team"], row["channel"], row["thread_ts"])
    values = {name: row[name] for name in _SAME_NAME}
    return Task(thread=thread, files=files_from_json(row["files"]), state=State(row["state"]), **values)


def _to_item(row: RowMapping) -> InboxItem:
    return InboxItem(
        id=row["id"], user=row["user"], user_name=row["user_name"], text=row["text"],
        files=files_from_json(row["files"]),
    )  # fmt: skip
